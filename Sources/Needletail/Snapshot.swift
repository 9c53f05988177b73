public import NeedletailCore
import NeedletailEngine

/// An immutable view of an index at one moment; any number of threads may search it at once.
public struct Snapshot: Sendable {
  let view: IndexView
  let path: String

  init(view: IndexView, path: String) {
    self.view = view
    self.path = path
  }

  /// The largest segment, which stands for the index where one must.
  var segment: SealedSegment { view.generation.largest }

  /// Takes over what other processes withdrew, when the last look is an interval ago.
  func followWithdrawals() { view.withdrawn.lookIfDue() }

  /// The view, as of what other processes withdrew up to an interval ago.
  private var followed: IndexView {
    followWithdrawals()
    return view
  }

  /// How much later than another process a search may see what that withdrew.
  var withdrawalDelay: Duration {
    view.withdrawn.isFollowing ? .nanoseconds(WithdrawnIDs.interval) : .zero
  }

  /// Vectors in the index; withdrawn ones are not counted.
  ///
  /// - Complexity: O(1) while nothing is withdrawn, O(n) otherwise.
  public var count: Int { followed.count }
  /// Vectors that were written since the last seal and that no file of rows has yet; withdrawn ones are counted.
  ///
  /// - Complexity: O(1); one pass over what was written where the index is updated in place.
  public var unsealedCount: Int {
    view.stack.live.reduce(0) { $0 + $1.segment.unsealedCount($1.view) }
  }
  /// The generation that the snapshot is of; rows that were written since are in it too.
  public var generation: Int { view.generation.facts.number }
  /// For each source of batches, where the last batch of it stands that the snapshot shows.
  public var sourceOffsets: [String: UInt64] { view.sourceOffsets }
  /// Components per vector.
  public var dimensions: Int { segment.parameters.options.dimensions }
  /// What near means.
  public var metric: Metric { segment.parameters.options.metric }
  /// How rows are kept for the re-rank and for export.
  public var preciseRows: PreciseRows {
    VectorIndex.Configuration(segment.parameters.options).preciseRows
  }

  /// All ids, ascending.
  public var ids: [VectorID] { followed.ids }

  /// The vector of an id, as it was added.
  ///
  /// - Returns: `[dimensions]` components, within 2⁻²² of what was added, relative to its norm (within
  ///   2⁻⁸ for bf16; within 2⁻¹¹ for f16, whose components below 6·10⁻⁸ vanish); `nil` when there is no
  ///   such id.
  /// - Throws: `notFound` when the index keeps no precise rows.
  /// - Complexity: O(log n + d).
  public func export(_ id: VectorID) throws(NeedletailError) -> [Float]? {
    try requireRows()
    var row = [Float](repeating: 0, count: dimensions)
    let isThere = unsafe row.withUnsafeMutableBufferPointer { buffer in
      unsafe buffer.baseAddress.map { unsafe followed.export(id, into: $0) } ?? false
    }
    return isThere ? row : nil
  }

  /// All vectors as they were added, in the order of `ids`.
  ///
  /// - Throws: `notFound` when the index keeps no precise rows.
  public func exportAll() throws(NeedletailError) -> VectorMatrix {
    try requireRows()
    return try VectorMatrix(followed.exportAll(dimensions: dimensions), dimensions: dimensions)
  }

  /// The attributes that the vector of an id was written with; `nil` when it is not there.
  public func attributes(of id: VectorID) -> Attributes? { followed.attributes(of: id) }

  /// Whether the index has a vector of an id; a withdrawn one is not there.
  ///
  /// - Complexity: O(log n) a sealed segment, O(n) for rows in memory.
  public func contains(_ id: VectorID) -> Bool { followed.contains(id) }

  private func requireRows() throws(NeedletailError) {
    guard view.hasPreciseRows else {
      throw NeedletailError(
        .notFound,
        "The index keeps no precise rows, so vectors cannot be given back; build it with precise rows.",
        at: .init(path: path))
    }
  }
}
