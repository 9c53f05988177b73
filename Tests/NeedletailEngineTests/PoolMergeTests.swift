import NeedletailCore
import NeedletailKernels
import Testing

@Suite("Pool of candidates")
struct PoolMergeTests {
  /// Merges, and gives back the pool and the first place that changed.
  private func merge(
    _ pool: [CandidateKey], _ keys: [CandidateKey], capacity: Int
  ) -> (pool: [CandidateKey], lowest: Int) {
    guard !keys.isEmpty else { return (pool, pool.count) }
    // A canary behind what the merge may touch.
    let end = pool.count + keys.count
    var buffer = pool + [CandidateKey](repeating: 0xdead, count: keys.count + 1)
    var unsorted = keys + [0]
    let (size, lowest) = unsafe mergeIntoPool(
      &buffer, size: pool.count, capacity: capacity, keys: &unsorted, count: keys.count)
    #expect(buffer[end] == 0xdead, "written over the end")
    return (Array(buffer.prefix(size)), lowest)
  }

  private func check(_ pool: [CandidateKey], _ keys: [CandidateKey], capacity: Int) {
    let expected = Array((pool + keys).sorted().prefix(capacity))
    let (merged, lowest) = merge(pool, keys, capacity: capacity)
    #expect(merged == expected)
    let same = zip(expected, pool).prefix { $0 == $1 }.count
    #expect(lowest == same, "the first place that changed")
  }

  @Test func isASortCutAtTheCapacity() {
    var random = SplitMix64(seed: 11)
    for size in 0...20 {
      for extra in 0...8 {
        for count in 0...12 {
          var taken: Set<CandidateKey> = []
          while taken.count < size + count { taken.insert(random.next(below: 1_000)) }
          let all = taken.shuffled(using: &random)
          let keys = Array(all[size...])
          check(all[..<size].sorted(), keys, capacity: max(1, size + extra))
        }
      }
    }
  }

  @Test func largePoolsAndLongLists() {
    var random = SplitMix64(seed: 12)
    for _ in 0..<200 {
      let capacity = 1 + Int(random.next(below: 500))
      let size = Int(random.next(below: UInt64(capacity + 1)))
      let count = Int(random.next(below: 300))
      let span = random.next(below: 2) == 0 ? UInt64.max : 5_000
      var taken: Set<CandidateKey> = []
      while taken.count < size + count { taken.insert(random.next(below: span)) }
      let all = taken.shuffled(using: &random)
      check(all[..<size].sorted(), Array(all[size...]), capacity: capacity)
    }
  }

  @Test func allBeforeAllBehindAndNone() {
    check([10, 20, 30], [1, 2, 3], capacity: 3)
    check([10, 20, 30], [40, 50], capacity: 3)
    check([10, 20, 30], [40, 50], capacity: 4)
    check([10, 20, 30], [], capacity: 3)
    check([], [3, 1, 2], capacity: 2)
    check([], [], capacity: 1)
    check([.max - 1], [.max], capacity: 1)
  }
}
