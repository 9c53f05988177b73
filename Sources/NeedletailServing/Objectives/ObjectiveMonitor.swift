public import NeedletailCore

/// One objective that many threads count events for, and that calls back when an alert begins or ends.
///
/// Threads that serve keep their own counters and hand them over now and then; no query waits for this lock.
public final class ObjectiveMonitor: Sendable {
  /// Called on the thread that evaluates, without a lock; alerts of one objective come in order.
  public typealias Hook = @Sendable (BurnAlert) -> Void

  /// What was promised.
  public let settings: ObjectiveSettings
  private let state: Guarded<ObjectiveState>
  private let hooks: [Hook]

  /// A monitor that begins at `start`.
  ///
  /// - Throws: `invalidConfiguration`.
  public init(
    _ settings: ObjectiveSettings, start: Nanoseconds, hooks: [Hook] = []
  ) throws(NeedletailError) {
    self.settings = settings
    state = Guarded(try ObjectiveState(settings, start: start))
    self.hooks = hooks
  }

  /// Counts events at `now`; those that come late are counted in the bucket that is filling.
  public func record(_ counts: EventCounts, at now: Nanoseconds) {
    state.withLock { $0.record(counts, at: now) }
  }

  /// Looks at the rules; gives the alerts that began or ended, after the hooks were called with them.
  ///
  /// Called by one thread, about once a second: a rule is looked at once for each of its buckets.
  @discardableResult
  public func evaluate(at now: Nanoseconds) -> [BurnAlert] {
    let alerts = state.withLock { $0.evaluate(at: now) }
    for alert in alerts { for hook in hooks { hook(alert) } }
    return alerts
  }

  /// What is left of the error budget.
  public func errorBudget(at now: Nanoseconds) -> ErrorBudget {
    state.withLock { $0.errorBudget(at: now) }
  }
}
