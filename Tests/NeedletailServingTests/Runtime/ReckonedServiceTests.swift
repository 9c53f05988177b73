import Needletail
import NeedletailBudgets
import NeedletailCore
import Testing
import _NeedletailTestSupport

@testable import NeedletailServing

/// A calendar that is walked through from one plan to the next.
private final class Calendar: PlannedTime {
  private struct State {
    var now: Nanoseconds = 1_000
    var plans: [(instant: Nanoseconds, body: @Sendable () -> Void)] = []
  }

  private let state = Guarded(State())
  var now: Nanoseconds { state.withLock { $0.now } }

  func at(_ instant: Nanoseconds, _ body: @escaping @Sendable () -> Void) {
    state.withLock { state in
      let place = state.plans.firstIndex { $0.instant > instant } ?? state.plans.count
      state.plans.insert((instant, body), at: place)
    }
  }

  func run(until end: Nanoseconds) {
    while let plan = next(until: end) { plan() }
    state.withLock { $0.now = max($0.now, end) }
  }

  private func next(until end: Nanoseconds) -> (@Sendable () -> Void)? {
    state.withLock { state in
      guard let plan = state.plans.first, plan.instant <= end else { return nil }
      state.plans.removeFirst()
      state.now = max(state.now, plan.instant)
      return plan.body
    }
  }
}

@Suite("A service in a time of its own")
struct ReckonedServiceTests {
  private static func budget(
    cache: Bool = false, p99: Duration = .milliseconds(20), tenants: [TenantQuota] = []
  ) throws -> PerformanceBudget {
    try PerformanceBudget(
      name: "shop", owner: "search@example.com",
      tiers: [LoadTier(name: "normal", p95: .milliseconds(10), p99: p99)],
      envelope: ComplexityEnvelope(k: 100), tenants: tenants,
      ladder: Ladder(
        rungs: [.full, .smallerWindow, .withoutRerank, .reject], window: .efSearch(12),
        hold: .milliseconds(500)),
      cache: CacheSettings(isEnabled: cache))
  }

  private struct Outcome: Hashable {
    var ids: [VectorID] = []
    var rung: Rung?
    var reasons: Set<Completion.Reason> = []
    var took: Nanoseconds = 0
    var refused: Rejection.Reason?
  }

  /// Sends queries at even distances; every evaluation takes a microsecond.
  private static func run(
    _ world: SearchServiceTests.World, _ budget: PerformanceBudget, count: Int,
    every gap: Nanoseconds, queries: Int = 50, nanoseconds: Nanoseconds = 1_000
  ) throws -> [Outcome] {
    let calendar = Calendar()
    // What is learned before is not what comes, where a test says so.
    let rate = Guarded<Nanoseconds>(1_000)
    let searches = try RungSearches(world.index, budget, full: SearchOptions(efSearch: 48))
    let service = try ReckonedService(searches, budget, time: calendar) {
      Nanoseconds($0.evaluations) * rate.withLock { $0 }
    }
    try service.learn(Array(world.queries.prefix(20)), k: 5)
    rate.withLock { $0 = nanoseconds }
    let outcomes = Guarded<[Int: Outcome]>([:])
    let known = world.queries
    let start = calendar.now
    @Sendable func ask(_ number: Int) {
      guard number < count else { return }
      calendar.at(start + Nanoseconds(number) * gap) {
        ask(number + 1)
        let query = known[number % queries]
        let arrival = calendar.now
        service.submit(ServiceRequest(query: query, k: 5)) { result in
          var outcome = Outcome()
          switch result {
          case .success(let answer):
            outcome.ids = answer.neighbors.map(\.id)
            outcome.rung = answer.certificate.rung
            outcome.reasons = answer.certificate.reasons
            outcome.took = calendar.now - arrival
            if answer.certificate.stages.total != outcome.took { outcome.took = -1 }
          case .failure(.rejected(let rejection)): outcome.refused = rejection.reason
          case .failure(.failed): break
          }
          let ended = outcome
          let former = outcomes.withLock { $0.updateValue(ended, forKey: number) }
          #expect(former == nil)
        }
      }
    }
    ask(0)
    calendar.run(until: start + Nanoseconds(count) * gap + 10 * .second)
    service.end()
    let found = outcomes.withLock { $0 }
    #expect(found.count == count)
    return (0..<count).compactMap { found[$0] }
  }

  @Test("Two runs are the same, answer by answer and nanosecond by nanosecond")
  func deterministic() throws {
    let world = try SearchServiceTests.world()
    let budget = try Self.budget(cache: true)
    // More than one worker can do, so that everything moves.
    let one = try Self.run(world, budget, count: 3_000, every: 200_000)
    let other = try Self.run(world, budget, count: 3_000, every: 200_000)
    #expect(one == other)
  }

  @Test("With time for all, every answer is that of a search without a budget")
  func atEase() throws {
    let world = try SearchServiceTests.world()
    let snapshot = try world.index.snapshot()
    let outcomes = try Self.run(world, try Self.budget(), count: 50, every: 20_000_000)
    for (query, outcome) in zip(world.queries, outcomes) {
      let expected = try snapshot.search(query, k: 5, options: SearchOptions(efSearch: 48))
      #expect(outcome.ids == expected.neighbors.map(\.id))
      #expect(outcome.rung == .full && outcome.reasons.isEmpty)
      #expect(outcome.took == Nanoseconds(expected.statistics.evaluations) * 1_000)
    }
  }

  @Test("Beyond what the worker can do, the ladder moves and the rest is refused with a reason")
  func overload() throws {
    let world = try SearchServiceTests.world()
    let outcomes = try Self.run(world, try Self.budget(), count: 20_000, every: 100_000)
    let rungs = Set(outcomes.compactMap(\.rung))
    #expect(rungs.contains(.full) && rungs.contains(.smallerWindow), "\(rungs)")
    for outcome in outcomes where outcome.rung.map({ $0 > .full }) ?? false {
      #expect(outcome.reasons.contains(.shed))
    }
    #expect(outcomes.contains { $0.refused != nil })
    #expect(outcomes.allSatisfy { ($0.rung == nil) == ($0.refused != nil) && $0.took >= 0 })
    // What was let in came near to its time.
    let late = outcomes.count { $0.took > 30 * .millisecond }
    #expect(late < outcomes.count / 100, "\(late)")
  }

  @Test("A search that its time does not suffice for is cut short, and says so")
  func cut() throws {
    let world = try SearchServiceTests.world()
    // Searches take a hundred times as long as those before did, and there was time for each of those.
    let outcomes = try Self.run(
      world, try Self.budget(p99: .milliseconds(11)), count: 20, every: 1_000_000_000,
      nanoseconds: 100_000)
    #expect(outcomes.count == 20)
    for outcome in outcomes {
      #expect(outcome.rung != nil && outcome.reasons.contains(.deadline), "\(outcome)")
      #expect(!outcome.ids.isEmpty && outcome.took <= 20 * .millisecond, "\(outcome.took)")
    }
  }

  @Test("What was asked before comes out of the cache, and waits for whoever is searching")
  func cached() throws {
    let world = try SearchServiceTests.world()
    let outcomes = try Self.run(
      world, try Self.budget(cache: true), count: 500, every: 50_000_000, queries: 5)
    #expect(outcomes.count { $0.rung == .full } == 5)
    #expect(outcomes.count { $0.rung == .cachedFresh } == 495)
    for (number, outcome) in outcomes.enumerated() {
      #expect(outcome.ids == outcomes[number % 5].ids)
    }
    // At once: one searches, the others wait for it.
    let together = try Self.run(
      world, try Self.budget(cache: true), count: 40, every: 0, queries: 1)
    #expect(together.count { $0.rung == .full } == 1)
    #expect(Set(together.map(\.ids)).count == 1)
  }

  @Test("A request beyond the envelope, and one that no search takes, fail and hold nobody up")
  func failures() throws {
    let world = try SearchServiceTests.world()
    let calendar = Calendar()
    let budget = try Self.budget()
    let searches = try RungSearches(world.index, budget, full: SearchOptions(efSearch: 48))
    let service = try ReckonedService(searches, budget, time: calendar) { _ in 1_000 }
    let ends = Guarded<[String]>([])
    func asks(_ query: [Float], k: Int) {
      service.submit(ServiceRequest(query: query, k: k)) { result in
        let end =
          switch result {
          case .success: "answered"
          case .failure(.rejected): "rejected"
          case .failure(.failed(let error)): "\(error.code)"
          }
        ends.withLock { $0.append(end) }
      }
    }
    asks(world.queries[0], k: 101)
    asks([Float.nan] + Array(world.queries[0].dropFirst()), k: 5)
    asks(world.queries[0], k: 5)
    calendar.run(until: calendar.now + .second)
    #expect(ends.withLock { $0.count } == 3)
    #expect(ends.withLock { $0.last } == "answered", "\(ends.withLock { $0 })")
    #expect(service.takeLongestQueue() >= 1 && service.takeLongestQueue() == 0)
    #expect(service.counts.answered[.full] == 1)
  }

  @Test("Memory under a budget has the index, a worker's room and the cache")
  func memory() throws {
    let world = try SearchServiceTests.world()
    let memory = try world.index.snapshot().memoryUse
    let bare = MemoryUse(of: memory, under: try Self.budget(), workers: 1)
    let cached = MemoryUse(of: memory, under: try Self.budget(cache: true), workers: 1)
    #expect(bare[.graph] == memory.graph && bare[.cache] == 0 && bare[.scratch] > 0)
    #expect(cached[.cache] > 0)
    #expect(cached.total - bare.total == cached[.cache])
  }
}
