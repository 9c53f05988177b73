import Foundation
import NeedletailCore
import NeedletailEvaluation
import Testing

@Suite struct LoadReportTests {
  /// Two rungs: the second one finds half of the neighbours, from the fifth second on.
  private func run(
    _ schedule: String = "poisson:200qps,10s", tenant: String = "shop"
  ) throws -> LoadRun {
    let clock = VirtualClock()
    let vocabulary = LoadVocabulary(
      tiers: ["normal", "peak"], rungs: ["full", "coarse"], stages: ["wait", "walk"],
      reasons: ["shed"])
    let service = VirtualService(
      clock, vocabulary: vocabulary,
      gauges: { LoadGauges(longestQueue: 3, queueBound: 8, memoryBytes: 5_000_000) }
    ) { request, waiting in
      let isPeak = request.intended > 5 * seconds
      var response = LoadResponse(.answered, tier: isPeak ? 1 : 0, rung: isPeak ? 1 : 0)
      response.stages = [waiting, 400_000, 0, 0, 0, 0, 0, 0]
      response.reasons = isPeak ? 1 : 0
      response.evaluations = 300
      let ids: [VectorID] = isPeak ? [VectorID(request.query), 99] : [VectorID(request.query), 7]
      return .init(
        response: response, neighbors: ids.map { Neighbor(id: $0, distance: 0) },
        nanoseconds: 400_000)
    }
    var options = LoadOptions()
    options.k = 2
    options.keptAnswers = 64
    options.budget = LoadBudget(
      tiers: [
        .init(name: "normal", p95Microseconds: 3000, p99Microseconds: 9000, recallFloor: 0.9),
        .init(name: "peak", entry: 1, p95Microseconds: 5000, p99Microseconds: 9000),
      ], memoryCeiling: 8_000_000,
      objectives: [
        .init(name: "fast", indicator: .withinP99, target: 0.99),
        .init(name: "found", indicator: .recall, target: 0.9),
      ])
    return try LoadGenerator.run(
      service, schedule: try LoadSchedule(parsing: schedule),
      mix: try LoadMix(priorities: "critical=1,sheddable=1", tenants: "\(tenant)=1"), queries: 5,
      options: options, clock: clock)
  }

  /// The two true neighbours of query q are q and 7.
  private func judge() throws -> RecallJudge {
    try RecallJudge(
      rows: nil, basis: .ids, rowCount: 100,
      queries: try VectorMatrix([Float](repeating: 1, count: 10), dimensions: 2),
      groundTruth: try GroundTruth(rows: (0..<5).flatMap { [$0, 7] }, width: 2),
      metric: .squaredEuclidean, k: 2)
  }

  @Test func recallIsThatOfEachRung() throws {
    var run = try run()
    #expect(run.report.overall.recall == nil)
    run.judge(try judge())
    let report = run.report
    #expect(report.recallJudgedOn == .ids)
    #expect(report.rungs.map(\.recall) == [1, 0.5])
    #expect(report.tiers.map(\.recall) == [1, 0.5])
    #expect(report.rungs.allSatisfy { (32...64).contains($0.judgedAnswers) })
    let share = Double(report.rungs[0].answered) / Double(report.overall.answered)
    #expect(abs((report.overall.recall ?? 0) - (share + 0.5 * (1 - share))) < 1e-9)
    #expect(report.objectives.map(\.name) == ["fast", "found"])
    #expect(report.objectives.last?.isMet == false)
  }

  @Test func documentsReadBack() throws {
    var run = try run()
    run.judge(try judge())
    run.report.verdicts = LoadGate.verdicts(run.report)
    let data = try JSONEncoder().encode(run.report)
    #expect(try JSONDecoder().decode(LoadReport.self, from: data) == run.report)
  }

  private func report(_ schedule: String = "poisson:200qps,10s") throws -> LoadReport {
    var run = try run(schedule, tenant: "<b>&\"")
    run.judge(try judge())
    run.report.verdicts = LoadGate.verdicts(run.report)
    run.report.capacity = 150
    run.report.facts = [.init(name: "Index", value: "<script>alert(1)</script>")]
    run.report.machine = .current()
    return run.report
  }

  @Test func thePageLoadsNothingAndSuitsPhoneDarkAndPaper() throws {
    let page = LoadPage.page(try report(), date: "2026-01-31")
    for forbidden in [
      "http:", "https:", "//", "<script", "<link", "<img", "<iframe", "src=", "href=", "url(",
      "@import", "javascript", "onload", "<b>&\"",
    ] {
      #expect(!page.lowercased().contains(forbidden), "the page has \(forbidden)")
    }
    for needed in [
      "<!DOCTYPE html>", "prefers-color-scheme: dark", "@media print", "2026-01-31",
      "&lt;script&gt;", "Time of a request", "Load against goodput", "Rungs over time",
      "Stages of an answer", "Memory", "Error budgets", "Second by second", "By rung", "By tenant",
      "What held", "ceiling", "capacity", "recall@2",
    ] {
      #expect(page.contains(needed), "the page lacks \(needed)")
    }
    #expect(page.matches(of: /<svg class="wide"/).count == 6)
    #expect(page.matches(of: /<svg class="narrow"/).count == 6)
    #expect(page.matches(of: /role="img" aria-label="/).count == 12)
  }

  @Test func everyElementIsClosed() throws {
    let page = LoadPage.page(try report())
    var open: [Substring] = []
    for match in page.drop(while: { $0 != "\n" }).matches(of: /<(\/?)([a-z0-9]+)([^>]*)>/) {
      let (_, slash, name, rest) = match.output
      if rest.hasSuffix("/") || name == "meta" { continue }
      if slash.isEmpty { open.append(name) } else { #expect(open.popLast() == name) }
    }
    #expect(open.isEmpty)
  }

  @Test func oddRunsGiveAWholePage() throws {
    var reports = [try report("constant:1qps,1s"), try report("poisson:5qps,3s; pause:2s")]
    var bare = try report()
    bare.slices = []
    bare.budget = nil
    bare.objectives = []
    reports.append(bare)
    var strange = try report()
    strange.vocabulary = LoadVocabulary()
    strange.overall = LoadFigures(name: "all")
    for place in strange.slices.indices {
      strange.slices[place].p99Microseconds = place.isMultiple(of: 2) ? .infinity : .nan
      strange.slices[place].memoryBytes = .max
      strange.slices[place].inTime = 0
    }
    strange.seconds = 0
    strange.capacity = .infinity
    reports.append(strange)
    for report in reports {
      let page = LoadPage.page(report)
      #expect(page.hasSuffix("</html>\n"))
      for match in page.matches(of: /<(line|rect|circle|polyline|text|svg)( [^>]*)>/) {
        for wrong in ["nan", "inf", "–", "∞"] {
          #expect(!match.output.2.lowercased().contains("\"\(wrong)"), "\(match.output.0)")
          #expect(!match.output.2.contains(",\(wrong)"), "\(match.output.0)")
        }
        #expect(!match.output.2.contains("width=\"-") && !match.output.2.contains("height=\"-"))
      }
    }
  }

  @Test func longRunsAreDrawnInBoundedSize() throws {
    var report = try report()
    let pattern = report.slices
    report.slices = (0..<3600).map { second in
      var slice = pattern[second % pattern.count]
      slice.start = Double(second)
      return slice
    }
    report.seconds = 3600
    #expect(LoadPage.page(report).utf8.count < 1_000_000)
  }

  @Test func tablesAndSentencesTellTheRun() throws {
    let report = try report()
    let sections = LoadTable.sections(report)
    #expect(sections.map(\.title) == ["all", "tier", "rung", "priority", "tenant"])
    for section in sections {
      #expect(section.rows.allSatisfy { $0.count == section.heads.count })
    }
    let text = LoadTable.sentences(report).joined(separator: "\n")
    for words in ["answers of use a second", "Objective fast", "shed", "schedule was kept"] {
      #expect(text.contains(words), "\(words)")
    }
    var invalid = report
    invalid.validity.faults = ["It was late."]
    #expect(LoadTable.sentences(invalid).last == "INVALID: It was late.")
  }
}
