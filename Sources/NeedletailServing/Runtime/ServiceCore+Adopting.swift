package import NeedletailBudgets
package import NeedletailCore

extension ServiceCore {
  /// Keeps another budget from now on.
  ///
  /// What waits stays, with the deadline that it has. Tiers go on by their name, tenants keep their tokens and objectives their counts. What
  /// is known of the rung `smallerWindow` is forgotten where that means another thing now.
  ///
  /// - Parameters:
  ///   - new: the budget.
  ///   - leastWindow: the share of the full window that the smaller one has under it.
  ///   - now: the present instant.
  /// - Returns: what changed by it.
  /// - Throws: `invalidConfiguration`; nothing is changed then.
  package mutating func adopt(
    _ new: PerformanceBudget, leastWindow: Double, at now: Nanoseconds
  ) throws(NeedletailError) -> [ServiceEvent] {
    // What may be refused comes first, and on copies.
    var settings = settings
    settings.leastWindow = leastWindow
    let admission = AdmissionSettings(new, workers: settings.workers)
    try admission.validate()
    var (costs, recall) = (costs, recall)
    if new.ladder.window != budget.ladder.window {
      costs.forget(.smallerWindow)
      recall.forget(.smallerWindow)
    }
    let walk = LadderSettings(new, settings, costs, recall)
    try walk.validate()
    let directory = directory.changed(to: new.tenants)
    let tenants = try ledger(of: new, directory, at: now)
    let (objectives, alerts) = try watched(of: new, at: now)

    let before = (tier: tier.name, rungs: rungs)
    (self.settings, self.costs, self.recall) = (settings, costs, recall)
    (self.directory, self.tenants, self.objectives) = (directory, tenants, objectives)
    planner = Planner(new, settings)
    queue.adopt(admission)
    tiers.adopt(new.tiers, load: load.load)
    ladder.adopt(walk, tiers: new.tiers, tier: tiers.current)
    drifting = []
    budget = new
    revision += 1
    var events = alerts.map { ServiceEvent.alert($0) }
    if tier.name != before.tier {
      events.append(.tier(from: before.tier, to: tier.name, load: load.load))
    }
    if PriorityClass.allCases.contains(where: { rungs[$0] != before.rungs[$0] }) {
      events.append(.rungs(rungs, load: load.load))
    }
    return events
  }

  private func ledger(
    of new: PerformanceBudget, _ directory: TenantDirectory, at now: Nanoseconds
  ) throws(NeedletailError) -> TenantLedger? {
    guard !new.tenants.isEmpty else { return nil }
    guard var present = tenants else { return try TenantLedger(directory) }
    try present.adopt(directory, at: now)
    return present
  }

  private func watched(
    of new: PerformanceBudget, at now: Nanoseconds
  ) throws(NeedletailError) -> ([WatchedObjective], [BurnAlert]) {
    var kept: [WatchedObjective] = []
    var alerts: [BurnAlert] = []
    for objective in new.objectives {
      guard var watched = objectives.first(where: { $0.objective.name == objective.name }) else {
        kept.append(try WatchedObjective(objective, new.tiers, start: now))
        continue
      }
      alerts += try watched.adopt(objective, new.tiers, at: now)
      kept.append(watched)
    }
    for watched in objectives
    where !new.objectives.contains(where: { $0.name == watched.objective.name }) {
      alerts += watched.state.resolved(at: now)
    }
    return (kept, alerts)
  }
}

extension Planner {
  /// The planner of a budget: with the rungs that it has, and of those that search, the ones that there are.
  init(_ budget: PerformanceBudget, _ settings: ServiceSettings) {
    self.init(
      rungs: settings.all(of: budget), leastWindow: settings.leastWindow, shares: budget.stages)
  }
}

extension LadderSettings {
  /// As a budget has them, with what is known of the rungs.
  init(
    _ budget: PerformanceBudget, _ settings: ServiceSettings, _ costs: CostModel,
    _ recall: RecallEstimates
  ) {
    self.init(budget, cost: costs.shares, recall: recall.expected(budget))
    let there = settings.all(of: budget)
    rungs = rungs.filter { there.contains($0) }
  }
}

extension ServiceSettings {
  /// The rungs of a budget, of those that search the ones that the index can be searched on.
  fileprivate func all(of budget: PerformanceBudget) -> [Rung] {
    budget.ladder.rungs.filter { rungs.contains($0) || $0 > .lighterCodes }
  }
}
