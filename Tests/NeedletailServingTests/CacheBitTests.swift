import NeedletailBudgets
import NeedletailCore
import Testing

@testable import NeedletailServing

@Suite("Result cache: hits are misses, bit for bit")
struct CacheBitTests {
  private func cache() throws -> ResultCache<PointJudge> {
    try ResultCache(ResultCacheSettings(capacity: 4 << 20), judge: PointJudge())
  }

  /// Queries that are alike as numbers or as directions, and different as bytes.
  private static let queries: [[Float]] = [
    [1, 2], [2, 4], [0.5, 1], [-1, -2], [1, 2.0000002], [0, 0], [-0.0, 0], [0, -0.0],
    [.nan, 1], [Float(bitPattern: 0x7fc0_0001), 1], [-.nan, 1], [.infinity, 1], [-.infinity, 1],
    [.leastNonzeroMagnitude, 1], [-.leastNonzeroMagnitude, 1], [1], [], [1, 2, 0], [2, 1],
  ]

  private static func bytes(_ query: [Float]) -> [UInt8] {
    query.flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * $0)) }
    }
  }

  private struct Bits: Hashable {
    let id: VectorID
    let distance: UInt32

    static func of(_ neighbors: [Neighbor]) -> [Bits] {
      neighbors.map { Bits(id: $0.id, distance: $0.distance.bitPattern) }
    }
  }

  /// An answer of distances that are easily lost: zeros of either sign, the least and the greatest that there are.
  private static func answer(_ random: inout SplitMix64, k: Int) -> [Neighbor] {
    let special: [Float] = [
      0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude,
      .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 1, 1.0000001, -1,
    ]
    var ids: Set<VectorID> = [0, .max]
    while ids.count < k + 2 { ids.insert(random.next()) }
    let count = Int(random.next(below: UInt64(k + 1)))
    let neighbors = ids.sorted().prefix(count).map { id in
      let bits = UInt32(truncatingIfNeeded: random.next())
      let drawn = Float(bitPattern: bits)
      let isSpecial = !drawn.isFinite || random.next(below: 2) == 0
      return Neighbor(
        id: id, distance: isSpecial ? special[Int(random.next(below: 10))] : drawn)
    }
    return neighbors.sorted(by: Neighbor.precedes)
  }

  @Test(
    "A hit gives the bits that its miss gave, also to who waited and after a restart; whatever differs in a bit is another question"
  )
  func bits() async throws {
    let cache = try cache()
    var random = SplitMix64(seed: 8)
    var given: [(key: CacheKey, bits: [Bits])] = []
    for query in Self.queries {
      for filter in [[], Self.bytes([0]), Self.bytes([-0.0])] {
        for k in [1, 2, 10, Limits.neighborsPerQuery] {
          // The simplest first, or the better answer would serve them all.
          for rung in Rung.searching.reversed() where rung == .full || k == 2 {
            let key = cache.key(query: Self.bytes(query), filter: filter, k: k, rung: rung)
            let answer = Self.answer(&random, k: min(k, 20))
            let waited = Guarded<[Bits]?>(nil)
            let found = cache.lookup(key, deadline: 0, at: 0, done: { _ in })
            guard case .lead(let lead) = found else {
              Issue.record("\(query) with \(filter) is taken for another question")
              return
            }
            _ = cache.lookup(key, deadline: 1, at: 0) { outcome in
              if case .answer(let answer) = outcome {
                waited.withLock { $0 = Bits.of(answer.neighbors) }
              }
            }
            lead.finish(answer)
            #expect(waited.withLock { $0 } == Bits.of(answer))
            #expect(
              cache.peek(key, allowStale: true, at: 0).map { Bits.of($0.neighbors) }
                == Bits.of(answer))
            if rung == .full { given.append((key, Bits.of(answer))) }
          }
        }
      }
    }
    #expect(given.count == Self.queries.count * 12 && cache.count == given.count)
    let warm = try self.cache()
    let bytes = try #require(cache.saved(identity: [1]))
    #expect(try warm.restore(bytes, identity: [1]).answers == given.count)
    for cache in [cache, warm] {
      for (key, bits) in given {
        let key = cache.key(query: key.query, filter: key.filter, k: key.k, rung: .full)
        let hit = cache.peek(key, allowStale: false, at: 0)
        #expect(hit.map { Bits.of($0.neighbors) } == bits && hit?.isStale == false)
      }
    }
  }

  @Test(
    "What no search gives is passed on and not kept, so that what is saved can always be restored")
  func unkept() throws {
    let cache = try cache()
    func gives(_ neighbors: [Neighbor], k: Int, rung: Rung = .full) -> Bool {
      let key = cache.key(query: [1], k: k, rung: rung)
      guard case .lead(let lead) = cache.lookup(key, deadline: 0, at: 0, done: { _ in }) else {
        return true
      }
      let isGiven = Guarded(false)
      _ = cache.lookup(key, deadline: 1, at: 0) { outcome in
        if case .answer(let answer) = outcome {
          isGiven.withLock { $0 = Bits.of(answer.neighbors) == Bits.of(neighbors) }
        }
      }
      lead.finish(neighbors)
      return isGiven.withLock { $0 }
    }
    let (a, b) = (Neighbor(id: 1, distance: 1), Neighbor(id: 2, distance: 2))
    #expect(gives([], k: 0) && gives([a], k: 0) && gives([], k: -1) && gives([], k: .max))
    #expect(gives([a, b], k: 1) && gives([b, a], k: 2) && gives([a, a], k: 3))
    #expect(gives([a, Neighbor(id: 1, distance: 3)], k: 4))
    for distance in [Float.nan, .infinity, -.infinity] {
      #expect(gives([Neighbor(id: 3, distance: distance)], k: 5))
    }
    #expect(gives([a], k: 6, rung: .cachedFresh) && gives([a], k: 6, rung: .reject))
    #expect(cache.count == 0)
    #expect(gives([a, b], k: 2) && gives([], k: 7) && cache.count == 2)
    let bytes = try #require(cache.saved(identity: []))
    #expect(try self.cache().restore(bytes, identity: []).answers == 2)
  }

  @Test(
    "An item that is there again at a distance of other bits ends the answer; the same bits do not")
  func heldBits() throws {
    let key = try cache().key(query: [1], k: 2, rung: .full)
    let answer = KeptAnswer(key, [Neighbor(id: 4, distance: 0)], version: 0)
    #expect(!answer.isTouched(by: 4, at: 0) && answer.isTouched(by: 4, at: -0.0))
    #expect(answer.isTouched(by: 4, at: .nan) && answer.isTouched(by: 4, at: .infinity))
    #expect(answer.isTouched(by: 5, at: .nan) && !answer.isTouched(by: 5, at: .infinity))
    #expect(answer.isTouched(by: 5, at: .greatestFiniteMagnitude))
  }
}
