#if Tools
  import Needletail
  import NeedletailBudgets
  import NeedletailCore
  import NeedletailEvaluation
  import NeedletailServing

  /// An index that a service answers from, within a budget.
  final class BudgetedService: ServiceUnderLoad {
    let vocabulary: LoadVocabulary
    private let service: SearchService
    private let queries: [[Float]]
    private let tenants: [String]
    private let tiers: [String: Int]
    private let reasons: [String: Int]
    private let bound: Int
    private let clock = SteadyClock()

    /// - Parameters:
    ///   - index: what is searched.
    ///   - budget: what is kept.
    ///   - queries: the rows that requests name.
    ///   - settings: how a query is searched at full quality.
    ///   - tenants: the names of the mix, by their places.
    ///   - processor: where the one worker runs.
    /// - Throws: as `SearchService.init`.
    init(
      _ index: VectorIndex, _ budget: PerformanceBudget, queries: VectorMatrix,
      settings: LoadSettings, tenants: [String], pinnedTo processor: Int?
    ) throws(NeedletailError) {
      let names =
        ["deadline", "evaluations", "coarse", "partialSegments", "shed", "stale"]
        + ["queueFull", "quota", "draining"]
      vocabulary = LoadVocabulary(
        tiers: budget.tiers.map(\.name), rungs: Rung.allCases.map(\.rawValue),
        stages: Stage.allCases.map(\.rawValue), reasons: names)
      tiers = Dictionary(
        uniqueKeysWithValues: budget.tiers.enumerated().map { ($1.name, $0) })
      reasons = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
      bound = PriorityClass.allCases.reduce(0) { $0 + budget.priorities[$1].length }
      self.queries = (0..<queries.count).map { queries[$0] }
      self.tenants = tenants
      var options = ServiceOptions()
      options.workers = 1
      options.full = settings.options
      if let processor { options.onWorkerStart = { _ in _ = ProcessorPin.pin(to: processor) } }
      service = try SearchService(index, budget: budget, options: options)
    }

    func submit(_ request: LoadRequest, to collector: LoadCollector) {
      // What the generator was late by is not the service's to use.
      let now = clock.now
      let deadline = request.deadline.map { Duration.nanoseconds(max(1, $0 - now)) }
      let asked = ServiceRequest(
        query: queries[request.query], k: request.k,
        priority: PriorityClass.allCases[request.priority.rawValue],
        tenant: tenants.isEmpty ? nil : tenants[request.tenant], deadline: deadline)
      service.submit(asked) { [self] result in
        switch result {
        case .success(let answer):
          collector.receive(response(answer), to: request, neighbors: answer.neighbors.span)
        case .failure(.rejected(let rejection)):
          var response = LoadResponse(.rejected)
          response.reasons = bit(rejection.reason.rawValue)
          response.retryAfter = Nanoseconds(rejection.retryAfter)
          collector.receive(response, to: request)
        case .failure(.failed): collector.receive(LoadResponse(.failed), to: request)
        }
      }
    }

    func gauges() -> LoadGauges {
      LoadGauges(longestQueue: service.takeLongestQueue(), queueBound: bound)
    }

    /// Answers a second with `outstanding` queries always under way, at full quality and without a cache: the rate beyond which
    /// queues grow.
    static func capacity(
      _ index: VectorIndex, queries: VectorMatrix, settings: LoadSettings, pinnedTo processor: Int?
    ) throws -> Double {
      let calm = LoadTier(name: "calm", p95: .seconds(60), p99: .seconds(60))
      let budget = try PerformanceBudget(
        name: "capacity", owner: "needletail", tiers: [calm], ladder: Ladder(rungs: [.full]),
        cache: CacheSettings(isEnabled: false))
      let target = try BudgetedService(
        index, budget, queries: queries, settings: settings, tenants: [], pinnedTo: processor)
      // What the first searches read from disk is not what later ones cost.
      _ = ClosedLoop(target.service, target.queries, k: settings.k).run(for: .milliseconds(300))
      return ClosedLoop(target.service, target.queries, k: settings.k).run(for: .seconds(1))
    }

    /// Makes the service ready: the index is in memory, and what each rung takes and finds was measured.
    ///
    /// - Throws: as `SearchService.warmUp`.
    func warmUp(_ queries: VectorMatrix, k: Int) throws(NeedletailError) {
      try service.warmUp(queries: queries, k: k, within: .seconds(10))
    }

    func upsert(
      _ row: VectorMatrix, id: VectorID, attributes: [Attributes]
    ) throws(NeedletailError) {
      try service.upsert(row, ids: [id], attributes: attributes)
    }

    func charges() -> [String: Double] { service.status.tenants.mapValues { Double($0) / 1e6 } }

    func stop() { service.drain(within: .seconds(10)) }

    private func response(_ answer: ServedAnswer) -> LoadResponse {
      let certificate = answer.certificate
      var response = LoadResponse(
        .answered, tier: tiers[certificate.tier], rung: certificate.rung.order)
      for (place, stage) in Stage.allCases.enumerated() {
        response.stages[place] = certificate.stages[stage]
      }
      for reason in certificate.reasons { response.reasons |= bit(reason.description) }
      response.evaluations = certificate.evaluations
      return response
    }

    private func bit(_ reason: String) -> UInt32 {
      reasons[reason].map { 1 << UInt32($0) } ?? 0
    }
  }
#endif
