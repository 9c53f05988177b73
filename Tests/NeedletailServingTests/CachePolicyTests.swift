import NeedletailBudgets
import NeedletailCore
import Testing

@testable import NeedletailServing

@Suite("Result cache: what stays")
struct CachePolicyTests {
  private func key(_ number: Int) -> CacheKey {
    CacheKey(
      query: (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }, filter: [], k: 1,
      rung: .full, seed: 9)
  }

  /// The hits of a shard with so many times the bytes of an answer of 2 KiB, and the policy at the end.
  ///
  /// What the shard remembers and rehearses is among these bytes, so that it holds fewer answers.
  private func hits(_ trace: CacheTrace, _ capacity: Int) -> (count: Int, policy: CachePolicy) {
    let filter = [UInt8](repeating: 0, count: 1_656)
    func key(_ number: Int) -> CacheKey {
      let query = (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
      var random = SplitMix64(seed: UInt64(number))
      return CacheKey(query: query, filter: filter, k: 1, rung: .full, hash: random.next())
    }
    let size = CacheShard.byteCount(key(0), 1)
    var shard = CacheShard(capacity: capacity * size, expectedEntryBytes: size)
    var hits = 0
    for request in trace.requests {
      let key = key(request)
      if shard.find(key, staleAge: 0, at: 0) != nil {
        hits += 1
      } else {
        shard.insert(key, [Neighbor(id: UInt64(request), distance: 0)], version: 0)
      }
    }
    return (hits, shard.policy)
  }

  /// With room for 40 % of the keys, for 10 % and for 1 %.
  ///
  /// Nine tenths of what knowing the future makes are within reach of the first alone. In the others, a cache that counts all
  /// requests without error makes less, and none that does not know the future can expect more than that one.
  @Test(
    "On Zipf 0.9 with scans, 5 points above the least recently used and next to all that can be had",
    arguments: 1...2, [(4_000, 0.91), (1_000, 0.88), (100, 0.83)])
  func hitRatio(seed: UInt64, room: (capacity: Int, share: Double)) {
    let capacity = room.capacity
    let trace = CacheTrace(
      count: 400_000, keys: 10_000, skew: 0.9, scan: 2_000, between: 8_000, seed: seed)
    let all = Double(trace.requests.count)
    let (count, policy) = hits(trace, capacity)
    let ours = Double(count) / all
    let recent = Double(trace.leastRecentlyUsed(capacity)) / all
    let frequent = Double(trace.mostFrequent(capacity)) / all
    let best = Double(trace.belady(capacity)) / all
    #expect(policy == .lasting)
    #expect(ours >= recent + 0.05)
    #expect(ours >= room.share * best, "\(ours) of \(best)")
    #expect(ours >= 0.96 * frequent, "\(ours) of \(frequent)")
    #expect((frequent >= 0.9 * best) == (capacity == 4_000), "\(frequent) of \(best)")
  }

  /// A kind of requests; how many points above the least recently used are had at least, and by which policy.
  struct Kind: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let lead: Double
    let policies: Set<CachePolicy>
    let trace: @Sendable (UInt64) -> CacheTrace
  }

  @Test(
    "Whatever the requests are like, far better than the least recently used or next to as good: by seed",
    arguments: 1...2,
    [
      Kind(testDescription: "no scans", lead: 0.09, policies: [.lasting]) {
        CacheTrace(count: 200_000, keys: 10_000, skew: 0.9, scan: 0, between: 1_000, seed: $0)
      },
      Kind(testDescription: "long scans", lead: 0.05, policies: [.lasting]) {
        CacheTrace(count: 200_000, keys: 10_000, skew: 0.9, scan: 10_000, between: 20_000, seed: $0)
      },
      Kind(testDescription: "short scans", lead: 0.10, policies: [.lasting]) {
        CacheTrace(count: 200_000, keys: 10_000, skew: 0.7, scan: 200, between: 800, seed: $0)
      },
      Kind(testDescription: "loops", lead: 0.20, policies: [.lasting]) {
        .looping(count: 200_000, keys: 10_000, loop: 1_500, seed: $0)
      },
      Kind(testDescription: "all changes, seldom", lead: 0.04, policies: [.lasting, .moving]) {
        .shuffled(count: 400_000, keys: 10_000, period: 100_000, seed: $0)
      },
      Kind(testDescription: "all changes, often", lead: -0.01, policies: [.moving, .recent]) {
        .shuffled(count: 200_000, keys: 10_000, period: 20_000, seed: $0)
      },
      Kind(testDescription: "some changes", lead: 0.04, policies: [.moving]) {
        .drifting(count: 400_000, keys: 10_000, period: 100, seed: $0)
      },
      Kind(testDescription: "much changes", lead: -0.03, policies: [.moving, .recent]) {
        .drifting(count: 400_000, keys: 10_000, period: 10, seed: $0)
      },
      Kind(testDescription: "news", lead: 0.03, policies: [.moving]) {
        .news(count: 200_000, life: 5_000, seed: $0)
      },
      Kind(testDescription: "sessions that come back", lead: -0.02, policies: [.recent]) {
        .returning(count: 200_000, keys: 200_000, depth: 3_000, seed: $0)
      },
    ])
  func kinds(seed: UInt64, kind: Kind) {
    let trace = kind.trace(seed)
    let all = Double(trace.requests.count)
    let (count, policy) = hits(trace, 1_000)
    let lead = Double(count - trace.leastRecentlyUsed(1_000)) / all
    #expect(lead >= kind.lead)
    #expect(kind.policies.contains(policy))
  }

  @Test("A shard that is too small to rehearse keeps to the policy that is nowhere bad")
  func small() {
    let shard = CacheShard(capacity: 4_096, expectedEntryBytes: 2_048)
    #expect(shard.policy == .moving && CacheRehearsal.byteCount(capacity: 4_096) == 0)
    #expect(CacheShard(capacity: 1 << 20, expectedEntryBytes: 2_048).policy == .lasting)
  }

  @Test("What is remembered and rehearsed is paid for with answers")
  func bookkeeping() {
    let trace = CacheTrace(
      count: 4_000, keys: 3_000, skew: 0.1, scan: 0, between: 1_000, seed: 1)
    for expected in [1, 500, 2_048, 100_000] {
      let capacity = 1 << 19
      var shard = CacheShard(capacity: capacity, expectedEntryBytes: expected)
      for request in trace.requests {
        shard.insert(key(request), [Neighbor(id: UInt64(request), distance: 0)], version: 0)
      }
      let memory = PopularityMemory.byteCount(entries: capacity / max(320, expected))
      let rest = capacity - memory - CacheRehearsal.byteCount(capacity: capacity)
      #expect(rest > capacity / 6 * 5)
      #expect(shard.byteCount <= rest && shard.byteCount > rest - 400)
    }
  }

  @Test("Answers that went stale in a large window leave room for new ones")
  func staleWindow() {
    let size = CacheShard.byteCount(key(0), 1)
    let capacity = 20_000 * size
    var shard = CacheShard(capacity: capacity, expectedEntryBytes: size)
    func fill(_ numbers: Range<Int>) {
      for number in numbers {
        shard.insert(key(number), [Neighbor(id: UInt64(number), distance: 0)], version: 0)
      }
    }
    fill(0..<25_000)
    for round in 1...4 {
      var slots: [Int] = []
      shard.forEach { slot, _ in slots.append(slot) }
      for slot in slots.suffix(500) { shard.markStale(slot, at: 0) }
      #expect(shard.byteCount <= capacity)
      // What is asked for again and again comes in.
      let wanted = round * 100_000
      for _ in 0..<4 {
        for number in wanted..<(wanted + 300) {
          if shard.find(key(number), staleAge: 0, at: 0) == nil { fill(number..<(number + 1)) }
        }
      }
      fill((wanted + 1_000)..<(wanted + 1_400))
      let found = (wanted..<(wanted + 300)).count {
        shard.find(key($0), staleAge: 0, at: 0) != nil
      }
      #expect(found >= 290, "\(found) in round \(round)")
    }
  }

  @Test("Bytes never exceed the capacity, and lists and finding stay whole: by seed")
  func capacity() {
    var random = SplitMix64(seed: 4)
    var shard = CacheShard(capacity: 40_000, expectedEntryBytes: 1_000)
    var held: Set<CacheKey> = []
    for step in 0..<30_000 {
      let number = Int(random.next(below: 300))
      let key = CacheKey(
        query: [UInt8](repeating: UInt8(number & 255), count: number * 3 + 2), filter: [],
        k: 20, rung: .full, seed: 1)
      switch random.next(below: 10) {
      case 0:
        let id = random.next(below: 50)
        _ = shard.removeHolders(of: id)
        shard.forEach { _, entry in #expect(!entry.answer.neighbors.contains { $0.id == id }) }
      case 1:
        var slots: [Int] = []
        shard.forEach { slot, _ in slots.append(slot) }
        if let slot = slots.randomElement(using: &random) { shard.markStale(slot, at: Int64(step)) }
      default:
        if shard.find(key, staleAge: 0, at: Int64(step)) == nil {
          let neighbors = (0..<random.next(below: 20)).map {
            Neighbor(id: random.next(below: 50), distance: Float($0))
          }
          shard.insert(key, neighbors, version: 0)
        }
      }
      #expect(shard.byteCount <= 40_000)
      guard step % 50 == 0 else { continue }
      var sum = 0
      held.removeAll()
      shard.forEach { _, entry in
        sum += entry.byteCount
        #expect(held.insert(entry.answer.key).inserted)
      }
      #expect(sum == shard.byteCount && held.count == shard.count)
    }
    #expect(shard.count > 5 && shard.counts.evictions > 100)
    _ = shard.removeAll()
    #expect(shard.byteCount == 0 && shard.count == 0)
  }

  @Test("Popularity is never told too low, and what was popular once is forgotten")
  func sketch() {
    var sketch = FrequencySketch(entries: 512, countersPerEntry: 4, memory: 40)
    var random = SplitMix64(seed: 2)
    let hashes = (0..<400).map { _ in random.next() }
    for (index, hash) in hashes.enumerated() {
      for _ in 0..<(index % 9) { sketch.record(hash) }
    }
    var exact = 0
    for (index, hash) in hashes.enumerated() {
      #expect(sketch.frequency(hash) >= index % 9)
      if sketch.frequency(hash) == index % 9 { exact += 1 }
    }
    #expect(exact > 390)
    for _ in 0..<300 { sketch.record(hashes[8]) }
    #expect(sketch.frequency(hashes[8]) == 255)
    for _ in 0..<100_000 { sketch.record(random.next()) }
    #expect(sketch.frequency(hashes[8]) < 20)
  }

  @Test(
    "A stale answer is given with its label, while it is young enough, and only where it is asked for"
  )
  func stale() throws {
    var settings = ResultCacheSettings(capacity: 1 << 20)
    settings.staleAge = 100
    let cache = try ResultCache(settings, judge: PointJudge())
    let key = cache.key(query: [10, 10], k: 1, rung: .full)
    func look(_ allowStale: Bool, _ now: Nanoseconds) -> CachedAnswer? {
      let found = cache.lookup(key, allowStale: allowStale, deadline: 0, at: now, done: { _ in })
      if case .hit(let answer) = found { return answer }
      return nil
    }
    guard case .lead(let lead) = cache.lookup(key, deadline: 0, at: 0, done: { _ in }) else {
      Issue.record("an empty cache has an answer")
      return
    }
    lead.finish([Neighbor(id: 1, distance: 4)])
    var random = SplitMix64(seed: 1)
    var point = Point(&random)
    (point.x, point.y) = (12, 10)
    // As far as the last one, and behind it by its id: it would not enter.
    #expect(cache.apply([.inserted(2, point)], at: 50) == 0)
    #expect(cache.apply([.inserted(0, point)], at: 50) == 1)
    #expect(
      look(true, 150)
        == CachedAnswer(neighbors: [Neighbor(id: 1, distance: 4)], rung: .full, isStale: true))
    #expect(look(false, 60) == nil)
    #expect(look(true, 151) == nil)
    cache.apply([.withdrawn(1)], at: 60)
    #expect(look(true, 61) == nil && cache.count == 0)
  }

  @Test("What is likely comes first, what is unlikely is shed, and everything under pressure")
  func prefetch() {
    var queue = PrefetchQueue(bound: 3)
    for (number, likelihood) in [(1, 0.2), (2, 0.9), (3, 0.1), (4, 0.5), (2, 0.9), (5, .nan)] {
      queue.offer(.init(key(number), likelihood: Float(likelihood)))
    }
    #expect(queue.count == 3 && queue.shed == 2)
    #expect(queue.take(pressure: 0) == key(2))
    #expect(queue.take(pressure: 1) == nil && queue.count == 0 && queue.shed == 4)
    queue.offer(.init(key(4), likelihood: 1))
    #expect(queue.take(pressure: 0) == key(4))
  }
}
