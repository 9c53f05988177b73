import NeedletailBudgets
import NeedletailCore
import Testing

@testable import NeedletailServing

@Suite("Objectives")
struct ObjectiveTests {
  private func state(
    _ target: Int = 999_000, rules: [BurnRule] = [.fast, .steady, .slow]
  ) throws -> ObjectiveState {
    try ObjectiveState(ObjectiveSettings(name: "in time", target: target, rules: rules), start: 0)
  }

  @Test("A million events add up as in an array of them, in every window, and alerts are the same")
  func oracle() throws {
    var random = SplitMix64(seed: 5)
    let rules = [
      BurnRule(.page, burn: 14_400, long: 7_200, short: 600),
      BurnRule(.ticket, burn: 1_000, long: 86_400, short: 7_200),
    ]
    let settings = ObjectiveSettings(name: "x", target: 990_000, period: 864_000, rules: rules)
    var state = try ObjectiveState(settings, start: 0)
    var ring = EventRing(width: 10, shortCount: 60, longCount: 720, start: 0)
    var oracles = rules.map { EventOracle(width: $0.bucket) }
    var fine = EventOracle(width: 10)
    var now: Nanoseconds = 0
    var (began, looked) = (0, 0)
    var badness: UInt64 = 0
    for event in 0..<1_000_000 {
      // Half a bucket on average, bursts at one instant, and a long silence now and then.
      now += Nanoseconds(random.next(below: 3))
      if random.next(below: 100_000) == 0 { now += Nanoseconds(random.next(below: 20_000)) }
      if event % 20_000 == 0 { badness = [0, 1, 5, 30, 100].randomElement(using: &random) ?? 0 }
      let isBad = random.next(below: 200) < badness
      let counts = EventCounts(good: isBad ? 0 : 1, bad: isBad ? 1 : 0)
      state.record(counts, at: now)
      ring.record(counts, at: now)
      fine.record(counts, at: now)
      for index in oracles.indices { oracles[index].record(counts, at: now) }
      guard event % 1_009 == 0 else { continue }
      looked += 1
      #expect(ring.short == fine.sum(60, at: now))
      #expect(ring.long == fine.sum(720, at: now))
      for alert in state.evaluate(at: now) where alert.isFiring { began += 1 }
      for (index, rule) in rules.enumerated() {
        let sums = [rule.long, rule.short].map { window in
          let count = window / rule.bucket
          return burn(oracles[index].sum(count, at: now), count, now / rule.bucket)
        }
        #expect(state.burn(index).long == sums[0])
        #expect(state.burn(index).short == sums[1])
        #expect(state.isFiring(index) == (sums[0] >= rule.burn && sums[1] >= rule.burn))
      }
    }
    #expect(looked == 992 && began > 2)
  }

  /// The rate in thousandths, for a target of 99 %: in plain integers.
  private func burn(_ counts: EventCounts, _ buckets: Int64, _ closed: Int64) -> Int {
    guard counts.total > 0 else { return 0 }
    let covered = min(buckets, closed)
    return Int(
      Int64(counts.bad) * 100_000 * covered / (Int64(counts.total) * buckets))
  }

  @Test("A full outage pages after 52 to 112 s, and is resolved when it is over", arguments: 0..<12)
  func outage(phase: Int64) throws {
    var state = try state()
    // Over an hour of good traffic, then an outage of ten minutes that begins at any second of a bucket.
    let begin = 3_700 + phase
    var paged: Int64?
    var resolved: Int64?
    for second in 0..<(begin + 3_600) {
      let isOut = second >= begin && second < begin + 600
      state.record(
        EventCounts(good: isOut ? 0 : 100, bad: isOut ? 100 : 0), at: second * .second)
      for alert in state.evaluate(at: (second + 1) * .second) where alert.rule == .fast {
        if alert.isFiring {
          #expect(paged == nil)
          #expect(alert.longBurn >= 14_400 && alert.shortBurn >= 14_400)
          paged = second + 1 - begin
        } else {
          resolved = second + 1 - begin - 600
        }
      }
    }
    let after = try #require(paged)
    #expect((52...112).contains(after))
    #expect((1...300).contains(try #require(resolved)))
  }

  @Test("An outage from the first query on pages no earlier")
  func outageAtStart() throws {
    var state = try state()
    var paged: Int64?
    for second in 0..<Int64(300) where paged == nil {
      state.record(EventCounts(bad: 3), at: second * .second)
      if !state.evaluate(at: (second + 1) * .second).isEmpty { paged = second + 1 }
    }
    #expect((52...112).contains(try #require(paged)))
  }

  @Test("Half of the budget's rate never pages, not in four days; thrice the rate makes a ticket")
  func slowBurn() throws {
    var random = SplitMix64(seed: 17)
    var state = try state()
    // 200 queries in 2 s; each fails with half of one thousandth.
    for step in 0..<Int64(4 * 43_200) {
      var bad: UInt64 = 0
      for _ in 0..<200 where random.next(below: 2_000) == 0 { bad += 1 }
      state.record(EventCounts(good: 200 - bad, bad: bad), at: step * 2 * .second)
      #expect(state.evaluate(at: (step * 2 + 2) * .second).isEmpty)
    }
    let end = Int64(4 * 86_400)
    #expect((450_000...550_000).contains(state.errorBudget(at: end * .second).remaining))
    var alerts: [BurnAlert] = []
    for step in 0..<Int64(2 * 8_640) {
      let now = (end + 10 * step) * .second
      state.record(EventCounts(good: 997, bad: 3), at: now)
      alerts += state.evaluate(at: now + 10 * .second)
    }
    #expect(alerts.map(\.rule) == [.slow])
    #expect(alerts.allSatisfy { $0.isFiring && $0.rule.severity == .ticket })
  }

  @Test("An alert tells the level and the numbers, once")
  func told() throws {
    let tier = LoadTier(name: "normal", p95: .milliseconds(10), p99: .milliseconds(20))
    var watched = try WatchedObjective(
      Objective(name: "in time", indicator: .latency(.p99), target: 0.999), [tier], start: 0)
    var alerts: [BurnAlert] = []
    for second in 0..<Int64(60) {
      for _ in 0..<10 { watched.answered(isWhole: true, tier: 0, after: .second) }
      alerts += watched.evaluate(at: (second + 1) * .second)
    }
    #expect(alerts.count == 1 && alerts.first?.rule.severity == .page)
    #expect(alerts.first?.description.hasPrefix("in time: page firing, burn rate 1") == true)
  }

  @Test("What is left of a budget, before and after it is spent")
  func budget() throws {
    var state = try state()
    #expect(state.errorBudget(at: 0).remaining == 1_000_000)
    state.record(EventCounts(good: 99_900, bad: 50), at: 0)
    #expect(state.errorBudget(at: 3_600 * .second).remaining == 499_750)
    state.record(EventCounts(good: 0, bad: 150), at: 3_600 * .second)
    #expect(state.errorBudget(at: 7_200 * .second).remaining < -990_000)
    // A month later nothing of it counts.
    #expect(state.errorBudget(at: 31 * 86_400 * .second).remaining == 1_000_000)
  }

  @Test("Settings that mean nothing are refused with their numbers")
  func refused() {
    func code(_ settings: ObjectiveSettings) -> NeedletailError.Code? {
      do throws(NeedletailError) {
        _ = try ObjectiveState(settings, start: 0)
        return nil
      } catch { return error.code }
    }
    #expect(code(ObjectiveSettings(name: "", target: 1_000_000)) == .invalidConfiguration)
    #expect(code(ObjectiveSettings(name: "", target: 1, period: 3)) == .invalidConfiguration)
    for (burn, long, short) in [(0, 600, 60), (1, 60, 600), (1, 600, 1), (1, 6_060, 60)] {
      let rule = BurnRule(.page, burn: burn, long: Int64(long), short: Int64(short))
      let settings = ObjectiveSettings(name: "", target: 5, rules: [rule])
      #expect(code(settings) == .invalidConfiguration)
    }
  }
}
