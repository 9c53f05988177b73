#if Tools
  import ArgumentParser
  import Foundation
  import Needletail
  import NeedletailBudgets
  import NeedletailCore
  import NeedletailEvaluation

  /// `needletail load`: an index under a schedule of requests, and whether it keeps its budget.
  struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "load",
      abstract: "Put an index under load, and judge it by a budget.",
      usage: """
        needletail load <dir> --queries <file> --schedule <schedule>
            [--budget <file>] [--gate] [--capacity 2000qps] [--k 10]
            [--ef 64 | --recall <r>] [--groundtruth <file>] [--base <file>]
            [--ids <file>] [--priorities <c=n,…>] [--tenants <t=n,…>]
            [--popularity uniform|zipf:<e>] [--deadline 5ms] [--seed 1]
            [--html <file>] [--json]
        """,
      discussion: """
        EXAMPLES
          needletail load words.needletail --queries query.fbin \\
              --schedule poisson:2000qps,20s
          needletail load words.needletail --queries query.fbin \\
              --budget shop.yaml --gate --html load.html \\
              --schedule "poisson:0.5x,20s then poisson:1.3x,20s"

        SCHEDULES
          constant:2000qps,20s     ramp:500..4000qps,60s   pause:5s
          poisson:0.9x,20s         log:arrivals.csv,speed=2
          burst:1000..5000qps,every=10s,for=1s,60s

        Parts are joined by ; or then. A rate in x is a multiple of the capacity: of \
        --capacity, or of what a second of searching shows. Ramps and bursts are evenly \
        spaced; end them with ,poisson for independent requests. A log is CSV: its first \
        line names the columns, seconds and some of query,priority,tenant,k.

        Requests are sent when they are due, whatever became of those before, and times \
        count from then. Where requests were sent late the run is invalid, and says so.

        With --gate, a run that is invalid or breaks its budget ends with 1.
        """)

    @Argument(help: "The index directory.")
    var index: String
    @Option(help: "The queries.")
    var queries: String
    @Option(help: "When requests are sent; see above.")
    var schedule: String
    @Option(help: "The budget: a file of JSON or YAML, or the log of one.")
    var budget: String?
    @Flag(help: "End with 1 where the budget is broken or the run is invalid.")
    var gate = false
    @Option(help: "What the index can do: the rate that 1x is. (default: measured, if needed)")
    var capacity: String?
    @Option(help: "Neighbours of each query.")
    var k = 10
    @Option(help: "The width of the walk. (default: 64)")
    var ef: Int?
    @Option(help: "The recall instead: the width is what tuning measured.")
    var recall: Double?
    @Option(help: "The exact answers, to judge recall: row numbers of the base.")
    var groundtruth: String?
    @Option(help: "The vectors that the index was built from, to judge recall on.")
    var base: String?
    @Option(help: "The file of ids that the index was built with, if it was.")
    var ids: String?
    @Option(help: "Parts of the classes: criticalPlus, critical, sheddablePlus, sheddable.")
    var priorities: String?
    @Option(help: "Parts of the tenants, by their names.")
    var tenants: String?
    @Option(help: "How often which query is asked: uniform, or zipf:0.9.")
    var popularity: String?
    @Option(help: "How long an answer is of use. (default: the p99 of the budget's tier)")
    var deadline: String?
    @Option(help: "What arrivals and queries are drawn from.")
    var seed: UInt64 = 1
    @Option(help: "Write one self-contained page to this file; only a page is replaced.")
    var html: String?
    @OptionGroup var outputOptions: OutputOptions

    func validate() throws {
      try Check.neighbors(k)
      if let ef { try Check.width(ef) }
      if let recall { try Check.recall(recall) }
      guard ef == nil || recall == nil else {
        throw ValidationError("--ef and --recall both say how wide the walk is; give one of them.")
      }
      guard groundtruth != nil || base == nil && ids == nil else {
        throw ValidationError("--base and --ids serve the judging; give --groundtruth with them.")
      }
      guard !gate || budget != nil else {
        throw ValidationError("--gate judges by a budget; give --budget.")
      }
    }

    func run() throws {
      if let html { try Outputs.checkPage(html) }
      let mix = try LoadMix(priorities: priorities, tenants: tenants, popularity: popularity)
      let promised = try budget.map { try BudgetInputs.budget($0) }
      var options = try options(promised)
      let opened = try Inputs.openedIndex(index)
      let snapshot = try opened.snapshot()
      let matrix = try Inputs.queries(
        queries, metric: snapshot.metric, dimensions: snapshot.dimensions)
      let judging = try groundtruth.map {
        try LoadJudging(
          groundTruth: $0, base: base, ids: ids, snapshot: snapshot, queries: matrix, k: k)
      }
      if judging != nil { options.keptAnswers = 2000 }
      let settings = LoadSettings(options: searchOptions, k: k)
      let capacity = try rate(opened, promised, matrix, settings)
      let schedule = try LoadSchedule(parsing: schedule, capacity: capacity)
      let target = try LoadTargets.make(
        opened, promised, queries: matrix, settings: settings, tenants: mix.tenants.map(\.name))
      defer { target.stop() }
      var run = try Self.run(target, schedule, mix, matrix.count, options)
      target.stop()
      if let judging { run.judge(try judging.makeJudge()) }
      run.report.capacity = capacity
      run.report.machine = .current()
      run.report.facts = facts(snapshot)
      run.report.verdicts = LoadGate.verdicts(run.report)
      try show(run.report)
    }

    private func options(_ promised: PerformanceBudget?) throws -> LoadOptions {
      var options = LoadOptions()
      options.k = k
      options.seed = seed
      options.budget = promised.map { LoadBudget($0) }
      if let deadline {
        guard let length = LoadSchedule.nanoseconds(parsing: deadline),
          (1...3_600_000_000_000).contains(length)
        else {
          throw ValidationError("--deadline is “\(deadline)”; write it like 5ms or 200us.")
        }
        options.deadline = length
      }
      return options
    }

    private var searchOptions: SearchOptions {
      if let recall { return SearchOptions(recall: recall) }
      return SearchOptions(efSearch: ef ?? 64)
    }

    /// The rate that `1x` is: as given, or what one worker does for a second, where the schedule needs it.
    private func rate(
      _ opened: VectorIndex, _ promised: PerformanceBudget?, _ matrix: VectorMatrix,
      _ settings: LoadSettings
    ) throws -> Double? {
      if let capacity {
        guard let rate = LoadSchedule.requestsPerSecond(parsing: capacity) else {
          throw ValidationError("--capacity is “\(capacity)”; write it like 2000qps.")
        }
        return rate
      }
      guard LoadSchedule.needsCapacity(schedule) else { return nil }
      return try LoadTargets.capacity(opened, promised, queries: matrix, settings: settings)
    }

    /// Runs the generator on a thread of its own, with its progress shown.
    private static func run(
      _ target: any ServiceUnderLoad, _ schedule: LoadSchedule, _ mix: LoadMix, _ queries: Int,
      _ options: LoadOptions
    ) throws(NeedletailError) -> LoadRun {
      let monitor = WorkMonitor()
      return try Supervision.run(monitor, unit: "s") { () throws(NeedletailError) in
        try LoadGenerator.runOnThread(
          target, schedule: schedule, mix: mix, queries: queries, options: options,
          pinnedTo: LoadTargets.processors?.generator, monitor: monitor)
      }
    }

    private func facts(_ snapshot: Snapshot) -> [LoadReport.LoadFact] {
      var facts = [
        LoadReport.LoadFact(name: "Index", value: index),
        .init(
          name: "Vectors",
          value: "\(Numerals.grouped(snapshot.count)) × \(snapshot.dimensions), "
            + "\(snapshot.metric.rawValue)"), .init(name: "Queries", value: queries),
        .init(
          name: "Search", value: recall.map { "recall \($0)" } ?? "efSearch \(ef ?? 64)"),
      ]
      if let budget { facts.append(.init(name: "Budget", value: budget)) }
      if let groundtruth { facts.append(.init(name: "Ground truth", value: groundtruth)) }
      return facts
    }

    private func show(_ report: LoadReport) throws {
      if outputOptions.json {
        try JSONOutput.write(report)
      } else {
        for line in LoadLines.lines(report) { print(line) }
      }
      // The figures are out by now: a disk that is full costs the page only.
      if let html {
        let today = Date.now.formatted(.iso8601.year().month().day())
        let file = URL(fileURLWithPath: html).resolvingSymlinksInPath()
        do {
          try Data(LoadPage.page(report, date: today).utf8).write(to: file, options: .atomic)
        } catch {
          throw CommandFailure(.cannotCreate, "The page cannot be written to \(html).")
        }
        if !outputOptions.json { print("\nThe page is in \(html).") }
      }
      let broken = report.verdicts.filter { !$0.isMet }
      guard gate, !broken.isEmpty else { return }
      if outputOptions.json { throw ExitCode(ExitStatus.broken.rawValue) }
      throw CommandFailure(
        .broken,
        "The budget is broken: \(broken.map(\.name).joined(separator: "; ")).")
    }
  }

  /// The figures of a load run as lines of at most 80 columns, where names are short.
  enum LoadLines {
    static func lines(_ report: LoadReport) -> [String] {
      var lines: [String] = []
      for section in LoadTable.sections(report) {
        var table = Table(leading: [0])
        table.add(section.heads)
        for row in section.rows { table.add(row) }
        var found = table.lines(indent: 0)
        if !found.isEmpty { found[0] = Terminal.dim(found[0]) }
        lines += found + [""]
      }
      lines += LoadTable.sentences(report)
      guard !report.verdicts.isEmpty else { return lines }
      var table = Table(leading: [0, 1, 2])
      for row in LoadTable.verdicts(report) { table.add(row) }
      return lines + [""] + table.lines(indent: 0)
    }
  }
#endif
