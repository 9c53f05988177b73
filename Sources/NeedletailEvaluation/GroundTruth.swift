public import NeedletailCore

/// The exact answers to a set of queries: row numbers of the base, nearest first.
public struct GroundTruth: Sendable, Hashable {
  /// The number of queries.
  public let count: Int
  /// Neighbours for each query.
  public let width: Int
  /// `[count, width]`, row-major: row numbers of the base.
  public let rows: [Int]
  /// `[count, width]`, row-major: the distances, where they were kept.
  public let distances: [Float]?

  /// Makes a ground truth from its numbers.
  ///
  /// - Parameters:
  ///   - rows: `[count, width]`, row-major.
  ///   - distances: as many as `rows`, or nil.
  ///   - width: the neighbours for each query.
  /// - Throws: `corrupted` when the numbers do not fill whole rows, or one is negative.
  public init(rows: [Int], distances: [Float]? = nil, width: Int) throws(NeedletailError) {
    guard width > 0, rows.count.isMultiple(of: width), distances?.count ?? rows.count == rows.count
    else {
      throw NeedletailError(
        .corrupted,
        """
        \(rows.count) row numbers and \(distances?.count ?? 0) distances do not make a ground truth \
        \(width) neighbours wide.
        """)
    }
    if let position = rows.firstIndex(where: { $0 < 0 }) {
      throw NeedletailError(
        .corrupted,
        """
        The ground truth has row number \(rows[position]) for query \(position / width); row numbers \
        start at 0.
        """)
    }
    self.rows = rows
    self.distances = distances
    self.width = width
    count = rows.count / width
  }

  /// The answers to one query, nearest first.
  ///
  /// - Precondition: `0 ≤ query < count`.
  public subscript(query: Int) -> ArraySlice<Int> {
    rows[query * width..<(query + 1) * width]
  }
}
