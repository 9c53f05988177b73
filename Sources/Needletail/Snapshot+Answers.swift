import NeedletailCore
import NeedletailEngine

/// What searches with a filter and without one have in common: `rows` are those that a filter lets through, or
/// `nil` for all.
extension Snapshot {
  /// Finds the vectors nearest to a query, into the caller's buffer.
  func search(
    _ query: Span<Float>, k: Int, options: SearchOptions, among rows: StackRows?,
    into neighbors: inout MutableSpan<Neighbor>
  ) throws(NeedletailError) -> SearchOutcome {
    let parameters = try parameters(k, options).begun()
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
              query.baseAddress.unsafelyUnwrapped, parameters, options.cap, among: rows,
              into: neighbors.baseAddress.unsafelyUnwrapped)
          }
        }
      }
    let outcome = try result.get()
    return SearchOutcome(
      count: outcome.count, completion: Completion(outcome), statistics: statistics(outcome))
  }

  /// Finds the vectors nearest to a query.
  func search(
    _ query: [Float], k: Int, options: SearchOptions, among rows: StackRows?
  ) throws(NeedletailError) -> SearchResult {
    let parameters = try parameters(k, options).begun()
    try check(query.count)
    var outcome = NeedletailEngine.SearchOutcome()
    var failure: NeedletailError?
    let room = min(k, max(1, rows?.count ?? view.stack.count))
    let neighbors = unsafe [Neighbor](unsafeUninitializedCapacity: room) { buffer, written in
      unsafe query.withUnsafeBufferPointer { query in
        guard let start = query.baseAddress, let answers = buffer.baseAddress else { return }
        do throws(NeedletailError) {
          // SAFETY: no more answers are ever written than the view has rows, withdrawn ones among them, or than a
          // filter lets through.
          unsafe outcome = try answer(start, parameters, options.cap, among: rows, into: answers)
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
  func search(
    batch queries: VectorMatrix, k: Int, options: SearchOptions, among rows: StackRows?,
    threads: Int
  ) throws(NeedletailError) -> [SearchResult] {
    let parameters = try parameters(k, options)
    try check(queries.dimensions)
    let batch = try answer(batch: queries, parameters, options.cap, among: rows, threads: threads)
    return batch.outcomes.indices.map { i in
      let outcome = batch.outcomes[i]
      let start = i * batch.answersPerQuery
      return SearchResult(
        neighbors: Array(batch.answers[start..<(start + outcome.count)]),
        completion: Completion(outcome), statistics: statistics(outcome))
    }
  }

  /// Answers one query among all rows of the view, or those of a filter.
  @unsafe
  private func answer(
    _ query: UnsafePointer<Float>, _ parameters: SearchParameters, _ cap: GroupCap?,
    among rows: StackRows?, into answers: UnsafeMutablePointer<Neighbor>
  ) throws(NeedletailError) -> NeedletailEngine.SearchOutcome {
    var outcome: NeedletailEngine.SearchOutcome
    if let cap {
      unsafe outcome = try view.stack.search(
        query, parameters, cap: cap, among: rows?.parts, into: answers)
    } else {
      unsafe outcome = try view.stack.search(query, parameters, among: rows, into: answers)
    }
    if view.isPartial { outcome.cuts.insert(.parts) }
    return outcome
  }

  /// Answers many queries.
  func answer(
    batch queries: VectorMatrix, _ parameters: SearchParameters, _ cap: GroupCap?,
    among rows: StackRows?, threads: Int
  ) throws(NeedletailError) -> BatchAnswers {
    let batch: BatchAnswers
    if let cap {
      batch = try view.stack.search(
        batch: queries, parameters, cap: cap, among: rows?.parts, threads: threads)
    } else {
      batch = try view.stack.search(batch: queries, parameters, among: rows, threads: threads)
    }
    return view.isPartial ? batch.adding(.parts) : batch
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
      evaluationLimit: options.budget?.evaluations, measuresTime: options.measuresTime)
    if let budget = options.budget { parameters.keep(budget) }
    if let recall = options.recall {
      parameters.use(try view.generation.setting(recall: recall, k: k))
      parameters.stopRank = view.generation.tuning?.k ?? 0
    } else {
      // Coarse codes know little of a single nearest row: it is no measure of how far to look.
      parameters.stopRank = min(Self.fewestToStopBy, options.efSearch)
    }
    try options.cap?.validate()
    try options.budget?.validate()
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
