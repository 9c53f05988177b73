/// Whether a candidate keeps its budget, by what a replay found out about it.
public enum ReplayGate {
  /// All that can be said of one candidate.
  ///
  /// - Parameters:
  ///   - candidate: Its figures.
  ///   - budget: What it is held to.
  /// - Returns: Whether it could be run, its memory, the recall of its best rung, and what `LoadGate` says of its run.
  public static func verdicts(
    _ candidate: ReplayCandidate, _ budget: LoadBudget
  ) -> [LoadVerdict] {
    var verdicts: [LoadVerdict] = []
    if let refusal = candidate.refusal {
      verdicts.append(LoadVerdict("it can serve", isMet: false, finding: refusal))
    }
    verdicts += memory(candidate)
    verdicts += recall(candidate, budget)
    if let report = candidate.report { verdicts += LoadGate.verdicts(report) }
    return verdicts
  }

  /// Each component against its ceiling.
  private static func memory(_ candidate: ReplayCandidate) -> [LoadVerdict] {
    candidate.memory.compactMap { component in
      component.ceiling.map { ceiling in
        LoadVerdict(
          "memory, \(component.component)", isMet: component.isWithin,
          finding: "\(Numerals.bytes(component.predicted)) predicted, "
            + "\(Numerals.bytes(component.found)) found; at most \(Numerals.bytes(ceiling))")
      }
    }
  }

  /// A tier whose floor the best rung does not reach has no rung at all.
  private static func recall(
    _ candidate: ReplayCandidate, _ budget: LoadBudget
  ) -> [LoadVerdict] {
    guard let best = candidate.rungs.first else { return [] }
    return budget.tiers.filter { $0.recallFloor > 0 }.map { tier in
      let below = candidate.rungs.filter { $0.recall < tier.recallFloor }.map(\.name)
      let rest = below.isEmpty ? "" : "; below it: \(below.joined(separator: ", "))"
      return LoadVerdict(
        "recall of tier \(tier.name) on \(best.name)", isMet: best.recall >= tier.recallFloor,
        finding: "\(Numerals.fixed(best.recall, 4)); at least "
          + "\(Numerals.fixed(tier.recallFloor, 4))" + rest)
    }
  }
}
