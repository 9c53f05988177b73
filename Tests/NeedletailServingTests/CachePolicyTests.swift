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

  /// The hits of a shard with room for about so many answers of one size.
  private func hits(_ trace: CacheTrace, _ capacity: Int) -> Int {
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
    return hits
  }

  /// With room for 40 % of the keys.
  ///
  /// With room for 10 %, knowing every key's true popularity makes 90 % of what knowing the future
  /// does, so that less is asked for.
  @Test(
    "On Zipf 0.9 with scans, 5 points above the least recently used and 90 % of all that can be had",
    arguments: 1...2, [(4_000, 0.9), (1_000, 0.86)])
  func hitRatio(seed: UInt64, room: (capacity: Int, share: Double)) {
    let capacity = room.capacity
    let trace = CacheTrace(
      count: 400_000, keys: 10_000, skew: 0.9, scan: 2_000, between: 8_000, seed: seed)
    let all = Double(trace.requests.count)
    let ours = Double(hits(trace, capacity)) / all
    let recent = Double(trace.leastRecentlyUsed(capacity)) / all
    let best = Double(trace.belady(capacity)) / all
    #expect(ours >= recent + 0.05)
    #expect(ours >= room.share * best, "\(ours) of \(best)")
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
    var sketch = FrequencySketch(entries: 512)
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
    #expect(exact > 300)
    for _ in 0..<50 { sketch.record(hashes[8]) }
    #expect(sketch.frequency(hashes[8]) == 16)
    for _ in 0..<100_000 { sketch.record(random.next()) }
    #expect(sketch.frequency(hashes[8]) < 6)
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
