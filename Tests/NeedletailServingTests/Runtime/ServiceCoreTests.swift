import NeedletailBudgets
import NeedletailCore
import Testing

@testable import NeedletailServing

/// The decisions of a whole service in virtual time; 4 workers, 1 ms a query at full quality: 4 000 a second.
@Suite("Service core")
struct ServiceCoreTests {
  static let capacity = 4_000.0

  static func budget(
    tenants: [TenantQuota] = [], ladder: Ladder = Ladder(), objectives: [Objective] = [],
    floor: Double = 0
  ) throws -> PerformanceBudget {
    try PerformanceBudget(
      name: "shop", owner: "search@example.com",
      tiers: [
        LoadTier(
          name: "normal", p95: .milliseconds(10), p99: .milliseconds(20), recallFloor: floor),
        LoadTier(
          name: "elevated", p95: .milliseconds(20), p99: .milliseconds(40),
          enter: LoadCondition(load: 0.7), recallFloor: floor),
        LoadTier(
          name: "peak", p95: .milliseconds(40), p99: .milliseconds(60),
          enter: LoadCondition(load: 1.1), recallFloor: floor),
      ],
      objectives: objectives, tenants: tenants, ladder: ladder)
  }

  static func steady(_ share: Double) -> ServiceWorld.Stream {
    ServiceWorld.Stream(rate: { _ in share * capacity })
  }

  @Test("Tiers come within 2 s of their load, go within 5 s of its end, and keep their times")
  func tiers() throws {
    for (share, tier) in [(0.5, 0), (0.9, 1), (1.3, 2)] {
      // Ten calm seconds, thirty of load, ten calm ones.
      let second = Nanoseconds.second
      var world = try ServiceWorld(
        Self.budget(),
        [.init(rate: { (10 * second..<40 * second).contains($0) ? share * Self.capacity : 800 })])
      world.run(until: 50 * second)
      let entered = world.course.first { $0.tier == tier && $0.at >= 10 * second }
      #expect(try #require(entered).at <= 12 * second, "load \(share)")
      let left = world.course.last { $0.tier > 0 }
      #expect((left?.at ?? 0) <= 45 * second, "load \(share)")
      let limits = Self.budgetTimes[tier]
      var good = 0
      for slice in 12..<40 {
        let range = Nanoseconds(slice) * second..<Nanoseconds(slice + 1) * second
        let times = world.arrived(range).compactMap(\.latency)
        let isGood =
          percentile(times, 0.95) <= limits.p95 && percentile(times, 0.99) <= limits.p99
        good += isGood ? 1 : 0
      }
      #expect(Double(good) / 28 >= (share > 1 ? 0.95 : 0.99), "load \(share)")
    }
  }

  private static let budgetTimes: [(p95: Nanoseconds, p99: Nanoseconds)] = [
    (10 * .millisecond, 20 * .millisecond), (20 * .millisecond, 40 * .millisecond),
    (40 * .millisecond, 60 * .millisecond),
  ]

  @Test(
    "Overload of 2, 5 and 10 times: what is let in is in time, and as much is done as at the best")
  func overload() throws {
    let second = Nanoseconds.second
    // All that the service can do, on the lightest rung that it has.
    var best = try ServiceWorld(Self.budget(), [Self.steady(2.2)])
    best.run(until: 20 * second)
    let peak = best.arrived(5 * second..<20 * second).filter(\.isInTime).count / 15
    for factor in [2.0, 5, 10] {
      var world = try ServiceWorld(
        Self.budget(),
        [.init(rate: { $0 < 5 * second ? 0.5 * Self.capacity : factor * Self.capacity })])
      world.run(until: 25 * second)
      for slice in 7..<25 {
        let range = Nanoseconds(slice) * second..<Nanoseconds(slice + 1) * second
        let arrived = world.arrived(range)
        let served = arrived.filter(\.isInTime).count
        #expect(Double(served) >= 0.9 * Double(min(peak, arrived.count)), "\(factor) at \(slice)")
        #expect(percentile(arrived.compactMap(\.latency), 0.99) <= 90 * .millisecond)
      }
      #expect(world.mostWaiting <= 1_024)
    }
  }

  @Test("At five times the load the classes that matter most are served, in their order")
  func priorities() throws {
    let second = Nanoseconds.second
    let shares: [(PriorityClass, Double)] = [
      (.criticalPlus, 0.5), (.critical, 1.5), (.sheddablePlus, 1.5), (.sheddable, 1.5),
    ]
    var world = try ServiceWorld(
      Self.budget(),
      shares.map { priority, share in
        .init(priority: priority, rate: { _ in share * Self.capacity })
      })
    world.run(until: 30 * second)
    let top = world.arrived(2 * second..<30 * second, stream: 0)
    #expect(Double(top.filter(\.isInTime).count) >= 0.999 * Double(top.count))
    var inverted = 0
    var windows = 0
    for slice in 20..<300 {
      let range = Nanoseconds(slice) * second / 10..<Nanoseconds(slice + 1) * second / 10
      let served = shares.indices.map { stream in
        let arrived = world.arrived(range, stream: stream)
        return Double(arrived.filter(\.isInTime).count) / Double(max(1, arrived.count))
      }
      windows += 1
      // A tenth of slack: Poisson counts of a tenth of a second.
      if zip(served, served.dropFirst()).contains(where: { $0 < $1 - 0.1 }) { inverted += 1 }
    }
    #expect(Double(inverted) <= 0.01 * Double(windows), "\(inverted) of \(windows)")
  }

  @Test(
    "A sweep of the load walks the rungs in order, and nearly all are served until the last one")
  func sweep() throws {
    let second = Nanoseconds.second
    // From half to three times over two minutes; the last rungs want a cache, which answers nothing here.
    var world = try ServiceWorld(
      Self.budget(ladder: Ladder(rungs: [.full, .smallerWindow, .withoutRerank, .reject])),
      [.init(rate: { (0.5 + 2.5 * Double($0) / Double(120 * second)) * Self.capacity })])
    world.run(until: 120 * second)
    let rungs = world.course.map { $0.rungs[.critical] }
    for (rung, next) in zip(rungs, rungs.dropFirst()) where next > rung {
      #expect(next.order - rung.order <= 1 || next == .reject)
    }
    #expect(Set(rungs) == [.full, .smallerWindow, .withoutRerank, .reject])
    let rejecting = try #require(world.course.first { $0.rungs[.critical] == .reject })
    let before = world.arrived(0..<(rejecting.at - 2 * second))
    #expect(Double(before.filter { $0.end != nil }.count) >= 0.999 * Double(before.count))
  }

  @Test(
    "A quiet tenant does not feel a neighbour at twenty times its quota; what is charged is what was used"
  )
  func tenants() throws {
    let second = Nanoseconds.second
    let quotas = [
      TenantQuota(name: "quiet", rate: 1_000, burst: 500),
      TenantQuota(name: "noisy", rate: 1_000, burst: 500, isDefault: true),
    ]
    func run(_ noisy: Double) throws -> ServiceWorld {
      var world = try ServiceWorld(
        Self.budget(tenants: quotas),
        [
          .init(tenant: "quiet", rate: { _ in 600 }),
          .init(tenant: "noisy", rate: { _ in noisy }),
        ])
      world.run(until: 30 * second)
      return world
    }
    let calm = try run(600)
    let loud = try run(20_000)
    let range = 3 * second..<30 * second
    let before = percentile(calm.arrived(range, stream: 0).compactMap(\.latency), 0.99)
    let after = percentile(loud.arrived(range, stream: 0).compactMap(\.latency), 0.99)
    #expect(Double(after) <= 1.1 * Double(before) + 100_000, "\(before) and \(after)")
    let quiet = loud.arrived(range, stream: 0)
    #expect(Double(quiet.filter(\.isInTime).count) >= 0.999 * Double(quiet.count))
    let usage = loud.core.tenantUsage
    for (stream, name) in ["quiet", "noisy"].enumerated() {
      let done = loud.queries.filter { $0.stream == stream && $0.end != nil }.count
      let charged = try #require(usage[name])
      #expect(abs(Double(charged) - Double(done) * 1e6) <= 0.01 * Double(done) * 1e6, "\(name)")
    }
  }

  @Test(
    "A machine that stands still for a second: hopeless queries go, and the service recovers within one"
  )
  func stall() throws {
    let second = Nanoseconds.second
    var world = try ServiceWorld(Self.budget(), [Self.steady(0.8)])
    world.stall = 10 * second..<11 * second
    world.run(until: 20 * second)
    let after = world.arrived(12 * second..<20 * second)
    #expect(Double(after.filter(\.isInTime).count) >= 0.999 * Double(after.count))
    #expect(world.queries.allSatisfy { $0.end != nil || $0.rejection != nil })
  }

  @Test("Objectives count answers and refusals; a service that is over its budget says so")
  func objectives() throws {
    let second = Nanoseconds.second
    let objectives = [
      Objective(name: "latency", indicator: .latency(.p99), target: 0.99),
      Objective(name: "quality", indicator: .fullQuality, target: 0.999),
    ]
    var calm = try ServiceWorld(Self.budget(objectives: objectives), [Self.steady(0.5)])
    calm.run(until: 60 * second)
    let left = calm.core.errorBudgets(at: 60 * second)
    #expect(left["latency"] == 1_000_000 && left["quality"] == 1_000_000)
    var hot = try ServiceWorld(
      Self.budget(objectives: objectives), workers: 1, [.init(rate: { _ in 5_000 })])
    hot.run(until: 120 * second)
    let burnt = hot.core.errorBudgets(at: 120 * second)
    #expect(try #require(burnt["quality"]) < 0)
    let alerts = hot.events.compactMap { event -> BurnAlert? in
      if case .alert(let alert) = event.event { alert } else { nil }
    }
    #expect(alerts.contains { $0.objective == "quality" && $0.isFiring })
    // By Little's law, five times the load at four fifths of the time.
    let scales = hot.events.compactMap { event -> Int? in
      if case .scale(let workers, _) = event.event { workers } else { nil }
    }
    #expect((6...8).contains(try #require(scales.max())))
  }

  @Test("No rung below the tier's floor, and an alarm where what is found falls below it")
  func floors() throws {
    let second = Nanoseconds.second
    var world = try ServiceWorld(
      Self.budget(ladder: Ladder(window: .recall(0.95)), floor: 0.93), [Self.steady(3)])
    var alarms = 0
    for _ in 0..<100 { _ = world.core.compared(.full, found: 98, of: 100) }
    for _ in 0..<100 {
      if case .recallDrift(.withoutRerank, let estimate, let floor)? =
        world.core.compared(.withoutRerank, found: 80, of: 100)
      {
        alarms += 1
        #expect(abs(estimate - 0.8) < 0.01 && floor == 0.93)
      }
    }
    #expect(alarms == 1)
    world.run(until: 20 * second)
    let answered = Set(world.queries.filter { $0.end != nil }.map(\.rung))
    #expect(answered == [.full, .smallerWindow])
  }
}
