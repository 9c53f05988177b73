public import NeedletailCore

/// Measures everything: what `DecisionSearch` is held against.
public enum DecisionGrid {
  /// Builds every design that fits in memory, and measures every window and depth of it.
  ///
  /// - Parameters:
  ///   - space: what is to be chosen from.
  ///   - limits: what has to be kept.
  ///   - subject: what builds and measures.
  ///   - monitor: sees one unit of progress for each build; may cancel.
  /// - Returns: the decision of all candidates.
  /// - Throws: `invalidConfiguration` for a space with an empty axis; what the subject throws; `cancelled`.
  public static func run<Subject: DecisionSubject>(
    _ space: DecisionSpace, limits: [DecisionLimit], subject: Subject, monitor: WorkMonitor? = nil
  ) throws(NeedletailError) -> Decision {
    if let axis = space.emptyAxis {
      throw NeedletailError(
        .invalidConfiguration, "There is no value of \(axis) to choose from. Allow at least one.")
    }
    var ledger = DecisionLedger(subject, space, limits, share: 1)
    monitor?.begin("measuring", total: ledger.allowed.count)
    for design in space.designs {
      guard let depths = ledger.allowed[design], try ledger.build(design) else { continue }
      for rerank in depths {
        for width in space.efSearch {
          _ = try ledger.judge(
            DecisionCandidate(design: design, efSearch: width, rerank: rerank))
        }
      }
      ledger.putAway(design)
      try monitor?.advance(by: 1)
    }
    return Decision(ledger, designs: ledger.allowed.count)
  }
}
