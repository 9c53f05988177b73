import NeedletailCore

/// How an index takes writes.
public struct WritingOptions: Sendable, Hashable {
  /// Threads that one write may use, the caller's among them.
  ///
  /// Default 1.
  public var threads = 1
  /// Vectors that the log may hold before they are sealed.
  ///
  /// Default 100 000. A write that would go beyond it seals first, or waits for the `Maintenance` that does.
  public var logVectorLimit = 100_000
  /// Bytes that the log may hold before its rows are sealed.
  ///
  /// Default 256 MiB.
  public var logByteLimit = 256 << 20
  /// The most bytes of memory that rows which are not sealed yet may take, with their links.
  ///
  /// Default `nil`: no limit. A write beyond it is refused with `overBudget`.
  public var memoryLimit: Int?
  /// Rows up to which an index of one segment is updated in place.
  ///
  /// Default 100 000; 0: never. Once a thirty-second part of it has changed, the index is moved into memory, links and
  /// all: searches then walk one graph, from which what ends is taken out, rather than two. It takes the memory of
  /// the rows once more until the next seal, and the write that does it the time to code them, some 10 µs a row.
  /// Larger indexes keep their segments, and what is new in a graph beside them, until these are merged.
  public var inPlaceLimit = 100_000
  /// Generations that are kept, the one in use among them; at least 1.
  ///
  /// Default 3. `VectorIndex.rollback(to:)` goes back to one of them.
  public var keptGenerations = 3

  /// The defaults.
  public init() {}

  func validate() throws(NeedletailError) {
    for (name, value) in [
      ("threads", threads), ("logVectorLimit", logVectorLimit), ("logByteLimit", logByteLimit),
      ("memoryLimit", memoryLimit ?? 1), ("keptGenerations", keptGenerations),
    ] where value < 1 {
      throw NeedletailError(
        .invalidConfiguration, "\(name) is \(value); it must be at least 1.")
    }
    guard inPlaceLimit >= 0 else {
      throw NeedletailError(
        .invalidConfiguration, "inPlaceLimit is \(inPlaceLimit); it must be at least 0.")
    }
  }
}

/// What a write waits for.
public enum Durability: String, Sendable, Hashable, Codable, CaseIterable {
  /// The disk has it: it outlives a power cut.
  case synced
  /// The system has it: it outlives the process.
  case buffered
}

/// Where a batch stands in the stream that it comes from: a topic's partition, a table's history, a file.
public struct SourceOffset: Sendable, Hashable {
  /// The source's name, 1 to 255 bytes.
  public var source: String
  /// The place behind the batch, in the source's own count; it only ever grows.
  public var position: UInt64
  /// Where the source must stand before the batch; anything else is a gap, and refused.
  ///
  /// Default `nil`: anywhere before `position`.
  public var previous: UInt64?

  /// Names a place.
  public init(source: String, position: UInt64, previous: UInt64? = nil) {
    self.source = source
    self.position = position
    self.previous = previous
  }
}

/// How one write is made.
public struct WriteOptions: Sendable, Hashable {
  /// What the call waits for.
  ///
  /// Default `.synced`.
  public var durability = Durability.synced
  /// Where the batch comes from.
  ///
  /// Default `nil`. With it a batch that was taken before is recognised and skipped, also after a crash.
  public var offset: SourceOffset?

  /// The defaults, with a source.
  public init(offset: SourceOffset? = nil, durability: Durability = .synced) {
    self.offset = offset
    self.durability = durability
  }
}

/// What became of a write.
public struct WriteResult: Sendable, Hashable {
  /// The write's number in the history of the index, from 1, without gaps; `nil` when it was skipped, because
  /// its source stands at or behind its offset already.
  public var sequence: UInt64?
  /// Whether the write was made before.
  public var isRepeated: Bool { sequence == nil }
}
