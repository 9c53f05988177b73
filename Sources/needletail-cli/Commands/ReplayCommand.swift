#if Tools
  import ArgumentParser
  import Foundation
  import Needletail
  import NeedletailBudgets
  import NeedletailCore
  import NeedletailEvaluation

  /// `needletail replay`: a recorded log sent again, to the indexes that might serve tomorrow.
  struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "replay",
      abstract: "Send a recorded log to candidate indexes, and compare them by a budget.",
      usage: """
        needletail replay <log> --queries <file> --budget <file>
            --index <dir> [--index <dir> …] [--baseline <dir>] [--gate]
            [--reckon [--capacity 8000qps] | --dry-run] [--speed 2]
            [--from 9h] [--for 10m] [--k 10] [--ef 64 | --recall <r>]
            [--sample 200] [--groundtruth <file>] [--base <file>] [--ids <file>]
            [--priorities <c=n,…>] [--tenants <t=n,…>]
            [--popularity uniform|zipf:<e>] [--deadline 5ms] [--seed 1] [--json]
        """,
      discussion: """
        EXAMPLES
          needletail replay yesterday.csv --queries yesterday.fbin \\
              --budget shop.yaml --index new.needletail \\
              --baseline words.needletail --gate
          needletail replay yesterday.csv --queries yesterday.fbin \\
              --budget shop.yaml --reckon --index words.needletail,ef=48 \\
              --index words.needletail,ef=96 --baseline words.needletail
          needletail replay yesterday.csv --queries yesterday.fbin \\
              --budget shop.yaml --from 9h --for 10m --speed 4 \\
              --index words.needletail,budget=spring.yaml

        A log is CSV: its first line names the columns, seconds (from the beginning of the \
        record) and some of query,priority,tenant,k. A query is a row of --queries, from 0. \
        What a line leaves empty, or the log does not have, is drawn by the seed.

        An index may have its own setting and budget: DIR,ef=48 or DIR,recall=0.95, and \
        DIR,budget=FILE. Each is opened alone, one after the other.

        Requests are sent when they are due, and times are this machine's. With --reckon \
        nobody waits: the service runs in a time of its own, searches for every request, and \
        what a search takes is reckoned from its comparisons. That is faster than the log, and \
        comes to the same figures every time; the times are those of one machine, which \
        --capacity puts right: what one worker does in a second with the baseline, or else the first index. With \
        --dry-run nothing is sent: memory, and recall and work of a sample on every rung, \
        which the other two ways show as well.

        With --gate, a candidate that breaks its budget ends with 1; so does, without \
        --reckon, a run whose requests were sent late. The baseline is held to nothing.
        """)

    @Argument(help: "The recorded log.")
    var log: String
    @Option(help: "The queries that the log names.")
    var queries: String
    @Option(help: "The budget: a file of JSON or YAML, or the log of one.")
    var budget: String
    @Option(help: "An index that might serve; may be given several times.")
    var index: [String] = []
    @Option(help: "The index that serves today.")
    var baseline: String?
    @Flag(help: "End with 1 where a candidate breaks its budget.")
    var gate = false
    @Flag(help: "Reckon times from what searches do, in a time of its own.")
    var reckon = false
    @Flag(help: "Send nothing.")
    var dryRun = false
    @Option(help: "What one worker does with the baseline, or else the first index.")
    var capacity: String?
    @Option(help: "How many times as fast as it was recorded.")
    var speed = 1.0
    @Option(help: "Leave out what came before this time of the record.")
    var from: String?
    @Option(name: .customLong("for"), help: "Leave out what came after so long.")
    var length: String?
    @Option(help: "Neighbours, where the log says none. (default: as most of the log, or 10)")
    var k: Int?
    @Option(help: "The width of the walk. (default: 64)")
    var ef: Int?
    @Option(help: "The recall instead: the width is what tuning measured.")
    var recall: Double?
    @Option(help: "Requests that recall and work are judged on.")
    var sample = 200
    @Option(help: "The exact answers: row numbers of the base. (default: each index's own)")
    var groundtruth: String?
    @Option(help: "The vectors that the indexes were built from, to judge recall on.")
    var base: String?
    @Option(help: "The file of ids that they were built with, if they were.")
    var ids: String?
    @Option(help: "Parts of the classes: criticalPlus, critical, sheddablePlus, sheddable.")
    var priorities: String?
    @Option(help: "Parts of the tenants, by their names.")
    var tenants: String?
    @Option(help: "How often which query is asked: uniform, or zipf:0.9.")
    var popularity: String?
    @Option(help: "How long an answer is of use. (default: the p99 of the budget's tier)")
    var deadline: String?
    @Option(help: "What the log leaves open, and the sample, are drawn from this.")
    var seed: UInt64 = 1
    @OptionGroup var outputOptions: OutputOptions

    /// The most indexes of one replay.
    private static let most = 16

    func validate() throws {
      if let k { try Check.neighbors(k) }
      if let ef { try Check.width(ef) }
      if let recall { try Check.recall(recall) }
      guard ef == nil || recall == nil else {
        throw ValidationError("--ef and --recall both say how wide the walk is; give one of them.")
      }
      guard (1...Self.most).contains(index.count) else {
        throw ValidationError(
          index.isEmpty
            ? "There is no candidate; give one or more as --index."
            : "--index is given \(index.count) times; give at most \(Self.most).")
      }
      guard !reckon || !dryRun else {
        throw ValidationError("--dry-run sends nothing, so there is nothing to --reckon.")
      }
      guard capacity == nil || reckon || dryRun else {
        throw ValidationError(
          "--capacity is what reckoned times go by; give --reckon with it, or leave it out.")
      }
      guard (0.001...1000).contains(speed) else {
        throw ValidationError("--speed is \(speed); give a number from 0.001 to 1000.")
      }
      guard (1...100_000).contains(sample) else {
        throw ValidationError("--sample is \(sample); give a number from 1 to 100000.")
      }
      guard groundtruth != nil || base == nil && ids == nil else {
        throw ValidationError("--base and --ids serve the judging; give --groundtruth with them.")
      }
      _ = try specifications()
    }

    func run() throws {
      let entries = try entries()
      var run = try prepared()
      var candidates: [ReplayCandidate] = []
      for var entry in entries {
        try run.measure(
          &entry.candidate, entry.specification, full: entry.options, entry.budget)
        candidates.append(entry.candidate)
      }
      var report = ReplayReport(
        log: log, requests: run.sample.requests,
        seconds: Double(run.schedule.nanoseconds) / 1e9, speed: speed,
        isReckoned: dryRun ? nil : reckon, seed: seed, k: run.sample.k,
        judged: run.sample.queries.count, recallJudgedOn: run.basis, candidates: candidates)
      // Where it ran says something of times by the clock alone.
      if run.timing == .measured { report.machine = .current() }
      try show(report)
    }

    /// An index with its names, before it is opened.
    private struct Entry {
      var specification: ReplaySpecification
      var options: SearchOptions
      var budget: PerformanceBudget
      var candidate: ReplayCandidate
    }

    private func specifications() throws -> [ReplaySpecification] {
      try (baseline.map { [try ReplaySpecification($0, option: "--baseline")] } ?? [])
        + index.map { try ReplaySpecification($0, option: "--index") }
    }

    /// Looks at everything that can be wrong with names before the first index is opened.
    private func entries() throws -> [Entry] {
      let usual = recall.map { SearchOptions(recall: $0) } ?? SearchOptions(efSearch: ef ?? 64)
      var budgets: [String: PerformanceBudget] = [:]
      return try specifications().enumerated().map { place, specification in
        try Inputs.refuseWhatIsNoIndex(specification.path)
        let file = specification.budget(budget)
        let promised = try budgets[file] ?? BudgetInputs.budget(file)
        budgets[file] = promised
        let isBaseline = baseline != nil && place == 0
        let letter = UnicodeScalar(UInt8(97 + place - (baseline == nil ? 0 : 1)))
        let options = specification.options(usual)
        return Entry(
          specification: specification, options: options, budget: promised,
          candidate: ReplayCandidate(
            name: isBaseline ? "baseline" : String(letter), isBaseline: isBaseline,
            index: specification.path,
            search: options.recall.map { "recall \($0)" } ?? "efSearch \(options.efSearch)",
            budget: file, rows: 0))
      }
    }

    /// The requests, drawn and checked.
    private func prepared() throws -> ReplayRun {
      try Inputs.refuseDirectory(log, wanted: "a recorded log, a file of CSV")
      var record = try ArrivalLog(contentsOf: log)
      if from != nil || length != nil {
        record = try record.stretch(
          from: from.map { try time($0, "--from", least: 0) } ?? 0,
          length: length.map { try time($0, "--for", least: 1) })
      }
      let mix = try LoadMix(priorities: priorities, tenants: tenants, popularity: popularity)
      let schedule = try LoadSchedule(replaying: record, speed: speed)
      var options = LoadOptions()
      options.k = k ?? record.usualK ?? 10
      options.seed = seed
      options.deadline = try deadline.map { try time($0, "--deadline", least: 1) }
      let count = try Inputs.vectors(queries).count
      var run = ReplayRun(
        schedule: schedule, mix: mix,
        sample: try ReplaySample(
          sample, of: schedule, mix: mix, queries: count, k: options.k, seed: seed),
        queries: queries, options: options,
        timing: dryRun ? .none : reckon ? .reckoned : .measured)
      run.truth = groundtruth.map { ($0, base, ids) }
      run.capacity = try capacity.map { text in
        guard let rate = LoadSchedule.requestsPerSecond(parsing: text) else {
          throw ValidationError("--capacity is “\(text)”; write it like 8000qps.")
        }
        return rate
      }
      return run
    }

    private func time(_ text: String, _ option: String, least: Int64) throws -> Int64 {
      let most: Int64 = option == "--deadline" ? 3_600_000_000_000 : 86_400_000_000_000
      guard let length = LoadSchedule.nanoseconds(parsing: text), (least...most).contains(length)
      else {
        throw ValidationError(
          "\(option) is “\(text)”; write it like \(option == "--deadline" ? "5ms or 200us" : "90s or 9h")."
        )
      }
      return length
    }

    private func show(_ report: ReplayReport) throws {
      if outputOptions.json {
        try JSONOutput.write(report)
      } else {
        for line in ReplayLines.lines(report) { print(line) }
      }
      let broken = report.candidates.filter { !$0.isBaseline && !$0.keepsBudget }
      guard gate, !broken.isEmpty else { return }
      if outputOptions.json { throw ExitCode(ExitStatus.broken.rawValue) }
      let reasons = broken.map { candidate in
        "\(candidate.name) breaks "
          + candidate.verdicts.filter { !$0.isMet }.map(\.name).joined(separator: "; ")
      }
      throw CommandFailure(.broken, "The budget is broken: \(reasons.joined(separator: ". ")).")
    }
  }

  /// A replay as a person reads it.
  enum ReplayLines {
    static func lines(_ report: ReplayReport) -> [String] {
      var lines = [
        Terminal.bold(PlainText.of(report.log)) + ": "
          + Numerals.counted(report.requests, "request", "requests") + " in "
          + Numerals.duration(.seconds(report.seconds))
          + (report.speed == 1 ? "" : ", \(Numerals.measured(report.speed)) times as fast")
      ]
      var names = Table(leading: [0, 1, 2, 3])
      for candidate in report.candidates {
        names.add([
          candidate.name, PlainText.of(candidate.index), candidate.search,
          PlainText.of(candidate.budget),
        ])
      }
      lines += names.lines() + [""]
      for section in ReplayTable.sections(report) where !section.rows.isEmpty {
        var table = Table(leading: [0])
        table.add(section.heads)
        for row in section.rows { table.add(row) }
        var found = table.lines(indent: 0)
        if !found.isEmpty { found[0] = Terminal.dim(found[0]) }
        lines += found + [""]
      }
      return lines + notes(report) + report.candidates.flatMap(verdicts)
    }

    private static func notes(_ report: ReplayReport) -> [String] {
      var lines: [String] = []
      switch report.isReckoned {
      case true?:
        lines.append("Times are reckoned from what each search did: the same every time.")
      case false?: lines.append("Times are this machine's; those of work are reckoned.")
      case nil: lines.append("Nothing was sent; times of work are reckoned from what searches did.")
      }
      let basis = EvaluationTable.basis(report.recallJudgedOn)
      return lines + [
        "Recall, evaluations and work by rung: \(Numerals.grouped(report.judged)) requests of the log;",
        "recall is judged on \(basis).",
      ]
    }

    private static func verdicts(_ candidate: ReplayCandidate) -> [String] {
      guard !candidate.verdicts.isEmpty else { return [] }
      let shown =
        candidate.isBaseline ? candidate.verdicts.filter { !$0.isMet } : candidate.verdicts
      var table = Table(leading: [0, 1, 2])
      for verdict in shown {
        table.add([verdict.isMet ? "held" : "broken", verdict.name, verdict.finding])
      }
      let end = candidate.keepsBudget ? "keeps its budget" : "breaks its budget"
      return ["", Terminal.bold("\(candidate.name) \(end)")] + table.lines()
    }
  }
#endif
