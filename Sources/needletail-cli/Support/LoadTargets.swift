#if Tools
  import Needletail
  import NeedletailBudgets
  import NeedletailCore
  import NeedletailEvaluation
  import NeedletailServing

  /// What a load run puts under load, and ends after it.
  protocol ServiceUnderLoad: LoadTarget {
    /// Finishes what waits, and ends its threads; more than once is once.
    func stop()

    /// Writes a row in the place of the one that has its id, if any.
    func upsert(
      _ row: VectorMatrix, id: VectorID, attributes: [Attributes]
    ) throws(NeedletailError)

    /// What tenants were charged so far, in cost units, by name; empty where nobody charges.
    func charges() -> [String: Double]
  }

  /// How the requests of a load run are searched.
  struct LoadSettings {
    var options: SearchOptions
    var k: Int
  }

  /// Makes what is put under load.
  enum LoadTargets {
    /// A processor for the generator, one for the worker, and one for who writes, which is the worker's where there is no
    /// third; nil where there are not two.
    static let processors: (generator: Int, worker: Int, writer: Int)? = {
      let allowed = ProcessorPin.allowed
      return allowed.count > 1
        ? (allowed[0], allowed[1], allowed.count > 2 ? allowed[2] : allowed[1]) : nil
    }()

    /// What answers: a service with one worker, which keeps the budget and is warm; or, without one, a worker behind a bounded queue.
    static func make(
      _ index: VectorIndex, _ budget: PerformanceBudget?, queries: VectorMatrix,
      settings: LoadSettings, tenants: [String]
    ) throws(NeedletailError) -> any ServiceUnderLoad {
      guard let budget else {
        return try QueuedService(
          index, queries: queries, settings: settings, pinnedTo: processors?.worker)
      }
      let service = try BudgetedService.service(
        index, budget, settings: settings, pinnedTo: processors?.worker)
      // What is not ready takes no queries: floors hold for rungs whose recall was measured.
      try service.warmUp(
        queries: queries[0..<min(queries.count, 500)], k: settings.k, within: .seconds(10))
      return BudgetedService(service, budget, queries: queries, tenants: tenants)
    }

    /// What one worker does in a second, in queries a second: with what the service adds to the search, where there is one.
    ///
    /// - Throws: whatever a search throws.
    static func capacity(
      _ index: VectorIndex, _ budget: PerformanceBudget?, queries: VectorMatrix,
      settings: LoadSettings
    ) throws -> Double {
      if budget != nil {
        return try BudgetedService.capacity(
          index, queries: queries, settings: settings, pinnedTo: processors?.worker)
      }
      let snapshot = try index.snapshot()
      let rows = (0..<queries.count).map { queries[$0] }
      var options = settings.options
      options.measuresTime = true
      // What the first searches read from disk is not what later ones cost.
      for query in rows.prefix(1000) {
        _ = try snapshot.search(query, k: settings.k, options: options)
      }
      let clock = ContinuousClock()
      let begin = clock.now
      var count = 0
      while clock.now - begin < .seconds(1) {
        _ = try snapshot.search(rows[count % rows.count], k: settings.k, options: options)
        count += 1
      }
      return Double(count) / ((clock.now - begin) / .seconds(1))
    }
  }
#endif
