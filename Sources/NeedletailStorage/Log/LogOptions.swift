/// How a log is kept.
package struct LogOptions: Sendable, Hashable {
  /// A file that reached this length gets a successor; at least one batch goes into every file.
  package var fileByteCount = 64 << 20
  /// Rows that wait for a seal, beyond which the caller seals.
  package var vectorBound = 100_000
  /// Bytes of files that wait for a seal, beyond which the caller seals.
  package var byteBound = 256 << 20
  /// Where the seeds of the files come from; drawn at random unless a test says otherwise.
  package var seed: UInt64 = .random(in: .min ... .max)

  package init() {}
}

/// What a commit waits for.
package enum Durability: Sendable, Hashable {
  /// The disk has the batches: they outlive a power cut.
  case synced
  /// The system has the batches: they outlive the process.
  case buffered
}

/// What became of a batch.
package enum LogOutcome: Sendable, Hashable {
  /// It got this LSN, and is written by the next commit.
  case appended(lsn: UInt64)
  /// It was taken before: its source stands here already.
  case skipped(position: UInt64)
}
