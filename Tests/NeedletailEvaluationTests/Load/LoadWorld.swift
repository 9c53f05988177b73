import NeedletailCore
import NeedletailEvaluation
import Synchronization

extension VirtualClock {
  /// Holds whoever calls, as a call that blocks does.
  func block(for nanoseconds: Int64) { wait(until: now + nanoseconds) }
}

/// A service with one worker in virtual time, whose answers a function decides.
final class VirtualService: LoadTarget {
  struct Work {
    var response = LoadResponse(.answered)
    var neighbors: [Neighbor] = []
    /// The worker's time; nil: there is never an answer.
    var nanoseconds: Int64? = 0
    /// Whether it is over at once, without the worker.
    var isImmediate = false
  }

  let clock: VirtualClock
  let vocabulary: LoadVocabulary
  private let free = Atomic<Int64>(0)
  private let plan: @Sendable (LoadRequest, _ waiting: Int64) -> Work
  private let seen = Guarded<[LoadRequest]>([])
  private let sampled: @Sendable () -> LoadGauges

  /// Makes a service; `plan` says what becomes of a request that would wait so long for the worker.
  init(
    _ clock: VirtualClock, vocabulary: LoadVocabulary = LoadVocabulary(),
    gauges: @escaping @Sendable () -> LoadGauges = { LoadGauges() },
    _ plan: @escaping @Sendable (LoadRequest, _ waiting: Int64) -> Work
  ) {
    self.clock = clock
    self.vocabulary = vocabulary
    self.plan = plan
    sampled = gauges
  }

  var requests: [LoadRequest] { seen.withLock { $0 } }
  func gauges() -> LoadGauges { sampled() }

  func submit(_ request: LoadRequest, to collector: LoadCollector) {
    seen.withLock { $0.append(request) }
    let begin = max(clock.now, free.load(ordering: .relaxed))
    let work = plan(request, begin - clock.now)
    guard let time = work.nanoseconds else { return }
    if work.isImmediate {
      collector.receive(work.response, to: request, neighbors: work.neighbors.span)
      return
    }
    free.store(begin + time, ordering: .relaxed)
    clock.at(begin + time) {
      collector.receive(work.response, to: request, neighbors: work.neighbors.span)
    }
  }
}

let milliseconds: Int64 = 1_000_000
let seconds: Int64 = 1_000_000_000
