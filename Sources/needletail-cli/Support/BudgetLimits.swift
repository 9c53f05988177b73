#if Tools
  import NeedletailBudgets
  import NeedletailEvaluation

  /// What a budget asks of an index and its searches, as limits that a decision keeps.
  struct BudgetLimits {
    /// All limits, the floor of recall first.
    private(set) var limits: [DecisionLimit] = []
    /// What was taken where the budget says nothing.
    private(set) var note: String?

    /// The recall where a budget promises none: without a floor the best index would be one that finds nothing.
    private static let recall = 0.9

    /// Reads the limits off a budget.
    ///
    /// Recall: the highest floor of a tier and target of an objective. Time: the strictest p95 and p99 of the tiers
    /// that may answer in full, of which the walk and the re-rank have their two shares. Memory: the ceilings of the
    /// components that an index has; of the total, what the ceilings of the cache, the log, filters and scratch leave.
    init(_ budget: PerformanceBudget) {
      addRecall(budget)
      // A budget that exists gives the walk some.
      let share = budget.stages[.traversal] + budget.stages[.rerank]
      addTimes(budget, share)
      addMemory(budget)
      if let time = budget.envelope.buildTime {
        limits.append(DecisionLimit(.buildTime, time / .seconds(1), field: "envelope.buildTime"))
      }
    }

    /// Leaves out what an index that is there has behind it.
    mutating func leaveOutBuilds() { limits.removeAll { $0.quantity == .buildTime } }

    private mutating func addRecall(_ budget: PerformanceBudget) {
      var floors = budget.tiers.map { ($0.recallFloor, "tiers[\($0.name)].recallFloor") }
      for objective in budget.objectives where objective.indicator == .recall {
        floors.append((objective.target, "objectives[\(objective.name)].target"))
      }
      if let (floor, field) = floors.max(by: { $0.0 < $1.0 }), floor > 0 {
        limits.append(DecisionLimit(.recall, floor, field: field))
      } else {
        limits.append(DecisionLimit(.recall, Self.recall, field: "recallFloor"))
        note =
          "The budget promises no recall; \(Self.recall) is taken. Write a recallFloor to say another."
      }
    }

    private mutating func addTimes(_ budget: PerformanceBudget, _ share: Double) {
      let full = budget.tiers.filter { $0.rungs.contains(.full) }
      let tiers = full.isEmpty ? budget.tiers : full
      if let tier = tiers.min(by: { $0.p95 < $1.p95 }) {
        limits.append(
          DecisionLimit(
            .p95, share * (tier.p95 / .microseconds(1)), field: "tiers[\(tier.name)].p95"))
      }
      if let tier = tiers.min(by: { $0.p99 < $1.p99 }) {
        limits.append(
          DecisionLimit(
            .p99, share * (tier.p99 / .microseconds(1)), field: "tiers[\(tier.name)].p99"))
      }
    }

    private mutating func addMemory(_ budget: PerformanceBudget) {
      let memory = budget.memory
      for (component, quantity) in [
        (.codes, .codes), (.graph, .graph), (.precise, .precise), (.ids, .ids),
      ] as [(MemoryComponent, LimitedQuantity)] {
        if let ceiling = memory[component] {
          limits.append(
            DecisionLimit(quantity, Double(ceiling), field: "memory.\(component.rawValue)"))
        }
      }
      if let total = memory.total {
        let others = [MemoryComponent.filters, .cache, .scratch, .log].reduce(0) {
          $0 + Double(memory[$1] ?? 0)
        }
        limits.append(DecisionLimit(.total, max(0, Double(total) - others), field: "memory.total"))
      }
      if let bytes = budget.envelope.bytesPerVector {
        limits.append(
          DecisionLimit(.bytesPerVector, Double(bytes), field: "envelope.bytesPerVector"))
      }
    }
  }
#endif
