import NeedletailBudgets
import NeedletailCore
import Testing

@testable import NeedletailServing

@Suite("Result cache: one search for all")
struct CacheFlightTests {
  private struct StandingClock: ServingClock { let now: Nanoseconds = 5 }

  private func cache() throws -> ResultCache<PointJudge> {
    var settings = ResultCacheSettings(capacity: 1 << 20)
    settings.seed = 1
    return try ResultCache(settings, judge: PointJudge())
  }

  private let answer = [Neighbor(id: 7, distance: 1), Neighbor(id: 3, distance: 2.5)]

  @Test("A thousand concurrent misses make one search, and its answer is the same bit for bit")
  func concurrentMisses() async throws {
    let cache = try cache()
    let key = cache.key(query: [1, 2], k: 2, rung: .full)
    let searches = Shared(0)
    let answer = answer
    let answers = await withTaskGroup(of: CachedAnswer?.self) { group in
      for _ in 0..<1_000 {
        group.addTask {
          try? await cache.read(key, deadline: 10, clock: StandingClock()) {
            searches.change { $0 += 1 }
            // Until all others wait.
            while cache.counts.joined < 999 { await Task.yield() }
            return (answer, true)
          }
        }
      }
      var answers: [CachedAnswer?] = []
      for await answer in group { answers.append(answer) }
      return answers
    }
    #expect(searches.value == 1)
    #expect(
      answers.count == 1_000
        && answers.allSatisfy { $0 == CachedAnswer(neighbors: answer, rung: .full) })
    guard case .hit(let hit) = cache.lookup(key, deadline: 0, at: 0, done: { _ in }) else {
      Issue.record("the answer was not kept")
      return
    }
    #expect(hit.neighbors.map(\.distance.bitPattern) == answer.map(\.distance.bitPattern))
    #expect(cache.counts.misses == 1 && cache.counts.hits == 1)
  }

  @Test("A failure is told to all who wait, and is not kept; so is a search that was given up")
  func failures() throws {
    let cache = try cache()
    let key = cache.key(query: [1, 2], k: 2, rung: .full)
    let codes = Guarded<[NeedletailError.Code]>([])
    func join() -> CacheLead? {
      let found = cache.lookup(key, deadline: 10, at: 0) { outcome in
        if case .failed(let error) = outcome { codes.withLock { $0.append(error.code) } }
      }
      if case .lead(let lead) = found { return lead }
      return nil
    }
    var lead = try #require(join())
    #expect(join() == nil && join() == nil)
    lead.fail(NeedletailError(.io, "The disk is gone."))
    lead.finish(answer)
    #expect(codes.withLock { $0 } == [.io, .io] && cache.count == 0)
    do {
      lead = try #require(join())
      #expect(join() == nil)
    }
    // Dropped without an end.
    lead = CacheLead(key: key, version: 0, serial: 0) { _, _ in }
    #expect(codes.withLock { $0 } == [.io, .io, .cancelled])
    #expect(join() != nil)
  }

  @Test("Who waits is told when the deadline passes, and nothing afterwards")
  func deadlines() throws {
    let cache = try cache()
    let key = cache.key(query: [1, 2], k: 2, rung: .full)
    let told = Guarded<[String]>([])
    func join(_ deadline: Nanoseconds) -> CacheLead? {
      let found = cache.lookup(key, deadline: deadline, at: 0) { outcome in
        switch outcome {
        case .answer: told.withLock { $0.append("\(deadline) answer") }
        case .expired: told.withLock { $0.append("\(deadline) expired") }
        case .failed, .overtaken: told.withLock { $0.append("\(deadline) other") }
        }
      }
      if case .lead(let lead) = found { return lead }
      return nil
    }
    let lead = try #require(join(100))
    #expect(join(20) == nil && join(40) == nil)
    cache.expireWaiters(at: 19)
    #expect(told.withLock { $0 }.isEmpty)
    cache.expireWaiters(at: 20)
    #expect(told.withLock { $0 } == ["20 expired"])
    lead.finish(answer)
    cache.expireWaiters(at: 1_000)
    #expect(told.withLock { $0 } == ["20 expired", "40 answer"])
  }

  @Test(
    "Whoever asks after a change that a search does not know is not given its answer; who asked before is"
  )
  func overtaken() throws {
    let cache = try cache()
    let key = cache.key(query: [1, 2], k: 2, rung: .full)
    let told = Guarded<[Int: Bool]>([:])
    func join(_ number: Int) -> CacheLead? {
      let found = cache.lookup(key, deadline: 10, at: 0) { outcome in
        if case .answer = outcome { told.withLock { $0[number] = true } }
        if case .overtaken = outcome { told.withLock { $0[number] = false } }
      }
      if case .lead(let lead) = found { return lead }
      return nil
    }
    let lead = try #require(join(0))
    #expect(join(1) == nil)
    cache.apply([.removed(99)], at: 0)
    #expect(join(2) == nil)
    cache.apply([.withdrawn(3)], at: 0)
    #expect(join(3) == nil)
    lead.finish(answer)
    #expect(told.withLock { $0 } == [1: true, 2: true, 3: false])
    #expect(cache.count == 0 && cache.counts.overtaken == 1)
    // More changes than are kept: nothing is known of them, and nothing is kept.
    let second = try #require(join(4))
    for _ in 0..<300 { cache.apply([.removed(99)], at: 0) }
    second.finish(answer)
    #expect(cache.count == 0)
    // What was cut short is for nobody else.
    let hurried = try #require(join(5))
    #expect(join(6) == nil)
    hurried.finish(answer, isWhole: false)
    #expect(told.withLock { $0[6] } == false && cache.count == 0)
  }

  @Test("Two questions with one hash are two questions")
  func collisions() throws {
    var shard = CacheShard(capacity: 1 << 16, expectedEntryBytes: 512)
    func key(_ query: [UInt8], _ filter: [UInt8], _ k: Int, _ rung: Rung) -> CacheKey {
      CacheKey(query: query, filter: filter, k: k, rung: rung, hash: 42)
    }
    let keys = [
      key([1, 2], [], 2, .full), key([1], [2], 2, .full), key([], [1, 2], 2, .full),
      key([1, 2], [], 3, .full), key([1, 2], [], 4, .withoutRerank),
    ]
    for (number, key) in keys.enumerated() {
      shard.insert(key, [Neighbor(id: UInt64(number), distance: 0)], version: 0)
    }
    for (number, key) in keys.enumerated() {
      let found = shard.find(key, staleAge: 0, at: 0)
      #expect(found?.neighbors.first?.id == UInt64(number))
    }
    let seeds = Set(
      (0..<64).map { CacheKey(query: [1], filter: [], k: 1, rung: .full, seed: $0).hash })
    #expect(seeds.count == 64)
  }
}
