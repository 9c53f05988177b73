import NeedletailBudgets
import NeedletailCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Requests for keys by number, and what other policies would make of them.
struct CacheTrace {
  private(set) var requests: [Int] = []

  /// Zipf requests over `keys`, and after every `between` of them a scan over keys that nobody asks for again.
  init(count: Int, keys: Int, skew: Double, scan: Int, between: Int, seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var sums: [Double] = []
    var sum = 0.0
    for rank in 1...keys {
      sum += pow(Double(rank), -skew)
      sums.append(sum)
    }
    var fresh = keys
    while requests.count < count {
      for _ in 0..<between {
        let wanted = random.nextUnit() * sum
        var (low, high) = (0, keys - 1)
        while low < high {
          let middle = (low + high) / 2
          if sums[middle] < wanted { low = middle + 1 } else { high = middle }
        }
        requests.append(low)
      }
      for _ in 0..<scan {
        requests.append(fresh)
        fresh += 1
      }
    }
  }

  /// The hits of a cache that drives out what was not asked for longest.
  func leastRecentlyUsed(_ capacity: Int) -> Int {
    var used: [Int: Int] = [:]
    var order: [(key: Int, time: Int)] = []
    var head = 0
    var hits = 0
    for (time, key) in requests.enumerated() {
      if used[key] != nil { hits += 1 }
      used[key] = time
      order.append((key, time))
      while used.count > capacity {
        if used[order[head].key] == order[head].time { used[order[head].key] = nil }
        head += 1
      }
    }
    return hits
  }

  /// The hits of a cache that knows the future: it drives out what is asked for last, and keeps out what is asked for later still.
  ///
  /// Source: Bélády, *A study of replacement algorithms* (1966).
  func belady(_ capacity: Int) -> Int {
    var next = [Int](repeating: .max, count: requests.count)
    var seen: [Int: Int] = [:]
    for time in requests.indices.reversed() {
      next[time] = seen[requests[time]] ?? .max
      seen[requests[time]] = time
    }
    var held: [Int: Int] = [:]
    // A heap by the next request, the latest on top; entries that are out of date are skipped.
    var heap: [(next: Int, key: Int)] = []
    var hits = 0
    for (time, key) in requests.enumerated() {
      if held[key] != nil { hits += 1 } else if next[time] == .max { continue }
      held[key] = next[time]
      push(&heap, (next[time], key))
      while held.count > capacity, let top = pop(&heap) {
        if held[top.key] == top.next { held[top.key] = nil }
      }
    }
    return hits
  }

  private func push(_ heap: inout [(next: Int, key: Int)], _ entry: (next: Int, key: Int)) {
    heap.append(entry)
    var place = heap.count - 1
    while place > 0, heap[(place - 1) / 2].next < heap[place].next {
      heap.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  private func pop(_ heap: inout [(next: Int, key: Int)]) -> (next: Int, key: Int)? {
    guard let top = heap.first, let last = heap.popLast() else { return nil }
    if heap.isEmpty { return top }
    heap[0] = last
    var place = 0
    while 2 * place + 1 < heap.count {
      var child = 2 * place + 1
      if child + 1 < heap.count, heap[child].next < heap[child + 1].next { child += 1 }
      guard heap[place].next < heap[child].next else { break }
      heap.swapAt(place, child)
      place = child
    }
    return top
  }
}
