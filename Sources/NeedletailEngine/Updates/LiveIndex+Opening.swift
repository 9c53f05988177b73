package import NeedletailCore
package import NeedletailStorage

/// What opening an index for writing found.
package struct RecoveryReport: Sendable {
  package var log: LogReport
  /// Rows that came out of the log and are not linked yet.
  package var unlinkedRows = 0
}

extension LiveIndex {
  /// Opens the current generation and brings it up to the end of the log.
  ///
  /// - Parameters:
  ///   - directory: the index; the caller holds its lock.
  ///   - build: how new rows are linked and coded; `nil`: as the index's own.
  ///   - options: how it is kept.
  ///   - acceptingLoss: see `LogWriter.open`.
  ///   - present: a view that the process has of the index: its files need not be opened again, and what is withdrawn
  ///     from now on is hidden in it too.
  ///   - lock: the lock, on a disk that has some; held as long as the index is written.
  ///   - triesAgain: reads the log although that has ended the process several times.
  /// - Returns: the index, and what was found.
  /// - Throws: `notFound`, `corrupted`, `unsupportedFormat`, `io`; nothing was changed then. `io`, too, when to read
  ///   the log has ended the process three times: the index can then be read as of its last generation.
  /// - Complexity: O(rows in the log) to code them; they are linked later.
  package static func open(
    _ directory: IndexDirectory, build: BuildOptions? = nil, options: UpdateOptions,
    acceptingLoss: Bool = false, present: IndexView? = nil, lock: WriterLock? = nil,
    triesAgain: Bool = false
  ) throws(NeedletailError) -> (index: LiveIndex, report: RecoveryReport) {
    var mark = try RecoveryMark(directory)
    guard !mark.isSafeModeDue || triesAgain else { throw mark.refusal(directory) }
    let hasLog = try directory.hasLogFiles
    if hasLog { mark.begin("reading the log") }
    // What ends with an error has ended: only an attempt that was killed, or trapped, counts.
    defer { if hasLog || triesAgain { mark.clear() } }
    return try recover(
      directory, build: build, options: options, acceptingLoss: acceptingLoss, present: present,
      lock: lock)
  }

  private static func recover(
    _ directory: IndexDirectory, build: BuildOptions?, options: UpdateOptions,
    acceptingLoss: Bool, present: IndexView?, lock: WriterLock?
  ) throws(NeedletailError) -> (index: LiveIndex, report: RecoveryReport) {
    let manifest = try directory.manifest()
    let present = present.sharing(manifest)
    let generation = try OpenGeneration.open(
      manifest, directory, placements: options.placements, verification: .structure,
      present: present?.generation)
    let (withdrawals, ids) = try WithdrawalLog.open(
      directory, indexIdentity: manifest.indexIdentity)
    let withdrawn =
      present?.withdrawn ?? WithdrawnIDs(directory, indexIdentity: manifest.indexIdentity)
    var contents = try IndexContents(
      generation, build: build ?? generation.buildOptions, options: options, withdrawn: withdrawn)
    let (log, report) = try LogWriter.open(
      LogReader(directory, indexIdentity: manifest.indexIdentity, after: manifest.sealedLSN),
      sourceOffsets: manifest.sourceOffsets, options: options.log, acceptingLoss: acceptingLoss
    ) { (entry) throws(NeedletailError) in
      try contents.replay(entry)
    }
    try contents.settle()
    try withdrawn.beginWriting(ids)
    let index = LiveIndex(
      directory: directory, options: options, contents: contents, log: log,
      withdrawals: withdrawals, lock: lock)
    let unlinked = contents.live.reduce(0) { $0 + $1.unlinkedRows }
    return (index, RecoveryReport(log: report, unlinkedRows: unlinked))
  }

  /// Links rows that came out of the log, or were written while others waited.
  ///
  /// - Parameter most: rows that are linked at the most; writers wait meanwhile.
  /// - Returns: how many wait still.
  /// - Throws: nothing of its own.
  @discardableResult
  package func linkMore(_ most: Int) throws(NeedletailError) -> Int {
    let segments = state.withLock { $0.contents.live }
    var (left, waiting) = (most, 0)
    for segment in segments {
      let before = segment.unlinkedRows
      let after = left > 0 ? try segment.linkMore(left) : before
      left -= max(0, before - after)
      waiting += after
    }
    return waiting
  }
}

extension IndexContents {
  /// Applies a batch that was read from the log.
  ///
  /// - Throws: `corrupted` for a batch that this index would have refused.
  mutating func replay(_ entry: LogEntry) throws(NeedletailError) {
    do throws(NeedletailError) { try apply(entry.batch, isDeferred: true) } catch {
      switch error.code {
      case .dimensionMismatch, .nonFiniteComponent, .zeroVector:
        throw NeedletailError(
          .corrupted, "The log's batch \(entry.lsn) is not for this index: \(error.message)",
          cause: error)
      default: throw error
      }
    }
  }
}

extension OpenGeneration {
  /// The engine's settings in the manifest of an index whose codes may be parted, segment by segment.
  static let partsCodes: [UInt8] = [1]

  /// How new rows of the index are linked and coded.
  package var buildOptions: BuildOptions {
    var options = segment.parameters.options
    if manifest.configuration == Self.partsCodes {
      options.codes = .int8
      options.mayPartCodes = true
    }
    // Whether half precision loses nothing is found anew for every segment.
    if options.precise == .givenFloat16 { options.precise = .float32 }
    return options
  }
}

extension RecoveryMark {
  /// Why an index is not written.
  func refusal(_ directory: IndexDirectory) -> NeedletailError {
    NeedletailError(
      .io,
      "\(report) It can be read as of its last generation; `needletail repair` tries again.",
      at: .init(path: directory.path))
  }

  /// Why the log is not read; `nil` when it is.
  var safeMode: String? { isSafeModeDue ? report : nil }

  /// What is known of the attempts.
  var report: String {
    "The index is in safe mode: \(failures) attempts to open it for writing were cut off, the last while \(text)."
  }
}

extension IndexDirectory {
  /// Whether the log has files.
  var hasLogFiles: Bool {
    get throws(NeedletailError) {
      guard try fileSystem.kind(of: logPath) == .directory else { return false }
      return try !fileSystem.list(logPath).isEmpty
    }
  }
}
