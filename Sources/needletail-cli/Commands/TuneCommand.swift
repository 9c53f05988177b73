#if Tools
  import ArgumentParser
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation

  /// `needletail tune`: which setting reaches which recall, kept in the index.
  struct TuneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "tune",
      abstract: "Measure which setting reaches which recall, and keep it in the index.",
      usage: """
        needletail tune <dir> [--queries <file>] [--groundtruth <file>]
            [--ids <file>] [--k 10] [--tune-seconds 30] [--no-layouts]
            [--threads <n>] [--json]
        needletail tune <dir> --budget <file> --queries <file>
            [--groundtruth <file>] [--ids <file>] [--k 10] [--every] [--json]
        needletail tune --budget <file> --base <file> --metric cosine|l2|ip
            [--queries <file>] [--k 10] [--rows 20000] [--seed 1]
            [--m 8,16,24,32] [--ef-construction 100,200,400]
            [--rerank f32|bf16|f16|none] [--every] [--threads <n>] [--json]
        """,
      discussion: """
        EXAMPLES
          needletail tune words.needletail
          needletail tune words.needletail --queries query.fbin
          needletail tune words.needletail --queries query.fbin \\
              --groundtruth truth.ibin --k 100
          needletail tune --budget shop.yaml --base base.fbin --metric cosine
          needletail tune words.needletail --budget shop.yaml --queries query.fbin

        Afterwards `search --recall 0.95` and SearchOptions(recall: 0.95) use the fastest \
        setting that reaches it. Without --queries, rows of the index serve as queries, each \
        kept out of its own search: real queries can be distributed unlike rows, so give some \
        if you have them. The vectors stay as they are; only the manifest gets a successor.

        Then a sample of the rows is built in the other layouts, and timed: should one of them \
        be clearly faster, you are told what to rebuild with.

        With --budget it is decided what keeps a budget's recall, p95, p99, memory and build \
        time with the least work: of a file of vectors, which index to build, tried on a \
        sample of its rows; of an index that is there, which window and re-rank. Nothing is \
        written then. Where nothing keeps the budget you are told what comes nearest and \
        which limit is in the way, and it ends with 65.
        """)

    @Argument(help: "The index directory.")
    var index: String?
    @Option(help: "Queries like those to come. (default: rows of the index)")
    var queries: String?
    @Option(
      name: [.customLong("groundtruth"), .customLong("ground-truth")],
      help: "Their exact answers: row numbers of the base. (default: they are looked for)")
    var groundtruth: String?
    @Option(help: "The file of ids that the index was built with, if it was.")
    var ids: String?
    @Option(help: "Neighbours of each query.")
    var k = 10
    @Option(
      name: .customLong("tune-seconds"),
      help: "The time after which no measurement begins. (default: 30)")
    var seconds: Double?
    @Flag(name: .customLong("no-layouts"), help: "Leave out the trial of other layouts.")
    var leavesOutLayouts = false
    @Option(help: "The most threads to search with. (default: the number of cores)")
    var threads: Int?
    @OptionGroup var decision: DecisionOptions
    @OptionGroup var outputOptions: OutputOptions

    func validate() throws {
      try Check.neighbors(k)
      if let seconds { try Check.seconds(seconds) }
      if let threads { try Check.threads(threads) }
      try decision.check(self)
      guard groundtruth == nil || queries != nil else {
        throw ValidationError("--groundtruth answers queries; give them as --queries.")
      }
      guard ids == nil || groundtruth != nil else {
        throw ValidationError("--ids says what the rows of --groundtruth are called; give both.")
      }
    }

    func run() throws {
      if let budget = decision.budget { return try decide(budget) }
      // `validate` has seen that one of the two is there.
      guard let index else { return }
      try tune(index)
    }

    private func tune(_ index: String) throws {
      try Inputs.refuseWhatIsNoIndex(index)
      let opened = try VectorIndex.open(at: index)
      let snapshot = try opened.snapshot()
      var options = TuningOptions()
      options.k = k
      options.timeLimit = .seconds(seconds ?? 30)
      options.queries = try queries.map {
        try Inputs.queries($0, metric: snapshot.metric, dimensions: snapshot.dimensions)
      }
      if let groundtruth, let matrix = options.queries {
        options.trueNeighbors = try trueNeighbors(groundtruth, of: matrix, in: snapshot)
      }
      let monitor = WorkMonitor()
      let start = ContinuousClock.now
      let tuned: Snapshot
      do {
        tuned = try Supervision.run(monitor, unit: "queries") { () throws(NeedletailError) in
          try opened.tune(options, threads: threads ?? Check.cores, monitor: monitor)
        }
      } catch {
        throw located(error)
      }
      let elapsed = ContinuousClock.now - start
      let layouts = layoutTrial(index, tuned, options)
      if outputOptions.json {
        try JSONOutput.write(
          Document(
            path: index, seconds: elapsed / .seconds(1), generation: tuned.information.generation,
            tuning: tuned.tuning, layouts: layouts))
        return
      }
      print(Terminal.bold(index))
      guard let tuning = tuned.tuning else {
        print("  So few rows are all compared: every search is exact, and nothing was tuned.")
        return
      }
      for line in TuningTable.lines(tuning) { print(line) }
      if let layouts {
        print()
        for line in layouts.lines { print(line) }
      }
    }

    /// The index is tuned by now: should the trial fail, that is said, and no more.
    private func layoutTrial(
      _ index: String, _ tuned: Snapshot, _ options: TuningOptions
    ) -> LayoutTrial? {
      guard tuned.tuning != nil, !leavesOutLayouts else { return nil }
      let monitor = WorkMonitor()
      let trial = Supervision.result(monitor, unit: "rows") {
        try LayoutTrial.run(
          tuned, queries: options.queries, k: k, timeLimit: options.timeLimit,
          threads: threads ?? Check.cores, monitor: monitor)
      }
      switch trial {
      case .success(let trial): return trial
      case .failure(let error):
        Terminal.writeError(
          "needletail: \(index) is tuned; the trial of other layouts ended: \(error)\n")
        return nil
      }
    }

    private struct Document: Encodable {
      var path: String
      var seconds: Double
      var generation: Int
      var tuning: Tuning?
      var layouts: LayoutTrial?
    }

    /// The ids of the true neighbours.
    private func trueNeighbors(
      _ path: String, of queries: VectorMatrix, in snapshot: Snapshot
    ) throws -> [[VectorID]] {
      let truth = try Inputs.groundTruth(path)
      guard truth.count == queries.count else {
        throw CommandFailure(
          .data,
          "\(path) answers \(truth.count) queries, and there are \(queries.count). Give the ground "
            + "truth of these queries.")
      }
      let width = min(k, snapshot.count)
      guard truth.width >= width else {
        throw CommandFailure(
          .usage,
          "--k is \(k), and \(path) holds \(truth.width) neighbours a query. Ask for fewer, or make a "
            + "wider one with `needletail groundtruth --k \(k)`.")
      }
      let list = try ids.map { path throws(NeedletailError) in try IDList.read(path) }
      let identities = try SnapshotTarget(snapshot: snapshot).identities(list)
      return try (0..<truth.count).map { query in
        try truth[query].prefix(width).map { row in
          guard row < snapshot.count else {
            throw CommandFailure(
              .data, "\(path) names row \(row), and the index has \(snapshot.count) rows.")
          }
          return identities?[row] ?? VectorID(row)
        }
      }
    }

    /// Names the file in errors about its contents.
    private func located(_ error: NeedletailError) -> NeedletailError {
      var error = error
      if error.location == nil, let file = groundtruth ?? queries {
        error.location = .init(path: file)
      }
      return error
    }
  }

  /// What was tuned, as a table of at most 80 columns.
  enum TuningTable {
    static func lines(_ tuning: Tuning) -> [String] {
      var table = Table(leading: [])
      table.add(["recall", "efSearch", "measured", "evaluations", "µs a query"])
      for setting in tuning.settings {
        table.add([
          Numerals.fixed(setting.target, 3), Numerals.grouped(setting.efSearch),
          Numerals.fixed(setting.recall, 4),
          Numerals.grouped(Int(setting.evaluations.rounded())),
          Numerals.fixed(setting.nanoseconds / 1_000, 1),
        ])
      }
      var lines = table.lines()
      if !lines.isEmpty { lines[0] = Terminal.dim(lines[0]) }
      var origin = "  At k \(tuning.k), with \(Numerals.grouped(tuning.queryCount)) "
      switch tuning.source {
      case .rows: origin += "rows as queries"
      case .queries: origin += "given queries"
      }
      origin += ", in \(Numerals.duration(.seconds(tuning.seconds)))"
      lines.append(Terminal.dim(origin + ", on \(tuning.kernelLevel)."))
      if tuning.source == .rows {
        lines.append(
          Terminal.dim(
            "  Queries can be distributed unlike rows: `tune --queries` takes real ones."))
      }
      if tuning.isJudgedOnCodes {
        lines.append(
          Terminal.dim("  Judged on the codes: the index keeps no precise rows to judge on."))
      }
      if tuning.isCutShort {
        lines.append(Terminal.dim("  The time ran out; --tune-seconds gives it more."))
      }
      return lines
    }
  }
#endif
