package import NeedletailCore

/// The arithmetic of one objective: its events, its error budget, its alerts.
///
/// Rings with buckets of different lengths hold the windows, so that memory does not depend on traffic: about 12 KB for each of the
/// usual three rules and as much for the period.
package struct ObjectiveState: Sendable {
  package let settings: ObjectiveSettings
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
    rings = settings.rules.map { rule in
      EventRing(
        width: rule.bucket, shortCount: Int(rule.short / rule.bucket),
        longCount: Int(rule.long / rule.bucket), start: start)
    }
    let width = settings.period / ObjectiveSettings.bucketsPerPeriod
    let buckets = Int(ObjectiveSettings.bucketsPerPeriod)
    period = EventRing(width: width, shortCount: buckets, longCount: buckets, start: start)
    firing = settings.rules.map { _ in false }
    evaluated = rings.map(\.openBucket)
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
    // A bucket of a month lasts an hour: what happens now must be seen now.
    var counts = period.long
    counts += period.filling
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
