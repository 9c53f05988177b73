package import NeedletailCore

/// How a live segment is made.
package struct LiveOptions: Sendable, Hashable {
  /// The index's own: dimensions, metric and how rows are linked.
  package var build: BuildOptions
  /// The most rows, versions that ended among them.
  ///
  /// Default 4 194 304. Addresses are reserved for so many; a row costs memory when it is written.
  package var rowLimit = 1 << 22
  /// The most bytes of memory that rows and links may take; `nil`: no limit but the system's.
  package var memoryLimit: Int?
  /// How distances grow from one neighbour to the next (`SegmentParameters.growth`), measured on sealed rows of the same
  /// index; 0 when nobody knows: walks then end by their windows.
  package var growth: Float = 0
  /// Threads that an insert of many rows may use, the caller's among them.
  ///
  /// Default 1.
  package var threads = 1

  package init(_ build: BuildOptions) { self.build = build }

  /// Refuses options that make no segment.
  ///
  /// - Throws: `invalidConfiguration` or `capacityExceeded`, naming the option, its value and the range.
  package func validate() throws(NeedletailError) {
    try build.validate()
    guard rowLimit >= 1 else {
      throw NeedletailError(
        .invalidConfiguration, "The limit on rows is \(rowLimit); it must be at least 1.")
    }
    guard rowLimit <= Limits.rowsPerSegment else {
      throw NeedletailError(
        .capacityExceeded,
        "The limit on rows is \(rowLimit); a segment holds \(Limits.rowsPerSegment) at the most.")
    }
    guard threads >= 1 else {
      throw NeedletailError(.invalidConfiguration, "threads is \(threads); it must be at least 1.")
    }
  }
}
