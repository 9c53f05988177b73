import NeedletailCore
import NeedletailEvaluation
import Testing

@Suite struct LoadCriteriaTests {
  static let vocabulary = LoadVocabulary(
    tiers: ["normal", "elevated", "peak"], rungs: ["full", "smaller", "stale"])
  static let budget = LoadBudget(
    tiers: [
      .init(name: "normal", p95Microseconds: 1000, p99Microseconds: 2000),
      .init(name: "elevated", entry: 0.8, p95Microseconds: 2000, p99Microseconds: 4000),
      .init(name: "peak", entry: 1.2, p95Microseconds: 4000, p99Microseconds: 8000),
    ])

  func slice(
    _ second: Int, offered: Int = 100, answered: Int? = nil, inTime: Int? = nil,
    p95: Double = 500, p99: Double = 900, tier: Int = 0, rung: Int = 0
  ) -> LoadSlice {
    var slice = LoadSlice(start: Double(second), seconds: 1, vocabulary: Self.vocabulary)
    slice.offered = offered
    slice.answered = answered ?? offered
    slice.inTime = inTime ?? slice.answered
    slice.rejected = offered - slice.answered
    slice.p95Microseconds = p95
    slice.p99Microseconds = p99
    slice.tiers[tier] = offered
    slice.rungs[rung] = slice.answered
    return slice
  }

  func report(_ slices: [LoadSlice]) throws -> LoadReport {
    let clock = VirtualClock()
    let service = VirtualService(clock, vocabulary: Self.vocabulary) { _, _ in
      .init(response: LoadResponse(.answered, tier: 0, rung: 0))
    }
    var options = LoadOptions()
    options.budget = Self.budget
    var report = try LoadGenerator.run(
      service, schedule: try LoadSchedule(parsing: "constant:10qps,1s"), queries: 1,
      options: options, clock: clock
    ).report
    report.slices = slices
    report.seconds = Double(slices.count)
    return report
  }

  @Test func tiersMustFollowTheLoadInTime() throws {
    var report = try report([])
    report.steps = [
      .init(start: 0, end: 20, rate: 50), .init(start: 20, end: 40, rate: 130),
      .init(start: 40, end: 60, rate: 50),
    ]
    report.tierChanges = [
      .init(seconds: 0.1, tier: 0), .init(seconds: 21.2, tier: 1), .init(seconds: 21.9, tier: 2),
      .init(seconds: 43, tier: 1), .init(seconds: 44.9, tier: 0),
    ]
    #expect(LoadCriteria.tiersFollowLoad(report, capacity: 100).map(\.isMet) == [true, true, true])
    report.tierChanges[2].seconds = 22.1
    #expect(
      LoadCriteria.tiersFollowLoad(report, capacity: 100).map(\.isMet) == [true, false, true])
    report.tierChanges[4].seconds = 45.1
    #expect(
      LoadCriteria.tiersFollowLoad(report, capacity: 100).map(\.isMet) == [true, false, false])
    report.tierChanges = []
    #expect(LoadCriteria.tiersFollowLoad(report, capacity: 100).allSatisfy { !$0.isMet })
    // At half of this load the last two steps are one and the same tier.
    report.tierChanges = [.init(seconds: 0, tier: 0)]
    #expect(LoadCriteria.tiersFollowLoad(report, capacity: 1000).map(\.isMet) == [true])
    #expect(LoadCriteria.tiersFollowLoad(report, capacity: 0).isEmpty)
  }

  @Test func stepsAreThoseOfTheSchedule() throws {
    let schedule = try LoadSchedule(
      parsing: "constant:10qps,2s;poisson:10qps,2s;ramp:1..2qps,3s;burst:1..9qps,every=4s,for=1s,6s"
    )
    #expect(
      LoadStep.steps(of: schedule) == [
        .init(start: 0, end: 4, rate: 10), .init(start: 7, end: 10, rate: 1),
        .init(start: 10, end: 11, rate: 9), .init(start: 11, end: 13, rate: 1),
      ])
  }

  @Test func percentilesMustLieWithinTheTierInMostSlices() throws {
    let tier = Self.budget.tiers[0]
    var slices = (0..<100).map { slice($0) }
    slices[7].p99Microseconds = 2001
    #expect(LoadCriteria.slicesWithin(tier, place: 0, slices: slices)?.isMet == true)
    slices[8].p95Microseconds = 1001
    #expect(LoadCriteria.slicesWithin(tier, place: 0, slices: slices)?.isMet == false)
    #expect(LoadCriteria.slicesWithin(tier, place: 1, slices: slices) == nil)
    // Beyond the capacity, 95 % are enough.
    let peak = Self.budget.tiers[2]
    slices = (0..<100).map { slice($0, p99: $0 < 5 ? 9000 : 7000, tier: 2) }
    #expect(LoadCriteria.slicesWithin(peak, place: 2, slices: slices)?.isMet == true)
    slices[50].p99Microseconds = 9000
    #expect(LoadCriteria.slicesWithin(peak, place: 2, slices: slices)?.isMet == false)
  }

  @Test func overloadMustNotLowerGoodput() throws {
    var report = try report((0..<60).map { slice($0, offered: 500, answered: 95, p99: 2900) })
    func verdicts() -> [Bool] {
      LoadCriteria.overload(report, peakGoodput: 100, p99Microseconds: 2000).map(\.isMet)
    }
    #expect(verdicts() == [true, true, true])
    report.slices[0] = slice(0, offered: 500, answered: 20, p99: 9000)
    #expect(verdicts() == [true, true, true])
    report.slices[1] = slice(1, offered: 500, answered: 20, p99: 9000)
    #expect(verdicts() == [true, false, false])
    for second in 0..<60 { report.slices[second].inTime = 85 }
    #expect(verdicts() == [false, false, false])
    report.rejections.offered = 100
    report.rejections.p99Microseconds = 101
    #expect(verdicts().last == false && verdicts().count == 4)
    report.rejections.p99Microseconds = 99
    #expect(verdicts().last == true)
    report.slices = []
    #expect(verdicts().prefix(3) == [false, false, false])
  }

  @Test func goodputIsLookedAtFromTheStepOn() throws {
    let calm = (0..<10).map { slice($0, offered: 10) }
    let report = try report(calm + (10..<30).map { slice($0, offered: 500, answered: 99) })
    #expect(
      LoadCriteria.overload(report, from: 10, peakGoodput: 100, p99Microseconds: 2000)
        .allSatisfy { $0.isMet })
    #expect(
      !LoadCriteria.overload(report, peakGoodput: 100, p99Microseconds: 2000).allSatisfy {
        $0.isMet
      })
  }

  @Test func importantClassesComeFirst() {
    var slices = (0..<100).map { second in
      var slice = slice(second, offered: 300, answered: 150)
      slice.offeredByPriority = [100, 0, 100, 100]
      slice.answeredByPriority = [100, 0, 50, 0]
      return slice
    }
    #expect(LoadCriteria.priorities(slices).map(\.isMet) == [true, true])
    slices[3].answeredByPriority = [100, 0, 50, 60]
    #expect(LoadCriteria.priorities(slices).map(\.isMet) == [true, true])
    slices[4].answeredByPriority = [100, 0, 50, 52]
    #expect(LoadCriteria.priorities(slices).map(\.isMet) == [true, false])
    // One request more or less is no inversion.
    slices[4].answeredByPriority = [100, 0, 50, 51]
    #expect(LoadCriteria.priorities(slices).map(\.isMet) == [true, true])
    slices[5].answeredByPriority = [89, 0, 50, 0]
    #expect(LoadCriteria.priorities(slices).map(\.isMet) == [false, true])
    #expect(LoadCriteria.priorities([]).isEmpty)
  }

  @Test func quietTenantsAreLeftInPeace() throws {
    var alone = try report([])
    var figures = LoadFigures(name: "quiet")
    figures.answered = 10
    figures.p99Microseconds = 1000
    alone.tenants = [figures]
    var beside = alone
    beside.tenants[0].p99Microseconds = 1100
    #expect(LoadCriteria.neighbor(of: "quiet", alone: alone, beside: beside).isMet)
    beside.tenants[0].p99Microseconds = 1101
    #expect(!LoadCriteria.neighbor(of: "quiet", alone: alone, beside: beside).isMet)
    #expect(!LoadCriteria.neighbor(of: "other", alone: alone, beside: beside).isMet)
    #expect(LoadCriteria.accounting(of: "a", charged: 100.9, used: 100).isMet)
    #expect(!LoadCriteria.accounting(of: "a", charged: 98.9, used: 100).isMet)
    #expect(LoadCriteria.accounting(of: "a", charged: 0, used: 0).isMet)
    #expect(!LoadCriteria.accounting(of: "a", charged: 1, used: 0).isMet)
  }

  @Test func rungsComeInOrder() throws {
    var slices = (0..<30).map { slice($0, offered: 1000, rung: $0 / 10) }
    slices[29] = slice(29, offered: 1000, answered: 500, rung: 2)
    var report = try report(slices)
    report.rungs = Self.vocabulary.rungs.map { name in
      var figures = LoadFigures(name: name)
      figures.recall = 0.9
      return figures
    }
    func verdicts() -> [Bool] { LoadCriteria.ladder(report).map(\.isMet) }
    #expect(verdicts() == [true, true, true])
    report.slices[12] = slice(12, offered: 1000, rung: 0)
    report.rungs[1].recall = nil
    #expect(verdicts() == [false, true, false])
    report.slices[3] = slice(3, offered: 1000, answered: 950)
    #expect(verdicts()[1] == false)
    #expect(LoadCriteria.ladder(report, last: "smaller").count == 3)
  }

  @Test func queuesAndMemoryStayWithinBounds() {
    var slices = (0..<20).map { second in
      var slice = slice(second)
      slice.memoryBytes = second < 5 ? 1000 * second : 100_000 + second * 50
      slice.longestQueue = 64
      slice.queueBound = 64
      return slice
    }
    #expect(LoadCriteria.backpressure(slices).map(\.isMet) == [true, true])
    slices[9].longestQueue = 65
    slices[12].memoryBytes = 101_600
    #expect(LoadCriteria.backpressure(slices).map(\.isMet) == [false, false])
    #expect(LoadCriteria.backpressure([slice(0)]).isEmpty)
  }

  @Test func theGateSaysWhatIsBroken() throws {
    var report = try report((0..<10).map { slice($0) })
    report.budget?.memoryCeiling = 1_000_000
    report.slices[3].memoryBytes = 900_000
    #expect(LoadGate.verdicts(report).allSatisfy { $0.isMet })
    #expect(LoadGate.verdicts(report).contains { $0.name.contains("within tier normal") })
    report.slices[3].memoryBytes = 1_100_000
    report.slices[4].p99Microseconds = 1e6
    report.overall.unanswered = 1
    report.validity.faults = ["It was late."]
    let broken = LoadGate.verdicts(report).filter { !$0.isMet }.map(\.name)
    #expect(broken.count == 4)
    for word in ["schedule", "nothing failed", "tier normal", "memory"] {
      #expect(broken.contains { $0.contains(word) }, "\(word)")
    }
  }

  @Test func floorsAndObjectivesAreGated() throws {
    var report = try report((0..<10).map { slice($0) })
    report.budget?.tiers[0].recallFloor = 0.9
    report.tiers[0].recall = 0.95
    report.objectives = []
    #expect(LoadGate.verdicts(report).allSatisfy { $0.isMet })
    report.tiers[0].recall = 0.89
    #expect(LoadGate.verdicts(report).filter { !$0.isMet }.map(\.name) == ["recall of tier normal"])
  }
}
