import NeedletailBudgets
import NeedletailCore
import Testing

@testable import NeedletailServing

@Suite("Prefetching what a session asks next")
struct PrefetchTests {
  private static let items = 20_000

  private func key(_ cache: ResultCache<PointJudge>, _ item: Int) -> CacheKey {
    let query = (0..<8).map { UInt8(truncatingIfNeeded: item >> (8 * $0)) }
    return cache.key(query: query, k: 1, rung: .full)
  }

  /// Share of hits in the second half of a log, with up to `guesses` searches ahead for each question.
  private func hits(_ log: SessionLog, share: Double, guesses: Int) throws -> (Double, CacheCounts)
  {
    let size = CacheShard.byteCount(
      CacheKey(query: [UInt8](repeating: 0, count: 8), filter: [], k: 1, rung: .full, seed: 0), 1)
    var settings = ResultCacheSettings(capacity: Int(share * Double(Self.items)) * size)
    settings.shards = 1
    settings.expectedEntryBytes = size
    settings.seed = 5
    let cache = try ResultCache(settings, judge: PointJudge())
    var prefetcher = Prefetcher(TransitionPredictor(capacity: 16 << 20), capacity: 1 << 20)
    func finish(_ lead: CacheLead) {
      lead.finish([Neighbor(id: UInt64(lead.key.query[0]), distance: 0)])
    }
    var before = 0
    for (place, question) in log.questions.enumerated() {
      if place == log.questions.count / 2 { before = cache.counts.hits }
      let key = key(cache, question.item)
      let found = cache.lookup(key, deadline: 0, at: 0, done: { _ in })
      if case .lead(let lead) = found { finish(lead) }
      guard guesses > 0 else { continue }
      prefetcher.asked(key, session: question.session)
      var begun = 0
      while begun < guesses, let key = prefetcher.take(pressure: 0) {
        if let lead = cache.prefetch(key, at: 0) {
          finish(lead)
          begun += 1
        }
      }
    }
    let counts = cache.counts
    return (Double(counts.hits - before) / Double(log.questions.count / 2), counts)
  }

  @Test(
    "Sessions that follow roads: 8 points more hits with a guess for each question; where they leap about, next to no guess and no loss"
  )
  func gain() throws {
    let roads = SessionLog(count: 200_000, items: Self.items, following: 0.67, seed: 1)
    let (without, _) = try hits(roads, share: 0.1, guesses: 0)
    let (with, counts) = try hits(roads, share: 0.1, guesses: 1)
    #expect(with >= without + 0.08, "\(with) and \(without), \(counts)")
    #expect(counts.prefetchHits * 8 > counts.prefetches, "\(counts)")
    let leaps = SessionLog(count: 60_000, items: Self.items, following: 0, seed: 2)
    let (before, _) = try hits(leaps, share: 0.1, guesses: 0)
    let (after, vain) = try hits(leaps, share: 0.1, guesses: 1)
    #expect(after >= before - 0.002 && vain.prefetches < 600, "\(after), \(before), \(vain)")
  }

  @Test("The same log gives the same guesses")
  func determinism() throws {
    let log = SessionLog(count: 20_000, items: 2_000, following: 0.8, seed: 3)
    let (share, counts) = try hits(log, share: 0.05, guesses: 2)
    let again = try hits(log, share: 0.05, guesses: 2)
    #expect(again == (share, counts) && counts.prefetchHits > 100, "\(counts)")
  }

  @Test("What is remembered stays within its bytes, however many sessions and questions there are")
  func bounded() {
    var random = SplitMix64(seed: 3)
    var predictor = TransitionPredictor(capacity: 50_000)
    var prefetcher = Prefetcher(TransitionPredictor(capacity: 50_000), capacity: 20_000, bound: 8)
    func key(_ number: UInt64) -> CacheKey {
      let query = [UInt8](repeating: UInt8(number & 255), count: Int(number % 3_000))
      return CacheKey(query: query, filter: [], k: 1, rung: .full, seed: 1)
    }
    var last = key(0)
    for step in 0..<20_000 {
      let next = key(random.next(below: 5_000))
      for hint in predictor.next(after: [last, next]) {
        #expect(hint.likelihood > 0 && hint.likelihood < 1)
      }
      prefetcher.asked(next, session: random.next(below: step % 2 == 0 ? 10 : 1_000_000))
      #expect(predictor.byteCount <= 50_000 && prefetcher.byteCount <= 20_000)
      last = next
    }
    #expect(predictor.byteCount > 25_000 && prefetcher.byteCount > 5_000)
    var nothing = TransitionPredictor(capacity: 0)
    #expect(nothing.next(after: [last, key(7), last]).isEmpty && nothing.next(after: []).isEmpty)
    #expect(nothing.byteCount == 0)
  }

  @Test("What followed most often is the likeliest, and what came by once is none")
  func likelihoods() {
    var predictor = TransitionPredictor(capacity: 1 << 16, least: 0)
    let keys = (0..<8).map {
      CacheKey(query: [UInt8($0)], filter: [], k: 1, rung: .full, seed: 1)
    }
    for _ in 0..<500 {
      for next in [1, 1, 1, 2, 2, 3] { _ = predictor.next(after: [keys[0], keys[next]]) }
    }
    _ = predictor.next(after: [keys[0], keys[4]])
    let hints = predictor.next(after: [keys[0]]).sorted { $0.likelihood > $1.likelihood }
    #expect(hints.prefix(2).map(\.key) == [keys[1], keys[2]])
    #expect(abs(hints[0].likelihood - 0.5) < 0.15 && hints.allSatisfy { $0.likelihood < 1 })
    #expect(hints.reduce(0) { $0 + $1.likelihood } < 1)
    #expect(!hints.contains { $0.key == keys[4] && $0.likelihood > 0 })
    // A new habit takes the place of the old one.
    for _ in 0..<500 { _ = predictor.next(after: [keys[0], keys[5]]) }
    let later = predictor.next(after: [keys[0]]).max { $0.likelihood < $1.likelihood }
    #expect(later?.key == keys[5] && (later?.likelihood ?? 0) > 0.8)
  }

  /// Says that a session asks again what it asked before, and keeps what it was shown.
  private struct Before: PrefetchPredicting {
    let seen = Shared<[[CacheKey]]>([])

    func next(after recent: [CacheKey]) -> [PrefetchQueue.Hint] {
      seen.change { $0.append(recent) }
      return recent.dropLast().map { .init($0, likelihood: 0.5) }
    }
  }

  @Test("A predictor of one's own is shown each session's last questions, none twice in a row")
  func hook() {
    let predictor = Before()
    var prefetcher = Prefetcher(predictor, capacity: 1 << 16, recent: 3)
    let keys = (0..<5).map {
      CacheKey(query: [UInt8($0)], filter: [], k: 1, rung: .full, seed: 1)
    }
    for number in [0, 0, 1, 2, 2, 3] {
      prefetcher.asked(keys[number], session: 1)
      prefetcher.asked(keys[4], session: 2)
    }
    let expected = [[0], [4], [0, 1], [0, 1, 2], [1, 2, 3]].map { $0.map { keys[$0] } }
    #expect(predictor.seen.value == expected)
    #expect(prefetcher.take(pressure: 0) != nil)
    #expect(prefetcher.take(pressure: 1) == nil && prefetcher.take(pressure: 0) == nil)
    #expect(prefetcher.shed > 0)
  }

  @Test(
    "A search ahead is begun where nobody searches and nothing fresh is there; who asks meanwhile waits for it"
  )
  func ahead() throws {
    let cache = try ResultCache(ResultCacheSettings(capacity: 1 << 20), judge: PointJudge())
    let full = key(cache, 1)
    let told = Guarded(0)
    guard let lead = cache.prefetch(full.at(.withoutRerank), at: 0) else {
      Issue.record("nothing is begun")
      return
    }
    #expect(cache.prefetch(full.at(.withoutRerank), at: 0) == nil)
    let found = cache.lookup(full.at(.withoutRerank), deadline: 1, at: 0) { outcome in
      if case .answer = outcome { told.withLock { $0 += 1 } }
    }
    guard case .waiting = found else {
      Issue.record("two searches for one question")
      return
    }
    lead.finish([Neighbor(id: 1, distance: 0)])
    #expect(told.withLock { $0 } == 1)
    #expect(
      cache.prefetch(full.at(.withoutRerank), at: 0) == nil
        && cache.prefetch(full.at(.lighterCodes), at: 0) == nil)
    #expect(cache.counts.prefetches == 1 && cache.counts.misses == 0 && cache.counts.hits == 0)
    for _ in 0..<2 { _ = cache.peek(full.at(.withoutRerank), allowStale: false, at: 0) }
    #expect(cache.counts.prefetchHits == 1 && cache.counts.hits == 2)
    // Stale is not fresh.
    cache.apply([.removed(1)], at: 0)
    #expect(cache.prefetch(full.at(.withoutRerank), at: 0) != nil)
  }

  @Test(
    "A table by number stays within its bytes, keeps what is used, and gives what was set last",
    arguments: [1, 2])
  func table(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var table = ClockTable<Int>(capacity: 10_000)
    var model: [UInt64: Int] = [:]
    var missed = 0
    for step in 0..<20_000 {
      let number = random.next(below: 200)
      if random.next(below: 2) == 0 {
        table.set(number, step, byteCount: Int(random.next(below: 150)))
        model[number] = step
        #expect(table.use(number) == step)
      } else if let value = table.use(number) {
        #expect(value == model[number])
      }
      // Used all the time: it goes only where everything else was used too.
      if table.use(1_000) == nil {
        missed += 1
        table.set(1_000, 1, byteCount: 10)
      }
      #expect(table.byteCount <= 10_000)
    }
    #expect(table.count > 40 && missed < 400, "\(table.count) \(missed)")
    table.set(7, 1, byteCount: 20_000)
    #expect(table.use(7) == nil && table.count == 0 && table.byteCount == 0)
  }
}
