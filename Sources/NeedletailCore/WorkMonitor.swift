import Synchronization

/// The caller's view of a long piece of work, and its way to stop it.
///
/// The worker reports, anyone may read, from any thread. Reading costs a lock that the worker takes
/// only a few thousand times in a whole build.
public final class WorkMonitor: Sendable {
  /// How far the work has come.
  public struct Progress: Sendable, Hashable {
    /// What is being done now, in a word or two: `reading`, `linking`, `writing`.
    public var phase = ""
    /// Units finished in this phase.
    public var done = 0
    /// Units in this phase; 0 while it is not known.
    public var total = 0
    /// Time since this phase began.
    public var elapsed: Duration = .zero

    /// Units a second since the phase began; 0 before the first one is done.
    public var rate: Double {
      let seconds = elapsed / .seconds(1)
      return seconds > 0 ? Double(done) / seconds : 0
    }

    /// The time left in this phase at the present rate, when it can be told.
    public var remaining: Duration? {
      guard done > 0, total >= done else { return nil }
      return elapsed * (Double(total - done) / Double(done))
    }
  }

  private struct State {
    var progress = Progress()
    var started = ContinuousClock.now
  }

  private let state = Guarded(State())
  private let cancelled = Atomic<Bool>(false)

  /// Makes a monitor for one piece of work.
  public init() {}

  /// How far the work has come, at this moment.
  public var progress: Progress {
    state.withLock { state in
      var progress = state.progress
      progress.elapsed = ContinuousClock.now - state.started
      return progress
    }
  }

  /// Asks the worker to stop soon; it then throws `cancelled` and leaves nothing behind.
  public func cancel() { cancelled.store(true, ordering: .relaxed) }

  /// Whether someone asked the worker to stop.
  public var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

  /// Begins a phase of `total` units.
  ///
  /// Called by the worker.
  public func begin(_ phase: String, total: Int) {
    state.withLock { state in
      state.progress = Progress(phase: phase, done: 0, total: total)
      state.started = ContinuousClock.now
    }
  }

  /// Adds finished units, and throws `cancelled` when someone asked to stop.
  ///
  /// Called by the worker.
  public func advance(by count: Int) throws(NeedletailError) {
    state.withLock { $0.progress.done += count }
    if isCancelled {
      throw NeedletailError(.cancelled, "The work was cancelled; nothing of it was kept.")
    }
  }
}
