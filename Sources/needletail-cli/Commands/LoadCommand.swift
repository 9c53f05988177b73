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
            [--budget <file>] [--gate] [--criterion <name> ...]
            [--peak <rate>] [--beside <report>] [--capacity 2000qps] [--k 10]
            [--ef 64 | --recall <r>] [--groundtruth <file>] [--base <file>]
            [--ids <file>] [--priorities <c=n,…>] [--tenants <t=n,…>]
            [--popularity uniform|zipf:<e>] [--deadline 5ms] [--seed 1]
            [--writes 500/s] [--write-vectors <file>] [--keep-writes]
            [--html <file>] [--json]
        """,
      discussion: """
        EXAMPLES
          needletail load words.needletail --queries query.fbin \\
              --schedule poisson:2000qps,20s
          needletail load words.needletail --queries query.fbin \\
              --budget shop.yaml --gate --html load.html \\
              --schedule "poisson:0.5x,20s then poisson:1.3x,20s"
          needletail load words.needletail --queries query.fbin \\
              --budget shop.yaml --criterion overload \\
              --schedule "poisson:1.3x,10s then poisson:5x,20s"
          needletail load words.needletail --queries query.fbin \\
              --schedule poisson:0.5x,20s --writes 500/s

        SCHEDULES
          constant:2000qps,20s     ramp:500..4000qps,60s   pause:5s
          poisson:0.9x,20s         log:arrivals.csv,speed=2
          burst:1000..5000qps,every=10s,for=1s,60s

        Parts are joined by ; or then. A rate in x is a multiple of the capacity: of \
        --capacity, or of what a second of searching shows. Ramps and bursts are evenly \
        spaced; end them with ,poisson for independent requests. A log is CSV: its first \
        line names the columns, seconds and some of query,priority,tenant,k.

        Requests are sent when they are due, whatever became of those before, and times \
        count from then. Where requests were sent late the run is invalid, and says so. \
        A service with a budget is warmed up before.

        CRITERIA
          tiers         entered within 2 s, left within 5 s, and their times kept
          guard         0.01 % of the answers 200 µs after their deadline, no more
          overload      at the highest rate: goodput, admitted p99, rejections
          priorities    the top class served, no class before a more important one
          tenants       the quiet one's p99 beside a loud one; --beside the calm run
          ladder        rungs in order while load rises; with --groundtruth
          backpressure  queues within their bound, memory flat after 5 s
          ledger        the stages of answers account for the time they took
          warm          the first 1 000 answers as fast as later ones

        With --gate, a run that is invalid or breaks its budget ends with 1; with \
        --criterion, one that is invalid or breaks that.

        --writes upserts vectors of the index, as they are, through the service; with \
        --write-vectors others, under new ids. They go to a copy of the index among \
        temporary files (TMPDIR says where), which is removed; with --keep-writes to the \
        index itself.
        """)

    @Argument(help: "The index directory.")
    var index: String
    @Option(help: "The queries.")
    var queries: String
    @Option(help: "When requests are sent; see above.")
    var schedule: String
    @Option(help: "The budget: a file of JSON or YAML, or the log of one.")
    var budget: String?
    @OptionGroup var judging: JudgingOptions
    @Option(help: "What the index can do: the rate that 1x is. (default: measured, if needed)")
    var capacity: String?
    @Option(help: "Neighbours of each query.")
    var k = 10
    @OptionGroup var width: WidthOptions
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
    @OptionGroup var writing: WritesOptions
    @Option(help: "Write one self-contained page to this file; only a page is replaced.")
    var html: String?
    @OptionGroup var outputOptions: OutputOptions

    func validate() throws {
      try Check.neighbors(k)
      guard groundtruth != nil || base == nil && ids == nil else {
        throw ValidationError("--base and --ids serve the judging; give --groundtruth with them.")
      }
      try judging.check(budget: budget, deadline: deadline, groundtruth: groundtruth)
      try writing.check(groundtruth: groundtruth)
    }

    func run() throws {
      if let html { try Outputs.checkPage(html) }
      let mix = try LoadMix(priorities: priorities, tenants: tenants, popularity: popularity)
      let promised = try budget.map { try BudgetInputs.budget($0) }
      let basis = try judging.basis()
      let writes = try writing.perSecond()
      var options = try options()
      var opened = try Inputs.openedIndex(index)
      let matrix = try Inputs.queries(
        queries, metric: opened.configuration.metric, dimensions: opened.configuration.dimensions)
      // What is only measured stays as it is.
      let copy = writes == nil || writing.keepsWrites ? nil : try IndexCopy(of: index)
      defer { copy?.remove() }
      if let copy { opened = try Inputs.openedIndex(copy.path) }
      let snapshot = try opened.snapshot()
      let judge = try groundtruth.map {
        try LoadJudging(
          groundTruth: $0, base: base, ids: ids, snapshot: snapshot, queries: matrix, k: k)
      }
      if judge != nil { options.keptAnswers = 2000 }
      let rows = try writes.map { (rows: try written(snapshot), perSecond: $0) }
      let pipeline = LoadPipeline(
        index: opened, budget: promised, queries: matrix,
        settings: LoadSettings(options: width.options, k: k), mix: mix)
      let capacity = try rate(pipeline)
      let schedule = try LoadSchedule(parsing: schedule, capacity: capacity)
      for criterion in judging.criteria { try criterion.check(schedule, basis: basis) }
      var run = try pipeline.run(schedule, options, writes: rows)
      if writes != nil { try opened.stopWriting() }
      if let judge { run.judge(try judge.makeJudge()) }
      run.report.capacity = capacity
      run.report.machine = .current()
      run.report.facts = facts(snapshot)
      run.report.verdicts = judging.verdicts(run.report, basis)
      try show(run.report)
    }

    private func options() throws -> LoadOptions {
      var options = LoadOptions()
      options.seed = seed
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

    /// What is written beside: rows of a file, or of the index.
    private func written(_ snapshot: Snapshot) throws -> WrittenRows {
      if let path = writing.vectors { return try WrittenRows(contentsOf: path, for: snapshot) }
      return try WrittenRows(of: snapshot, seed: seed)
    }

    /// The rate that `1x` is: as given, or what one worker does for a second, where the schedule or a criterion needs it.
    private func rate(_ pipeline: LoadPipeline) throws -> Double? {
      if let capacity {
        guard let rate = LoadSchedule.requestsPerSecond(parsing: capacity) else {
          throw ValidationError("--capacity is “\(capacity)”; write it like 2000qps.")
        }
        return rate
      }
      guard
        LoadSchedule.needsCapacity(schedule) || judging.criteria.contains(.tiers)
          || judging.criteria.contains(.overload)
      else {
        return nil
      }
      return try pipeline.capacity()
    }

    private func facts(_ snapshot: Snapshot) -> [LoadReport.LoadFact] {
      var facts = [
        LoadReport.LoadFact(name: "Index", value: index),
        .init(
          name: "Vectors",
          value: "\(Numerals.grouped(snapshot.count)) × \(snapshot.dimensions), "
            + "\(snapshot.metric.rawValue)"), .init(name: "Queries", value: queries),
        .init(
          name: "Search",
          value: width.recall.map { "recall \($0)" } ?? "efSearch \(width.options.efSearch)"),
      ]
      if let budget { facts.append(.init(name: "Budget", value: budget)) }
      if let groundtruth { facts.append(.init(name: "Ground truth", value: groundtruth)) }
      if let fact = writing.fact { facts.append(fact) }
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
      try judging.insist(on: report.verdicts, silently: outputOptions.json)
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
