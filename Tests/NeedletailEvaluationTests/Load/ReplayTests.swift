import Foundation
import NeedletailCore
import NeedletailEvaluation
import Synchronization
import Testing

@Suite struct ReplayScheduleTests {
  private func log(_ text: String) throws -> ArrivalLog {
    try ArrivalLog(parsing: Array(text.utf8), path: "yesterday.csv")
  }

  @Test func faultsNameLineAndColumn() throws {
    for (text, place) in [
      ("seconds,query\n1,2\n2, -7\n", "line 3, column 4"),
      ("seconds,query\n1,2,3\n", "line 2, column 5"), ("seconds,query\n12\n", "line 2, column 3"),
      ("seconds,when\n1,2\n", "line 1, column 9"),
      ("seconds,k,priority\n0.5,10,urgent\n", "line 2, column 8"),
    ] {
      let error = #expect(throws: NeedletailError.self) { try log(text) }
      #expect(error?.location?.section == place, "\(text): \(error?.description ?? "")")
      #expect(error?.location?.path == "yesterday.csv")
    }
  }

  @Test func aQueryThatIsNotThereIsNamedWithItsLine() throws {
    let schedule = try LoadSchedule(replaying: try log("seconds,query\n0,1\n1,9\n2,3\n"))
    let error = #expect(throws: NeedletailError.self) {
      try ReplaySample(5, of: schedule, mix: LoadMix(), queries: 9, k: 10, seed: 1)
    }
    #expect(error?.location?.section == "line 3")
    #expect(error?.message.contains("query 9") == true)
  }

  @Test func aStretchBeginsAtItsBeginning() throws {
    let whole = try log("seconds,query,tenant\n0,1,a\n10,2,b\n12.5,8,b\n20,3,a\n")
    let part = try whole.stretch(from: 10 * seconds, length: 5 * seconds)
    #expect((0..<part.count).map { part[$0].offset } == [0, 5 * seconds / 2])
    #expect(part.highestQuery == 8 && part.tenants == whole.tenants)
    #expect(try whole.stretch(from: 11 * seconds).count == 2)
    #expect(throws: NeedletailError.self) { try whole.stretch(from: 21 * seconds) }
    #expect(throws: NeedletailError.self) { try whole.stretch(from: 1, length: 5) }
    #expect(try whole.stretch(from: 0, length: .max).count == 4)
  }

  @Test func speedShortensTheSchedule() throws {
    let record = try log("seconds,query\n0,1\n10,2\n")
    let schedule = try LoadSchedule(replaying: record, speed: 4)
    #expect(schedule.arrivals(seed: 1).map(\.offset) == [0, 5 * seconds / 2])
    #expect(throws: NeedletailError.self) { try LoadSchedule(replaying: record, speed: 0) }
    #expect(throws: NeedletailError.self) { try LoadSchedule(replaying: record, speed: .nan) }
    let long = try log("seconds\n0\n86400\n")
    #expect(throws: NeedletailError.self) { try LoadSchedule(replaying: long, speed: 0.5) }
  }

  @Test func theUsualNumberOfNeighboursIsThatOfMost() throws {
    #expect(try log("seconds,k\n0,5\n1,20\n2,20\n3,\n").usualK == 20)
    #expect(try log("seconds\n0\n").usualK == nil)
  }
}

@Suite struct ReplaySampleTests {
  /// Half of the requests are for query 0; every fifth one asks for other numbers of neighbours.
  private func schedule(_ count: Int = 2_000) throws -> LoadSchedule {
    var text = "seconds,query,k\n"
    for number in 0..<count {
      let query = number.isMultiple(of: 2) ? 0 : 1 + number % 50
      text += "\(number),\(query),\(number.isMultiple(of: 5) ? 3 : 10)\n"
    }
    return try LoadSchedule(
      replaying: try ArrivalLog(parsing: Array(text.utf8), path: "log.csv"), speed: 100)
  }

  @Test func itIsTheSameForTheSameSeed() throws {
    let schedule = try schedule()
    func draw(_ seed: UInt64) throws -> ReplaySample {
      try ReplaySample(100, of: schedule, mix: LoadMix(), queries: 60, k: 10, seed: seed)
    }
    #expect(try draw(1) == draw(1))
    #expect(try draw(1).queries != draw(2).queries)
    let sample = try draw(3)
    #expect(sample.queries.count == 100 && sample.requests == 2_000 && sample.eligible == 1_600)
    #expect(sample.distinct == sample.distinct.sorted() && sample.distinct.count < 100)
  }

  @Test func whatIsAskedOftenIsDrawnOften() throws {
    var zeros = 0
    for seed in 0..<20 as Range<UInt64> {
      zeros += try ReplaySample(
        100, of: schedule(), mix: LoadMix(), queries: 60, k: 10, seed: seed
      ).queries.count { $0 == 0 }
    }
    // 2 000 draws, half of them expected: six standard deviations are 134.
    #expect((866...1_134).contains(zeros), "\(zeros)")
  }

  @Test func fewRequestsAreAllDrawn() throws {
    let sample = try ReplaySample(
      5_000, of: schedule(50), mix: LoadMix(), queries: 60, k: 3, seed: 1)
    #expect(sample.queries.count == 10)
    #expect(throws: NeedletailError.self) {
      try ReplaySample(5, of: schedule(50), mix: LoadMix(), queries: 60, k: 11, seed: 1)
    }
  }

  /// What the record leaves open is drawn for the sample as it is for the requests.
  @Test func itIsDrawnOutOfWhatIsSent() throws {
    let record = try ArrivalLog(
      parsing: Array("seconds,query\n0,\n0.5,7\n1,\n1.5,\n".utf8), path: "log.csv")
    let schedule = try LoadSchedule(replaying: record)
    let clock = VirtualClock()
    let service = VirtualService(clock) { _, _ in .init() }
    var options = LoadOptions()
    options.seed = 11
    _ = try LoadGenerator.run(
      service, schedule: schedule, queries: 30, options: options, clock: clock)
    let sample = try ReplaySample(
      10, of: schedule, mix: LoadMix(), queries: 30, k: 10, seed: 11)
    #expect(sample.queries == service.requests.map(\.query))
  }
}

/// Knows queries 1 and 2 alone: right is what has their number.
private struct FewQueries: LoadJudge {
  let basis = RecallBasis.exactSearch
  func neighbors(of query: Int) -> Int? { (1...2).contains(query) ? 2 : nil }
  func rightAnswers(_ answers: ArraySlice<Neighbor>, query: Int) -> Int {
    answers.count { $0.id == VectorID(query) }
  }
}

@Suite struct ReplayFiguresTests {
  @Test func onlyQueriesOfTheSampleAreKeptAndJudged() throws {
    let clock = VirtualClock()
    let service = VirtualService(clock, vocabulary: LoadVocabulary(rungs: ["full"])) {
      request, _ in
      .init(
        response: LoadResponse(.answered, rung: 0),
        neighbors: [VectorID(request.query), 99].map { Neighbor(id: $0, distance: 0) })
    }
    var options = LoadOptions()
    options.k = 2
    options.keptAnswers = 1_000
    options.keptQueries = [1, 2, 3]
    var run = try LoadGenerator.run(
      service, schedule: try LoadSchedule(parsing: "constant:100qps,3s"), queries: 10,
      options: options, clock: clock)
    run.judge(FewQueries())
    let wanted = service.requests.count { (1...2).contains($0.query) }
    #expect(run.report.overall.judgedAnswers == wanted && wanted > 0)
    #expect(run.report.overall.recall == 0.5)
    #expect(run.report.recallJudgedOn == .exactSearch)
  }

  static func candidate(
    _ name: String, recall: Double, bytes: Int, p95: Double, isBaseline: Bool = false
  ) throws -> ReplayCandidate {
    let clock = VirtualClock()
    let vocabulary = LoadVocabulary(tiers: ["normal"], rungs: ["full"])
    let service = VirtualService(clock, vocabulary: vocabulary) { _, _ in
      var response = LoadResponse(.answered, tier: 0, rung: 0)
      response.evaluations = 300
      return .init(response: response, nanoseconds: Int64(p95 * 1000))
    }
    var options = LoadOptions()
    options.budget = LoadBudget(
      tiers: [.init(name: "normal", p95Microseconds: 2000, p99Microseconds: 4000)])
    var candidate = ReplayCandidate(
      name: name, isBaseline: isBaseline, index: "words", search: "efSearch 64",
      budget: "shop.yaml", rows: 100)
    candidate.report = try LoadGenerator.run(
      service, schedule: try LoadSchedule(parsing: "constant:100qps,2s"), queries: 10,
      options: options, clock: clock
    ).report
    candidate.memory = [
      ReplayMemory(component: "codes", predicted: bytes, found: bytes, ceiling: 1 << 20),
      ReplayMemory(component: "graph", predicted: 100, found: 120, ceiling: nil),
      ReplayMemory(component: "cache", predicted: 0, found: 0, ceiling: nil),
      ReplayMemory(
        component: "total", predicted: bytes + 100, found: bytes + 120, ceiling: 1 << 20),
    ]
    candidate.rungs = [
      ReplayRung(
        name: "full", right: Int(recall * 1000), of: 1000, evaluations: [300, 500],
        microseconds: [10, 20]),
      ReplayRung(
        name: "withoutRerank", right: 500, of: 1000, evaluations: [300], microseconds: [8]),
    ]
    return candidate
  }

  private func promised(_ floor: Double) -> LoadBudget {
    LoadBudget(
      tiers: [
        .init(
          name: "normal", p95Microseconds: 2000, p99Microseconds: 4000, recallFloor: floor)
      ])
  }

  @Test func aRungIsWhatItsSearchesFoundAndDid() {
    let rung = ReplayRung(
      name: "full", right: 45, of: 50, evaluations: [100, 200, 400],
      microseconds: (1...100).map { Double($0) })
    #expect(rung.recall == 0.9)
    #expect(abs(rung.evaluations - 700 / 3) < 1e-9)
    #expect(rung.p50Microseconds == 50 && rung.p95Microseconds == 95)
    #expect(rung.p99Microseconds == 99)
    let none = ReplayRung(name: "full", right: 0, of: 0, evaluations: [], microseconds: [])
    #expect(none.recall == 1 && none.p95Microseconds == 0)
  }

  @Test func verdictsAreOnMemoryRecallAndTheRun() throws {
    var good = try Self.candidate("a", recall: 0.95, bytes: 1000, p95: 500)
    good.verdicts = ReplayGate.verdicts(good, promised(0.9))
    #expect(good.keepsBudget, "\(good.verdicts.filter { !$0.isMet })")
    #expect(
      good.verdicts.prefix(3).map(\.name) == [
        "memory, codes", "memory, total", "recall of tier normal on full",
      ])
    #expect(good.verdicts[2].finding.hasSuffix("below it: withoutRerank"))
    #expect(good.verdicts.contains { $0.name == "p95 and p99 within tier normal" })

    let poor = try Self.candidate("b", recall: 0.85, bytes: 1 << 20, p95: 3000)
    let broken = ReplayGate.verdicts(poor, promised(0.9)).filter { !$0.isMet }.map(\.name)
    #expect(
      broken == [
        "memory, total", "recall of tier normal on full", "p95 and p99 within tier normal",
      ])

    var refused = try Self.candidate("c", recall: 0.95, bytes: 1000, p95: 500)
    refused.report = nil
    refused.refusal = "m is 64, and 32 are allowed."
    let verdicts = ReplayGate.verdicts(refused, promised(0))
    #expect(
      verdicts.first == LoadVerdict("it can serve", isMet: false, finding: refused.refusal ?? ""))
    #expect(verdicts.count == 3)
  }

  private func report() throws -> ReplayReport {
    ReplayReport(
      log: "yesterday.csv", requests: 200, seconds: 2, speed: 1, isReckoned: true, seed: 1, k: 10,
      judged: 100, recallJudgedOn: .exactSearch,
      candidates: [
        try Self.candidate("baseline", recall: 0.9, bytes: 1000, p95: 500, isBaseline: true),
        try Self.candidate("a", recall: 0.95, bytes: 800, p95: 750),
      ])
  }

  @Test func candidatesAreHeldAgainstTheBaseline() throws {
    let report = try report()
    #expect(report.candidates[0].differences.isEmpty)
    let differences = report.candidates[1].differences
    func find(_ name: String) throws -> ReplayDifference {
      try #require(differences.first { $0.quantity == name }, "\(name)")
    }
    #expect(abs((try find("p95").share ?? 0) - 0.5) < 0.01)
    #expect(try find("p95 of tier normal").after > 740)
    #expect(try find("recall on full").after == 0.95)
    #expect(abs((try find("memory, codes").share ?? 0) + 0.2) < 1e-9)
    #expect(try find("answered").share == 0)
    #expect(!differences.contains { $0.quantity == "memory, cache" })
    #expect(ReplayDifference("x", before: 0, after: 1).share == nil)
  }

  @Test func tablesHaveALineForEach() throws {
    let sections = ReplayTable.sections(try report())
    #expect(
      sections.map { $0.heads[0] } == [
        "all", "tier normal", "rung", "memory of baseline", "memory of a",
      ])
    for section in sections {
      #expect(section.rows.allSatisfy { $0.count == section.heads.count }, "\(section)")
    }
    #expect(sections[0].rows.map { $0[0] } == ["baseline", "a", ""])
    #expect(sections[0].rows[2][4] == "+50.0 %", "\(sections[0].rows[2])")
    #expect(sections[0].rows[2][2] == "±0")
    #expect(sections[2].rows.map { $0[0] }.contains("a withoutRerank"))
    // A component that nothing is in is left out.
    #expect(sections[4].rows.map { $0[0] } == ["codes", "graph", "total"])
    #expect(sections[4].rows[0].last == "−20.0 %")
  }

  @Test func documentsReadBack() throws {
    let report = try report()
    let data = try JSONEncoder().encode(report)
    #expect(try JSONDecoder().decode(ReplayReport.self, from: data) == report)
  }
}

@Suite struct VirtualClockTests {
  @Test func plansAreDoneInTheirOrderAndAtTheirTime() {
    let clock = VirtualClock()
    let seen = Guarded<[(String, Int64)]>([])
    @Sendable func plan(_ name: String, _ instant: Int64) {
      clock.at(instant) { seen.withLock { $0.append((name, clock.now)) } }
    }
    let start = clock.now
    plan("c", start + 30)
    plan("a", start + 10)
    plan("b", start + 10)
    clock.at(start + 20) { plan("again", start + 25) }
    clock.wait(until: start + 25)
    #expect(seen.withLock { $0.map(\.0) } == ["a", "b", "again"])
    #expect(seen.withLock { $0.map { $0.1 - start } } == [10, 10, 25])
    clock.wait(until: start)
    #expect(clock.now == start + 25)
    clock.wait(until: start + 100)
    #expect(seen.withLock { $0.last?.0 } == "c" && clock.now == start + 100)
  }
}
