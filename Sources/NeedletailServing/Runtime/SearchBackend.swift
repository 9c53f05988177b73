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

  /// The width of the window at full quality.
  var fullWidth: Int { get }

  /// The width that search options come to.
  ///
  /// - Throws: `notFound` for a recall of what was never tuned.
  func width(_ options: SearchOptions, k: Int) throws(NeedletailError) -> Int

  /// Searches for queries that have everything else in common.
  ///
  /// - Returns: one result for each query.
  func search(_ request: BackendRequest) throws(NeedletailError) -> BackendAnswer

  /// What is searched now, for work in idle moments; `nil`: there is nothing to be looked at.
  func snapshot() -> Snapshot?

  /// The same with another smaller window.
  func adopting(_ window: SmallerWindow) throws(NeedletailError) -> any SearchBackend

  /// Refuses an envelope that what is served is beyond.
  func check(_ envelope: ComplexityEnvelope) throws(NeedletailError)

  /// Searches a segment no more.
  ///
  /// - Returns: whether it was searched until now.
  func leaveOut(segment: String) -> Bool

  /// Shows from now on what other processes have written; called ten times a second.
  func refresh() throws(NeedletailError)
}

extension SearchBackend {
  package var metric: Metric? { nil }
  package var fullWidth: Int { SearchOptions().efSearch }
  package func width(_ options: SearchOptions, k: Int) throws(NeedletailError) -> Int {
    options.efSearch
  }
  /// Nothing to be looked at.
  package func snapshot() -> Snapshot? { nil }
  /// It has no segments.
  package func leaveOut(segment: String) -> Bool { false }
  /// Its window is its own.
  package func adopting(_ window: SmallerWindow) throws(NeedletailError) -> any SearchBackend {
    self
  }
  /// Nothing is known of it but its dimensions.
  package func check(_ envelope: ComplexityEnvelope) throws(NeedletailError) {
    try envelope.check(ComplexityRequest(dimensions: dimensions))
  }
  /// Nobody else writes.
  package func refresh() throws(NeedletailError) {}
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
  /// How the queries are searched for at full quality; `nil`: as all are.
  package var search: SearchOptions?

  package init(
    queries: [[Float]], k: Int, filter: Filter? = nil, rung: Rung, window: Double = 1,
    latency: Duration? = nil, search: SearchOptions? = nil
  ) {
    self.search = search
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
