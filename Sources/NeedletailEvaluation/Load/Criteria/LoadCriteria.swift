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

  /// Whether hardly an answer ends more than 200 µs after its deadline; requests without an answer count as such.
  ///
  /// - Parameters:
  ///   - all: The figures of a run.
  ///   - share: The share of the answers that may.
  /// - Returns: Nil where nothing was answered or waited for in vain.
  public static func tailGuard(_ all: LoadFigures, share: Double = 0.0001) -> LoadVerdict? {
    let ended = all.answered + all.unanswered
    guard ended > 0 else { return nil }
    let late = all.overdue + all.unanswered
    let found = Double(late) / Double(ended)
    return LoadVerdict(
      "answers within 200 µs of their deadline", isMet: found <= share,
      finding: "\(Numerals.grouped(late)) of \(Numerals.grouped(ended)) later, "
        + "\(Numerals.fixed(found * 100, 4)) %; at most \(Numerals.fixed(share * 100, 2)) %")
  }

  static func percent(_ share: Double) -> String {
    let text = Numerals.fixed(share * 100, 1)
    return (text.hasSuffix(".0") ? String(text.dropLast(2)) : text) + " %"
  }
}
