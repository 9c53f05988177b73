package import NeedletailCore

/// The ids that no search may give, whatever generation or snapshot it looks at; kept on disk.
///
/// A log of its own: a withdrawal outlives every generation, so that none brings a row back. Every change
/// is durable when the call returns. Used by one thread at a time, by the holder of the index's lock;
/// other processes follow it with a `WithdrawalReader`. `open` makes one.
package final class WithdrawalLog {
  /// How the log is kept.
  package struct Options: Sendable, Hashable {
    /// A log of this length or more is written anew when it is four times as long as it need be.
    package var rewriteByteCount = 64 << 10
    /// Where the seeds of the files come from; drawn at random unless a test says otherwise.
    package var seed: UInt64 = .random(in: .min ... .max)

    package init() {}
  }

  private let writer: LogWriter
  private let options: Options
  /// Below this length it is not written anew: a failed attempt is not repeated at once.
  private var leastByteCount: Int
  /// What opening found.
  package let report: LogReport
  /// The ids that are withdrawn now, durably.
  package private(set) var ids: Set<VectorID>

  /// The number of the last change, from 1; 0 before any.
  package var lastNumber: UInt64 { writer.writtenLSN }

  /// Whether a failure left the log in doubt: every change fails until it is opened anew.
  package var isPoisoned: Bool { writer.isPoisoned }

  private init(_ writer: LogWriter, _ report: LogReport, _ ids: Set<VectorID>, _ options: Options) {
    self.writer = writer
    self.report = report
    self.ids = ids
    self.options = options
    leastByteCount = options.rewriteByteCount
  }

  /// Reads the withdrawals of an index, puts their files in order, and goes on behind them.
  ///
  /// A torn tail is cut off: nobody was told that it is durable. Doing it again, after a crash at any
  /// point, gives the same. An index without withdrawals has no files of them.
  ///
  /// - Parameters:
  ///   - directory: the index.
  ///   - indexIdentity: its identity, from the manifest; another index's withdrawals are refused.
  ///   - options: how the log is kept.
  ///   - acceptingLoss: whether damage to durable changes is cut off, with all that follows: rows that
  ///     were withdrawn may come back, and the log's `report` says how many changes are lost.
  /// - Returns: the log, and the ids that are withdrawn.
  /// - Throws: `corrupted`, naming file and byte, with nothing changed; `unsupportedFormat`; `io`.
  package static func open(
    _ directory: IndexDirectory, indexIdentity: [UInt8], options: Options = Options(),
    acceptingLoss: Bool = false
  ) throws(NeedletailError) -> (log: WithdrawalLog, ids: Set<VectorID>) {
    let reader = LogReader(withdrawalsOf: directory, indexIdentity: indexIdentity)
    var ids: Set<VectorID> = []
    let report = try reader.readRecords(acceptingLoss: acceptingLoss) {
      (_, change: WithdrawalChange) throws(NeedletailError) in change.apply(to: &ids)
    }
    var logOptions = LogOptions()
    // Only writing it anew begins another file.
    logOptions.fileByteCount = .max
    logOptions.seed = options.seed
    let writer = try LogWriter.goingOn(reader, report, options: logOptions)
    return (WithdrawalLog(writer, report, ids, options), ids)
  }

  /// Withdraws ids, whether the index has rows of them or not.
  ///
  /// - Returns: those that were not withdrawn before, in order, each once.
  /// - Throws: `io`: nothing changed, unless the log is poisoned afterwards: then the ids may be found
  ///   withdrawn when it is opened anew. `capacityExceeded` for more ids than a record of 1 GiB holds.
  /// - Complexity: O(n), one write and one synchronisation; none of these where nothing changes.
  @discardableResult
  package func withdraw(_ ids: [VectorID]) throws(NeedletailError) -> [VectorID] {
    try change(.withdraw, ids) { !self.ids.contains($0) }
  }

  /// Lets searches give ids again.
  ///
  /// - Returns: those that were withdrawn, in order, each once.
  /// - Throws: as `withdraw`.
  @discardableResult
  package func reinstate(_ ids: [VectorID]) throws(NeedletailError) -> [VectorID] {
    try change(.reinstate, ids) { self.ids.contains($0) }
  }

  /// Writes the log anew: a file that begins with all that is withdrawn; then those before it go.
  ///
  /// - Throws: `io`. What was withdrawn stays so.
  package func rewrite() throws(NeedletailError) {
    let last = writer.writtenLSN
    try writer.restart(with: WithdrawalChange(kind: .state, ids: ids.sorted()))
    try writer.removeFiles(sealedThrough: last)
  }

  private func change(
    _ kind: LogRecord.Kind, _ ids: [VectorID], where isNew: (VectorID) -> Bool
  ) throws(NeedletailError) -> [VectorID] {
    var seen: Set<VectorID> = []
    let new = ids.filter { isNew($0) && seen.insert($0).inserted }
    // A log in doubt says so, even if there is nothing to do.
    if new.isEmpty, !writer.isPoisoned { return [] }
    let change = WithdrawalChange(kind: kind, ids: new)
    try writer.append(change)
    try writer.commit(.synced)
    change.apply(to: &self.ids)
    if isMostlyHistory {
      // The change is durable, whatever becomes of this.
      do throws(NeedletailError) {
        try rewrite()
        leastByteCount = options.rewriteByteCount
      } catch { leastByteCount = 2 * writer.unsealedByteCount }
    }
    return new
  }

  private var isMostlyHistory: Bool {
    let least = LogHeader.byteCount + 2 * LogRecord.leastByteCount + 4 + 8 * ids.count
    let length = writer.unsealedByteCount
    return length >= leastByteCount && length / 4 >= least && !writer.isPoisoned
  }
}

extension LogReader {
  /// Names the withdrawals of an index; nothing is touched.
  init(withdrawalsOf directory: IndexDirectory, indexIdentity: [UInt8], isFollowing: Bool = false) {
    self.init(directory, indexIdentity: indexIdentity, isFollowing: isFollowing)
    form = .withdrawals
  }
}
