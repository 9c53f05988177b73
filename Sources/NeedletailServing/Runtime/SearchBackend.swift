package import NeedletailBudgets
package import Needletail

/// What the runtime searches: an index, or what a test puts in its place.
package protocol SearchBackend: Sendable {
  /// Components of a query.
  var dimensions: Int { get }
  /// What near means; `nil`: it does not matter to what queries may be.
  var metric: Metric? { get }
  /// The rungs that it can search on, in order; `full` is one of them.
  var rungs: [Rung] { get }
  /// The share of the full rung's window that the rung `smallerWindow` has.
  var leastWindow: Double { get }

  /// Searches for queries that have everything else in common.
  ///
  /// - Returns: one result for each query.
  func search(_ request: BackendRequest) throws(NeedletailError) -> BackendAnswer

  /// What is searched now, for work in idle moments; `nil`: there is nothing to be looked at.
  func snapshot() -> Snapshot?
}

extension SearchBackend {
  package var metric: Metric? { nil }
  /// Nothing to be looked at.
  package func snapshot() -> Snapshot? { nil }
}

/// What a backend is asked.
package struct BackendRequest: Sendable {
  /// `[n][dimensions]` components.
  package var queries: [[Float]]
  /// Neighbours for each of them.
  package var k: Int
  /// Which rows may be answers.
  package var filter: Filter?
  package var rung: Rung
  /// The share of the full rung's window.
  package var window: Double
  /// The time that each query may take; `nil`: any.
  package var latency: Duration?

  package init(
    queries: [[Float]], k: Int, filter: Filter? = nil, rung: Rung, window: Double = 1,
    latency: Duration? = nil
  ) {
    self.queries = queries
    self.k = k
    self.filter = filter
    self.rung = rung
    self.window = window
    self.latency = latency
  }
}

/// What a backend found.
package struct BackendAnswer: Sendable {
  /// One for each query.
  package var results: [SearchResult]
  /// The generation that was searched.
  package var generation: Int
  /// The time that the filter took, once for all queries.
  package var filterNanoseconds: Nanoseconds
  /// What was searched, and the filter in its form; `nil`: answers cannot be compared with exact ones.
  package var searched: (snapshot: Snapshot, filter: CompiledFilter?)?

  package init(results: [SearchResult], generation: Int, filterNanoseconds: Nanoseconds = 0) {
    self.results = results
    self.generation = generation
    self.filterNanoseconds = filterNanoseconds
  }
}
