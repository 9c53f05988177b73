package import NeedletailCore
import NeedletailStorage

/// One batch of an index's log, without its rows.
package struct LogLine: Sendable, Hashable {
  package var lsn: UInt64
  package var isRemoval: Bool
  package var ids: [VectorID]
  package var dimensions: Int
  package var byteCount: Int
  package var source: (name: String, position: UInt64)? {
    sourceName.map { ($0, sourcePosition) }
  }
  private var sourceName: String?
  private var sourcePosition: UInt64

  init(_ entry: LogEntry) {
    lsn = entry.lsn
    isRemoval = entry.batch.operation == .remove
    ids = entry.batch.ids
    dimensions = entry.batch.dimensions
    byteCount = entry.byteCount
    sourceName = entry.batch.source?.name
    sourcePosition = entry.batch.source?.position ?? 0
  }
}

/// What a log is like as a whole.
package struct LogFacts: Sendable, Hashable {
  package var lastLSN: UInt64
  package var files: Int
  package var byteCount: Int
  /// Bytes that a crash cut off; no batch that was durable.
  package var tornByteCount: Int
  /// What durable batches are lost, and where; `nil` when none is.
  package var loss: LogLossFacts?

  init(_ report: LogReport) {
    lastLSN = report.lastLSN
    files = report.files.count
    byteCount = report.files.reduce(0) { $0 + $1.byteCount }
    tornByteCount = report.tornTail?.byteCount ?? 0
    loss = report.loss.map(LogLossFacts.init)
  }
}

/// Durable batches that cannot be had any more.
package struct LogLossFacts: Sendable, Hashable {
  package var firstLSN: UInt64
  package var lastLSN: UInt64
  package var location: NeedletailError.Location
  /// Those that can still be read behind the damage.
  package var batches: [Batch]
  package var unreadableFiles: [String]

  /// One of them.
  package struct Batch: Sendable, Hashable {
    package var lsn: UInt64
    package var operation: String
    package var ids: [VectorID]
    package var source: String?
    package var position: UInt64?
  }

  init(_ loss: LogLoss) {
    firstLSN = loss.firstLSN
    lastLSN = loss.lastLSN
    location = loss.location
    unreadableFiles = loss.unreadableFiles
    batches = loss.batches.map {
      Batch(
        lsn: $0.lsn, operation: $0.operation, ids: $0.ids, source: $0.source?.name,
        position: $0.source?.position)
    }
  }
}

/// What putting an index in order found and did.
package struct RepairFacts: Sendable, Hashable {
  package var log: LogFacts
  package var withdrawals: LogFacts
  /// Files of writers that were interrupted.
  package var removed: [String]
  /// Files whose names say nothing.
  package var unknown: [String]
  package var generation: UInt64
  package var count: Int
  /// For each source, where the last batch of it stands that is there.
  package var sourceOffsets: [String: UInt64]
}

extension LocalIndex {
  /// Reads the log behind the current generation.
  ///
  /// - Throws: `corrupted` where durable batches cannot be read, after those before them; what `body` throws.
  package static func readLog(
    _ path: String, _ body: (LogLine) throws(NeedletailError) -> Void
  ) throws(NeedletailError) -> LogFacts {
    let directory = IndexDirectory(path, in: LocalFileSystem())
    let manifest = try directory.manifest()
    let reader = LogReader(
      directory, indexIdentity: manifest.indexIdentity, after: manifest.sealedLSN,
      isFollowing: true)
    return LogFacts(
      try reader.read { (entry) throws(NeedletailError) in try body(LogLine(entry)) })
  }

  /// Puts an index in order: cuts off what a crash left of writes that nobody was told are durable, and removes files
  /// that are of no use.
  ///
  /// - Parameters:
  ///   - path: the index.
  ///   - acceptingLoss: whether damage to durable batches is cut off, with all that follows on it.
  /// - Returns: what was found, and done.
  /// - Throws: `corrupted` for such damage otherwise, with nothing changed; `locked`; `io`.
  package static func repair(
    _ path: String, acceptingLoss: Bool
  ) throws(NeedletailError) -> RepairFacts {
    let lock = try WriterLock(path)
    let directory = IndexDirectory(path, in: LocalFileSystem())
    let manifest = try directory.manifest()
    // Both are read before either is cut.
    let reader = LogReader(
      directory, indexIdentity: manifest.indexIdentity, after: manifest.sealedLSN)
    _ = try reader.read(acceptingLoss: acceptingLoss) { _ in }
    let withdrawals = try WithdrawalLog.open(
      directory, indexIdentity: manifest.indexIdentity, acceptingLoss: acceptingLoss
    ).log.report
    var removed = try directory.removePartialFiles()
    let (index, report) = try LiveIndex.open(
      directory, options: UpdateOptions(), acceptingLoss: acceptingLoss, lock: lock,
      triesAgain: true)
    // Which generations are kept is for those who publish them.
    let removal = try directory.removeUnneeded(keeping: .max)
    removed += removal.removed
    let facts = RepairFacts(
      log: LogFacts(report.log), withdrawals: LogFacts(withdrawals), removed: removed,
      unknown: removal.unknown, generation: manifest.generation, count: index.view.count,
      sourceOffsets: index.view.sourceOffsets)
    try index.close()
    return facts
  }
}
