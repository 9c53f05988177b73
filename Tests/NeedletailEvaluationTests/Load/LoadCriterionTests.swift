import NeedletailCore
import NeedletailEvaluation
import Testing

/// The criteria by their names, as the command line has them.
extension LoadCriteriaTests {
  private func isMet(
    _ criterion: LoadCriterion, _ report: LoadReport, _ basis: LoadCriterion.Basis = .init()
  ) -> [Bool] {
    criterion.verdicts(report, basis: basis).map(\.isMet)
  }

  @Test func whatARunDoesNotShowIsNotMet() throws {
    var bare = try report([])
    bare.budget = nil
    bare.overall = LoadFigures(name: "all")
    bare.steps = []
    bare.vocabulary = LoadVocabulary()
    bare.ledger = nil
    for criterion in LoadCriterion.allCases {
      let verdicts = criterion.verdicts(bare)
      #expect(verdicts.count == 1 && verdicts[0].isMet == false, "\(criterion)")
      #expect(verdicts.allSatisfy { $0.finding.hasPrefix("nothing to judge: ") }, "\(criterion)")
      #expect(verdicts.map(\.name) == [criterion.rawValue])
    }
  }

  @Test func tiersAreEnteredAndLeftAndKept() throws {
    var report = try report(
      (0..<60).map { slice($0, tier: (20..<40).contains($0) ? 2 : 0) })
    report.steps = [
      .init(start: 0, end: 20, rate: 50), .init(start: 20, end: 40, rate: 130),
      .init(start: 40, end: 60, rate: 50),
    ]
    report.tierChanges = [
      .init(seconds: 0.1, tier: 0), .init(seconds: 21.9, tier: 2), .init(seconds: 44.9, tier: 0),
    ]
    #expect(isMet(.tiers, report) == [false])
    report.capacity = 100
    // Three steps, and the times of both tiers that held.
    #expect(isMet(.tiers, report) == [true, true, true, true, true])
    report.slices[30].p99Microseconds = 8001
    #expect(isMet(.tiers, report) == [true, true, true, true, true])
    report.slices[31].p99Microseconds = 8001
    #expect(isMet(.tiers, report) == [true, true, true, true, false])
    report.steps = [.init(start: 0, end: 1, rate: 50)]
    #expect(LoadCriterion.tiers.verdicts(report).first?.finding.contains("longer") == true)
  }

  @Test func hardlyAnAnswerEndsLongAfterItsDeadline() throws {
    var report = try report([])
    report.overall.answered = 20_000
    report.overall.overdue = 2
    #expect(isMet(.guard, report) == [true])
    report.overall.overdue = 3
    #expect(isMet(.guard, report) == [false])
    report.overall.overdue = 0
    report.overall.unanswered = 3
    #expect(isMet(.guard, report) == [false])
  }

  @Test func theGuardOverlooks200Microseconds() throws {
    // Without tiers of its own, the target is held to the first one's 2 ms; a deadline that was told comes before it.
    for (deadline, limit) in [(nil, 2_000_000), (500_000 as Int64?, 500_000 as Int64)] {
      let clock = VirtualClock()
      let service = VirtualService(clock) { request, _ in
        .init(nanoseconds: limit + (request.number < 3 ? 200_001 : 200_000))
      }
      var options = LoadOptions()
      options.deadline = deadline
      options.budget = Self.budget
      let report = try LoadGenerator.run(
        service, schedule: try LoadSchedule(parsing: "constant:10qps,1s"), queries: 1,
        options: options, clock: clock
      ).report
      #expect(report.overall.overdue == 3)
      #expect(report.overall.inTime == 0)
      #expect(report.priorities.first?.overdue == 3)
    }
  }

  @Test func overloadIsComparedWithTheCalmerPart() throws {
    let calm = (0..<10).map { slice($0, offered: $0 == 0 ? 10 : 100) }
    let rest = (30..<40).map { slice($0, offered: 10) }
    func run(_ answered: Int, p99: Double = 11_900) throws -> LoadReport {
      var report = try report(
        calm + (10..<30).map { slice($0, offered: 500, answered: answered, p99: p99) } + rest)
      report.steps = [
        .init(start: 0, end: 10, rate: 100), .init(start: 10, end: 30, rate: 500),
        .init(start: 30, end: 40, rate: 10),
      ]
      return report
    }
    // The last tier's p99 is 8 ms, and 100 a second were seen in the calm part: its first second does not count.
    #expect(isMet(.overload, try run(90)) == [true, true, true])
    #expect(isMet(.overload, try run(89)) == [false, true, false])
    #expect(isMet(.overload, try run(95, p99: 12_100)) == [true, false, false])
    #expect(isMet(.overload, try run(90), .init(peakGoodput: 101)) == [false, true, false])
    var held = try run(95)
    // At this capacity the load belongs to the tier in the middle, whose p99 is 4 ms.
    held.capacity = 500
    #expect(isMet(.overload, held) == [false])
    #expect(isMet(.overload, held, .init(peakGoodput: 100)) == [true, false, false])
    held.capacity = 501
    #expect(isMet(.overload, held, .init(peakGoodput: 100)) == [false])
    held.capacity = nil
    held.deadlineMicroseconds = 5_000
    #expect(isMet(.overload, held) == [true, false, false])
    held.steps.removeFirst()
    #expect(isMet(.overload, held) == [false])
  }

  @Test func schedulesThatShowNothingAreRefused() throws {
    func expect(
      _ criterion: LoadCriterion, _ text: String, peak: Double? = nil, isRefused: Bool
    ) throws {
      let schedule = try LoadSchedule(parsing: text)
      do throws(NeedletailError) {
        try criterion.check(schedule, basis: .init(peakGoodput: peak))
        #expect(!isRefused, "\(criterion), \(text)")
      } catch {
        #expect(isRefused && error.code == .invalidConfiguration, "\(error)")
        #expect(error.message.contains("poisson:"))
      }
    }
    try expect(.overload, "poisson:10qps,5s then poisson:50qps,5s", isRefused: false)
    try expect(.overload, "poisson:50qps,5s then poisson:10qps,5s", isRefused: true)
    try expect(.overload, "poisson:50qps,5s", isRefused: true)
    try expect(.overload, "pause:5s then poisson:50qps,5s", isRefused: true)
    try expect(.overload, "poisson:50qps,5s", peak: 9, isRefused: false)
    try expect(.overload, "ramp:1..50qps,5s", peak: 9, isRefused: true)
    try expect(.tiers, "ramp:1..50qps,5s", isRefused: true)
    try expect(.tiers, "poisson:50qps,6s", isRefused: false)
    try expect(.tiers, "poisson:50qps,6s then poisson:60qps,5s", isRefused: true)
    try expect(.ladder, "ramp:1..50qps,5s", isRefused: false)
  }

  @Test func quietTenantsAreFoundByWhatTheyAskFor() throws {
    func tenant(_ name: String, _ offered: Int, p99: Double) -> LoadFigures {
      var figures = LoadFigures(name: name)
      figures.offered = offered
      figures.answered = offered
      figures.p99Microseconds = p99
      return figures
    }
    var calm = try report((0..<10).map { slice($0) })
    calm.tenants = [tenant("quiet", 100, p99: 1000), tenant("noisy", 100, p99: 1000)]
    var loud = try report((0..<20).map { slice($0) })
    loud.tenants = [tenant("quiet", 210, p99: 1099), tenant("noisy", 4000, p99: 9000)]
    #expect(isMet(.tenants, loud, .init(former: calm)) == [true, true, false])
    loud.tenants[0].p99Microseconds = 1101
    #expect(isMet(.tenants, loud, .init(former: calm)) == [true, false, false])
    loud.charges = [
      .init(name: "quiet", charged: 100, used: 100), .init(name: "noisy", charged: 202, used: 200),
    ]
    #expect(isMet(.tenants, loud, .init(former: calm)) == [true, false, true, true])
    // What one is charged for the other is seen, though all together are right.
    loud.charges[0].charged = 102
    loud.charges[1].charged = 200
    #expect(isMet(.tenants, loud, .init(former: calm)) == [true, false, false, true])
    loud.charges = []
    // A former run that was late shows nothing, and neither do two runs alike.
    calm.validity.faults = ["It was late."]
    #expect(isMet(.tenants, loud, .init(former: calm)) == [false, false, false])
    calm.validity.faults = []
    let alike = LoadCriterion.tenants.verdicts(calm, basis: .init(former: calm))
    #expect(alike.map(\.isMet) == [true, false, false])
    #expect(alike[1].finding.contains("no tenant asks for more"))
  }

  @Test func theLastRungIsTheBudgets() throws {
    var slices = (0..<20).map { slice($0, offered: 1000, rung: $0 / 10) }
    slices[19] = slice(19, offered: 1000, answered: 500, rung: 1)
    var report = try report(slices)
    report.rungs = report.rungs.map { figures in
      var figures = figures
      figures.recall = 0.9
      return figures
    }
    #expect(isMet(.ladder, report) == [true, false, true])
    report.budget?.lastRung = "smaller"
    #expect(isMet(.ladder, report) == [true, true, true])
  }

  @Test func aShortRunShowsNoMemory() throws {
    func slices(_ count: Int) -> [LoadSlice] {
      (0..<count).map { second in
        var slice = slice(second)
        slice.memoryBytes = 1000
        slice.longestQueue = 3
        slice.queueBound = 4
        return slice
      }
    }
    #expect(isMet(.backpressure, try report(slices(10))) == [true, true])
    let short = LoadCriterion.backpressure.verdicts(try report(slices(5)))
    #expect(short.map(\.isMet) == [true, false])
    #expect(short.last?.finding.contains("run longer") == true)
  }

  @Test func stagesAccountForTheTime() throws {
    var report = try report([])
    var ledger = LoadLedger()
    ledger.answers = 100
    (ledger.callP50Microseconds, ledger.callP99Microseconds) = (100, 1000)
    (ledger.stagesP50Microseconds, ledger.stagesP99Microseconds) = (98, 950)
    report.ledger = ledger
    #expect(isMet(.ledger, report) == [true, true])
    report.ledger?.stagesP50Microseconds = 97.9
    report.ledger?.stagesP99Microseconds = 1051
    #expect(isMet(.ledger, report) == [false, false])
  }

  @Test func stagesAreComparedWithTheGeneratorsClock() throws {
    let clock = VirtualClock()
    let names = LoadVocabulary(stages: ["admission", "traversal"])
    let service = VirtualService(clock, vocabulary: names) { request, _ in
      var response = LoadResponse(.answered)
      response.stages[0] = 40_000
      response.stages[1] = request.number < 98 ? 50_000 : 960_000
      return .init(response: response, nanoseconds: request.number < 98 ? 100_000 : 1_000_000)
    }
    let found = try LoadGenerator.run(
      service, schedule: try LoadSchedule(parsing: "constant:100qps,1s"), queries: 1,
      options: LoadOptions(), clock: clock
    ).report.ledger
    let ledger = try #require(found)
    #expect(ledger.answers == 100)
    // Three digits are kept.
    #expect(abs(ledger.callP50Microseconds - 100) < 0.2)
    #expect(abs(ledger.stagesP50Microseconds - 90) < 0.2)
    #expect(abs(ledger.callP99Microseconds - 1000) < 2)
    #expect(abs(ledger.stagesP99Microseconds - 1000) < 2)
  }

  @Test func theFirstAnswersAreLikeLaterOnes() throws {
    // Two slices hold the first thousand.
    func slices(_ count: Int, second p99: Double) -> [LoadSlice] {
      (0..<count).map { slice($0, offered: 500, p99: $0 == 1 ? p99 : 900) }
    }
    // A slice of far more would hide them.
    #expect(isMet(.warm, try report((0..<9).map { slice($0, offered: 2_000) })) == [false])
    #expect(isMet(.warm, try report(slices(4, second: 1350))) == [true])
    #expect(isMet(.warm, try report(slices(4, second: 1351))) == [false])
    #expect(isMet(.warm, try report(slices(3, second: 900))) == [false])
    #expect(isMet(.warm, try report(slices(1, second: 900))) == [false])
  }

  @Test func writesThatFailAreNotPassedOver() throws {
    var report = try report((0..<10).map { slice($0) })
    report.writes = LoadWrites.Outcome(rate: 10)
    #expect(LoadGate.verdicts(report).allSatisfy { $0.isMet })
    report.writes?.failed = 1
    report.writes?.firstFailure = "The disk is full."
    let broken = LoadGate.verdicts(report).filter { !$0.isMet }
    #expect(broken.map(\.name) == ["every write was made"])
    #expect(broken.first?.finding.contains("The disk is full.") == true)
    #expect(LoadTable.sentences(report).contains { $0.contains("The disk is full.") })
  }

  @Test func ratesOfWritesHaveOneForm() {
    #expect(LoadWrites.perSecond(parsing: "500/s") == 500)
    #expect(LoadWrites.perSecond(parsing: "0.5/s") == 0.5)
    for wrong in ["500", "500qps", "0/s", "-1/s", "1e3/s", "2000000/s", "/s", ""] {
      #expect(LoadWrites.perSecond(parsing: wrong) == nil, "\(wrong)")
    }
  }
}
