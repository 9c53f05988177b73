#if Governance
  import NeedletailBudgets

  /// Replays records to the budget that is in force after them.
  ///
  /// Of earlier budgets it keeps those alone that a later record goes back to: a long log of a large budget takes the memory of
  /// its records.
  struct BudgetReplay: Sendable {
    /// The budget after the records so far; `nil` before the first.
    private(set) var budget: PerformanceBudget?
    private var count = 0
    private let targets: Set<Int>
    private var kept: [Int: PerformanceBudget] = [:]

    /// A replay of these records, which are applied one by one.
    init(_ records: [GovernanceRecord]) { targets = Set(records.compactMap(\.target)) }

    /// A replay that goes on from a budget, with changes alone.
    init(continuing budget: PerformanceBudget, after count: Int) {
      targets = []
      self.budget = budget
      self.count = count
    }

    /// The budget after all of these records.
    ///
    /// - Complexity: O(n) changes for n records.
    static func budget(after records: [GovernanceRecord]) throws(InvalidBudget)
      -> PerformanceBudget?
    {
      var replay = BudgetReplay(records)
      for record in records { try replay.apply(record) }
      return replay.budget
    }

    /// Applies the next record.
    ///
    /// - Throws: what the budget refuses, and a record that does not fit those before it.
    mutating func apply(_ record: GovernanceRecord) throws(InvalidBudget) {
      budget = try next(record)
      count += 1
      if targets.contains(count) { kept[count] = budget }
    }

    private func next(_ record: GovernanceRecord) throws(InvalidBudget) -> PerformanceBudget {
      switch record.kind {
      case .start:
        guard count == 0, let text = record.budget else {
          throw Self.fault("A log starts with one whole budget")
        }
        return try PerformanceBudget(json: text)
      case .change:
        guard let budget, let field = record.field else {
          throw Self.fault("A change needs a field, and a budget before it")
        }
        return try budget.setting(field, to: record.new ?? "null")
      case .rollback:
        guard let earlier = record.target.flatMap({ kept[$0] }) else {
          throw Self.fault("There is no record \(record.target ?? 0) to go back to")
        }
        return earlier
      }
    }

    static func fault(_ problem: String) -> InvalidBudget {
      InvalidBudget([
        BudgetFault(path: "", problem: problem, advice: "`needletail budget history` lists them.")
      ])
    }
  }
#endif
