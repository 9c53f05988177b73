public import NeedletailCore
import NeedletailEngine

extension Snapshot {
  /// Finds the vectors nearest to a query among those that a filter lets through, into the caller's buffer.
  ///
  /// The way that should cost least is taken: every row that the filter lets through is scored, or a walk goes
  /// over all rows and answers with those; `SearchStatistics.filterPlan` says which.
  ///
  /// | Argument    | Shape          | Unit, layout                                          |
  /// |-------------|----------------|-------------------------------------------------------|
  /// | `query`     | `[dimensions]` | `Float`; normalised here under cosine                 |
  /// | `neighbors` | `[≥ k]`        | output; nearest first, ties by id; the rest untouched |
  ///
  /// - Returns: how many answers there are, fewer than `k` where the filter lets fewer rows through.
  /// - Throws: as the search without a filter; `invalidConfiguration` for a filter that was compiled for
  ///   another snapshot.
  /// - Complexity: at most about 1.2 times that of scoring every row that the filter lets through by its code.
  ///   Allocates nothing after the first search of its thread, except when a search is larger than any before.
  public func search(
    _ query: Span<Float>, k: Int, filter: CompiledFilter, options: SearchOptions,
    into neighbors: inout MutableSpan<Neighbor>
  ) throws(NeedletailError) -> SearchOutcome {
    let rows = try rows(of: filter)
    return try search(query, k: k, options: options, among: rows, into: &neighbors)
  }

  /// Finds the vectors nearest to a query among those that a filter lets through.
  ///
  /// - Parameters:
  ///   - query: `[dimensions]` components.
  ///   - k: answers asked for, at least 1; fewer come back when the filter lets fewer rows through.
  ///   - filter: compiled for this snapshot.
  ///   - options: how the query is answered.
  /// - Returns: the neighbours, and what finding them took.
  /// - Throws: as the primitive.
  public func search(
    _ query: [Float], k: Int, filter: CompiledFilter, options: SearchOptions = SearchOptions()
  ) throws(NeedletailError) -> SearchResult {
    let rows = try rows(of: filter)
    return try search(query, k: k, options: options, among: rows)
  }

  /// Answers many queries among the rows that a filter lets through, on several threads.
  ///
  /// - Parameters:
  ///   - queries: `[q, dimensions]` components of any element.
  ///   - k: answers asked for per query.
  ///   - filter: compiled for this snapshot; the same for all queries.
  ///   - options: how each query is answered.
  ///   - threads: at most this many. Default 1: the caller's own.
  /// - Returns: one result for each query, in their order.
  /// - Throws: as the primitive, naming the query.
  public func search(
    batch queries: VectorMatrix, k: Int, filter: CompiledFilter,
    options: SearchOptions = SearchOptions(), threads: Int = 1
  ) throws(NeedletailError) -> [SearchResult] {
    let rows = try rows(of: filter)
    return try search(batch: queries, k: k, options: options, among: rows, threads: threads)
  }

  /// Finds all vectors within a distance of a query, up to a limit.
  ///
  /// - Parameters:
  ///   - query: `[dimensions]` components.
  ///   - radius: the greatest distance of an answer, of the metric's kind: squared under `.squaredEuclidean`,
  ///     `1 − cosine` under `.cosine`, the negative product under `.innerProduct`.
  ///   - limit: the most answers; the nearest where there are more.
  ///   - filter: compiled for this snapshot; `nil`: all rows.
  ///   - options: how the query is answered. A width, or a recall, is kept to for every number of answers that
  ///     the search comes to.
  /// - Returns: the neighbours within the radius that a search for so many finds, nearest first. As many as
  ///   `limit` say that there may be more.
  /// - Throws: as the search for neighbours, with `limit` in the place of `k`; `invalidConfiguration` for a
  ///   radius that is no number.
  /// - Complexity: that of searches for 16, 64, 256, … neighbours until one reaches beyond the radius: less than
  ///   twice that of the last.
  public func search(
    _ query: [Float], within radius: Float, limit: Int, filter: CompiledFilter? = nil,
    options: SearchOptions = SearchOptions()
  ) throws(NeedletailError) -> SearchResult {
    guard !radius.isNaN else {
      throw NeedletailError(.invalidConfiguration, "The radius is no number; give a distance.")
    }
    // What is wrong with the limit is said of the limit, not of a step on the way there.
    _ = try parameters(limit, options)
    let reachable = filter?.count ?? view.stack.count
    var k = min(limit, 16)
    var statistics = SearchStatistics()
    // What one search may take is for all steps.
    var budget = options.budget
    if let latency = budget?.latency {
      let moment = ContinuousClock.now + latency
      let deadline = min(options.budget?.deadline ?? moment, moment)
      budget = SearchBudget(deadline: deadline, evaluations: options.budget?.evaluations)
    }
    while true {
      var step = options
      // A window is for the number of answers that it was chosen for.
      step.efSearch = max(options.efSearch, min(Limits.searchWidth, k + k / 2))
      step.budget = budget
      if let evaluations = budget?.evaluations {
        step.budget?.evaluations = max(1, evaluations - statistics.evaluations)
      }
      var result: SearchResult
      if let filter {
        result = try search(query, k: k, filter: filter, options: step)
      } else {
        result = try search(query, k: k, options: step)
      }
      statistics.add(result.statistics)
      let reachesBeyond = result.neighbors.last.map { $0.distance > radius } ?? true
      let isAll = k >= limit || result.neighbors.count < k || k >= reachable
      // That segments are left out would be so of every step.
      let cuts = result.completion.reasons.subtracting(view.isPartial ? [.partialSegments] : [])
      if reachesBeyond || isAll || !cuts.isEmpty {
        result.neighbors.removeAll { $0.distance > radius }
        result.statistics = statistics
        return result
      }
      k = min(limit, 4 * k)
    }
  }
}
