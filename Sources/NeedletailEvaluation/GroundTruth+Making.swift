public import NeedletailCore
import NeedletailKernels

extension GroundTruth {
  /// Finds the exact answers by comparing every query with every row; ties go to the lower row number.
  ///
  /// - Parameters:
  ///   - base: `[n, d]`.
  ///   - queries: `[q, d]`.
  ///   - metric: What near means.
  ///   - k: The neighbours for each query; more than there are rows gives all of them.
  ///   - threads: The most threads; the answers do not depend on it.
  ///   - monitor: Told about progress in comparisons; may cancel.
  /// - Returns: Row numbers and distances.
  /// - Throws: `invalidConfiguration` for k below 1 and for no rows or no queries, `dimensionMismatch`,
  ///   `nonFiniteComponent`, `zeroVector`, `capacityExceeded`, `cancelled`.
  /// - Complexity: O(q·n·d), at the speed of the matrix product.
  public static func make(
    base: VectorMatrix, queries: VectorMatrix, metric: Metric, k: Int, threads: Int = 1,
    monitor: WorkMonitor? = nil
  ) throws(NeedletailError) -> GroundTruth {
    guard base.count > 0, queries.count > 0 else {
      throw NeedletailError(
        .invalidConfiguration,
        "There are \(base.count) rows and \(queries.count) queries; at least one of each is needed."
      )
    }
    let search = try ExactSearch(base: base, metric: metric, threads: threads)
    let answer = try search.nearest(queries: queries, k: k, threads: threads, monitor: monitor)
    return try GroundTruth(
      rows: answer.rows.map { Int($0) }, distances: answer.distances, width: answer.k)
  }
}
