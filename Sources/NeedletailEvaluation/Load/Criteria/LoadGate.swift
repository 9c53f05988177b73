/// Whether a run kept its budget: what `--gate` ends with.
public enum LoadGate {
  /// All that can be said of one run.
  ///
  /// - Parameter report: A run; without a budget only what needs none is judged.
  /// - Returns: At least the verdict on the schedule.
  public static func verdicts(_ report: LoadReport) -> [LoadVerdict] {
    var verdicts = [schedule(report)]
    let lost = report.overall.failed + report.overall.unanswered
    verdicts.append(
      LoadVerdict(
        "nothing failed", isMet: lost == 0,
        finding: "\(Numerals.grouped(report.overall.failed)) failed, "
          + "\(Numerals.grouped(report.overall.unanswered)) without an answer"))
    if let writes = report.writes {
      verdicts.append(
        LoadVerdict(
          "every write was made", isMet: writes.failed == 0,
          finding: "\(Numerals.grouped(writes.written)) made, "
            + "\(Numerals.grouped(writes.failed)) failed"
            + (writes.firstFailure.map { ": " + $0 } ?? "")))
    }
    if let budget = report.budget { verdicts += self.verdicts(report, budget) }
    if report.priorities.count > 1 { verdicts += LoadCriteria.priorities(report.slices) }
    // Whether memory is flat is asked of overload; here its ceiling counts.
    verdicts += LoadCriteria.backpressure(report.slices, warm: .infinity)
    return verdicts
  }

  /// Whether the run kept to its own schedule: without this, no other verdict means anything.
  ///
  /// - Parameter report: A run.
  /// - Returns: The verdict.
  public static func schedule(_ report: LoadReport) -> LoadVerdict {
    LoadVerdict(
      "the run kept to its schedule", isMet: report.validity.isValid,
      finding: "\(Numerals.grouped(report.validity.late)) of "
        + "\(Numerals.grouped(report.validity.sent)) late; 99 % within "
        + "\(Numerals.measured(report.validity.lagP99Microseconds)) µs")
  }

  private static func verdicts(_ report: LoadReport, _ budget: LoadBudget) -> [LoadVerdict] {
    var verdicts: [LoadVerdict] = []
    for tier in budget.tiers {
      guard let place = report.vocabulary.tiers.firstIndex(of: tier.name) else { continue }
      if let verdict = LoadCriteria.slicesWithin(tier, place: place, slices: report.slices) {
        verdicts.append(verdict)
      }
      let recall = report.tiers.first { $0.name == tier.name }?.recall
      if tier.recallFloor > 0, let recall {
        verdicts.append(
          LoadVerdict(
            "recall of tier \(tier.name)", isMet: recall >= tier.recallFloor,
            finding: "\(Numerals.fixed(recall, 4)); at least \(Numerals.fixed(tier.recallFloor, 4))"
          ))
      }
    }
    if report.vocabulary.tiers.isEmpty, let tier = budget.tiers.first {
      verdicts.append(whole(report, tier))
    }
    if let capacity = report.capacity {
      verdicts += LoadCriteria.tiersFollowLoad(report, capacity: capacity)
    }
    if let ceiling = budget.memoryCeiling,
      let most = report.slices.compactMap(\.memoryBytes).max()
    {
      verdicts.append(
        LoadVerdict(
          "memory under its ceiling", isMet: most <= ceiling,
          finding: "\(Numerals.bytes(most)); at most \(Numerals.bytes(ceiling))"))
    }
    verdicts += report.objectives.map { objective in
      LoadVerdict(
        "objective \(objective.name)", isMet: objective.isMet,
        finding: "\(Numerals.fixed(objective.share * 100, 3)) % good; "
          + "at least \(Numerals.fixed(objective.target * 100, 3)) %")
    }
    return verdicts
  }

  /// A target that names no tiers is held to the first one.
  private static func whole(_ report: LoadReport, _ tier: LoadBudget.Tier) -> LoadVerdict {
    let slices = report.slices.filter { $0.answered + $0.unanswered > 0 }
    let inside = slices.count {
      $0.p95Microseconds <= tier.p95Microseconds && $0.p99Microseconds <= tier.p99Microseconds
    }
    return LoadVerdict(
      "p95 and p99 within tier \(tier.name)",
      isMet: !slices.isEmpty && Double(inside) >= 0.99 * Double(slices.count),
      finding: "in \(inside) of \(slices.count) slices; at least 99 %")
  }
}
