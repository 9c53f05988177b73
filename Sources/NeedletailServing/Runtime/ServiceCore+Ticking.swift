package import NeedletailBudgets
import NeedletailCore

extension ServiceCore {
  /// How often `tick` is called.
  package static var interval: Nanoseconds { 100 * .millisecond }

  /// Looks at the load, and moves tier and ladder by it; about ten times a second.
  ///
  /// - Returns: what changed.
  package mutating func tick(at now: Nanoseconds) -> [ServiceEvent] {
    var events: [ServiceEvent] = []
    let sample = meter.sample(at: now, oldestWait: queue.nextWait(at: now))
    let before = tiers.current
    let current = tiers.update(load: sample.load, at: now)
    if current != before {
      events.append(
        .tier(from: budget.tiers[before].name, to: budget.tiers[current].name, load: sample.load))
    }
    ladder.learn(cost: costs.shares, recall: recall.expected(budget))
    if ladder.update(sample, tier: current, at: now) {
      events.append(.rungs(rungs, load: sample.load))
    }
    if let workers = scale.update(load: sample.load, at: now) {
      events.append(.scale(workers: workers, load: sample.load))
    }
    for place in objectives.indices {
      events += objectives[place].evaluate(at: now).map { ServiceEvent.alert($0) }
    }
    load = sample
    return events
  }

  /// Where each class stands.
  package var rungs: PerClass<Rung> {
    var rungs = PerClass(repeating: Rung.full)
    for priority in PriorityClass.allCases { rungs[priority] = ladder.rung(priority) }
    return rungs
  }

  /// An answer was compared with the exact one.
  ///
  /// - Returns: the alarm, when the rung finds less than the tier's floor.
  package mutating func compared(_ rung: Rung, found: Int, of all: Int) -> ServiceEvent? {
    recall.record(rung, found: found, of: all)
    for place in objectives.indices {
      objectives[place].recalled(found: found, missed: all - found)
    }
    let floor = tier.recallFloor
    guard let bound = recall.upperBound(rung), let estimate = recall.estimate(rung),
      bound < floor, !drifting.contains(rung)
    else {
      if (recall.estimate(rung) ?? 1) >= floor { drifting.remove(rung) }
      return nil
    }
    drifting.insert(rung)
    return .recallDrift(rung, estimate: estimate, floor: floor)
  }

  /// What is left of each error budget, in millionths.
  package func errorBudgets(at now: Nanoseconds) -> [String: Int] {
    var left: [String: Int] = [:]
    for watched in objectives {
      var state = watched.state
      left[watched.objective.name] = state.errorBudget(at: now).remaining
    }
    return left
  }

  /// Takes out all that waits, with the refusal of each.
  package mutating func refuseWaiting(at now: Nanoseconds) -> [(Payload, Rejection)] {
    let entries = waiting.values
    waiting = [:]
    queue.removeAll()
    var refused: [(Payload, Rejection)] = []
    for entry in entries {
      giveBack(entry, at: now)
      let rejection = refuse(.draining, budget.ladder.retryAfter, entry.standing)
      refused.append((entry.payload, rejection))
    }
    return refused
  }
}
