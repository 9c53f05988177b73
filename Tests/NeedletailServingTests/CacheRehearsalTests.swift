import NeedletailCore
import Testing

@testable import NeedletailServing

@Suite("Result cache: which policy suits")
struct CacheRehearsalTests {
  /// The policy after each of some requests, in a cache of so many entries.
  private func policies(_ trace: CacheTrace, entries: Int) -> [CachePolicy] {
    var memory = PopularityMemory(entries: entries)
    var rehearsal = CacheRehearsal(capacity: entries * 2_048)
    rehearsal.begin(entries: entries)
    return trace.requests.map { request in
      var random = SplitMix64(seed: UInt64(request))
      let hash = random.next()
      memory.record(hash)
      let policy = rehearsal.policy
      #expect(rehearsal.observe(hash, memory, entries: entries) == (policy != rehearsal.policy))
      return rehearsal.policy
    }
  }

  @Test("Where no policy can be better, none is changed but seldom", arguments: 1...4)
  func chance(seed: UInt64) {
    let trace = CacheTrace(
      count: 300_000, keys: 20_000, skew: 0, scan: 0, between: 1_000, seed: seed)
    let policies = policies(trace, entries: 1_000)
    let changes = zip(policies, policies.dropFirst()).count { $0 != $1 }
    // Of 30 decisions.
    #expect(changes <= 4)
  }

  @Test("Another way of asking is noticed, and when it ends", arguments: [300, 1_000, 3_000])
  func change(entries: Int) {
    let steady = CacheTrace(
      count: 600 * entries, keys: 10 * entries, skew: 0.9, scan: 0, between: entries, seed: 1)
    let back = CacheTrace.returning(
      count: 200 * entries, keys: 200 * entries, depth: 3 * entries, seed: 2)
    let found = policies(steady + back + steady, entries: entries)
    #expect(found[steady.requests.count - 1] == .lasting)
    #expect(found[steady.requests.count + back.requests.count - 1] == .recent)
    #expect(found.last == .lasting)
  }
}
