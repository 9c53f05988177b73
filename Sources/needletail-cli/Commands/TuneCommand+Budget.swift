#if Tools
  import ArgumentParser
  import Foundation
  import Needletail
  import NeedletailBudgets
  import NeedletailCore
  import NeedletailEvaluation

  /// What `tune` takes when it decides by a budget.
  struct DecisionOptions: ParsableArguments {
    @Option(help: "Decide by this budget: a file of JSON or YAML, or the log of one.")
    var budget: String?
    @Option(help: "The vectors that an index is to be built of; only with --budget.")
    var base: String?
    @Option(help: "How distances are measured, with --base.")
    var metric: Metric?
    @Option(help: "Rows of the sample that indexes are built of. (default: 20000)")
    var rows: Int?
    @Option(help: "The seed of the sample and of every build. (default: 1)")
    var seed: UInt64?
    @Option(help: "Links to choose from, with commas between them. (default: 8,16,24,32)")
    var m: NumberList?
    @Option(
      name: .customLong("ef-construction"),
      help: "Candidates of a build to choose from. (default: 100,200,400)")
    var efConstruction: NumberList?
    @Option(
      help: "How rows are kept where they are needed; none rules re-ranks out. (default: f32)")
    var rerank: PreciseRows?
    @Flag(help: "Measure everything, not a quarter of it: to see what the search left out.")
    var every = false

    /// Refuses options that do not go together.
    func check(_ command: TuneCommand) throws {
      for m in m?.values ?? [] { try Check.links(m) }
      for width in efConstruction?.values ?? [] { try Check.construction(width) }
      if let rows, !(100...10_000_000).contains(rows) {
        throw ValidationError("--rows is \(rows); give a number from 100 to 10000000.")
      }
      let ofBase = [
        ("--metric", metric != nil), ("--rows", rows != nil), ("--seed", seed != nil),
        ("--m", m != nil), ("--ef-construction", efConstruction != nil),
        ("--rerank", rerank != nil),
      ].first { $0.1 }?.0
      guard budget != nil else {
        if let option = base != nil ? "--base" : every ? "--every" : ofBase {
          throw ValidationError("\(option) belongs to a decision by a budget; give --budget too.")
        }
        guard command.index != nil else {
          throw ValidationError(
            "Give the index to tune, or --budget and --base to decide what to build.")
        }
        return
      }
      guard command.seconds == nil, !command.leavesOutLayouts else {
        throw ValidationError("--tune-seconds and --no-layouts do not go with --budget.")
      }
      if command.index != nil {
        guard base == nil, ofBase == nil else {
          throw ValidationError(
            "\(base != nil ? "--base" : ofBase ?? "") is for an index that is yet to be built; leave out it or the "
              + "index.")
        }
        guard command.queries != nil else {
          throw ValidationError(
            "A budget promises times for real queries; give some as --queries.")
        }
      } else {
        guard base != nil, metric != nil else {
          throw ValidationError(
            "--budget decides about an index that is there, or with --base and --metric about one to "
              + "build; give one of them.")
        }
        guard command.groundtruth == nil else {
          throw ValidationError(
            "A sample has true neighbours of its own, which are looked for; leave --groundtruth out."
          )
        }
      }
    }
  }

  extension TuneCommand {
    /// Decides by a budget, and says what was found.
    func decide(_ path: String) throws {
      let budget = try BudgetInputs.budget(path)
      let limits = BudgetLimits(budget)
      let report =
        if let index {
          try decideOn(index, path, budget, limits)
        } else {
          try decideOnBase(path, budget, limits)
        }
      if outputOptions.json {
        try JSONOutput.write(report.document)
        if report.decision.fastest == nil { throw ExitCode(ExitStatus.data.rawValue) }
        return
      }
      guard report.decision.fastest != nil else { throw CommandFailure(.data, report.refusal) }
      for line in report.lines { print(line) }
    }

    /// Tries candidates on a sample of the rows.
    private func decideOnBase(
      _ path: String, _ budget: PerformanceBudget, _ limits: BudgetLimits
    ) throws -> DecisionReport {
      let file = decision.base ?? ""
      let metric = decision.metric ?? .cosine
      let base = try Inputs.vectors(file)
      try budget.envelope.check(ComplexityRequest(dimensions: base.dimensions, k: k))
      let given = try queries.map {
        try Inputs.queries($0, metric: metric, dimensions: base.dimensions, of: "base")
      }
      let seed = decision.seed ?? 1
      var configuration = VectorIndex.Configuration(dimensions: base.dimensions, metric: metric)
      configuration.preciseRows = decision.rerank ?? .float32
      configuration.seed = seed
      let space = try limited(
        DecisionSpace(
          layouts: [
            IndexLayout(mode: "compact", codes: "int8"),
            IndexLayout(mode: "compact", codes: "int4"), IndexLayout(mode: "turbo", codes: "int8"),
          ], m: decision.m?.values ?? [8, 16, 24, 32],
          efConstruction: decision.efConstruction?.values ?? [100, 200, 400],
          efSearch: widths, reranks: depths(configuration.preciseRows)), budget.envelope)
      let start = ContinuousClock.now
      let sample = try Inputs.blaming(file) { () throws(NeedletailError) in
        try DecisionSample(
          base, queries: given, rows: decision.rows ?? 20_000, metric: metric, seed: seed)
      }
      let folder = try temporaryFolder()
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let trial = try Inputs.blaming(file) { () throws(NeedletailError) in
        try DecisionTrial(
          sample, element: base.element, configuration: configuration, k: k, in: folder,
          threads: threads ?? Check.cores)
      }
      let found = try decide(space, limits, trial, blaming: file)
      return DecisionReport(
        budgetPath: path, budget: budget, limits: limits, decision: found, scale: trial.scale,
        queryCount: sample.queries.count, isHeldOut: sample.isHeldOut, k: k, seed: seed,
        elapsed: ContinuousClock.now - start, base: file, metric: metric,
        preciseRows: configuration.preciseRows)
    }

    /// Tries windows and re-ranks on an index that is there.
    private func decideOn(
      _ index: String, _ path: String, _ budget: PerformanceBudget, _ limits: BudgetLimits
    ) throws -> DecisionReport {
      let snapshot = try Inputs.index(index)
      let information = snapshot.information
      try budget.envelope.check(
        ComplexityRequest(
          dimensions: snapshot.dimensions, m: information.m,
          efConstruction: information.efConstruction, k: k))
      let matrix = try Inputs.queries(
        queries ?? "", metric: snapshot.metric, dimensions: snapshot.dimensions)
      let design = DecisionTrial.design(information)
      let space = try limited(
        DecisionSpace(
          layouts: [design.layout], m: [design.m], efConstruction: [design.efConstruction],
          efSearch: widths, reranks: depths(information.preciseRows)), budget.envelope)
      let start = ContinuousClock.now
      let judge = try judge(of: matrix, in: snapshot)
      let trial = DecisionTrial(snapshot, queries: matrix, judge: judge, k: k)
      var limits = limits
      limits.leaveOutBuilds()
      let found = try decide(space, limits, trial, blaming: index)
      return DecisionReport(
        budgetPath: path, budget: budget, limits: limits, decision: found, scale: trial.scale,
        queryCount: matrix.count, isHeldOut: false, k: k, seed: nil,
        elapsed: ContinuousClock.now - start, index: index, metric: snapshot.metric,
        preciseRows: information.preciseRows)
    }

    private func decide(
      _ space: DecisionSpace, _ limits: BudgetLimits, _ trial: DecisionTrial, blaming path: String
    ) throws -> Decision {
      let monitor = WorkMonitor()
      let unit = index == nil ? "builds" : "indexes"
      return try Supervision.run(monitor, unit: unit) { () throws(NeedletailError) in
        if decision.every {
          return try DecisionGrid.run(
            space, limits: limits.limits, subject: trial, monitor: monitor)
        }
        var search = try DecisionSearch(
          space, limits: limits.limits, subject: trial, monitor: monitor)
        return try search.run()
      }
    }

    /// The exact answers to queries among the rows of an index, given or looked for.
    private func judge(of matrix: VectorMatrix, in snapshot: Snapshot) throws -> RecallJudge {
      guard let groundtruth else {
        let rows = try snapshot.exportAll()
        let truth = try GroundTruth.make(
          base: rows, queries: matrix, metric: snapshot.metric, k: k,
          threads: threads ?? Check.cores)
        return try RecallJudge(
          rows: rows, basis: .indexRows, rowCount: snapshot.count, identities: snapshot.ids,
          queries: matrix, groundTruth: truth, metric: snapshot.metric, k: k)
      }
      let truth = try Inputs.groundTruth(groundtruth)
      let list = try ids.map { path throws(NeedletailError) in try IDList.read(path) }
      let target = SnapshotTarget(snapshot: snapshot)
      let identities = try target.identities(list)
      let rows = snapshot.preciseRows == .none ? nil : try target.rows(identities)
      return try Inputs.blaming(groundtruth) { () throws(NeedletailError) in
        try RecallJudge(
          rows: rows, basis: .indexRows, rowCount: snapshot.count, identities: identities,
          queries: matrix, groundTruth: truth, metric: snapshot.metric, k: k)
      }
    }

    /// Windows from `k` on; what a thousand do not find, no window of use does.
    private var widths: [Int] { DecisionSpace.widths(from: k, through: max(1_024, 8 * k)) }

    private func depths(_ rows: PreciseRows) -> [RerankDepth] {
      rows == .none ? [.none] : [.none, .rows(2 * k), .automatic]
    }

    /// The space within the envelope.
    private func limited(
      _ space: DecisionSpace, _ envelope: ComplexityEnvelope
    ) throws(CommandFailure) -> DecisionSpace {
      let limited = space.limited(
        m: envelope.m, efConstruction: envelope.efConstruction, efSearch: envelope.efSearch)
      switch limited.emptyAxis {
      case nil: return limited
      case "m":
        throw CommandFailure(
          .usage, "The envelope allows an m of \(envelope.m); give --m with values up to that.")
      case "efConstruction":
        throw CommandFailure(
          .usage,
          "The envelope allows an efConstruction of \(envelope.efConstruction); give --ef-construction with values up "
            + "to that.")
      default:
        throw CommandFailure(
          .data,
          "The envelope allows an efSearch of \(envelope.efSearch), and a window for --k \(k) begins at \(k). Raise "
            + "the one, or ask for fewer.")
      }
    }

    private func temporaryFolder() throws(CommandFailure) -> String {
      let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("needletail-decision-\(UUID().uuidString)")
      do {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      } catch {
        throw CommandFailure(
          .cannotCreate,
          "No directory can be made for the trials in \(folder.deletingLastPathComponent().path); set TMPDIR to a "
            + "place with room.")
      }
      return folder.path
    }
  }
#endif
