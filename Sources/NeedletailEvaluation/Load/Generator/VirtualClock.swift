import NeedletailCore

/// A clock that only moves when somebody waits, and does what was planned on its way: hours pass as fast as their work is done.
public final class VirtualClock: LoadClock {
  private struct State {
    var now: Int64 = 1_000_000
    /// By instant, then by the order in which they were planned.
    var plans: [(instant: Int64, body: @Sendable () -> Void)] = []
  }

  private let state = Guarded(State())

  /// Makes a clock that nobody else has.
  public init() {}

  /// The present instant in nanoseconds.
  public var now: Int64 { state.withLock { $0.now } }

  /// Goes to an instant, and does on the way what was planned; at once where it has passed.
  public func wait(until instant: Int64) {
    while let plan = next(until: instant) { plan() }
    state.withLock { $0.now = max($0.now, instant) }
  }

  /// The next thing to do up to an instant, with the clock at its time.
  private func next(until instant: Int64) -> (@Sendable () -> Void)? {
    state.withLock { state in
      guard let plan = state.plans.last, plan.instant <= instant else { return nil }
      state.plans.removeLast()
      state.now = max(state.now, plan.instant)
      return plan.body
    }
  }

  /// Plans something for an instant.
  ///
  /// - Complexity: O(log n) to find its place, O(n) in the plans before it in time.
  public func at(_ instant: Int64, _ body: @escaping @Sendable () -> Void) {
    state.withLock { state in
      // The latest first, so that the next one is taken from the end.
      var (low, high) = (0, state.plans.count)
      while low < high {
        let middle = (low + high) / 2
        if state.plans[middle].instant > instant { low = middle + 1 } else { high = middle }
      }
      state.plans.insert((instant, body), at: low)
    }
  }
}
