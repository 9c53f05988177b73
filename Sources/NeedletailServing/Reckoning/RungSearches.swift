package import Needletail
package import NeedletailBudgets
package import NeedletailCore

/// The searches that a service makes on each rung, without the service: what is found there, and at what cost.
package struct RungSearches: Sendable {
  private let backend: IndexBackend
  /// The rungs that both the budget and the index have, in order.
  package let rungs: [Rung]

  /// Takes an index, the budget and how a query is searched at full quality.
  ///
  /// - Throws: `notFound` for an index without rows, or a recall that was never measured.
  package init(
    _ index: VectorIndex, _ budget: PerformanceBudget, full: SearchOptions
  ) throws(NeedletailError) {
    let backend = try IndexBackend(
      index, lighter: nil, full: full, smaller: budget.ladder.window)
    self.backend = backend
    rungs = budget.ladder.rungs.filter { backend.rungs.contains($0) }
  }

  /// The present rows.
  ///
  /// - Throws: as `VectorIndex.snapshot`.
  package func snapshot() throws(NeedletailError) -> Snapshot { try backend.index.snapshot() }

  /// Answers a query as a service does that stands on a rung and has time.
  ///
  /// - Throws: as `Snapshot.search`.
  package func search(
    _ query: [Float], k: Int, on rung: Rung
  ) throws(NeedletailError) -> SearchResult {
    try search(query, k: k, on: rung, window: rung == .full ? 1 : backend.leastWindow)
  }

  /// The same with a window of its own, and at most so many evaluations.
  func search(
    _ query: [Float], k: Int, on rung: Rung, window: Double, evaluations: Int? = nil
  ) throws(NeedletailError) -> SearchResult {
    var options = try backend.options(
      BackendRequest(queries: [query], k: k, rung: rung, window: window))
    options.measuresTime = false
    if let evaluations { options.budget = SearchBudget(evaluations: max(1, evaluations)) }
    return try backend.index.snapshot().search(query, k: k, options: options)
  }

  /// What decisions about queries of this index rest on.
  func settings(workers: Int) -> ServiceSettings {
    ServiceSettings(
      workers: workers, dimensions: backend.dimensions, rungs: backend.rungs,
      leastWindow: backend.leastWindow, batch: 1)
  }
}

extension MemoryUse {
  /// What an index takes under a service, by the budget's components.
  ///
  /// - Parameters:
  ///   - memory: what it takes by itself.
  ///   - budget: what says how large the cache is.
  ///   - workers: threads that search.
  package init(of memory: MemoryByComponent, under budget: PerformanceBudget, workers: Int) {
    var options = ServiceOptions()
    options.workers = workers
    self.init(memory, budget, options)
  }
}
