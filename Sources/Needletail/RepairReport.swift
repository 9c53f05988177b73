public import NeedletailCore
import NeedletailEngine

/// One batch of a log that is lost although it can still be read: it stands behind the damage.
public struct LostBatch: Sendable, Hashable, Codable {
  /// Its number in the history of the index.
  public var sequence: UInt64
  /// `upsert` or `remove`; of a log of withdrawals `withdraw`, `reinstate`, or `state` for all that were withdrawn.
  public var operation: String
  /// The ids that it changes, in order.
  public var ids: [VectorID]
  /// The source it came from.
  public var source: String?
  /// Where that source stood behind it.
  public var offset: UInt64?
}

/// Durable batches of a log that cannot be had any more.
public struct LogLoss: Sendable, Hashable, Codable {
  /// The first batch that is lost, by its number in the history of the index; all before it are kept.
  public var firstSequence: UInt64
  /// The last batch that is known to be lost.
  public var lastSequence: UInt64
  /// The file and byte at which what can be read ends.
  public var location: String
  /// Every lost batch that could still be read behind the damage, in order.
  ///
  /// Of those whose numbers are missing from `firstSequence` to `lastSequence` nothing else is known:
  /// `RepairReport.sourceOffsets` says where their sources go on.
  public var batches: [LostBatch]
  /// Files of which nothing can be read, or not all.
  public var unreadableFiles: [String]
}

/// What a log is like.
public struct LogReport: Sendable, Hashable, Codable {
  /// The last batch, by its number in the history of the index.
  public var lastSequence: UInt64
  /// Files.
  public var files: Int
  /// Bytes of sound records.
  public var bytes: Int
  /// Bytes at the end that a crash cut off; no batch that was acknowledged as durable is in them.
  public var tornBytes: Int
  /// What is lost; `nil` when nothing is.
  public var loss: LogLoss?

  init(_ facts: LogFacts) {
    lastSequence = facts.lastLSN
    files = facts.files
    bytes = facts.byteCount
    tornBytes = facts.tornByteCount
    loss = facts.loss.map {
      LogLoss(
        firstSequence: $0.firstLSN, lastSequence: $0.lastLSN,
        location: $0.location.path + ($0.location.byteOffset.map { ", byte \($0)" } ?? ""),
        batches: $0.batches.map {
          LostBatch(
            sequence: $0.lsn, operation: $0.operation, ids: $0.ids, source: $0.source,
            offset: $0.position)
        },
        unreadableFiles: $0.unreadableFiles)
    }
  }
}

/// One batch of a log.
public struct LogRecord: Sendable, Hashable, Codable {
  /// Its number in the history of the index.
  public var sequence: UInt64
  /// `upsert` or `remove`.
  public var operation: String
  /// The ids that it changes, in order.
  public var ids: [VectorID]
  /// Bytes in the log.
  public var bytes: Int
  /// The source it came from.
  public var source: String?
  /// Where that source stood behind it.
  public var offset: UInt64?

  init(_ line: LogLine) {
    sequence = line.lsn
    operation = line.isRemoval ? "remove" : "upsert"
    ids = line.ids
    bytes = line.byteCount
    source = line.source?.name
    offset = line.source?.position
  }
}

/// What putting an index in order found and did.
public struct RepairReport: Sendable, Hashable, Codable {
  /// The generation in use.
  public var generation: Int
  /// Vectors that are there.
  public var count: Int
  /// For each source, where the last batch of it stands that is there.
  ///
  /// After a loss everything behind that is to be sent again, and all of a source that is not named.
  public var sourceOffsets: [String: UInt64]
  /// The log of writes.
  public var log: LogReport
  /// The log of withdrawals.
  public var withdrawals: LogReport
  /// Files of interrupted writers, which were removed; every generation that can be gone back to is kept.
  public var removedFiles: [String]
  /// Files that are no part of an index; they were left alone.
  public var unknownFiles: [String]
  /// Whether anything that was acknowledged as durable is lost.
  public var hasLoss: Bool { log.loss != nil || withdrawals.loss != nil }
}

extension VectorIndex {
  /// Puts an index in order after a crash: what the next write would do, and a look at the files besides.
  ///
  /// - Parameters:
  ///   - path: the index's directory.
  ///   - acceptingLoss: whether damage to writes that were acknowledged as durable is cut off, with everything behind
  ///     it; the report then lists what is lost. Default `false`: such damage is refused, and nothing changed.
  /// - Returns: what was found, and done.
  /// - Throws: `corrupted`, naming file, byte and batches; `locked` while another process writes; `notFound`; `io`.
  public static func repair(
    at path: String, acceptingLoss: Bool = false
  ) throws(NeedletailError) -> RepairReport {
    let facts = try LocalIndex.repair(path, acceptingLoss: acceptingLoss)
    return RepairReport(
      generation: Int(clamping: facts.generation), count: facts.count,
      sourceOffsets: facts.sourceOffsets, log: LogReport(facts.log),
      withdrawals: LogReport(facts.withdrawals), removedFiles: facts.removed,
      unknownFiles: facts.unknown)
  }

  /// Reads the writes that no segment holds yet, in order.
  ///
  /// - Throws: `corrupted` where durable writes cannot be read, after those before them; what `body` throws.
  @discardableResult
  public static func readLog(
    at path: String, _ body: (LogRecord) throws(NeedletailError) -> Void
  ) throws(NeedletailError) -> LogReport {
    LogReport(
      try LocalIndex.readLog(path) { (line) throws(NeedletailError) in try body(LogRecord(line)) })
  }
}
