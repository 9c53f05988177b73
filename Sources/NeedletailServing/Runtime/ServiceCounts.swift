import NeedletailBudgets

/// What a service has done since it began.
public struct ServiceCounts: Sendable, Codable {
  /// Queries that had to be searched for, by class: those that the cache answered are not among them.
  public var offered = PerClass<Int>(repeating: 0)
  /// Queries that were answered, by class.
  public var served = PerClass<Int>(repeating: 0)
  /// Queries that were refused, by class.
  public var refused = PerClass<Int>(repeating: 0)
  /// Answers by rung.
  public var answered = PerRung<Int> { _ in 0 }
  /// Refusals by reason.
  public var rejected: [Rejection.Reason: Int] = [:]
  /// Queries that failed.
  public var failed = 0
  /// Queries that waited when their caller gave up; they were not searched for.
  public var cancelled = 0
  /// How long answers took, from the call on.
  public var latency = LatencyCounts()
}

/// Counts of latencies in buckets that grow by a quarter of a power of two: a quantile read off them is at most 19 % too high.
public struct LatencyCounts: Sendable, Hashable {
  /// Answers in each bucket; bucket `i` ends at `bound(i)`.
  public internal(set) var buckets = [Int](repeating: 0, count: 4 * 40)

  /// Nothing yet.
  public init() {}

  /// All answers.
  public var count: Int { buckets.reduce(0, +) }

  /// Counts one.
  public mutating func record(_ time: Nanoseconds) { buckets[Self.bucket(time)] += 1 }

  /// The time that a share of the answers took no longer than; `nil` without answers.
  public func quantile(_ share: Double) -> Nanoseconds? {
    let all = count
    guard all > 0 else { return nil }
    let wanted = max(1, Int((Double(all) * min(1, max(0, share))).rounded(.up)))
    var sum = 0
    for (place, count) in buckets.enumerated() {
      sum += count
      if sum >= wanted { return Self.bound(place) }
    }
    return Self.bound(buckets.count - 1)
  }

  /// What was counted since an earlier state.
  public func since(_ earlier: LatencyCounts) -> LatencyCounts {
    var difference = self
    for place in buckets.indices {
      difference.buckets[place] = max(0, buckets[place] - earlier.buckets[place])
    }
    return difference
  }

  /// Where a bucket ends, in nanoseconds.
  public static func bound(_ bucket: Int) -> Nanoseconds {
    let power = Nanoseconds(256) << (bucket / 4)
    return power + power / 4 * Nanoseconds(bucket % 4 + 1)
  }

  private static func bucket(_ time: Nanoseconds) -> Int {
    guard time > 256 else { return 0 }
    let value = UInt64(time - 1)
    let power = 63 - value.leadingZeroBitCount
    let quarter = Int((value >> (power - 2)) & 3)
    return min(4 * 40 - 1, 4 * (power - 8) + quarter)
  }
}
