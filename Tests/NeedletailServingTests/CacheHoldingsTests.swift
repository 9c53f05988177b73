import NeedletailBudgets
import NeedletailCore
import Testing

@testable import NeedletailServing

@Suite("Result cache: who holds what")
struct CacheHoldingsTests {
  private func key(_ number: Int) -> CacheKey {
    CacheKey(
      query: (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }, filter: [], k: 10,
      rung: .full, seed: 9)
  }

  /// Steps for taking out, one after the other and oldest last, `count` answers that all hold the same ids.
  private func steps(_ count: Int, byID: Bool) -> Int {
    var shard = CacheShard(capacity: count * 4_096, expectedEntryBytes: 4_096)
    let neighbors = (0..<10).map { Neighbor(id: UInt64($0), distance: Float($0)) }
    for number in 0..<count { shard.insert(key(number), neighbors, version: 0) }
    #expect(shard.count == count)
    let before = shard.holdings.steps
    if byID {
      #expect(shard.removeHolders(of: 3) == count)
    } else {
      var slots: [Int] = []
      shard.forEach { slot, _ in slots.append(slot) }
      for slot in slots { shard.remove(slot) }
    }
    #expect(shard.count == 0 && shard.byteCount == 0)
    #expect((0..<10).allSatisfy { shard.holdings.holder(of: $0) == nil })
    return shard.holdings.steps - before
  }

  @Test(
    "Taking out an answer costs its own ids, however many others hold them",
    arguments: [true, false])
  func linear(byID: Bool) {
    for count in [10, 100, 1_000, 10_000] { #expect(steps(count, byID: byID) == 10 * count) }
  }

  @Test("Who holds what is as a plain list of all entries says, by seed", arguments: [1, 2, 3])
  func oracle(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var holdings = CacheHoldings()
    var entries: [Int: (first: Int32, ids: Set<UInt64>)] = [:]
    for step in 0..<20_000 {
      let slot = Int(random.next(below: 40))
      if let entry = entries.removeValue(forKey: slot) {
        holdings.remove(entry.first)
      } else {
        let ids = Set((0..<random.next(below: 12)).map { _ in random.next(below: 30) })
        let neighbors = ids.map { Neighbor(id: $0, distance: 0) }
        entries[slot] = (holdings.add(neighbors, slot: slot), ids)
      }
      let id = UInt64(step % 30)
      if let holder = holdings.holder(of: id) {
        #expect(entries[holder]?.ids.contains(id) == true)
      } else {
        #expect(!entries.values.contains { $0.ids.contains(id) })
      }
    }
  }
}
