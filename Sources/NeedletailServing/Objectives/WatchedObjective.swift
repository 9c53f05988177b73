package import NeedletailBudgets
package import NeedletailCore

/// An objective of a budget, with the events that a service counts for it.
package struct WatchedObjective: Sendable {
  package private(set) var objective: Objective
  package private(set) var state: ObjectiveState
  /// What an answer may take in each tier; `nil`: the tier is none of the objective's.
  private var times: [Nanoseconds?]
  private var pending = EventCounts()

  /// - Throws: `invalidConfiguration`.
  package init(
    _ objective: Objective, _ tiers: [LoadTier], start: Nanoseconds
  ) throws(NeedletailError) {
    self.objective = objective
    state = try ObjectiveState(ObjectiveSettings(objective), start: start)
    times = Self.times(objective, tiers)
  }

  private static func times(_ objective: Objective, _ tiers: [LoadTier]) -> [Nanoseconds?] {
    guard case .latency(let target, let name) = objective.indicator else {
      return tiers.map { _ in nil }
    }
    return tiers.map { tier in
      guard name == nil || name == tier.name else { return nil }
      return Nanoseconds(target == .p95 ? tier.p95 : tier.p99)
    }
  }

  /// Takes the objective of this name as a changed budget has it; what was counted stays, unless another thing is to be counted.
  ///
  /// - Returns: the end of each alert whose rule is gone.
  /// - Throws: `invalidConfiguration`; nothing is changed then.
  mutating func adopt(
    _ new: Objective, _ tiers: [LoadTier], at now: Nanoseconds
  ) throws(NeedletailError) -> [BurnAlert] {
    var alerts: [BurnAlert] = []
    if new.indicator == objective.indicator {
      state.record(pending, at: now)
      alerts = try state.adopt(ObjectiveSettings(new), at: now)
    } else {
      let next = try ObjectiveState(ObjectiveSettings(new), start: now)
      alerts = state.resolved(at: now)
      state = next
    }
    pending = EventCounts()
    objective = new
    times = Self.times(new, tiers)
    return alerts
  }

  /// An answer was given, in a tier; `nil`: in one that there is no more.
  package mutating func answered(isWhole: Bool, tier: Int?, after total: Nanoseconds) {
    switch objective.indicator {
    case .latency:
      if let time = tier.flatMap({ times[$0] }) { count(isGood: total <= time) }
    case .fullQuality: count(isGood: isWhole)
    case .recall: break
    }
  }

  /// A query was refused, in a tier: too late, and no full answer.
  package mutating func refused(tier: Int?) {
    switch objective.indicator {
    case .latency: if tier.flatMap({ times[$0] }) != nil { count(isGood: false) }
    case .fullQuality: count(isGood: false)
    case .recall: break
    }
  }

  /// Of an answer's true neighbours, so many were found and so many were not.
  package mutating func recalled(found: Int, missed: Int) {
    guard objective.indicator == .recall else { return }
    pending += EventCounts(good: UInt64(max(0, found)), bad: UInt64(max(0, missed)))
  }

  /// Hands the events over, and looks at the rules.
  package mutating func evaluate(at now: Nanoseconds) -> [BurnAlert] {
    state.record(pending, at: now)
    pending = EventCounts()
    return state.evaluate(at: now)
  }

  private mutating func count(isGood: Bool) {
    if isGood { pending.good += 1 } else { pending.bad += 1 }
  }
}
