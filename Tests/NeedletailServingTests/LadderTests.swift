import NeedletailBudgets
import NeedletailCore
import Testing

@testable import NeedletailServing

@Suite("Ladder")
struct LadderTests {
  private static let cost: [Double] = [1, 0.75, 0.6, 0.45, 0.3, 0.25, 0]
  private static let recall: [Double] = [0.99, 0.97, 0.92, 0.8, 0.99, 0.9, 0]
  private static let single = [LoadTier(name: "any", p95: .seconds(1), p99: .seconds(1))]

  private func ladder(_ tiers: [LoadTier] = single) throws -> LadderController {
    let settings = LadderSettings(
      cost: PerRung { Self.cost[$0.order] }, recall: PerRung { Self.recall[$0.order] })
    return try LadderController(settings, tiers: tiers, start: 0)
  }

  private func sample(_ load: Double, _ priority: PriorityClass = .critical) -> LoadSample {
    var demand = PerClass(repeating: 0.0)
    demand[priority] = load
    return LoadSample(demand: demand)
  }

  /// Runs a load of ten samples a second; gives the rungs of one class and when it moved.
  private func run(
    _ ladder: inout LadderController, seconds: Int64, from start: Int64 = 0, tier: Int = 0,
    load: (Double) -> LoadSample
  ) -> [(instant: Nanoseconds, rung: Rung)] {
    var moves: [(Nanoseconds, Rung)] = []
    for step in (start * 10)..<((start + seconds) * 10) {
      let now = step * 100 * .millisecond
      if ladder.update(load(Double(step) / 10), tier: tier, at: now) {
        moves.append((now, ladder.rung(.critical)))
      }
    }
    return moves
  }

  @Test("A sweep from half to thrice the capacity walks the rungs in order, and back")
  func sweep() throws {
    var ladder = try ladder()
    // Up in four minutes, then back.
    let moves = run(&ladder, seconds: 520) { second in
      sample(second < 240 ? 0.5 + 2.5 * second / 240 : max(0.3, 3 - 2.7 * (second - 240) / 240))
    }
    let down: [Rung] = [.smallerWindow, .withoutRerank, .lighterCodes, .cachedFresh]
    let back: [Rung] = [.lighterCodes, .withoutRerank, .smallerWindow, .full]
    #expect(moves.map(\.rung) == down + back)
    #expect(ladder.pressure == 0)
  }

  @Test("A sudden surge is answered in seconds, rung by rung, and never skips one")
  func surge() throws {
    var ladder = try ladder()
    let moves = run(&ladder, seconds: 60) { sample($0 < 10 ? 0.5 : 10) }
    #expect(
      moves.map(\.rung) == [
        .smallerWindow, .withoutRerank, .lighterCodes, .cachedFresh, .cachedStale, .reject,
      ])
    #expect(try #require(moves.last).instant < 12 * .second)
    let back = run(&ladder, seconds: 60, from: 60) { _ in sample(0.2) }
    #expect(
      back.map(\.rung) == [
        .cachedStale, .cachedFresh, .lighterCodes, .withoutRerank, .smallerWindow, .full,
      ])
  }

  @Test("Noise of 20 % makes at most one change in 5 s, whatever its shape and the load")
  func noise() throws {
    var random = SplitMix64(seed: 8)
    for level in stride(from: 0.3, through: 4, by: 0.1) {
      for shape in 0..<7 {
        var ladder = try ladder()
        let period = [0.3, 2, 5, 9, 14, 40][min(shape, 5)]
        let moves = run(&ladder, seconds: 300) { second in
          let wave =
            switch shape {
            case 0: 2 * random.nextUnit() - 1
            case 6: swing(second / 14) > 0 ? 1.0 : -1.0
            default: swing(second / period)
            }
          return sample(level * (1 + 0.2 * wave))
        }
        let settled = moves.filter { $0.instant > 30 * .second }
        for (a, b) in zip(settled, settled.dropFirst()) {
          #expect(b.instant - a.instant >= 5 * .second, "level \(level), shape \(shape)")
        }
        // Noise that is quicker than a spacing moves nothing for ever.
        if [0, 1, 2].contains(shape) { #expect(settled.count <= 1, "\(level) \(shape)") }
      }
    }
  }

  @Test("No search goes below the recall floor of its tier, nor beyond its last rung")
  func floors() throws {
    var ladder = try ladder(LoadTests.tiers)
    var seen: [Set<Rung>] = [[], [], []]
    for tier in 0..<3 {
      for step in 0..<200 {
        let now = Int64(tier * 200 + step) * .second
        ladder.update(sample(step < 100 ? 30 : 0), tier: tier, at: now)
        for priority in PriorityClass.allCases {
          for extra in 0..<3 { seen[tier].insert(ladder.rung(priority, extra: extra)) }
        }
      }
    }
    #expect(seen[0] == [.full, .smallerWindow, .withoutRerank, .reject])
    #expect(seen[1] == [.full, .smallerWindow, .withoutRerank, .lighterCodes, .reject])
    #expect(seen[2] == Set(Rung.allCases))
  }

  @Test("A tier that moves rungs does so at once, and that is the change of its spacing")
  func tierChange() throws {
    var ladder = try ladder(LoadTests.tiers)
    // At the peak: full, smallerWindow, withoutRerank, lighterCodes, cachedFresh.
    let down = run(&ladder, seconds: 40, tier: 2) { _ in sample(2.4) }
    #expect(down.last?.rung == .cachedFresh)
    // The normal tier promises a recall of 90 %, and has no rung below withoutRerank.
    let moved = ladder.update(sample(0.5), tier: 0, at: 40 * .second)
    #expect(moved)
    #expect(ladder.rung(.critical) == .withoutRerank)
    // Its steps keep their distance from that, up or down.
    let back = run(&ladder, seconds: 20, from: 40) { _ in sample(0.5) }
    #expect(back.map(\.rung) == [.smallerWindow, .full])
    #expect(back.first?.instant == 45 * .second)
    // A tier that changes nothing for anybody is no change.
    let isChange = ladder.update(sample(0.5), tier: 2, at: 61 * .second)
    #expect(!isChange)
  }

  @Test("A tier that allows more leads no deeper than where a class stands")
  func tierBack() throws {
    var ladder = try ladder(LoadTests.tiers)
    let down = run(&ladder, seconds: 60, tier: 2) { _ in sample(20) }
    #expect(down.last?.rung == .reject)
    for step in 0..<Int64(100) {
      // The load has gone, and comes back before anything was stepped up.
      ladder.update(sample(0.95), tier: 2, at: (60 + step) * .second)
      if ladder.rung(.critical) == .cachedStale { break }
    }
    #expect(ladder.rung(.critical) == .cachedStale)
    let moved = ladder.update(sample(0.95), tier: 1, at: 200 * .second)
    #expect(moved)
    #expect(ladder.rung(.critical) == .lighterCodes)
    let isChange = ladder.update(sample(0.95), tier: 2, at: 201 * .second)
    #expect(!isChange)
    #expect(ladder.rung(.critical) == .lighterCodes)
  }

  @Test("Whatever loads and tiers do, by seed: each move is told, and none but for a tier is early")
  func everyMove() throws {
    for seed in 0..<UInt64(200) {
      var random = SplitMix64(seed: seed)
      var ladder = try ladder(LoadTests.tiers)
      var tier = 0
      var (changed, level) = (-5 * Nanoseconds.second, 1.0)
      var places = PriorityClass.allCases.map { ladder.rung($0) }
      for step in 0..<Int64(600) {
        let now = step * 100 * .millisecond
        let isNew = random.next(below: 40) == 0
        if isNew { tier = Int(random.next(below: 3)) }
        if random.next(below: 50) == 0 { level = random.nextUnit() * 3 }
        let share = level * (0.8 + 0.4 * random.nextUnit()) / 4
        let sample = LoadSample(demand: PerClass(repeating: share))
        let moved = ladder.update(sample, tier: tier, at: now)
        let next = PriorityClass.allCases.map { ladder.rung($0) }
        #expect(moved == (next != places), "seed \(seed), step \(step)")
        guard moved else { continue }
        let isDeeper = zip(places, next).contains { $0 < $1 }
        let least = isDeeper ? ladder.settings.fastSpacing : ladder.settings.spacing
        #expect(isNew || now - changed >= least, "seed \(seed), step \(step)")
        (places, changed) = (next, now)
      }
    }
  }

  @Test("What matters least is degraded first, and each class and tenant has its own place")
  func classes() throws {
    var ladder = try ladder()
    let mixed = LoadSample(demand: PerClass(0.3, 0.5, 0.5, 0.5))
    var before = PriorityClass.allCases.map { ladder.rung($0) }
    for step in 0..<Int64(600) {
      ladder.update(mixed, tier: 0, at: step * 100 * .millisecond)
      let now = PriorityClass.allCases.map { ladder.rung($0) }
      #expect(zip(now, now.dropFirst()).allSatisfy { $0 <= $1 })
      #expect(zip(before, now).allSatisfy { abs($0.order - $1.order) <= 1 })
      before = now
    }
    #expect(ladder.rung(.criticalPlus) < ladder.rung(.sheddable))
    #expect(ladder.rung(.criticalPlus, extra: 2) > ladder.rung(.criticalPlus))
    #expect(ladder.rung(.critical, extra: 99) == .reject)
  }

  @Test("A delay that stands moves the ladder, though demand says that all is well")
  func delay() throws {
    var ladder = try ladder()
    let delayed = run(&ladder, seconds: 12) { _ in
      var sample = sample(0.5)
      sample.standingDelay = 8 * .millisecond
      return sample
    }
    #expect(delayed.map(\.instant) == [0, 5 * .second, 10 * .second])
    let back = run(&ladder, seconds: 30, from: 12) { _ in sample(0.3) }
    #expect(back.map(\.rung) == [.withoutRerank, .smallerWindow, .full])
  }

  @Test("Settings that would let the ladder swing are refused")
  func refused() {
    func accepts(_ change: (inout LadderSettings) -> Void) -> Bool {
      var settings = LadderSettings(
        cost: PerRung { Self.cost[$0.order] }, recall: PerRung { Self.recall[$0.order] })
      change(&settings)
      do throws(NeedletailError) {
        _ = try LadderController(settings, tiers: Self.single, start: 0)
        return true
      } catch { return error.code != .invalidConfiguration }
    }
    #expect(accepts { _ in })
    #expect(!accepts { $0.noise = 0.6 })
    #expect(!accepts { $0.noise = -0.1 })
    #expect(!accepts { $0.cost[.withoutRerank] = 0.8 })
    #expect(!accepts { $0.limit = .nan })
    #expect(!accepts { $0.lead[.critical] = -1 })
    #expect(!accepts { $0.spacing = -1 })
  }
}
