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
        objectives: budget.objectives.map { Objective($0) },
        lastRung: Self.lastRung(budget)?.rawValue)
    }

    /// The last rung on which a service of the command line answers in the last tier: it has no lighter form of the index.
    private static func lastRung(_ budget: PerformanceBudget) -> Rung? {
      var answering: Set<Rung> = [.full, .smallerWindow, .withoutRerank]
      if budget.cache.isEnabled { answering.formUnion([.cachedFresh, .cachedStale]) }
      return budget.ladder.rungs.last { rung in
        answering.contains(rung) && budget.tiers.last?.rungs.contains(rung) ?? true
      }
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
