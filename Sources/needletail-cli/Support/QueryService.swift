#if Tools
  import NeedletailServing

  /// Whoever answers the requests of a load run within a budget: a service, or one in a time of its own.
  protocol QueryService: Sendable {
    /// Takes a query; `done` is called once.
    func submit(_ request: ServiceRequest, done: @escaping @Sendable (ServiceResult) -> Void)
    /// The most queries that waited at a time since this was called last.
    func takeLongestQueue() -> Int
    /// Answers what waits, and lets nothing in any more.
    func finish()
  }

  extension SearchService: QueryService {
    func finish() { drain(within: .seconds(10)) }
  }

  extension ReckonedService: QueryService {
    func finish() { end() }
  }
#endif
