#if Governance
  import Needletail
  import NeedletailBudgets
  import NeedletailCore
  import NeedletailGovernance
  import NeedletailServing
  import Testing
  import _NeedletailTestSupport

  // The examples of the guide "Run a service": when this file compiles, they do.

  /// Begins to serve, with a file for `needletail stats`.
  func begin(_ index: VectorIndex, budget: PerformanceBudget) throws -> SearchService {
    // [begin]
    var options = ServiceOptions()
    options.statusFile = StatusFile.path(beside: "words.needletail")
    let service = try SearchService(index, budget: budget, options: options)
    // [end]
    return service
  }

  /// Writes down what comes, for `needletail replay`.
  func record(_ options: inout ServiceOptions) throws {
    // [begin]
    let recorder = try RequestRecorder(
      log: "yesterday.csv", queries: "yesterday.fvecs", dimensions: 384)
    options.recorder = recorder
    // … and at the end of the day:
    try recorder.finish()
    // [end]
  }

  // [begin]
  /// Keeps the budget that the log says; the one before, where that cannot be.
  func follow(_ log: String, with service: SearchService) {
    do throws(NeedletailError) {
      try service.adopt(GovernanceLog(contentsOf: log).budget)
    } catch {
      print(error)  // nothing has changed
    }
  }
  // [end]

  @Suite("Guide of operations")
  struct OperationsGuideTests {
    @Test("Every Swift example of the guide stands in this file, but for the package's manifest")
    func examples() throws {
      let examples = try DocumentedExamples(
        of: "Sources/Needletail/Documentation.docc/Guides/Operations.md")
      #expect(examples.blocks.count == 4)
      let missing = try examples.missing()
      #expect(missing.count == 1 && missing.allSatisfy { $0.hasPrefix(".package(") })
    }

    @Test("A service follows the log of its budget's changes, and keeps its budget where it cannot")
    func followed() throws {
      let world = try SearchServiceTests.world()
      let path = world.directory("shop.log")
      let reason = ChangeReason(owner: "ada", rationale: "a test")
      var log = try GovernanceLog.start(at: path, with: SearchServiceTests.budget(), reason)
      let service = try SearchService(world.index, budget: log.budget)
      try log.set("tiers[normal].p99", to: "20s", reason)
      #expect(service.budget.tiers[0].p99 == .seconds(10))
      follow(path, with: service)
      #expect(service.budget == log.budget && service.budget.tiers[0].p99 == .seconds(20))
      // What does not fit stays in the log, and is not kept.
      try log.set("envelope.efConstruction", to: "2", reason)
      follow(path, with: service)
      #expect(service.budget.envelope.efConstruction > 2)
      try log.rollBack(to: 1, reason)
      follow(path, with: service)
      #expect(service.budget.tiers[0].p99 == .seconds(10))
    }
  }
#endif
