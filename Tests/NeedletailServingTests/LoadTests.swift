import NeedletailBudgets
import NeedletailCore
import Testing

@testable import NeedletailServing

@Suite("Load and tiers")
struct LoadTests {
  static let tiers = [
    tier("normal", rungs: [.full, .smallerWindow, .withoutRerank, .reject], recallFloor: 0.9),
    tier(
      "elevated", enter: 0.75,
      rungs: [.full, .smallerWindow, .withoutRerank, .lighterCodes, .reject], recallFloor: 0.8),
    tier("peak", enter: 1.1),
  ]

  private static func tier(
    _ name: String, enter: Double? = nil, rungs: [Rung] = Rung.allCases, recallFloor: Double = 0
  ) -> LoadTier {
    LoadTier(
      name: name, p95: .seconds(1), p99: .seconds(1), enter: enter.map { LoadCondition(load: $0) },
      rungs: rungs, recallFloor: recallFloor)
  }

  @Test(
    "The right tier is entered within 2 s and left within 5 s, at 1 000 queries a second by seed")
  func tiers() throws {
    var random = SplitMix64(seed: 3)
    var meter = LoadMeter(LoadMeter.Settings(workers: 2), start: 0)
    var tiers = TierController(Self.tiers)
    // Twenty seconds at each load.
    let loads = [0.5, 0.9, 1.3, 0.9, 0.5, 1.3, 0.5]
    let expected = [0, 1, 2, 1, 0, 2, 0]
    var arrival: Nanoseconds = 0
    for tick in 1...Int64(loads.count * 200) {
      let now = tick * 100 * .millisecond
      while arrival < now {
        meter.offered(random.uniform(mean: .millisecond), .critical, at: arrival)
        let load = loads[min(loads.count - 1, Int(arrival / (20 * .second)))]
        arrival += random.exponential(mean: Nanoseconds(500_000 / load))
      }
      let tier = tiers.update(load: meter.sample(at: now).load, at: now)
      let phase = min(loads.count - 1, Int((now - 1) / (20 * .second)))
      let within = now - Int64(phase) * 20 * .second
      let rises = phase == 0 || expected[phase] > expected[phase - 1]
      if within > (rises ? 2 : 5) * .second { #expect(tier == expected[phase]) }
    }
  }

  @Test("Load is what arrived, also while a cheaper rung serves it; a silence ends it")
  func meter() {
    var meter = LoadMeter(LoadMeter.Settings(workers: 4), start: 0)
    for step in 0..<Int64(1_000) {
      meter.offered(6 * .millisecond, .critical, at: step * .millisecond)
      meter.offered(2 * .millisecond, .sheddable, at: step * .millisecond)
      meter.served(.millisecond, at: step * .millisecond)
    }
    var sample = meter.sample(at: .second)
    #expect(sample.demand[.critical] == 1.5 && sample.demand[.sheddable] == 0.5)
    #expect(sample.load == 2 && sample.utilisation == 0.25)
    sample = meter.sample(at: 1_500 * .millisecond)
    #expect(sample.load == 1)
    #expect(meter.sample(at: 3 * .second).load == 0)
  }

  @Test("A burst makes no standing delay; a queue that stays does, also one that nothing leaves")
  func delay() {
    var delay = StandingDelay(interval: 100, start: 0)
    delay.record(900, at: 10)
    delay.record(2, at: 20)
    delay.record(800, at: 30)
    delay.advance(to: 100, oldestWait: 0)
    #expect(delay.value == 2)
    delay.record(50, at: 110)
    delay.record(40, at: 190)
    delay.advance(to: 230, oldestWait: 7)
    #expect(delay.value == 40)
    delay.advance(to: 300, oldestWait: 100)
    #expect(delay.value == 100)
    delay.record(50, at: 310)
    delay.advance(to: 900, oldestWait: 0)
    #expect(delay.value == 0)
  }

  @Test("The machine's clock never goes back")
  func clock() {
    let clock = MonotonicClock()
    var last = clock.now
    for _ in 0..<1_000 {
      let now = clock.now
      #expect(now >= last)
      last = now
    }
    #expect(last > 0)
  }

  @Test("Each tier has its own loads and times, to the nanosecond")
  func holds() {
    var tiers = TierController([
      Self.tier("calm"),
      LoadTier(
        name: "slow", p95: .seconds(1), p99: .seconds(1),
        enter: LoadCondition(load: 0.5, for: .seconds(10)),
        exit: LoadCondition(load: 0.4, for: .seconds(20))),
      LoadTier(
        name: "quick", p95: .seconds(1), p99: .seconds(1),
        enter: LoadCondition(load: 0.9, for: .zero), exit: LoadCondition(load: 0.1, for: .zero)),
    ])
    #expect(tiers.update(load: 0.5, at: 0) == 0)
    #expect(tiers.update(load: 0.5, at: 10 * .second - 1) == 0)
    #expect(tiers.update(load: 0.5, at: 10 * .second) == 1)
    #expect(tiers.update(load: 0.9, at: 11 * .second) == 2)
    #expect(tiers.update(load: 0.1, at: 12 * .second) == 2)
    // The middle one has been below its exit for a second only, and still holds.
    #expect(tiers.update(load: 0.05, at: 13 * .second) == 1)
    #expect(tiers.update(load: 0.39, at: 32 * .second - 1) == 1)
    #expect(tiers.update(load: 0.39, at: 32 * .second) == 0)
    // A tier that nothing leads into is never entered.
    var single = TierController([Self.tier("calm"), Self.tier("nowhere")])
    #expect(single.update(load: 1e9, at: 0) == 0)
  }
}
