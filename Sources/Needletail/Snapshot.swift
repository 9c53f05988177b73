public import NeedletailCore
import NeedletailEngine

/// An immutable view of an index at one moment; any number of threads may search it at once.
public struct Snapshot: Sendable {
  let generation: OpenGeneration
  let path: String

  init(generation: OpenGeneration, path: String) {
    self.generation = generation
    self.path = path
  }

  var segment: SealedSegment { generation.segment }

  /// Rows in the index.
  public var count: Int { generation.stack.count }
  /// Components per vector.
  public var dimensions: Int { segment.parameters.options.dimensions }
  /// What near means.
  public var metric: Metric { segment.parameters.options.metric }
  /// How rows are kept for the re-rank and for export.
  public var preciseRows: PreciseRows {
    VectorIndex.Configuration(segment.parameters.options).preciseRows
  }

  /// All ids, ascending.
  public var ids: [VectorID] {
    let segments = generation.segments
    return segments.count == 1
      ? segment.sortedIDs : segments.flatMap(\.sortedIDs).sorted()
  }

  /// The vector of an id, as it was added.
  ///
  /// - Returns: `[dimensions]` components, within 2⁻²² of what was added, relative to its norm (within
  ///   2⁻⁸ for bf16; within 2⁻¹¹ for f16, whose components below 6·10⁻⁸ vanish); `nil` when there is no
  ///   such id.
  /// - Throws: `notFound` when the index keeps no precise rows.
  /// - Complexity: O(log n + d).
  public func export(_ id: VectorID) throws(NeedletailError) -> [Float]? {
    try requireRows()
    guard let (segment, ordinal) = place(of: id) else { return nil }
    let dimensions = dimensions
    return unsafe [Float](unsafeUninitializedCapacity: dimensions) { buffer, count in
      if let row = buffer.baseAddress { unsafe segment.export(ordinal, into: row) }
      count = dimensions
    }
  }

  /// All vectors as they were added, in the order of `ids`.
  ///
  /// - Throws: `notFound` when the index keeps no precise rows.
  public func exportAll() throws(NeedletailError) -> VectorMatrix {
    try requireRows()
    let dimensions = dimensions
    let places = ids.compactMap { place(of: $0) }
    let components = unsafe [Float](unsafeUninitializedCapacity: places.count * dimensions) {
      buffer, count in
      if let start = buffer.baseAddress {
        for (i, place) in places.enumerated() {
          unsafe place.segment.export(place.ordinal, into: start + i * dimensions)
        }
      }
      count = places.count * dimensions
    }
    return try VectorMatrix(components, dimensions: dimensions)
  }

  /// Where the row of an id lies.
  private func place(of id: VectorID) -> (segment: SealedSegment, ordinal: UInt32)? {
    for segment in generation.segments {
      if let ordinal = segment.ordinal(of: id) { return (segment, ordinal) }
    }
    return nil
  }

  /// Whether the index has a row of an id.
  ///
  /// - Complexity: O(log n) a segment.
  public func contains(_ id: VectorID) -> Bool { place(of: id) != nil }

  private func requireRows() throws(NeedletailError) {
    guard generation.segments.allSatisfy(\.hasPreciseRows) else {
      throw NeedletailError(
        .notFound,
        "The index keeps no precise rows, so vectors cannot be given back; build it with precise rows.",
        at: .init(path: path))
    }
  }
}
