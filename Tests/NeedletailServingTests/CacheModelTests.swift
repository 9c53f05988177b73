import NeedletailBudgets
import NeedletailCore
import Testing

@testable import NeedletailServing

@Suite("Result cache against exact answers")
struct CacheModelTests {
  /// Somebody who waits, and the answers that would be true for them.
  private final class Waiting: Sendable {
    let key: CacheKey
    let possible: Guarded<Set<[Neighbor]>>
    let outcome = Guarded<FlightOutcome?>(nil)

    init(_ key: CacheKey, _ now: [Neighbor]) {
      self.key = key
      possible = Guarded([now])
    }
  }

  @Test(
    "100 000 steps of queries, writes, removals and withdrawals: none stale, few ended without need",
    arguments: [1, 2], [[Rung.full], Rung.searching])
  func model(seed: UInt64, rungs: [Rung]) throws {
    var random = SplitMix64(seed: seed)
    var settings = ResultCacheSettings(capacity: 4 << 20)
    settings.shards = 4
    settings.seed = seed
    settings.changesKept = 16
    let cache = try ResultCache(settings, judge: PointJudge())
    var index = PointIndex()
    var open: [(lead: CacheLead, answer: [Neighbor])] = []
    var waiting: [Waiting] = []
    var (ended, needed, served, joined) = (0, 0, 0, 0)

    for step in 0..<100_000 {
      if random.next(below: 10) < 6 {
        let key = cache.key(&random, questions: 150, rungs: rungs)
        if random.next(below: 8) == 0 {
          guard let answer = cache.peek(key, allowStale: false, at: Int64(step)) else { continue }
          #expect(index.isTrue(answer, key) && !answer.isStale, "step \(step)")
          served += 1
          continue
        }
        let truth = index.search(key)
        if random.next(below: 16) == 0 {
          // Before anybody asked: the search may end much later.
          if let lead = cache.prefetch(key, at: 0) { open.append((lead, truth)) }
          continue
        }
        let waiter = Waiting(key, truth)
        switch cache.lookup(
          key, deadline: .max, at: Int64(step),
          done: { outcome in waiter.outcome.withLock { $0 = outcome } })
        {
        case .hit(let answer):
          #expect(index.isTrue(answer, key) && !answer.isStale, "step \(step)")
          served += 1
        case .lead(let lead):
          // Some searches take long: they saw the index as it is now, and end later.
          if open.count > 5 || random.next(below: 4) > 0 {
            lead.finish(truth)
          } else {
            open.append((lead, truth))
          }
        case .waiting:
          waiting.append(waiter)
          joined += 1
        case .alone: Issue.record("step \(step): nobody was more important")
        }
      } else {
        let count = random.next(below: 10) == 0 ? 3 : 1
        let looks = step % 40 == 0
        let before = looks ? cached(cache) : []
        let changes = (0..<count).map { _ in index.change(&random, ids: 80) }
        let count2 = cache.apply(changes, at: Int64(step))
        if looks {
          ended += count2
          for (key, answer) in before where index.search(key) != answer { needed += 1 }
        }
        for waiter in waiting {
          let truth = index.search(waiter.key)
          waiter.possible.withLock { _ = $0.insert(truth) }
        }
      }
      if !open.isEmpty, random.next(below: 8) == 0 {
        let (lead, answer) = open.remove(at: Int(random.next(below: UInt64(open.count))))
        lead.finish(answer)
      }
      waiting.removeAll { waiter in
        switch waiter.outcome.withLock({ $0 }) {
        case nil: return false
        case .answer(let answer):
          #expect(waiter.possible.withLock { $0.contains(answer.neighbors) }, "step \(step)")
          served += 1
        case .overtaken: break
        case .failed, .expired: Issue.record("a wait ended without reason at step \(step)")
        }
        return true
      }
    }
    #expect(
      served > 4_000 && joined > 200 && cache.counts.overtaken > 200,
      "\(served) \(joined) \(cache.counts)")
    #expect(rungs.count == 1 || cache.counts.betterHits > 2_000, "\(cache.counts)")
    #expect(needed > 500 && ended >= needed)
    #expect(Double(ended - needed) <= 0.05 * Double(ended), "\(ended) ended, \(needed) had to")
    // Stale answers are given with their label only, and hold nothing that was removed or withdrawn.
    for number in 0..<UInt64(150) {
      var random = SplitMix64(seed: number)
      let key = cache.key(&random, questions: 150)
      guard let answer = cache.peek(key.at(.cachedStale), allowStale: true, at: 100_000)
      else { continue }
      #expect(answer.isStale || index.isTrue(answer, key.at(.cachedStale)))
      #expect(
        answer.neighbors.allSatisfy {
          index.points[$0.id] != nil && !index.withdrawn.contains($0.id)
        })
    }
    #expect(cache.counts.staleHits > 0)
  }

  /// All fresh answers.
  private func cached(_ cache: ResultCache<PointJudge>) -> [(CacheKey, [Neighbor])] {
    cache.shards.flatMap { shard in
      shard.state.withLock { state in
        var all: [(CacheKey, [Neighbor])] = []
        state.forEach { _, entry in
          if entry.staleSince == nil { all.append((entry.answer.key, entry.answer.neighbors)) }
        }
        return all
      }
    }
  }

  /// The index of several threads: every state that it ever had.
  private struct History: Sendable {
    var states = [PointIndex()]
    var acknowledged = 0
  }

  @Test(
    "Threads that read beside threads that write see nothing older than what was acknowledged before"
  )
  func threads() async throws {
    var settings = ResultCacheSettings(capacity: 1 << 20)
    settings.shards = 2
    settings.changesKept = 64
    let cache = try ResultCache(settings, judge: PointJudge())
    let history = Shared(History())
    let changes = 1_000
    await withTaskGroup(of: Int.self) { group in
      group.addTask {
        var random = SplitMix64(seed: 1)
        for step in 0..<changes {
          // Visible first, then told to the cache, then acknowledged.
          let change = history.change { history in
            var state = history.states[history.states.count - 1]
            let change = state.change(&random, ids: 30)
            history.states.append(state)
            return change
          }
          cache.apply([change], at: Int64(step))
          history.change { $0.acknowledged = step + 1 }
          await Task.yield()
        }
        return 0
      }
      for reader in 0..<UInt64(3) {
        group.addTask {
          var random = SplitMix64(seed: 10 + reader)
          var hits = 0
          while history.value.acknowledged < changes {
            let key = cache.key(&random, questions: 40, rungs: Rung.searching)
            let oldest = history.value.acknowledged
            switch cache.lookup(key, deadline: .max, at: 0, done: { _ in }) {
            case .lead(let lead):
              let state = history.change { $0.states[$0.states.count - 1] }
              if random.next(below: 3) == 0 { await Task.yield() }
              lead.finish(state.search(key))
            case .hit(let answer):
              hits += 1
              let states = history.change { Array($0.states[oldest...]) }
              #expect(states.contains { $0.isTrue(answer, key) })
            case .waiting, .alone: break
            }
            // Or the one who writes would never come to run.
            await Task.yield()
          }
          return hits
        }
      }
      var hits = 0
      for await count in group { hits += count }
      #expect(hits > 100 && cache.counts.betterHits > 20, "\(hits) \(cache.counts)")
    }
  }
}
