#if Tools
  import Needletail
  import NeedletailBudgets
  import NeedletailCore
  import NeedletailEvaluation

  /// The end of the demo: load doubles, the ladder moves, and the answers stay in time.
  struct DemoScene: Encodable {
    /// The rate that one worker keeps up with at full quality.
    let capacity: Double
    let report: LoadReport

    /// What a service of the demo promises; loads are shares of the capacity.
    static func budget() throws -> PerformanceBudget {
      try PerformanceBudget(
        name: "demo", owner: "needletail",
        tiers: [
          LoadTier(name: "normal", p95: .milliseconds(10), p99: .milliseconds(25)),
          LoadTier(
            name: "peak", p95: .milliseconds(25), p99: .milliseconds(50),
            enter: LoadCondition(load: 0.8, for: .milliseconds(500)),
            exit: LoadCondition(load: 0.65, for: .seconds(1))),
        ],
        ladder: Ladder(
          rungs: [.full, .smallerWindow, .withoutRerank, .reject], window: .efSearch(24),
          hold: .seconds(1)),
        cache: CacheSettings(isEnabled: false))
    }

    /// Puts load on an index: three seconds at six tenths of what one worker can do, four at twice that, three at six tenths again.
    static func play(
      _ index: VectorIndex, queries: VectorMatrix, truth: GroundTruth, base: VectorMatrix
    ) throws -> DemoScene {
      let pipeline = LoadPipeline(
        index: index, budget: try budget(), queries: queries,
        settings: LoadSettings(options: SearchOptions(efSearch: 64), k: 10))
      let capacity = try pipeline.capacity()
      let schedule = try LoadSchedule(
        parsing: "poisson:0.6x,3s then poisson:1.2x,4s then poisson:0.6x,3s", capacity: capacity)
      var options = LoadOptions()
      options.keptAnswers = 1_000
      var run = try pipeline.run(schedule, options)
      run.judge(
        try RecallJudge(
          rows: base, basis: .base, rowCount: base.count, identities: nil, queries: queries,
          groundTruth: truth, metric: try index.snapshot().metric,
          k: pipeline.settings.k))
      run.report.capacity = capacity
      return DemoScene(capacity: capacity, report: run.report)
    }

    /// The scene, a line a second.
    func lines() -> [String] {
      var table = Table(leading: [4, 5])
      table.add(["second", "queries/s", "p99 ms", "within", "tier", "mostly on"])
      let names = report.vocabulary
      for slice in report.slices where slice.offered > 0 {
        let tier = slice.tier.flatMap { place in report.budget?.tiers[place] }
        table.add([
          Numerals.fixed(slice.start, 0), Numerals.grouped(slice.offered),
          Numerals.fixed(slice.p99Microseconds / 1_000, 1),
          tier.map { Numerals.fixed($0.p99Microseconds / 1_000, 0) } ?? "",
          tier?.name ?? "", slice.rung.map { names.rungs[$0] } ?? "",
        ])
      }
      return table.lines()
    }

    /// What was found on each rung, and whether all were answered; at most 80 columns.
    func sentences() -> [String] {
      var lines: [String] = []
      for rung in report.rungs where rung.answered > 0 {
        let recall = rung.recall.map { ", recall " + Numerals.fixed($0, 3) } ?? ""
        lines.append("  \(Numerals.grouped(rung.answered)) answers on \(rung.name)\(recall)")
      }
      let all = report.overall
      let inTime = Double(all.inTime) / Double(max(1, all.answered))
      lines.append(
        "  \(Numerals.fixed(100 * all.servedShare, 2)) % of all queries answered, "
          + "\(Numerals.fixed(100 * inTime, 2)) % of them within their tier's p99")
      if !report.validity.isValid {
        lines.append(
          "  This machine had other work, so that queries were sent late: times say little.")
      }
      return lines
    }
  }
#endif
