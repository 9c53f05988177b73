#if Tools
  import Needletail
  import NeedletailBudgets
  import NeedletailCore
  import NeedletailEvaluation
  import NeedletailServing

  /// An index that a service answers from, within a budget.
  final class BudgetedService: ServiceUnderLoad {
    let vocabulary: LoadVocabulary
    private let service: any QueryService
    /// The same, where it takes writes and charges tenants.
    private let written: SearchService?
    private let queries: [[Float]]
    private let tenants: [String]
    private let tiers: [String: Int]
    private let reasons: [String: Int]
    private let bound: Int
    private let clock: any LoadClock

    /// What counts against the ceiling; nil: what the process holds.
    private let memoryBytes: Int?

    /// - Parameters:
    ///   - index: what is searched.
    ///   - budget: what is kept.
    ///   - queries: the rows that requests name.
    ///   - settings: how a query is searched at full quality.
    ///   - tenants: the names of tenants, by their places.
    ///   - processor: where the one worker runs.
    /// - Throws: as `SearchService.init`.
    convenience init(
      _ index: VectorIndex, _ budget: PerformanceBudget, queries: VectorMatrix,
      settings: LoadSettings, tenants: [String], pinnedTo processor: Int?
    ) throws(NeedletailError) {
      self.init(
        try Self.service(index, budget, settings: settings, pinnedTo: processor), budget,
        queries: queries, tenants: tenants)
    }

    /// A service with one worker.
    ///
    /// - Throws: as `SearchService.init`.
    static func service(
      _ index: VectorIndex, _ budget: PerformanceBudget, settings: LoadSettings,
      pinnedTo processor: Int?
    ) throws(NeedletailError) -> SearchService {
      var options = ServiceOptions()
      options.workers = 1
      options.full = settings.options
      if let processor { options.onWorkerStart = { _ in _ = ProcessorPin.pin(to: processor) } }
      return try SearchService(index, budget: budget, options: options)
    }

    /// The same with a service that is there, and the clock that it goes by.
    init(
      _ service: some QueryService, _ budget: PerformanceBudget, queries: VectorMatrix,
      tenants: [String], memoryBytes: Int? = nil, clock: some LoadClock = SteadyClock()
    ) {
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
      self.service = service
      written = service as? SearchService
      self.memoryBytes = memoryBytes
      self.clock = clock
    }

    func submit(_ request: LoadRequest, to collector: LoadCollector) {
      // What the generator was late by is not the service's to use.
      let now = clock.now
      let deadline = request.deadline.map { Duration.nanoseconds(max(1, $0 - now)) }
      let asked = ServiceRequest(
        query: queries[request.query], k: request.k,
        priority: PriorityClass.allCases[request.priority.rawValue],
        tenant: tenants.indices.contains(request.tenant) ? tenants[request.tenant] : nil,
        deadline: deadline)
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
      LoadGauges(
        longestQueue: service.takeLongestQueue(), queueBound: bound, memoryBytes: memoryBytes)
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

    func upsert(
      _ row: VectorMatrix, id: VectorID, attributes: [Attributes]
    ) throws(NeedletailError) {
      guard let written else {
        throw NeedletailError(
          .invalidConfiguration, "A service in a time of its own takes no writes.")
      }
      try written.upsert(row, ids: [id], attributes: attributes)
    }

    func charges() -> [String: Double] {
      written?.status.tenants.mapValues { Double($0) / 1e6 } ?? [:]
    }

    func stop() { service.finish() }

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
