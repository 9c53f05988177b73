import NeedletailBudgets
import NeedletailCore

extension ServiceRuntime {
  /// The life of the thread that looks at the load ten times a second.
  func attend() {
    var due = clock.now
    while !sleep(until: due) {
      let events = state.withLock { $0.core.tick(at: clock.now) }
      tell(events)
      cache?.answers.expireWaiters(at: clock.now)
      cache?.lookForOthers(at: clock.now)
      saveCache(isLast: false)
      due = max(due + Core.interval, clock.now)
      idle(until: due)
    }
    saveCache(isLast: true)
  }

  /// Writes the cache's answers behind, where the budget wants them over a restart.
  private func saveCache(isLast: Bool) {
    do throws(NeedletailError) {
      try cache?.save(at: clock.now, isLast: isLast)
    } catch {
      tell([.failure(error)])
    }
  }

  /// Sleeps; returns whether the service ends.
  private func sleep(until due: Nanoseconds) -> Bool {
    bell.waiting { isStopping in
      if isStopping { return .done(true) }
      let left = due - clock.now
      return left <= 0 ? .done(false) : .sleep(left)
    }
  }

  /// Calls the service's hook.
  func tell(_ events: [ServiceEvent]) {
    guard !events.isEmpty else { return }
    let all = flags.withLock { flags in
      var all: [ServiceEvent] = []
      for event in events {
        all.append(event)
        all += flags.follow(event)
      }
      return all
    }
    guard let hook = options.onEvent else { return }
    for event in all { hook(event) }
  }

  /// What the service does now.
  var status: ServiceStatus {
    let now = clock.now
    let flags = flags.withLock { $0.names }
    return state.withLock { state in
      let core = state.core
      return ServiceStatus(
        isReady: state.isReady, isDraining: core.isDraining, tier: core.tier.name,
        load: core.load.load, utilisation: core.load.utilisation, waiting: core.waitingCount,
        busy: core.busyCount, rungs: core.rungs,
        cost: PerRung { core.costs.isKnown($0, .plain) ? core.costs.mean($0, .plain) : nil },
        recall: PerRung { core.recall.estimate($0) }, counts: core.counts,
        errorBudgets: state.core.errorBudgets(at: now), tenants: core.tenantUsage, flags: flags)
    }
  }
}
