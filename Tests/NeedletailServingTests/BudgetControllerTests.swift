import NeedletailBudgets
import NeedletailCore
import Testing
import _NeedletailTestSupport

@testable import NeedletailServing

@Suite("Controllers of a budget")
struct BudgetControllerTests {
  private static let cost: [Double] = [1, 0.75, 0.6, 0.45, 0.3, 0.25, 0]

  @Test("Whatever a budget may say, every controller can be built of it and runs, by seed")
  func everyBudget() throws {
    for seed in 0..<UInt64(Effort.count(2_000, long: 20_000)) {
      let budget = try RandomBudget.make(seed: seed)
      var tiers = TierController(budget.tiers)
      let ladderSettings = LadderSettings(
        budget, cost: PerRung { Self.cost[$0.order] }, recall: PerRung { _ in 1 })
      var ladder = try LadderController(ladderSettings, tiers: budget.tiers, start: 0)
      let admission = AdmissionSettings(budget, workers: 2)
      var queue = try AdmissionQueue(admission, start: 0)
      let directory = TenantDirectory(budget.tenants)
      var tenants = try TenantLedger(directory)
      let memory = MemoryAccountant(budget.memory)
      var watched = try budget.objectives.map { objective throws(NeedletailError) in
        try WatchedObjective(objective, budget.tiers, start: 0)
      }
      if let settings = ResultCacheSettings(budget) {
        try settings.validate()
        // Large ones take long to make, and nothing else is asked of them.
        if settings.capacity <= 1 << 20 || seed % 64 == 0 {
          let cache = try ResultCache(settings, judge: PointJudge())
          #expect(cache.byteCount <= settings.capacity)
        }
        #expect(budget.memory.cache.map { settings.capacity <= $0 } ?? true, "seed \(seed)")
      } else {
        #expect(!budget.cache.isEnabled || (budget.memory.total ?? .max) < 16 * 4_096)
      }
      // An hour of overload, in a step, leaves everything within what the budget says.
      for step in 0..<Int64(20) {
        let now = step * 200 * .second
        let sample = LoadSample(demand: PerClass(repeating: 30))
        let tier = tiers.update(load: sample.load, at: now)
        ladder.update(sample, tier: tier, at: now)
        for priority in PriorityClass.allCases {
          let rung = ladder.rung(priority)
          #expect(budget.ladder.rungs.contains(rung) && budget.tiers[tier].rungs.contains(rung))
          #expect(budget.cache.isEnabled || !rung.isCached)
        }
        let tenant = directory.tenant(named: step == 0 ? nil : "tenant_1")
        _ = tenants.reserve(CostUnits(millionths: 1_000_000), for: tenant, at: now)
        let request = AdmissionRequest(
          .sheddable, tenant: tenant, weight: tenants.weight(of: tenant), work: .millisecond,
          cheapest: .millisecond, deadline: now + .second)
        if case .rejected(_, let after) = queue.offer(UInt64(step), request, at: now) {
          #expect(after >= Nanoseconds(budget.ladder.retryAfter))
        }
        for place in watched.indices {
          watched[place].answered(isWhole: true, tier: tier, after: 0)
          watched[place].refused(tier: tier)
          _ = watched[place].evaluate(at: now)
        }
      }
      #expect(memory.total.limit == budget.memory.total)
    }
  }

  @Test("What a budget says is what controllers do")
  func values() throws {
    let budget = try PerformanceBudget(
      name: "shop", owner: "me",
      tiers: [
        LoadTier(name: "normal", p95: .milliseconds(100), p99: .milliseconds(200)),
        LoadTier(
          name: "peak", p95: .milliseconds(300), p99: .milliseconds(500),
          enter: LoadCondition(load: 0.9)),
      ], memory: MemoryCeilings(cache: 10_000),
      objectives: [Objective(name: "in-time", indicator: .latency(.p99), target: 0.9995)],
      priorities: PriorityQueues(critical: QueueBound(length: 7, wait: .milliseconds(30))),
      tenants: [
        TenantQuota(name: "web", weight: 2.5), TenantQuota(name: "mail", rate: 3, isDefault: true),
      ], ladder: Ladder(retryAfter: .milliseconds(700), hold: .seconds(9), noise: 0.1),
      cache: CacheSettings(freshFor: .seconds(59), staleFor: .seconds(61)))
    let ladder = LadderSettings(budget, cost: PerRung { _ in 0 }, recall: PerRung { _ in 1 })
    #expect(ladder.spacing == 9 * .second && ladder.noise == 0.1)
    #expect(ladder.delayTarget == 20 * .millisecond && ladder.rungs == Rung.allCases)
    let admission = AdmissionSettings(budget, workers: 3)
    #expect(admission.bounds[.critical] == 7 && admission.bounds[.sheddable] == 64)
    #expect(admission.waits[.critical] == 30 * .millisecond && admission.waits[.sheddable] == .max)
    #expect(admission.retry == (700 * .millisecond)...(10 * .second))
    let objective = ObjectiveSettings(budget.objectives[0])
    #expect(objective.target == 999_500 && objective.period == 28 * 86_400 * .second)
    #expect(objective.rules == [.fast, .steady, .slow])
    #expect(objective.rules.map(\.burn) == [14_400, 6_000, 1_000])
    #expect(objective.rules.map(\.severity) == [.page, .page, .ticket])
    let directory = TenantDirectory(budget.tenants)
    #expect(directory.tenant(named: "web").rawValue == 0)
    #expect(directory.tenant(named: nil) == directory.tenant(named: "mail"))
    #expect(directory.tenant(named: "stranger") == directory.unlisted)
    #expect(directory.name(of: directory.unlisted) == "mail")
    #expect(TenantDirectory([]).tenant(named: nil) == TenantDirectory([]).tenant(named: "x"))
    #expect(TenantDirectory([]).name(of: TenantDirectory([]).unlisted) == nil)
    var tenants = try TenantLedger(directory)
    #expect(tenants.weight(of: directory.tenant(named: "web")) == 2_500)
    let mail = directory.tenant(named: "mail")
    #expect(tenants.reserve(CostUnits(millionths: 3_000_000), for: mail, at: 0).isGranted)
    #expect(!tenants.reserve(CostUnits(millionths: 3), for: mail, at: 0).isGranted)
    let cache = try #require(ResultCacheSettings(budget))
    #expect(cache.capacity == 10_000 && cache.shards == 2 && cache.staleAge == 61 * .second)
    #expect(cache.freshAge == 59 * .second)
  }

  @Test("A query waits no longer than the bound of its class, whatever its deadline")
  func longestWait() throws {
    var settings = AdmissionSettings(workers: 1, bound: 100)
    settings.waits[.critical] = 25 * .millisecond
    var queue = try AdmissionQueue(settings, start: 0)
    func offer(_ ticket: UInt64, _ priority: PriorityClass) -> Admission {
      let request = AdmissionRequest(
        priority, work: 10 * .millisecond, cheapest: .millisecond, deadline: 10 * .second)
      return queue.offer(ticket, request, at: 0)
    }
    #expect(offer(0, .critical) == .admitted(wait: 0))
    #expect(queue.take(at: 0, expired: { _ in })?.entry.ticket == 0)
    #expect(offer(1, .critical) == .admitted(wait: 5 * .millisecond))
    #expect(offer(2, .critical) == .admitted(wait: 15 * .millisecond))
    #expect(offer(3, .critical) == .admitted(wait: 25 * .millisecond))
    guard case .rejected(.deadline, _) = offer(4, .critical) else {
      Issue.record("a query was let in that would wait too long")
      return
    }
    guard case .admitted = offer(5, .sheddable) else {
      Issue.record("a class without a bound has one")
      return
    }
    // Nothing was finished for 26 ms: what may no longer wait is dropped, the other class goes on.
    var expired: [UInt64] = []
    let taken = queue.take(at: 26 * .millisecond, expired: { expired.append($0.entry.ticket) })
    #expect(expired == [1, 2, 3] && taken?.entry.ticket == 5)
  }
}

extension TenantLedger.Answer {
  fileprivate var isGranted: Bool {
    if case .granted = self { return true }
    return false
  }
}
