import NeedletailBudgets
import NeedletailCore

extension ServiceRuntime {
  /// How often it is looked whose time to wait is over.
  private static var step: Nanoseconds { 5 * .millisecond }

  /// The life of the thread that looks at the load ten times a second; it reads no file and calls nobody.
  func attend() {
    var due = clock.now
    var tick = due
    while !sleep(until: due) {
      let now = clock.now
      cache?.answers.expireWaiters(at: now)
      if now >= tick {
        tell(state.withLock { $0.core.tick(at: now) })
        tick = max(tick + Core.interval, now)
      }
      due = cache == nil ? tick : min(tick, now + Self.step)
    }
  }

  /// Sleeps; returns whether the service ends.
  func sleep(until due: Nanoseconds) -> Bool {
    bell.waiting { isStopping in
      if isStopping { return .done(true) }
      let left = due - clock.now
      return left <= 0 ? .done(false) : .sleep(left)
    }
  }

  /// What may wait to be told; beyond it the oldest is forgotten.
  private static var mostEvents: Int { 1_024 }

  /// Lets the service's owner know, soon and on another thread.
  func tell(_ new: [ServiceEvent]) {
    guard !new.isEmpty else { return }
    let all = flags.withLock { flags in new.flatMap { [$0] + flags.follow($0) } }
    events.withLock { events in
      events += all
      events.removeFirst(max(0, events.count - Self.mostEvents))
    }
  }

  /// What the service does now.
  var status: ServiceStatus {
    let now = clock.now
    let flags = flags.withLock { $0.names.sorted() }
    let cache = cache.flatMap { $0.isInUse ? $0.answers.status : nil }
    let memory = memoryStatus
    return state.withLock { state in
      let core = state.core
      return ServiceStatus(
        isReady: state.isReady, isDraining: core.isDraining, tier: core.tier.name,
        load: core.load.load, utilisation: core.load.utilisation, waiting: core.waitingCount,
        busy: core.busyCount, workers: options.workers, rungs: core.rungs,
        cost: PerRung { core.costs.isKnown($0, .plain) ? core.costs.mean($0, .plain) : nil },
        recall: PerRung { core.recall.estimate($0) }, counts: core.counts,
        errorBudgets: state.core.errorBudgets(at: now), tenants: core.tenantUsage, flags: flags,
        cache: cache, memory: memory)
    }
  }
}
