public import NeedletailCore
import NeedletailEngine

/// Durable batches of a log that cannot be had any more.
public struct LogLoss: Sendable, Hashable, Codable {
  /// The first batch that is lost, by its number in the history of the index; all before it are kept.
  public var firstSequence: UInt64
  /// The last batch that is known to be lost.
  public var lastSequence: UInt64
  /// The file and byte at which what can be read ends.
  public var location: String
  /// For each source, the offsets of those lost batches that could still be read behind the damage, from the first
  /// to the last; of the others nothing is known.
  public var offsets: [String: [UInt64]]
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
        offsets: $0.sources.mapValues { [$0.lowerBound, $0.upperBound] },
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
      generation: Int(clamping: facts.generation), count: facts.count, log: LogReport(facts.log),
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
