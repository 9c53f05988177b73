#if Governance && YAML
  import NeedletailBudgets
  import NeedletailBudgetsYAML
  import NeedletailCore
  import NeedletailGovernance
  import Testing
  import _NeedletailTestSupport

  // The examples of the guide "Write your first budget", as they stand there: when this file compiles, they do.

  /// Makes a budget in code.
  func firstBudget() throws -> PerformanceBudget {
    // [begin]
    let budget = try PerformanceBudget(
      name: "shop", owner: "search@example.com",
      tiers: [
        LoadTier(name: "normal", p95: .milliseconds(150), p99: .milliseconds(250)),
        LoadTier(
          name: "peak", p95: .milliseconds(300), p99: .milliseconds(500),
          enter: LoadCondition(load: 0.9)),
      ],
      memory: MemoryCeilings(codes: 1 << 30, total: 4 << 30),
      envelope: ComplexityEnvelope(efSearch: 512, k: 100))
    // [end]
    return budget
  }

  /// Compares it with a file.
  func compare(_ budget: PerformanceBudget, _ text: String) throws -> PerformanceBudget {
    // [begin]
    let file = try PerformanceBudget(yaml: text)
    for difference in budget.differences(to: file) {
      print(difference.movement, difference.field, difference.old ?? "-", difference.new ?? "-")
    }
    let calmer = try budget.setting("tiers[peak].p99", to: "600ms")
    // [end]
    return calmer
  }

  /// Asks it.
  func ask(_ budget: PerformanceBudget) throws {
    // [begin]
    try budget.envelope.check(ComplexityRequest(efSearch: 400, k: 50))
    try budget.memory.check(predicted: MemoryUse([.codes: 900 << 20, .graph: 300 << 20]))
    // [end]
  }

  /// Changes it with a record.
  func govern(_ budget: PerformanceBudget, at path: String) throws -> PerformanceBudget {
    // [begin]
    let reason = ChangeReason(
      owner: "ada", rationale: "the spring sale", expectedImpact: "p99 + 100 ms at peak",
      rollback: "back to record 1")
    var log = try GovernanceLog.start(at: path, with: budget, reason)
    try log.set("tiers[peak].p99", to: "600ms", reason)
    try log.rollBack(to: 1, reason)
    let live = try GovernanceLog(contentsOf: path).budget
    // [end]
    return live
  }

  @Suite("Write your first budget")
  struct FirstBudgetGuideTests {
    private static let guide =
      "Sources/Needletail/Documentation.docc/Guides/WriteYourFirstBudget.md"

    @Test("Every Swift example of the guide stands in this file, line by line")
    func examples() throws {
      let examples = try DocumentedExamples(of: Self.guide)
      #expect(examples.blocks.count == 4)
      #expect(try examples.missing() == [])
    }

    @Test("They do what the guide says, and its ten lines are a budget")
    func run() throws {
      let yaml = try #require(try DocumentedExamples(of: Self.guide, in: "yaml").blocks.first)
      let budget = try firstBudget()
      let file = try PerformanceBudget(yaml: yaml)
      #expect(file.tiers == budget.tiers && file.owner == budget.owner)
      #expect(file.tiers[1].exit == LoadCondition(load: 0.8, for: .seconds(3)))
      #expect(try compare(budget, yaml).tiers[1].p99 == .milliseconds(600))
      try ask(budget)
      let home = try TemporaryDirectory()
      #expect(try govern(budget, at: home("shop.log")) == budget)
    }
  }
#endif
