package import NeedletailCore

/// One batch that was read from the log.
package struct LogEntry: Sendable, Hashable {
  /// The batch's number in the index's history, from 1, without gaps.
  package var lsn: UInt64
  package var batch: LogBatch
  /// Bytes of its record.
  package var byteCount: Int
}

/// What a log holds, and what was wrong with it.
package struct LogReport: Sendable, Hashable {
  /// A file that holds batches which no segment holds yet.
  package struct File: Sendable, Hashable {
    /// The number in its name.
    package var sequence: UInt64
    /// The last LSN in it, or before it when it holds no batch.
    package var lastLSN: UInt64
    /// Its length up to the last sound record.
    package var byteCount: Int
    /// Rows of its batches, sealed ones too.
    package var vectorCount = 0
  }

  /// The end of a write that was cut off by a crash: nobody was told that it is durable.
  package struct TornTail: Sendable, Hashable {
    /// The file, and the first byte behind its last sound record.
    package var location: NeedletailError.Location
    /// The bytes from there on.
    package var byteCount: Int
  }

  /// The last LSN that was read; that of the segments when nothing follows on them.
  package var lastLSN: UInt64
  /// For each source, where its last batch in the log stands.
  package var sourceOffsets: [String: UInt64] = [:]
  /// The files that are needed, in order.
  package var files: [File] = []
  /// Files all of whose batches are in segments.
  package var sealedFiles: [UInt64] = []
  /// Files whose making was cut off; they hold nothing.
  package var unfinishedFiles: [UInt64] = []
  /// What a crash cut off, if anything; no batch that was durable.
  package var tornTail: TornTail?
  /// Behind the last sound record; `nil` where there is no file.
  package var end: LogPlace?
  /// What is lost, when loss was accepted and there is any.
  package var loss: LogLoss?

  /// A log of which nothing was read behind an LSN.
  package init(lastLSN: UInt64) { self.lastLSN = lastLSN }
}

/// What damage to durable batches takes away.
package struct LogLoss: Sendable, Hashable {
  /// A batch behind the damage: it can be read, and cannot follow on what is kept.
  package struct Batch: Sendable, Hashable {
    package var lsn: UInt64
    /// What it does to its ids: `upsert`, `remove`, `withdraw`, `reinstate`, or `state` for all that are withdrawn.
    package var operation: String
    package var ids: [VectorID]
    package var source: SourcePosition?
  }

  /// The file, and the byte where the sound records end.
  package var location: NeedletailError.Location
  /// The first LSN that is lost; all before it are kept.
  package var firstLSN: UInt64
  /// The last LSN that is known to be lost; more may be where files cannot be read at all.
  package var lastLSN: UInt64
  /// Those of the lost batches that can still be read; of the others nothing is known but their LSN.
  package var batches: [Batch]
  /// Files of which nothing can be read, or not all.
  package var unreadableFiles: [String]

  /// The refusal to open a log that lost this.
  func error(_ damage: LogDamage) -> NeedletailError {
    let range = lastLSN > firstLSN ? "LSN \(firstLSN) to \(lastLSN)" : "LSN \(firstLSN)"
    return NeedletailError(
      .corrupted,
      "\(damage.message) \(range) cannot be read, and was durable: \(batches.count) of the batches"
        + " behind the damage are sound. Restore the log, or accept the loss of them all.",
      at: location,
      cause: damage.cause)
  }
}
