import NeedletailBudgets
import NeedletailCore
import Testing

@testable import NeedletailServing

@Suite("Result cache: answers of better rungs, and looks without a search")
struct CacheRungTests {
  private func cache(_ shards: Int = 8) throws -> ResultCache<PointJudge> {
    var settings = ResultCacheSettings(capacity: 1 << 20)
    settings.shards = shards
    return try ResultCache(settings, judge: PointJudge())
  }

  private func keep(
    _ cache: ResultCache<PointJudge>, _ key: CacheKey, _ neighbors: [Neighbor]
  ) -> Bool {
    let found = cache.lookup(key, deadline: 0, at: 0, done: { _ in })
    guard case .lead(let lead) = found else { return false }
    lead.finish(neighbors)
    return true
  }

  @Test("Of what is kept, each rung is given the best that is no simpler than it, with its name")
  func everySelection() throws {
    // Every set of rungs that have an answer.
    for set in 0..<16 {
      let cache = try cache()
      let key = cache.key(query: [3, 4], k: 1, rung: .full)
      // The simplest first: a better answer would serve those after it.
      let kept = Rung.searching.indices.reversed().filter { set & 1 << $0 != 0 }
      for place in kept {
        let neighbor = Neighbor(id: UInt64(place), distance: 0)
        #expect(keep(cache, key.at(Rung.searching[place]), [neighbor]))
      }
      let best = kept.last
      #expect(cache.count == (best == nil ? 0 : 1))
      for (place, rung) in Rung.searching.enumerated() {
        let answer = cache.peek(key.at(rung), allowStale: false, at: 0)
        let expected = best.flatMap { $0 <= place ? $0 : nil }
        #expect(answer?.rung == expected.map { Rung.searching[$0] })
        #expect(answer?.neighbors.first?.id == expected.map(UInt64.init))
        let found = cache.lookup(key.at(rung), deadline: 0, at: 0, done: { _ in })
        if case .hit(let hit) = found { #expect(hit == answer) } else { #expect(answer == nil) }
      }
      for rung in [Rung.cachedFresh, .cachedStale, .reject] {
        #expect(
          cache.peek(key.at(rung), allowStale: true, at: 0)?.rung
            == best.map { Rung.searching[$0] })
      }
    }
  }

  @Test("A fresh answer of a simpler rung comes before a stale one of a better rung")
  func freshFirst() throws {
    let cache = try cache()
    let full = cache.key(query: [8, 8], k: 1, rung: .full)
    let light = full.at(.lighterCodes)
    #expect(keep(cache, full, [Neighbor(id: 9, distance: 16)]))
    var random = SplitMix64(seed: 1)
    var point = Point(&random)
    (point.x, point.y) = (8, 9)
    #expect(cache.apply([.inserted(1, point)], at: 0) == 1)
    #expect(cache.peek(light, allowStale: false, at: 1) == nil)
    let stale = CachedAnswer(
      neighbors: [Neighbor(id: 9, distance: 16)], rung: .full, isStale: true)
    #expect(cache.peek(light, allowStale: true, at: 1) == stale)
    #expect(keep(cache, light, [Neighbor(id: 1, distance: 0)]))
    let fresh = CachedAnswer(neighbors: [Neighbor(id: 1, distance: 0)], rung: .lighterCodes)
    #expect(cache.peek(light, allowStale: true, at: 1) == fresh)
    #expect(cache.peek(full, allowStale: true, at: 1) == stale)
    #expect(cache.counts.staleHits == 2 && cache.counts.betterHits == 1)
  }

  @Test("A look neither leads nor waits, and counts as a hit or a miss")
  func looks() throws {
    let cache = try cache(1)
    let key = cache.key(query: [1, 1], k: 1, rung: .withoutRerank)
    #expect(cache.peek(key, allowStale: true, at: 0) == nil)
    guard case .lead(let lead) = cache.lookup(key, deadline: 0, at: 0, done: { _ in }) else {
      Issue.record("a look began a search")
      return
    }
    #expect(cache.peek(key, allowStale: true, at: 0) == nil)
    #expect(cache.counts.misses == 3 && cache.counts.joined == 0)
    lead.finish([Neighbor(id: 1, distance: 0)])
    #expect(cache.peek(key, allowStale: false, at: 0)?.rung == .withoutRerank)
    #expect(cache.peek(key.at(.lighterCodes), allowStale: false, at: 0)?.rung == .withoutRerank)
    // Nothing simpler than what was asked for.
    #expect(cache.peek(key.at(.full), allowStale: false, at: 0) == nil)
    #expect(
      cache.counts.hits == 2 && cache.counts.betterHits == 1 && cache.counts.misses == 4)
  }
}
