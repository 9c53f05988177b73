import NeedletailBudgets
import NeedletailCore

@testable import NeedletailServing

/// A clock that a test sets.
final class SetClock: ServingClock {
  private let instant = Guarded<Nanoseconds>(0)
  var now: Nanoseconds { instant.withLock { $0 } }
  func advance(_ time: Nanoseconds) { instant.withLock { $0 += time } }
}

/// A status with something in each field.
func exampleStatus(isReady: Bool = true) -> ServiceStatus {
  var counts = ServiceCounts()
  counts.offered = PerClass(1, 900, 3, 40)
  counts.served = PerClass(1, 890, 2, 10)
  counts.refused = PerClass(0, 10, 1, 30)
  counts.answered[.full] = 800
  counts.answered[.smallerWindow] = 103
  counts.rejected = [.deadline: 11, .quota: 30]
  counts.failed = 2
  for _ in 0..<90 { counts.latency.record(200 * .microsecond) }
  for _ in 0..<10 { counts.latency.record(3 * .millisecond) }
  var cache = CacheCounts()
  (cache.hits, cache.staleHits, cache.misses, cache.joined) = (70, 10, 20, 4)
  (cache.evictions, cache.invalidated) = (5, 6)
  return ServiceStatus(
    isReady: isReady, isDraining: false, tier: "peak", load: 1.25, utilisation: 0.75, waiting: 7,
    busy: 2, workers: 3, rungs: PerClass(.full, .full, .smallerWindow, .reject),
    cost: PerRung { $0 == .full ? 210 * .microsecond : nil },
    recall: PerRung { $0 == .full ? 0.984 : nil }, counts: counts,
    errorBudgets: ["fast answers": 871_000], tenants: ["acme": 12_500_000], flags: ["noPreview"],
    cache: CacheStatus(bytes: 1_000, capacity: 2_000, answers: 12, counts: cache))
}
