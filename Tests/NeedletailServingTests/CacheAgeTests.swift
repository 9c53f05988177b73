import NeedletailBudgets
import NeedletailCore
import Testing

@testable import NeedletailServing

/// How long answers count as new, and a cache whose room changes.
@Suite("Result cache: ages and room")
struct CacheAgeTests {
  private let answer = [Neighbor(id: 7, distance: 1), Neighbor(id: 3, distance: 2.5)]

  private func cache(fresh: Nanoseconds, stale: Nanoseconds) throws -> ResultCache<PointJudge> {
    var settings = ResultCacheSettings(capacity: 1 << 20)
    (settings.freshAge, settings.staleAge) = (fresh, stale)
    return try ResultCache(settings, judge: PointJudge())
  }

  private func keep(_ cache: ResultCache<PointJudge>, _ key: CacheKey, at now: Nanoseconds) {
    guard case .lead(let lead) = cache.lookup(key, deadline: .max, at: now, done: { _ in }) else {
      Issue.record("something is there already")
      return
    }
    lead.finish(answer)
  }

  @Test(
    "An answer that nothing touches is new for its time, then stale for its time, then not there")
  func ages() throws {
    let cache = try cache(fresh: 100, stale: 50)
    let key = cache.key(query: [1, 2], k: 2, rung: .full)
    keep(cache, key, at: 1_000)
    #expect(cache.peek(key, allowStale: false, at: 1_099)?.isStale == false)
    #expect(cache.prefetch(key, at: 1_099) == nil)
    #expect(cache.peek(key, allowStale: false, at: 1_100) == nil)
    for now in 1_100...1_150 as ClosedRange<Nanoseconds> {
      #expect(cache.peek(key, allowStale: true, at: now)?.isStale == true, "\(now)")
    }
    #expect(cache.peek(key, allowStale: true, at: 1_151) == nil)
    // Who asks searches, and the new answer is new again.
    keep(cache, key, at: 1_151)
    #expect(cache.peek(key, allowStale: false, at: 1_250)?.isStale == false)
    // From then on it may be searched ahead.
    let lead = try #require(cache.prefetch(key, at: 1_251))
    lead.finish(answer)
    #expect(cache.peek(key, allowStale: false, at: 1_350)?.isStale == false)
  }

  @Test("Its age counts from the beginning of its search; a change ends it all the same")
  func slowSearch() throws {
    let cache = try cache(fresh: 100, stale: 50)
    let key = cache.key(query: [1, 2], k: 2, rung: .full)
    guard case .lead(let lead) = cache.lookup(key, deadline: .max, at: 0, done: { _ in }) else {
      Issue.record("something is there already")
      return
    }
    // It ends long after it began.
    lead.finish(answer)
    #expect(cache.peek(key, allowStale: false, at: 99) != nil)
    #expect(cache.peek(key, allowStale: false, at: 100) == nil)
    let other = cache.key(query: [3, 4], k: 2, rung: .full)
    keep(cache, other, at: 0)
    cache.apply([.removed(7)], at: 10)
    #expect(cache.peek(other, allowStale: true, at: 11) == nil)
  }

  @Test("Times that change hold for the answers that are there")
  func changed() throws {
    let cache = try cache(fresh: .max, stale: 50)
    let key = cache.key(query: [1, 2], k: 2, rung: .full)
    keep(cache, key, at: 0)
    #expect(cache.peek(key, allowStale: false, at: .max - 1) != nil)
    cache.setAges(fresh: 10, stale: 20)
    #expect(cache.peek(key, allowStale: false, at: 10) == nil)
    #expect(cache.peek(key, allowStale: true, at: 30)?.isStale == true)
    #expect(cache.peek(key, allowStale: true, at: 31) == nil)
  }

  @Test("A cache of another room holds no more than that, and what is asked for often stays")
  func room() throws {
    for seed in 0..<UInt64(20) {
      var random = SplitMix64(seed: seed)
      var settings = ResultCacheSettings(capacity: 1 << 18)
      (settings.shards, settings.seed) = (4, seed)
      let cache = try ResultCache(settings, judge: PointJudge())
      func ask(_ number: Int) -> Bool {
        let key = cache.key(
          query: [UInt8(number & 255), UInt8(number >> 8)], k: 2, rung: .full)
        switch cache.lookup(key, deadline: .max, at: 0, done: { _ in }) {
        case .hit: return true
        case .lead(let lead): lead.finish(answer)
        default: Issue.record("nobody else asks")
        }
        return false
      }
      for _ in 0..<20 { for popular in 0..<20 { _ = ask(popular) } }
      for number in 20..<2_000 { _ = ask(number) }
      for _ in 0..<30 {
        let room = Int(random.next(below: 1 << 18))
        cache.resize(to: room)
        #expect(cache.capacity == room && cache.byteCount <= room, "seed \(seed)")
        for _ in 0..<100 { _ = ask(Int(random.next(below: 2_000))) }
        #expect(cache.byteCount <= room, "seed \(seed)")
      }
      cache.resize(to: 0)
      #expect(cache.count == 0 && cache.byteCount == 0)
      #expect(!ask(5) && !ask(5))
      cache.resize(to: 1 << 18)
      #expect(!ask(5) && ask(5))
    }
    var settings = ResultCacheSettings(capacity: 1 << 18)
    settings.shards = 1
    let cache = try ResultCache(settings, judge: PointJudge())
    let keys = (0..<400).map { number in
      cache.key(query: [UInt8(number & 255), UInt8(number >> 8)], k: 2, rung: .full)
    }
    for key in keys { keep(cache, key, at: 0) }
    for _ in 0..<10 {
      for key in keys[..<20] { #expect(cache.peek(key, allowStale: false, at: 0) != nil) }
    }
    cache.resize(to: 1 << 15)
    for key in keys[..<20] { #expect(cache.peek(key, allowStale: false, at: 0) != nil) }
  }
}
