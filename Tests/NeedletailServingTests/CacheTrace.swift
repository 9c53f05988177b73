import NeedletailBudgets
import NeedletailCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Ranks by Zipf's law, the most popular first.
private struct ZipfRanks {
  private var sums: [Double] = []

  init(_ count: Int, skew: Double) {
    var sum = 0.0
    for rank in 1...count {
      sum += pow(Double(rank), -skew)
      sums.append(sum)
    }
  }

  func next(_ random: inout SplitMix64) -> Int {
    let wanted = random.nextUnit() * (sums.last ?? 0)
    var (low, high) = (0, sums.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if sums[middle] < wanted { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

/// Requests for keys by number, and what other policies would make of them.
struct CacheTrace {
  private(set) var requests: [Int] = []

  /// Zipf requests over `keys`, and after every `between` of them a scan over keys that nobody asks for again.
  init(count: Int, keys: Int, skew: Double, scan: Int, between: Int, seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let ranks = ZipfRanks(keys, skew: skew)
    var fresh = keys
    while requests.count < count {
      for _ in 0..<between { requests.append(ranks.next(&random)) }
      for _ in 0..<scan {
        requests.append(fresh)
        fresh += 1
      }
    }
  }

  private init(_ requests: [Int]) { self.requests = requests }

  /// One after the other.
  static func + (a: CacheTrace, b: CacheTrace) -> CacheTrace { CacheTrace(a.requests + b.requests) }

  /// Zipf requests, where all keys change places after every `period` of them.
  static func shuffled(count: Int, keys: Int, period: Int, seed: UInt64) -> CacheTrace {
    var random = SplitMix64(seed: seed)
    let ranks = ZipfRanks(keys, skew: 0.9)
    var order = Array(0..<keys)
    return CacheTrace(
      (0..<count).map { time in
        if time % period == 0 { order.shuffle(using: &random) }
        return order[ranks.next(&random)]
      })
  }

  /// Zipf requests, where a key changes places with another one after every `period` of them, popular ones as often as all others.
  static func drifting(count: Int, keys: Int, period: Int, seed: UInt64) -> CacheTrace {
    var random = SplitMix64(seed: seed)
    let ranks = ZipfRanks(keys, skew: 0.9)
    var order = Array(0..<keys)
    return CacheTrace(
      (0..<count).map { time in
        if time % period == 0 {
          let rank = min(keys - 1, Int(pow(Double(keys), random.nextUnit())))
          order.swapAt(rank, Int(random.next(below: UInt64(keys))))
        }
        return order[ranks.next(&random)]
      })
  }

  /// Keys that are asked for most when they are new; a new one comes with every 20th request.
  static func news(count: Int, life: Int, seed: UInt64) -> CacheTrace {
    var random = SplitMix64(seed: seed)
    let ages = ZipfRanks(life, skew: 0.9)
    return CacheTrace((0..<count).map { time in life + time / 20 - ages.next(&random) })
  }

  /// Seven of ten requests come back to one of the last `depth`, the later the more likely; the others are for any of `keys`.
  static func returning(count: Int, keys: Int, depth: Int, seed: UInt64) -> CacheTrace {
    var random = SplitMix64(seed: seed)
    var trace = CacheTrace([])
    for time in 0..<count {
      if time > depth, random.nextUnit() < 0.7 {
        let distance = 1 + Int(Double(depth - 1) * pow(random.nextUnit(), 2))
        trace.requests.append(trace.requests[time - distance])
      } else {
        trace.requests.append(Int(random.next(below: UInt64(keys))))
      }
    }
    return trace
  }

  /// Every second request is the next one of a loop over `loop` keys, the others are Zipf requests.
  static func looping(count: Int, keys: Int, loop: Int, seed: UInt64) -> CacheTrace {
    var random = SplitMix64(seed: seed)
    let ranks = ZipfRanks(keys, skew: 0.9)
    return CacheTrace(
      (0..<count).map { time in
        time % 2 == 0 ? keys + time / 2 % loop : ranks.next(&random)
      })
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

  /// The hits of a cache that counts every request for every key without error or end, and holds those with most.
  ///
  /// Where requests are independent and nobody knows beforehand which key is the popular one, none that does not know the future can
  /// expect more: of two keys, the one that was asked for more often is the one that is more likely asked for next.
  func mostFrequent(_ capacity: Int) -> Int {
    var counts: [Int: Int] = [:]
    var held: [Int: Int] = [:]
    // The least count on top; entries that are out of date are skipped.
    var heap: [(next: Int, key: Int)] = []
    var hits = 0
    for key in requests {
      let count = counts[key, default: 0] + 1
      counts[key] = count
      if held[key] != nil { hits += 1 }
      held[key] = count
      push(&heap, (-count, key))
      while held.count > capacity, let top = pop(&heap) {
        if held[top.key] == -top.next { held[top.key] = nil }
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
