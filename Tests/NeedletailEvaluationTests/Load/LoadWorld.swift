import NeedletailCore
import NeedletailEvaluation
import Synchronization

/// A clock that only moves when somebody waits, and does what was planned on its way.
final class VirtualClock: LoadClock {
  private struct State {
    var now: Int64 = 1_000_000
    var number = 0
    /// By instant, then by the order in which they were planned.
    var plans: [(instant: Int64, number: Int, body: @Sendable () -> Void)] = []
  }

  private let state = Guarded(State())

  var now: Int64 { state.withLock { $0.now } }

  func wait(until instant: Int64) {
    while let plan = next(until: instant) { plan() }
    state.withLock { $0.now = max($0.now, instant) }
  }

  /// The next thing to do up to an instant, with the clock at its time.
  private func next(until instant: Int64) -> (@Sendable () -> Void)? {
    state.withLock { state in
      guard let plan = state.plans.first, plan.instant <= instant else { return nil }
      state.plans.removeFirst()
      state.now = max(state.now, plan.instant)
      return plan.body
    }
  }

  /// Plans something for an instant.
  func at(_ instant: Int64, _ body: @escaping @Sendable () -> Void) {
    state.withLock { state in
      state.number += 1
      let plan = (instant, state.number, body)
      var (low, high) = (0, state.plans.count)
      while low < high {
        let middle = (low + high) / 2
        if state.plans[middle].instant <= instant { low = middle + 1 } else { high = middle }
      }
      state.plans.insert(plan, at: low)
    }
  }

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
