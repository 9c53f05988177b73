/// How much of an objective's error budget a run used.
public struct LoadObjective: Sendable, Hashable, Codable {
  /// What it is called.
  public var name: String
  /// The share of good events that is wanted.
  public var target: Double
  /// The share that there was; 1 without events.
  public var share: Double
  /// The events that counted.
  public var events: Double
  /// Bad events over those that the target allows: above 1 the run used more than its part.
  public var spent: Double
  /// The same up to the end of each slice, of the events of the whole run; empty where slices do not tell.
  public var burnDown: [Double]

  /// Whether the run kept to the objective.
  public var isMet: Bool { share >= target }

  /// The outcome of every objective of a run's budget that it has events for.
  static func outcomes(of report: LoadReport) -> [LoadObjective] {
    (report.budget?.objectives ?? []).compactMap { objective in
      if objective.indicator == .recall { return recall(objective, report) }
      if let tier = objective.tier { return tiered(objective, report, tier) }
      var total = 0.0
      var bad = 0.0
      var sums: [Double] = []
      for slice in report.slices {
        let (good, events) = counts(objective.indicator, slice)
        total += Double(events)
        bad += Double(events - good)
        sums.append(bad)
      }
      return LoadObjective(objective, bad: bad, total: total, sums: sums)
    }
  }

  private init?(_ objective: LoadBudget.Objective, bad: Double, total: Double, sums: [Double]) {
    guard total > 0 else { return nil }
    name = objective.name
    target = objective.target
    share = 1 - bad / total
    events = total
    // Without anything allowed, one bad event is the whole budget.
    let allowed = max((1 - objective.target) * total, 1e-9 * total)
    spent = bad / allowed
    burnDown = sums.map { $0 / allowed }
  }

  private static func counts(
    _ indicator: LoadBudget.Indicator, _ slice: LoadSlice
  ) -> (good: Int, events: Int) {
    switch indicator {
    case .withinP95: (slice.withinP95, slice.offered)
    case .withinP99: (slice.inTime, slice.offered)
    case .fullQuality, .recall: (slice.fullQuality, slice.answered)
    }
  }

  private static func tiered(
    _ objective: LoadBudget.Objective, _ report: LoadReport, _ tier: String
  ) -> LoadObjective? {
    guard let figures = report.tiers.first(where: { $0.name == tier }) else { return nil }
    let good =
      switch objective.indicator {
      case .withinP95: figures.withinP95
      case .withinP99: figures.inTime
      case .fullQuality, .recall: figures.fullQuality
      }
    let events = objective.indicator == .fullQuality ? figures.answered : figures.offered
    return LoadObjective(
      objective, bad: Double(events - good), total: Double(events), sums: [])
  }

  private static func recall(
    _ objective: LoadBudget.Objective, _ report: LoadReport
  ) -> LoadObjective? {
    guard let recall = report.overall.recall else { return nil }
    let total = Double(report.overall.judgedAnswers * report.k)
    return LoadObjective(objective, bad: (1 - recall) * total, total: total, sums: [])
  }
}
