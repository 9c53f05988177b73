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
    let parameters = try parameters(k, options)
    try check(query.count)
    guard neighbors.count >= k else {
      throw NeedletailError(
        .invalidConfiguration, "The buffer has room for \(neighbors.count) neighbours, k is \(k).")
    }
    let result: Result<NeedletailEngine.SearchOutcome, NeedletailError> =
      unsafe query.withUnsafeBufferPointer { query in
        unsafe neighbors.withUnsafeMutableBufferPointer { neighbors in
          // SAFETY: both spans live for the call, and their sizes were checked.
          Result { () throws(NeedletailError) in
            unsafe try answer(
              query.baseAddress.unsafelyUnwrapped, parameters, options.cap, among: nil,
              into: neighbors.baseAddress.unsafelyUnwrapped)
          }
        }
      }
    let outcome = try result.get()
    return SearchOutcome(
      count: outcome.count, completion: Completion(outcome), statistics: statistics(outcome))
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
    let parameters = try parameters(k, options)
    try check(query.count)
    var outcome = NeedletailEngine.SearchOutcome()
    var failure: NeedletailError?
    let neighbors = unsafe [Neighbor](unsafeUninitializedCapacity: min(k, max(1, view.stack.count)))
    {
      buffer, written in
      unsafe query.withUnsafeBufferPointer { query in
        guard let start = query.baseAddress, let answers = buffer.baseAddress else { return }
        do throws(NeedletailError) {
          // SAFETY: no more answers are ever written than the view has rows, withdrawn ones among them.
          unsafe outcome = try answer(start, parameters, options.cap, among: nil, into: answers)
          written = outcome.count
        } catch {
          failure = error
        }
      }
    }
    if let failure { throw failure }
    return SearchResult(
      neighbors: neighbors, completion: Completion(outcome), statistics: statistics(outcome))
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
    let parameters = try parameters(k, options)
    try check(queries.dimensions)
    let batch = try answer(batch: queries, parameters, options.cap, among: nil, threads: threads)
    return batch.outcomes.indices.map { i in
      let outcome = batch.outcomes[i]
      let start = i * batch.answersPerQuery
      return SearchResult(
        neighbors: Array(batch.answers[start..<(start + outcome.count)]),
        completion: Completion(outcome), statistics: statistics(outcome))
    }
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

  /// Answers one query among all rows of the view, or those of a filter.
  @unsafe
  func answer(
    _ query: UnsafePointer<Float>, _ parameters: SearchParameters, _ cap: GroupCap?,
    among rows: StackRows?, into answers: UnsafeMutablePointer<Neighbor>
  ) throws(NeedletailError) -> NeedletailEngine.SearchOutcome {
    guard let cap else {
      return unsafe try view.stack.search(query, parameters, among: rows, into: answers)
    }
    return unsafe try view.stack.search(
      query, parameters, cap: cap, among: rows?.parts, into: answers)
  }

  /// Answers many queries.
  func answer(
    batch queries: VectorMatrix, _ parameters: SearchParameters, _ cap: GroupCap?,
    among rows: StackRows?, threads: Int
  ) throws(NeedletailError) -> BatchAnswers {
    guard let cap else {
      return try view.stack.search(batch: queries, parameters, among: rows, threads: threads)
    }
    return try view.stack.search(
      batch: queries, parameters, cap: cap, among: rows?.parts, threads: threads)
  }

  /// What a search cost, and what it may not know.
  func statistics(_ outcome: NeedletailEngine.SearchOutcome) -> SearchStatistics {
    var statistics = SearchStatistics(outcome)
    statistics.withdrawalDelay = withdrawalDelay
    return statistics
  }

  /// Walks end by the distance of this candidate, or of the `k`-th where more are asked for.
  private static let fewestToStopBy = 10

  func parameters(
    _ k: Int, _ options: SearchOptions
  ) throws(NeedletailError) -> SearchParameters {
    followWithdrawals()
    let candidates: Int? =
      switch options.rerank {
      case .automatic: nil
      case .precise(let candidates): max(candidates, k)
      case .none: 0
      }
    if case .precise(let candidates) = options.rerank, candidates < 1 {
      throw NeedletailError(
        .invalidConfiguration,
        "rerank candidates is \(candidates); it must be at least 1, or the re-rank .none.")
    }
    var parameters = SearchParameters(
      k: k, efSearch: options.efSearch, rerankCandidates: candidates,
      evaluationLimit: options.evaluationLimit, measuresTime: options.measuresTime)
    if let recall = options.recall {
      parameters.use(try view.generation.setting(recall: recall, k: k))
      parameters.stopRank = view.generation.tuning?.k ?? 0
    } else {
      // Coarse codes know little of a single nearest row: it is no measure of how far to look.
      parameters.stopRank = min(Self.fewestToStopBy, options.efSearch)
    }
    try options.cap?.validate()
    try parameters.validate()
    return parameters
  }

  func check(_ components: Int) throws(NeedletailError) {
    guard components == dimensions else {
      throw NeedletailError(
        .dimensionMismatch,
        "The query has \(components) components; the index has \(dimensions) dimensions.")
    }
  }
}
