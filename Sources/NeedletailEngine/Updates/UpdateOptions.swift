package import NeedletailStorage

/// How an index is kept that takes writes while it is searched.
package struct UpdateOptions: Sendable, Hashable {
  /// Where the components of sealed segments lie.
  package var placements = Placements()
  /// How the log is kept, and when what it holds is to be sealed.
  package var log = LogOptions()
  /// Threads that a write may use, the caller's among them.
  ///
  /// Default 1.
  package var threads = 1
  /// The most bytes that rows and links in memory may take; `nil`: no limit but the system's.
  package var liveMemoryLimit: Int?
  /// Rows of a segment up to which it is moved into memory and updated there, once some of it has changed; 0: never.
  ///
  /// Default 100 000.
  package var inPlaceLimit = 100_000
  /// Generations that are kept, the one in use among them; at least 1.
  ///
  /// Default 3.
  package var keptGenerations = 3

  package init() {}

  /// Bounds what the log holds before it is sealed.
  package mutating func boundLog(vectors: Int, bytes: Int) {
    log.vectorBound = vectors
    log.byteBound = bytes
  }
}
