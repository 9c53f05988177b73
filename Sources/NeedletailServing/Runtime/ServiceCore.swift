package import NeedletailBudgets
package import NeedletailCore

/// The decisions of a service, without its threads: who is let in, who is next, how it is searched, what load says about it.
///
/// Every call takes the present instant, so that a whole service can be run in virtual time. `Payload` is what the caller wants back with a
/// query whose turn has come. Not made for several threads at once.
package struct ServiceCore<Payload: Sendable>: Sendable {
  /// What decisions depend on of a query.
  package struct Call: Sendable {
    package var priority: PriorityClass
    package var tenant: String?
    package var kind: QueryKind
    /// The time that the answer may take; `nil`: the `p99` of the tier.
    package var deadline: Nanoseconds?
    /// What its search takes beside that of the usual one, where it says itself how it is made; `nil`: it is the usual one.
    package var size: Double?

    package init(
      priority: PriorityClass = .critical, tenant: String? = nil, kind: QueryKind = .plain,
      deadline: Nanoseconds? = nil, size: Double? = nil
    ) {
      self.size = size.map { min(1_000, max(0.001, $0)) }
      self.priority = priority
      self.tenant = tenant
      self.kind = kind
      self.deadline = deadline
    }
  }

  /// Where a query stood when it arrived.
  package struct Standing: Sendable {
    package var call: Call
    package var tenant: TenantID
    package var rung: Rung
    /// The tier that held, by its number in the budget that was kept then.
    package var tier: Int
    /// Its name.
    package var tierName: String
    /// Which budget was kept, by the number of those before it.
    var revision: Int
    package var arrival: Nanoseconds
    package var deadline: Nanoseconds
  }

  /// A query whose turn has come.
  package struct Assignment: Sendable {
    package var payload: Payload
    package var standing: Standing
    package var plan: SearchPlan
    var turn: AdmissionQueue.Turn
    var reservation: TenantLedger.Reservation?
  }

  struct Waiting: Sendable {
    var payload: Payload
    var standing: Standing
    var reservation: TenantLedger.Reservation?
  }

  package internal(set) var budget: PerformanceBudget
  /// How many budgets were kept before this one.
  var revision = 0
  var settings: ServiceSettings
  var planner: Planner
  var queue: AdmissionQueue
  var meter: LoadMeter
  var tiers: TierController
  var ladder: LadderController
  var directory: TenantDirectory
  var tenants: TenantLedger?
  var objectives: [WatchedObjective]
  package internal(set) var costs: CostModel
  package internal(set) var counts = ServiceCounts()
  package internal(set) var recall = RecallEstimates()
  var scale: ScaleSignal
  /// The load of the last tick.
  package internal(set) var load = LoadSample(demand: PerClass(repeating: 0))
  /// Rungs that were told to find too little.
  var drifting: Set<Rung> = []
  var waiting: [UInt64: Waiting] = [:]
  /// The number of the query that was let in last.
  package private(set) var ticket: UInt64 = 0

  /// A service that nothing was asked of yet.
  ///
  /// - Throws: `invalidConfiguration`.
  package init(
    _ budget: PerformanceBudget, _ settings: ServiceSettings, start: Nanoseconds
  ) throws(NeedletailError) {
    try settings.validate()
    self.budget = budget
    self.settings = settings
    planner = Planner(budget, settings)
    costs = CostModel(first: settings.firstCost)
    queue = try AdmissionQueue(
      AdmissionSettings(budget, workers: settings.workers), start: start)
    meter = LoadMeter(.init(workers: settings.workers), start: start)
    tiers = TierController(budget.tiers)
    ladder = try LadderController(
      LadderSettings(budget, settings, costs, recall), tiers: budget.tiers, start: start)
    directory = TenantDirectory(budget.tenants)
    tenants = budget.tenants.isEmpty ? nil : try TenantLedger(directory)
    var objectives: [WatchedObjective] = []
    for objective in budget.objectives {
      objectives.append(try WatchedObjective(objective, budget.tiers, start: start))
    }
    self.objectives = objectives
    scale = ScaleSignal(workers: settings.workers, start: start)
  }

  /// Queries that wait.
  package var waitingCount: Int { queue.count }
  /// Queries that workers are at.
  package var busyCount: Int { queue.busy }
  /// The number of the tier that holds.
  package var tierNumber: Int { tiers.current }
  /// The tier that holds.
  package var tier: LoadTier { budget.tiers[tiers.current] }
  /// Whether nothing is let in any more.
  package var isDraining: Bool {
    get { queue.isDraining }
    set { queue.isDraining = newValue }
  }

  /// The rung that a class stands on.
  package func rung(_ priority: PriorityClass) -> Rung { ladder.rung(priority) }

  /// Where a query stands that arrives now.
  package mutating func arrive(_ call: Call, at now: Nanoseconds) -> Standing {
    let tenant = directory.tenant(named: call.tenant)
    let extra = tenants?.extraSteps(tenant, at: now) ?? 0
    let whole = min(.longestWork, max(1, call.deadline ?? Nanoseconds(tier.p99)))
    return Standing(
      call: call, tenant: tenant, rung: ladder.rung(call.priority, extra: extra),
      tier: tiers.current, tierName: tier.name, revision: revision, arrival: now,
      deadline: now + whole)
  }

  /// Lets a query wait that has to be searched for, or refuses it at once.
  ///
  /// - Returns: why it was refused; `nil`: it waits.
  package mutating func offer(
    _ payload: Payload, _ standing: Standing, at now: Nanoseconds
  ) -> Rejection? {
    let call = standing.call
    counts.offered[call.priority] += 1
    // Who stands on a rung that does not search has asked the cache in vain: what workers can still do, the queue gives to
    // those that matter most.
    let rung = min(standing.rung, ladder.deepestSearch)
    var reservation: TenantLedger.Reservation?
    if tenants != nil {
      let expected = CostUnits(
        evaluations: Int(Double(costs.evaluations(rung, call.kind)) * (call.size ?? 1)),
        dimensions: settings.dimensions)
      switch tenants?.reserve(expected, for: standing.tenant, at: now) {
      case .refused(let wait): return refuse(.quota, .nanoseconds(wait), standing)
      case .granted(let granted): reservation = granted
      case nil: break
      }
    }
    // What a tenant asks for beyond its quota is no load of anybody else's.
    meter.offered(costs.mean(.full, call.kind).times(call.size ?? 1), call.priority, at: now)
    ticket &+= 1
    let request = AdmissionRequest(
      call.priority, tenant: standing.tenant,
      weight: tenants?.weight(of: standing.tenant) ?? TenantAllowance.usualWeight,
      work: costs.mean(rung, call.kind).times(call.size ?? 1),
      cheapest: planner.cheapest(
        from: rung, allowed: ladder.allowedSearches, call.kind, costs
      ).times(call.size ?? 1),
      deadline: standing.deadline)
    switch queue.offer(ticket, request, at: now) {
    case .admitted:
      waiting[ticket] = Waiting(payload: payload, standing: standing, reservation: reservation)
      return nil
    case .rejected(let reason, let wait):
      if let reservation {
        tenants?.settle(reservation, actual: CostUnits(millionths: 0), at: now)
      }
      return refuse(
        standing.rung > .lighterCodes && reason != .draining ? .shed : Rejection.Reason(reason),
        .nanoseconds(wait), standing)
    }
  }

  /// Takes the next query that can still be answered in time; `expired` gets those that cannot any more.
  package mutating func take(
    at now: Nanoseconds, expired: (Payload, Rejection) -> Void
  ) -> Assignment? {
    var late: [AdmissionQueue.Turn] = []
    let next = queue.take(at: now) { late.append($0) }
    for turn in late {
      guard let entry = waiting.removeValue(forKey: turn.entry.ticket) else { continue }
      meter.dequeued(after: now - turn.entry.arrival, at: now)
      giveBack(entry, at: now)
      expired(entry.payload, self.expired(entry.standing))
    }
    guard let turn = next, let entry = waiting.removeValue(forKey: turn.entry.ticket) else {
      return nil
    }
    meter.dequeued(after: now - turn.entry.arrival, at: now)
    let standing = entry.standing
    // The ladder may have moved while it waited; what it was let in for is not taken from it.
    let deepest = ladder.deepestSearch
    let rung = min(deepest, max(standing.rung, ladder.rung(standing.call.priority)))
    let plan = planner.plan(
      from: rung, allowed: ladder.allowedSearches, arrival: standing.arrival,
      whole: standing.deadline - standing.arrival, kind: standing.call.kind, costs: costs,
      size: standing.call.size ?? 1, at: now)
    return Assignment(
      payload: entry.payload, standing: standing, plan: plan, turn: turn,
      reservation: entry.reservation)
  }

  /// Lets a query go that waits, and whose caller has given up; what it was charged is given back.
  ///
  /// - Parameters:
  ///   - ticket: its number, as `ticket` was after `offer`.
  ///   - now: the present instant.
  /// - Returns: what it came with; `nil`: it does not wait any more.
  package mutating func cancel(_ ticket: UInt64, at now: Nanoseconds) -> Payload? {
    guard let entry = waiting.removeValue(forKey: ticket) else { return nil }
    let isThere = queue.remove(ticket, entry.standing.call.priority, of: entry.standing.tenant)
    assert(isThere, "a query waits that is in no queue")
    giveBack(entry, at: now)
    let call = entry.standing.call
    // Or whoever asks and gives up would drive the ladder for all, for nothing.
    meter.withdrawn(costs.mean(.full, call.kind).times(call.size ?? 1), call.priority, at: now)
    counts.cancelled += 1
    return entry.payload
  }

  /// What was reserved for a query that is not searched for.
  mutating func giveBack(_ entry: Waiting, at now: Nanoseconds) {
    guard let reservation = entry.reservation else { return }
    tenants?.settle(reservation, actual: CostUnits(millionths: 0), at: now)
  }

  /// Takes what a search took that was made to find that out.
  package mutating func learn(_ cost: SearchCost, _ rung: Rung, _ kind: QueryKind) {
    costs.learn(cost, rung, kind)
  }

  /// The work on a query has ended.
  ///
  /// - Parameters:
  ///   - assignment: the query.
  ///   - cost: what it took.
  ///   - isWhole: whether it is what its rung takes: no deadline cut it, and it did not fail.
  ///   - now: the present instant.
  package mutating func finished(
    _ assignment: Assignment, cost: SearchCost, isWhole: Bool = true, at now: Nanoseconds
  ) {
    let plan = assignment.plan
    let kind = assignment.standing.call.kind
    queue.finished(
      assignment.turn,
      // Of a query that says itself how it is searched for, the plan is a guess.
      planned: isWhole && assignment.standing.call.size == nil ? plan.expected : cost.nanoseconds,
      actual: cost.nanoseconds)
    meter.served(cost.nanoseconds, at: now)
    if let reservation = assignment.reservation {
      tenants?.settle(
        reservation,
        actual: CostUnits(
          evaluations: cost.evaluations, dimensions: settings.dimensions), at: now)
    }
    // A window between the two says nothing of either, and one of the query's own nothing of others.
    if isWhole, plan.isOfItsRung, assignment.standing.call.size == nil {
      costs.learn(cost, plan.rung, kind)
    }
  }

  /// An answer was given: for the counts, and for what was promised.
  package mutating func answered(
    _ rung: Rung, isWhole: Bool, _ standing: Standing, after total: Nanoseconds
  ) {
    counts.answered[rung] += 1
    counts.served[standing.call.priority] += 1
    counts.latency.record(total)
    for place in objectives.indices {
      objectives[place].answered(isWhole: isWhole, tier: self.place(of: standing), after: total)
    }
  }

  /// What each tenant of the budget has used, in millionths of a cost unit.
  package var tenantUsage: [String: Int64] {
    guard let tenants else { return [:] }
    var usage: [String: Int64] = [:]
    for quota in directory.quotas {
      usage[quota.name] = tenants.usage(of: directory.tenant(named: quota.name)).charged.millionths
    }
    return usage
  }

  /// A search failed, and not for what was wrong with the query.
  package mutating func failed(_ standing: Standing) {
    counts.failed += 1
    for place in objectives.indices { objectives[place].refused(tier: self.place(of: standing)) }
  }

  /// The number of the tier in which a query came, in the budget that is kept now; `nil`: it has no such tier.
  private func place(of standing: Standing) -> Int? {
    if standing.revision == revision { return standing.tier }
    return budget.tiers.firstIndex { $0.name == standing.tierName }
  }

  /// A query waited, for its turn or for somebody else's search, until its time was over.
  mutating func expired(_ standing: Standing) -> Rejection {
    refuse(.deadline, budget.ladder.retryAfter, standing)
  }

  /// Counts a refusal: it breaks what was promised, whoever may have deserved it.
  mutating func refuse(
    _ reason: Rejection.Reason, _ wait: Duration, _ standing: Standing
  ) -> Rejection {
    counts.rejected[reason, default: 0] += 1
    counts.refused[standing.call.priority] += 1
    for place in objectives.indices { objectives[place].refused(tier: self.place(of: standing)) }
    return Rejection(reason: reason, retryAfter: wait)
  }
}

extension Rejection.Reason {
  init(_ reason: Admission.Reason) {
    self =
      switch reason {
      case .deadline: .deadline
      case .queueFull: .queueFull
      case .tenantFull: .quota
      case .draining: .draining
      }
  }
}
