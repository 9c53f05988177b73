import NeedletailCore
import Testing

@testable import NeedletailServing

@Suite("Load and tiers")
struct LoadTests {
  static let tiers = [
    LoadTier(name: "normal", entry: 0, exit: 0, lastRung: .noRerank, recallFloor: 0.9),
    LoadTier(name: "elevated", entry: 0.75, exit: 0.65, lastRung: .lighterCodes, recallFloor: 0.8),
    LoadTier(name: "peak", entry: 1.1, exit: 1.0),
  ]

  @Test(
    "The right tier is entered within 2 s and left within 5 s, at 1 000 queries a second by seed")
  func tiers() throws {
    try LoadTier.validate(Self.tiers)
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

  @Test("Tiers that contradict each other are refused, with their names")
  func refused() {
    func message(_ tiers: [LoadTier]) -> String? {
      do throws(NeedletailError) {
        try LoadTier.validate(tiers)
        return nil
      } catch { return error.message }
    }
    let calm = LoadTier(name: "calm", entry: 0, exit: 0)
    #expect(message([calm]) == nil)
    #expect(message([]) != nil)
    #expect(message([LoadTier(name: "late", entry: 1, exit: 0)])?.contains("late") == true)
    for (entry, exit) in [(0.5, 0.5), (0.5, 0.6), (.infinity, 0.5), (.nan, 0.1)] {
      #expect(
        message([calm, LoadTier(name: "a", entry: entry, exit: exit)])?.contains("a") == true)
    }
    #expect(message([LoadTier(name: "deep", entry: 0, exit: 0, lastRung: .reject)]) != nil)
  }
}
