#if Tools
  import NeedletailBudgets
  import NeedletailEvaluation

  extension LoadBudget {
    /// The numbers of a budget that a load run is judged by.
    init(_ budget: PerformanceBudget) {
      self.init(
        tiers: budget.tiers.map { tier in
          Tier(
            name: tier.name, entry: tier.enter?.load ?? 0,
            p95Microseconds: tier.p95 / .microseconds(1),
            p99Microseconds: tier.p99 / .microseconds(1), recallFloor: tier.recallFloor)
        }, memoryCeiling: budget.memory.total,
        objectives: budget.objectives.map { Objective($0) })
    }
  }

  extension LoadBudget.Objective {
    fileprivate init(_ objective: NeedletailBudgets.Objective) {
      switch objective.indicator {
      case .latency(let target, let tier):
        self.init(
          name: objective.name, indicator: target == .p95 ? .withinP95 : .withinP99, tier: tier,
          target: objective.target)
      case .fullQuality:
        self.init(name: objective.name, indicator: .fullQuality, target: objective.target)
      case .recall: self.init(name: objective.name, indicator: .recall, target: objective.target)
      }
    }
  }
#endif
