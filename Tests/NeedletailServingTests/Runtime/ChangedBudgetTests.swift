import NeedletailBudgets
import NeedletailCore
import Testing

@testable import NeedletailServing

/// A budget that changes while the service decides, in virtual time.
@Suite("Changed budget")
struct ChangedBudgetTests {
  private static let second = Nanoseconds.second

  private static func core(
    _ budget: PerformanceBudget, workers: Int = 1
  ) throws -> ServiceCore<Int> {
    var core = try ServiceCore<Int>(
      budget, ServiceSettings(workers: workers, firstCost: .millisecond), start: 0)
    core.learn(SearchCost(nanoseconds: .millisecond, evaluations: 1_000), .full, .plain)
    return core
  }

  @Test(
    "Under load: nobody is lost, and ladder, times and bounds are the new ones from then on")
  func underLoad() throws {
    let calm = try ServiceCoreTests.budget()
    let strict = try ServiceCoreTests.budget(
      ladder: Ladder(rungs: [.full, .smallerWindow, .reject])
    ).setting("priorities.critical", to: "8")
      .setting("tiers[peak].p95", to: "20ms").setting("tiers[elevated].p99", to: "30ms")
      .setting("tiers[peak].p99", to: "30ms")
    var world = try ServiceWorld(calm, [ServiceCoreTests.steady(5)])
    let waited = Shared(0)
    world.changes = [
      (
        20 * Self.second,
        { core in
          waited.change { $0 = core.waitingCount }
          let told = try? core.adopt(strict, leastWindow: 0.5, at: 20 * Self.second)
          #expect(told != nil)
        }
      )
    ]
    world.run(until: 40 * Self.second)
    #expect(waited.value > 8, "the queue was to be longer than the new bound")
    #expect(world.queries.allSatisfy { $0.end != nil || $0.rejection != nil })
    let before = world.arrived(10 * Self.second..<20 * Self.second)
    let after = world.arrived(20 * Self.second..<40 * Self.second)
    #expect(before.contains { $0.rung == .withoutRerank && $0.end != nil })
    #expect(!after.contains { $0.rung > .smallerWindow && $0.end != nil })
    #expect(before.contains { $0.deadline - $0.arrival == 60 * .millisecond })
    #expect(after.allSatisfy { $0.deadline - $0.arrival == 30 * .millisecond })
    #expect(after.contains { $0.rejection == .queueFull || $0.rejection == .shed })
    // The tier goes on by its name: it is not entered anew.
    let tiers = world.course.filter { $0.at > 19 * Self.second }.map(\.tier)
    #expect(Set(tiers) == [2])
    #expect(world.core.tier == strict.tiers[2] && world.core.budget == strict)
  }

  @Test("What waits stays, also beyond a bound and a wait that are shorter now")
  func waiting() throws {
    var core = try Self.core(ServiceCoreTests.budget())
    func offer(_ number: Int, at now: Nanoseconds) -> Rejection? {
      let standing = core.arrive(.init(deadline: Self.second), at: now)
      return core.offer(number, standing, at: now)
    }
    for number in 0..<10 { #expect(offer(number, at: 0) == nil) }
    let short = try core.budget
      .setting("priorities.critical", to: #"{"length": 2, "wait": "1ms"}"#)
    _ = try core.adopt(short, leastWindow: 0.5, at: 0)
    #expect(core.waitingCount == 10)
    #expect(offer(10, at: 0)?.reason == .queueFull)
    var now: Nanoseconds = 0
    for number in 0..<10 {
      let assignment = core.take(at: now) { number, _ in Issue.record("\(number) was dropped") }
      #expect(assignment?.payload == number)
      now += 20 * .millisecond
      if let assignment { core.finished(assignment, cost: .init(nanoseconds: 1), at: now) }
    }
    #expect(core.waitingCount == 0 && core.busyCount == 0)
  }

  @Test("A tenant that persists keeps its tokens and its account; the others come and go")
  func tenants() throws {
    func budget(_ quotas: [TenantQuota]) throws -> PerformanceBudget {
      try ServiceCoreTests.budget(tenants: quotas)
    }
    var core = try Self.core(
      budget([
        TenantQuota(name: "web", rate: 1, burst: 4), TenantQuota(name: "mail", rate: 1, burst: 4),
      ]))
    func ask(_ tenant: String, at now: Nanoseconds = 0) -> Rejection.Reason? {
      let standing = core.arrive(.init(tenant: tenant, deadline: Self.second), at: now)
      if let rejection = core.offer(0, standing, at: now) { return rejection.reason }
      guard let assignment = core.take(at: now, expired: { _, _ in }) else { return .draining }
      core.finished(
        assignment, cost: SearchCost(nanoseconds: .millisecond, evaluations: 1_000), at: now)
      return nil
    }
    for _ in 0..<4 { #expect(ask("web") == nil) }
    #expect(ask("web") == .quota && ask("mail") == nil)
    // In another order, with a new one before them, and more at once: what is used up stays so.
    _ = try core.adopt(
      budget([
        TenantQuota(name: "new", rate: 1, burst: 1), TenantQuota(name: "mail", rate: 1, burst: 2),
        TenantQuota(name: "web", rate: 1, burst: 10),
      ]), leastWindow: 0.5, at: 0)
    #expect(ask("web") == .quota)
    #expect(core.tenantUsage == ["web": 4_000_000, "mail": 1_000_000, "new": 0])
    // Three were left of four, and two are the most now.
    #expect(ask("mail") == nil && ask("mail") == nil && ask("mail") == .quota)
    #expect(ask("new") == nil && ask("new") == .quota)
    #expect(ask("web", at: Self.second) == nil)
    // What a tenant that goes has under way is settled without it.
    let standing = core.arrive(.init(tenant: "new", deadline: 9 * Self.second), at: Self.second)
    #expect(core.offer(7, standing, at: Self.second) == nil)
    _ = try core.adopt(
      budget([TenantQuota(name: "web", rate: 1)]), leastWindow: 0.5, at: Self.second)
    let taken = core.take(at: Self.second, expired: { _, _ in })
    let assignment = try #require(taken)
    core.finished(assignment, cost: .init(nanoseconds: 1, evaluations: 1_000), at: Self.second)
    #expect(core.tenantUsage.keys.sorted() == ["web"])
    // Without tenants nobody is told apart; one that comes again begins anew.
    _ = try core.adopt(budget([]), leastWindow: 0.5, at: Self.second)
    #expect(core.tenantUsage.isEmpty && ask("web", at: Self.second) == nil)
  }

  @Test(
    "An objective that persists keeps its counts, whatever else changes; the alert of one that goes ends"
  )
  func objectives() throws {
    let slow = Objective(name: "latency", indicator: .latency(.p99), target: 0.99)
    let whole = Objective(name: "quality", indicator: .fullQuality, target: 0.999)
    var hot = try ServiceWorld(
      ServiceCoreTests.budget(objectives: [slow, whole]), workers: 1,
      [.init(rate: { _ in 5_000 })])
    hot.run(until: 120 * Self.second)
    let end = 120 * Self.second
    _ = hot.core.tick(at: end)
    let before = hot.core.errorBudgets(at: end)
    #expect(try #require(before["quality"]) < 0)
    var core = hot.core
    // The same promises in other tiers: nothing is given back.
    let other = try core.budget.setting("tiers[peak].p99", to: "70ms")
    #expect(try core.adopt(other, leastWindow: 0.5, at: end).isEmpty)
    #expect(core.errorBudgets(at: end) == before)
    // Another window: what was counted still is.
    let longer = try core.budget.setting("objectives[quality].window", to: "30d")
    _ = try core.adopt(longer, leastWindow: 0.5, at: end)
    #expect(core.errorBudgets(at: end) == before)
    // A promise of less was broken by less.
    let less = try core.budget.setting("objectives[quality].target", to: "99%")
    _ = try core.adopt(less, leastWindow: 0.5, at: end)
    let left = try #require(core.errorBudgets(at: end)["quality"])
    #expect(left > (before["quality"] ?? 0) && left < 1_000_000)
    // One that is counted otherwise begins anew, and one that is gone ends its alert.
    let none = try core.budget.setting("objectives[quality]", to: "null")
    let told = try core.adopt(none, leastWindow: 0.5, at: end)
    let ended = told.compactMap { event -> BurnAlert? in
      if case .alert(let alert) = event { alert } else { nil }
    }
    #expect(!ended.isEmpty && ended.allSatisfy { $0.objective == "quality" && !$0.isFiring })
    #expect(core.errorBudgets(at: end).keys.sorted() == ["latency"])
  }

  @Test("The tier that holds goes on by its name; where it is gone, the load says which one holds")
  func tiers() throws {
    var world = try ServiceWorld(ServiceCoreTests.budget(), [ServiceCoreTests.steady(0.9)])
    world.run(until: 10 * Self.second)
    var core = world.core
    #expect(core.tier.name == "elevated")
    let without = try core.budget.setting("tiers[elevated]", to: "null")
    let told = try core.adopt(without, leastWindow: 0.5, at: 10 * Self.second)
    #expect(core.tier.name == "normal")
    let names = told.compactMap { event -> [String]? in
      if case .tier(let from, let to, _) = event { [from, to] } else { nil }
    }
    #expect(names == [["elevated", "normal"]])
  }

  @Test("Whatever budgets follow each other under load, nothing is lost and bounds hold, by seed")
  func anyBudget() throws {
    for seed in 0..<UInt64(30) {
      let start = try RandomBudget.make(seed: seed)
      var world = try ServiceWorld(start, [ServiceCoreTests.steady(1.5)], seed: seed)
      for step in 1...8 as ClosedRange<UInt64> {
        let next = try RandomBudget.make(seed: 1_000 + 8 * seed + step)
        let at = Nanoseconds(step) * Self.second / 4
        world.changes.append(
          (
            at,
            { core in
              let waiting = core.waitingCount
              #expect((try? core.adopt(next, leastWindow: 0.4, at: at)) != nil, "seed \(seed)")
              #expect(core.waitingCount == waiting && core.budget == next)
              #expect(core.rungs[.critical] == core.rung(.critical))
              #expect(next.tiers.indices.contains(core.tierNumber))
            }
          ))
      }
      world.run(until: 3 * Self.second)
      #expect(world.queries.allSatisfy { $0.end != nil || $0.rejection != nil }, "seed \(seed)")
      #expect(world.core.waitingCount == 0 && world.core.busyCount == 0)
    }
  }
}
