package import NeedletailCore

/// The arithmetic of one objective: its events, its error budget, its alerts.
///
/// Rings with buckets of different lengths hold the windows, so that memory does not depend on traffic: about 12 KB for each of the
/// usual three rules and as much for the period.
package struct ObjectiveState: Sendable {
  package private(set) var settings: ObjectiveSettings
  private var rings: [EventRing]
  private var period: EventRing
  private var firing: [Bool]
  private var evaluated: [Int64]

  /// An objective that begins at `start`.
  ///
  /// - Throws: `invalidConfiguration`.
  package init(_ settings: ObjectiveSettings, start: Nanoseconds) throws(NeedletailError) {
    try settings.validate()
    self.settings = settings
    rings = settings.rules.map { Self.ring($0, start: start) }
    period = Self.ring(period: settings.period, start: start)
    firing = settings.rules.map { _ in false }
    evaluated = rings.map(\.openBucket)
  }

  private static func ring(_ rule: BurnRule, start: Nanoseconds) -> EventRing {
    EventRing(
      width: rule.bucket, shortCount: Int(rule.short / rule.bucket),
      longCount: Int(rule.long / rule.bucket), start: start)
  }

  private static func ring(period: Nanoseconds, start: Nanoseconds) -> EventRing {
    let buckets = Int(ObjectiveSettings.bucketsPerPeriod)
    return EventRing(
      width: period / ObjectiveSettings.bucketsPerPeriod, shortCount: buckets, longCount: buckets,
      start: start)
  }

  /// Takes another target, other rules or another period, and keeps what was counted.
  ///
  /// Windows that a rule has as before go on; a new window begins empty. Of another period, what was counted so far counts as of now: a
  /// change gives no error budget back.
  ///
  /// - Returns: the end of each alert whose rule is gone.
  /// - Throws: `invalidConfiguration`; nothing is changed then.
  mutating func adopt(
    _ new: ObjectiveSettings, at now: Nanoseconds
  ) throws(NeedletailError) -> [BurnAlert] {
    var next = try ObjectiveState(new, start: now)
    var ended = Set(settings.rules.indices.filter { firing[$0] })
    for (place, rule) in new.rules.enumerated() {
      // Rules with the same windows count the same events; of several, the one that is the same in all.
      let same = settings.rules.indices.filter {
        settings.rules[$0].long == rule.long && settings.rules[$0].short == rule.short
          && settings.rules[$0].bucket == rule.bucket
      }
      guard let first = same.first else { continue }
      let before = settings.rules.firstIndex(of: rule) ?? first
      next.rings[place] = rings[before]
      next.firing[place] = firing[before] && ended.remove(before) != nil
      next.evaluated[place] = evaluated[before]
    }
    if new.period == settings.period {
      next.period = period
    } else {
      next.period.record(period.all, at: now)
    }
    let alerts = ended.sorted().map { resolved($0, at: now) }
    self = next
    return alerts
  }

  /// The end of each alert that is on, when the objective is watched no longer.
  func resolved(at now: Nanoseconds) -> [BurnAlert] {
    firing.indices.filter { firing[$0] }.map { resolved($0, at: now) }
  }

  private func resolved(_ rule: Int, at now: Nanoseconds) -> BurnAlert {
    let burn = burn(rule)
    return BurnAlert(
      objective: settings.name, rule: settings.rules[rule], isFiring: false, longBurn: burn.long,
      shortBurn: burn.short, instant: now)
  }

  /// Counts events at `now`.
  package mutating func record(_ counts: EventCounts, at now: Nanoseconds) {
    for index in rings.indices { rings[index].record(counts, at: now) }
    period.record(counts, at: now)
  }

  /// Looks at every rule of which a bucket has closed; gives the alerts that began or ended.
  package mutating func evaluate(at now: Nanoseconds) -> [BurnAlert] {
    var alerts: [BurnAlert] = []
    for index in rings.indices {
      rings[index].advance(to: now)
      guard rings[index].openBucket != evaluated[index] else { continue }
      evaluated[index] = rings[index].openBucket
      let holds = holds(index)
      guard holds != firing[index] else { continue }
      firing[index] = holds
      let burn = burn(index)
      alerts.append(
        BurnAlert(
          objective: settings.name, rule: settings.rules[index], isFiring: holds,
          longBurn: burn.long, shortBurn: burn.short, instant: now))
    }
    return alerts
  }

  /// The burn rates of a rule's windows, in thousandths, as of the buckets that have closed.
  package func burn(_ rule: Int) -> (long: Int, short: Int) {
    let ring = rings[rule]
    return (
      BurnRate.thousandths(
        ring.long, allowance: settings.allowance, covered: ring.covered, buckets: ring.longCount),
      BurnRate.thousandths(
        ring.short, allowance: settings.allowance, covered: min(ring.covered, ring.shortCount),
        buckets: ring.shortCount)
    )
  }

  /// Whether a rule's alert is on.
  package func isFiring(_ rule: Int) -> Bool { firing[rule] }

  /// What is left of the error budget, as of the closed buckets of the period.
  package mutating func errorBudget(at now: Nanoseconds) -> ErrorBudget {
    period.advance(to: now)
    let counts = period.all
    return ErrorBudget(
      counts: counts, allowed: UInt128(counts.total) * UInt128(settings.allowance))
  }

  private func holds(_ rule: Int) -> Bool {
    let ring = rings[rule]
    let threshold = settings.rules[rule].burn
    return BurnRate.reaches(
      threshold, ring.long, allowance: settings.allowance, covered: ring.covered,
      buckets: ring.longCount)
      && BurnRate.reaches(
        threshold, ring.short, allowance: settings.allowance,
        covered: min(ring.covered, ring.shortCount), buckets: ring.shortCount)
  }
}
