/// What budgets must hold under load, as functions of what was measured.
///
/// The limits are arguments, with those of the specification as their defaults.
public enum LoadCriteria {
  /// Whether each step of the load was met by its tier in time, and left again in time.
  ///
  /// - Parameters:
  ///   - report: A run over steps, judged by a budget.
  ///   - capacity: What the service can do, in requests a second: a step's rate over it is its load.
  ///   - entering: Seconds until a higher tier must hold.
  ///   - leaving: Seconds until a lower tier must hold again.
  /// - Returns: A verdict for each step but those that are shorter than their tier may take.
  public static func tiersFollowLoad(
    _ report: LoadReport, capacity: Double, entering: Double = 2, leaving: Double = 5
  ) -> [LoadVerdict] {
    guard let budget = report.budget, capacity > 0 else { return [] }
    var verdicts: [LoadVerdict] = []
    var former = -1
    for step in report.steps {
      guard let tier = budget.tier(atLoad: step.rate / capacity),
        let place = report.vocabulary.tiers.firstIndex(of: tier.name), place != former
      else { continue }
      let limit = place > former ? entering : leaving
      former = place
      guard step.end - step.start > limit else { continue }
      let found = report.tierChanges.last { $0.seconds <= step.start }?.tier
      let change = report.tierChanges.first { $0.seconds > step.start && $0.tier == place }
      let took = found == place ? 0 : change.map { $0.seconds - step.start }
      let load = Numerals.fixed(step.rate / capacity, 2)
      verdicts.append(
        LoadVerdict(
          "tier \(tier.name) at load \(load)", isMet: took.map { $0 <= limit } ?? false,
          finding: took.map {
            "held after \(Numerals.fixed($0, 2)) s; within \(Numerals.fixed(limit, 0)) s"
          }
            ?? "never held after second \(Numerals.fixed(step.start, 1))"))
    }
    return verdicts
  }

  /// Whether p95 and p99 lay within a tier in a share of the slices that it held in.
  ///
  /// - Parameters:
  ///   - tier: The tier.
  ///   - place: Its place in the vocabulary.
  ///   - slices: The slices, from any run.
  ///   - share: The share of the slices; by default 0.99, and 0.95 for a tier beyond the capacity.
  /// - Returns: Nil where the tier held in no slice.
  public static func slicesWithin(
    _ tier: LoadBudget.Tier, place: Int, slices: [LoadSlice], share: Double? = nil
  ) -> LoadVerdict? {
    let held = slices.filter { $0.tier == place && $0.answered + $0.unanswered > 0 }
    guard !held.isEmpty else { return nil }
    let share = share ?? (tier.entry >= 1 ? 0.95 : 0.99)
    let inside = held.count {
      $0.p95Microseconds <= tier.p95Microseconds && $0.p99Microseconds <= tier.p99Microseconds
    }
    let found = Double(inside) / Double(held.count)
    return LoadVerdict(
      "p95 and p99 within tier \(tier.name)", isMet: found >= share,
      finding: "in \(inside) of \(held.count) slices; at least \(percent(share))")
  }

  /// Whether a service that is asked for more than it can do keeps doing what it can.
  ///
  /// - Parameters:
  ///   - report: A run at one rate from some second on.
  ///   - start: That second.
  ///   - peakGoodput: What the service does at its best, in answers of use a second.
  ///   - p99Microseconds: What the budget promises.
  /// - Returns: Verdicts on goodput, on admitted requests, on the time to settle, and on rejections.
  public static func overload(
    _ report: LoadReport, from start: Double = 0, peakGoodput: Double, p99Microseconds: Double
  ) -> [LoadVerdict] {
    let slices = report.slices.filter { $0.start >= start }
    let settled = slices.filter { $0.start >= start + 1 }
    let seconds = settled.reduce(0) { $0 + $1.seconds }
    let goodput = seconds > 0 ? Double(settled.reduce(0) { $0 + $1.inTime }) / seconds : 0
    let limit = 1.5 * p99Microseconds
    func isGood(_ slice: LoadSlice) -> Bool {
      slice.goodput >= 0.9 * peakGoodput && slice.p99Microseconds <= limit && slice.inTime > 0
    }
    let inside = settled.count { $0.p99Microseconds <= limit }
    // The first slice that two more good ones follow: one alone may be luck.
    let first = slices.indices.first { slices[$0..<min($0 + 3, slices.count)].allSatisfy(isGood) }
    let time = first.map { slices[$0].start - start }
    var verdicts = [
      LoadVerdict(
        "goodput under overload", isMet: goodput >= 0.9 * peakGoodput && goodput > 0,
        finding:
          "\(Numerals.measured(goodput)) of \(Numerals.measured(peakGoodput)) a second; at least 90 %"
      ),
      LoadVerdict(
        "p99 of what is admitted",
        isMet: !settled.isEmpty && Double(inside) >= 0.99 * Double(settled.count),
        finding:
          "at most \(Numerals.measured(limit)) µs in \(inside) of \(settled.count) slices; at least 99 %"
      ),
      LoadVerdict(
        "settles within 1 s", isMet: time.map { $0 <= 1 } ?? false,
        finding: time.map { "after \(Numerals.fixed($0, 1)) s" } ?? "never"),
    ]
    if report.rejections.offered > 0 {
      let found = report.rejections.p99Microseconds
      verdicts.append(
        LoadVerdict(
          "rejections within 100 µs", isMet: found <= 100,
          finding: "99 % within \(Numerals.measured(found)) µs"))
    }
    return verdicts
  }

  static func percent(_ share: Double) -> String {
    let text = Numerals.fixed(share * 100, 1)
    return (text.hasSuffix(".0") ? String(text.dropLast(2)) : text) + " %"
  }
}
