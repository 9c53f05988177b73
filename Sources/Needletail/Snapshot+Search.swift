public import NeedletailCore
import NeedletailEngine

extension Snapshot {
  /// Finds the vectors nearest to a query, into the caller's buffer.
  ///
  /// | Argument    | Shape          | Unit, layout                                          |
  /// |-------------|----------------|-------------------------------------------------------|
  /// | `query`     | `[dimensions]` | `Float`; normalised here under cosine                 |
  /// | `neighbors` | `[≥ k]`        | output; nearest first, ties by id; the rest untouched |
  ///
  /// - Throws: `dimensionMismatch`, `nonFiniteComponent`, `zeroVector`; `invalidConfiguration` for `k` or a
  ///   width below 1 or a buffer shorter than `k`; `capacityExceeded` beyond `Limits`; `notFound` for a
  ///   recall of an index that was never tuned.
  /// - Complexity: about `efSearch` hops of `2·m` evaluations. Allocates nothing after the first search of its
  ///   thread, except when a search is larger than any before; an answer that was cut short allocates the set
  ///   of reasons.
  public func search(
    _ query: Span<Float>, k: Int, options: SearchOptions,
    into neighbors: inout MutableSpan<Neighbor>
  ) throws(NeedletailError) -> SearchOutcome {
    try search(query, k: k, options: options, among: nil, into: &neighbors)
  }

  /// Finds the vectors nearest to a query.
  ///
  /// - Parameters:
  ///   - query: `[dimensions]` components.
  ///   - k: answers asked for, at least 1; fewer come back when the index holds fewer rows.
  ///   - options: how the query is answered.
  /// - Returns: the neighbours, and what finding them took.
  /// - Throws: as the primitive.
  public func search(
    _ query: [Float], k: Int, options: SearchOptions = SearchOptions()
  ) throws(NeedletailError) -> SearchResult {
    try search(query, k: k, options: options, among: nil)
  }

  /// Answers many queries, on several threads.
  ///
  /// - Parameters:
  ///   - queries: `[q, dimensions]` components of any element.
  ///   - k: answers asked for per query.
  ///   - options: how each query is answered.
  ///   - threads: at most this many. Default 1: the caller's own. The others sleep between calls, and end after some
  ///     ten seconds without work.
  /// - Returns: one result for each query, in their order.
  /// - Throws: as the primitive, naming the query.
  public func search(
    batch queries: VectorMatrix, k: Int, options: SearchOptions = SearchOptions(), threads: Int = 1
  ) throws(NeedletailError) -> [SearchResult] {
    try search(batch: queries, k: k, options: options, among: nil, threads: threads)
  }

  /// Answers many queries into flat arrays, the cheapest form for a harness or a foreign caller.
  ///
  /// - Parameters:
  ///   - queries: `[q, dimensions]` components of any element.
  ///   - k: answers asked for per query.
  ///   - options: how each query is answered.
  ///   - threads: at most this many.
  ///   - neighbors: becomes `[q, min(k, count)]` answers, row-major; places behind a shorter answer are
  ///     undefined.
  ///   - counts: becomes `[q]`: the answers of each query.
  /// - Returns: the sums of what the searches cost.
  /// - Throws: as the primitive, naming the query.
  public func search(
    batch queries: VectorMatrix, k: Int, options: SearchOptions, threads: Int,
    into neighbors: inout [Neighbor], counts: inout [Int]
  ) throws(NeedletailError) -> SearchStatistics {
    let parameters = try parameters(k, options)
    try check(queries.dimensions)
    let batch = try answer(batch: queries, parameters, options.cap, among: nil, threads: threads)
    var statistics = SearchStatistics()
    counts.removeAll(keepingCapacity: true)
    for outcome in batch.outcomes {
      statistics.add(outcome)
      counts.append(outcome.count)
    }
    neighbors = batch.answers
    return statistics
  }
}
