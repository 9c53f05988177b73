import NeedletailBudgets
import NeedletailCore
import Testing

@testable import NeedletailServing

/// A judge that does something else in the middle of judging, as other threads would.
private final class HookedJudge: AnswerJudge {
  let hook = Guarded<(@Sendable () -> Void)?>(nil)
  let most = Guarded(0)

  func distances(from item: Point, to keys: [CacheKey]) -> [Float] {
    most.withLock { $0 = max($0, keys.count) }
    // Taken out, so that what it does is not interrupted in its turn.
    let hook = hook.withLock { hook in
      defer { hook = nil }
      return hook
    }
    hook?()
    return PointJudge().distances(from: item, to: keys)
  }
}

@Suite("Result cache: changes in short steps")
struct CacheStepTests {
  private func settings(_ seed: UInt64) -> ResultCacheSettings {
    var settings = ResultCacheSettings(capacity: 1 << 20)
    settings.shards = 1
    settings.seed = seed
    return settings
  }

  @Test(
    "What comes, goes and takes another's slot between two steps leaves no answer behind that is stale",
    arguments: [1, 2, 3])
  func interleaved(seed: UInt64) throws {
    let judge = HookedJudge()
    let cache = try ResultCache(settings(seed), judge: judge)
    var random = SplitMix64(seed: seed)
    let world = Shared(PointIndex())
    @Sendable func ask(_ random: inout SplitMix64) {
      let key = cache.key(&random, questions: 600, rungs: Rung.searching)
      if case .lead(let lead) = cache.lookup(key, deadline: 0, at: 0, done: { _ in }) {
        lead.finish(world.value.search(key))
      }
    }
    var (most, interrupted) = (0, 0)
    for step in 0..<1_000 {
      for _ in 0..<8 { ask(&random) }
      let change = world.change { $0.change(&random, ids: 60) }
      let inner = random.next()
      judge.hook.withLock { hook in
        hook = {
          var random = SplitMix64(seed: inner)
          for _ in 0..<random.next(below: 4) { ask(&random) }
          // Another writer, whose change is whole before this one's is.
          let change = world.change { $0.change(&random, ids: 60) }
          cache.apply([change], at: Int64(step))
          for _ in 0..<random.next(below: 4) { ask(&random) }
        }
      }
      cache.apply([change], at: Int64(step))
      if judge.hook.withLock({ hook in
        defer { hook = nil }
        return hook == nil
      }) {
        interrupted += 1
      }
      guard step % 10 == 0 else { continue }
      let index = world.value
      cache.shards[0].state.withLock { state in
        most = max(most, state.count)
        state.forEach { _, entry in
          let answer = entry.answer
          if entry.staleSince == nil {
            #expect(answer.neighbors == index.search(answer.key), "step \(step)")
          }
          #expect(
            answer.neighbors.allSatisfy {
              index.points[$0.id] != nil && !index.withdrawn.contains($0.id)
            })
        }
      }
    }
    #expect(most > 3 * CacheShard.chunk && interrupted > 100, "\(most) \(interrupted)")
    #expect(judge.most.withLock { $0 } <= CacheShard.chunk)
  }

  @Test("No step takes out more than its share, and none is left when there is nothing more to do")
  func bounded() {
    var shard = CacheShard(capacity: 8 << 20, expectedEntryBytes: 2_048)
    let neighbors = (0..<20).map { Neighbor(id: UInt64($0), distance: Float($0)) }
    func fill() {
      for number in 0..<1_000 {
        let query = [UInt8(number & 255), UInt8(number >> 8)]
        shard.insert(
          CacheKey(query: query, filter: [], k: 20, rung: .full, seed: 1), neighbors,
          version: number < 600 ? 1 : 5)
      }
      #expect(shard.count == 1_000)
    }
    /// Steps until `step` says that it is done.
    func run(_ step: (inout Int) -> Bool) -> Int {
      var count = 0
      var isDone = false
      while !isDone {
        let before = shard.holdings.steps
        var work = CacheShard.workPerStep
        isDone = step(&work)
        #expect(shard.holdings.steps - before <= CacheShard.workPerStep + 20)
        count += 1
      }
      return count
    }
    fill()
    var fresh = 0
    let steps = run { work in
      fresh += shard.removeHolders(of: 7, work: &work)
      return work > 0
    }
    #expect(fresh == 1_000 && shard.count == 0 && steps > 30)
    fill()
    var slot: Int? = 0
    fresh = 0
    _ = run { work in
      guard let first = slot else { return true }
      let step = shard.removeAll(from: first, before: 5, work: &work)
      fresh += step.fresh
      slot = step.next
      return slot == nil
    }
    // Those that know the change stay.
    #expect(fresh == 600 && shard.count == 400)
    var (next, seen): (Int?, Int) = (0, 0)
    while let first = next {
      let step = shard.suspects(from: first, before: 6)
      #expect(step.suspects.count <= CacheShard.chunk)
      seen += step.suspects.count
      next = step.next
    }
    #expect(seen == 400 && shard.suspects(from: 0, before: 5).suspects.isEmpty)
  }

  @Test(
    "A batch of removals, of everything and of items is one change after the other",
    arguments: [1, 2])
  func batches(seed: UInt64) throws {
    let cache = try ResultCache(settings(seed), judge: PointJudge())
    var random = SplitMix64(seed: seed)
    var index = PointIndex()
    for id in 0..<UInt64(60) { index.points[id] = Point(&random) }
    for round in 0..<300 {
      for _ in 0..<60 {
        let key = cache.key(&random, questions: 900)
        if case .lead(let lead) = cache.lookup(key, deadline: 0, at: 0, done: { _ in }) {
          lead.finish(index.search(key))
        }
      }
      var changes = (0..<1 + random.next(below: 6)).map { _ in index.change(&random, ids: 60) }
      if round % 50 == 49 { changes.insert(.everything, at: Int(random.next(below: 2))) }
      let before = cache.count
      let ended = cache.apply(changes, at: 0)
      #expect(ended <= before)
      if round % 50 == 49 { #expect(cache.count == 0) }
      for number in 0..<UInt64(60) {
        var random = SplitMix64(seed: number)
        let key = cache.key(&random, questions: 900)
        if let answer = cache.peek(key, allowStale: false, at: 0) {
          #expect(index.isTrue(answer, key))
        }
      }
    }
  }
}
