#if Tools
  import ArgumentParser
  import Foundation
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation

  /// `needletail evaluate`: recall, speed, latency and memory against exact ground truth.
  struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "evaluate",
      abstract: "Judge an index: recall, speed, latency and memory.",
      usage: """
        needletail evaluate <dir> --queries <file> --groundtruth <file>
            [--base <file>] [--ids <file>] [--k 10]
            [--ef 10,16,24,32,48,64,96,128 | --recall <r,r,…>] [--threads 1]
            [--repeats 3] [--html <file>] [--json]
        """,
      discussion: """
        EXAMPLES
          needletail evaluate words.needletail --queries query.fbin \\
              --groundtruth truth.ibin --base base.fbin --k 10 --ef 10,16,24,48
          needletail evaluate words.needletail --queries query.fbin \\
              --groundtruth truth.ibin --k 10 --ef 64 --json --html report.html

        An answer counts when its exact distance, recomputed in double, is at most that of \
        the k-th true neighbour (and a millionth): on the rows of --base, else on the \
        index's own f32 rows; where there are neither, when its id is among the true ones.

        Without --ids, ids are taken as row numbers of the base. Ground truth that the rows \
        contradict is refused.
        """)

    @Argument(help: "The index directory.")
    var index: String
    @Option(help: "The queries.")
    var queries: String
    @Option(help: "The exact answers: row numbers of the base (.ibin .ivecs .npy).")
    var groundtruth: String
    @Option(help: "The vectors that the index was built from, to judge recall on.")
    var base: String?
    @Option(help: "The file of ids that the index was built with, if it was.")
    var ids: String?
    @Option(help: "Neighbours of each query.")
    var k = 10
    @Option(
      help: """
        The widths of the walk, with commas between them. (default: \
        10,16,24,32,48,64,96,128)
        """)
    var ef: NumberList?
    @Option(help: "Recalls instead, with commas between them: the widths are what tuning measured.")
    var recall: RecallList?
    @Option(help: "Threads of the batch runs.")
    var threads = 1
    @Option(help: "Timed runs for each width.")
    var repeats = 3
    @Option(help: "Write one self-contained page to this file; only a page is replaced.")
    var html: String?
    @OptionGroup var outputOptions: OutputOptions

    func validate() throws {
      try Check.neighbors(k)
      try Check.threads(threads)
      for width in ef?.values ?? [] { try Check.width(width) }
      for recall in recall?.values ?? [] { try Check.recall(recall) }
      guard ef == nil || recall == nil else {
        throw ValidationError("--ef and --recall both say how wide the walk is; give one of them.")
      }
      guard (1...1000).contains(repeats) else {
        throw ValidationError("--repeats is \(repeats); give a number from 1 to 1000.")
      }
    }

    func run() throws {
      if let html { try Outputs.checkPage(html) }
      let before = ResidentMemory.current()
      let snapshot = try Inputs.index(index)
      let matrix = try Inputs.queries(
        queries, metric: snapshot.metric, dimensions: snapshot.dimensions)
      let truth = try Inputs.groundTruth(groundtruth)
      let recalls = try recalls(snapshot)
      var options = EvaluationOptions(efSearch: widths(recalls))
      options.k = k
      options.threads = threads
      options.repeats = repeats
      let report = try Self.evaluate(
        snapshot, recalls: recalls, queries: matrix, truth: truth,
        base: try base.map { try Inputs.vectors($0) },
        ids: try ids.map { path throws(NeedletailError) in try IDList.read(path) },
        options: options,
        files: .init(queries: queries, groundTruth: groundtruth, base: base, ids: ids),
        before: before)
      if outputOptions.json {
        try JSONOutput.write(report)
      } else {
        for line in EvaluationTable.lines(report) { print(line) }
      }
      // The figures are out by now: a disk that is full costs the page only.
      if let html {
        try Self.write(HTMLReport.page(report, date: Self.today), to: html)
        if !outputOptions.json { print("\nThe page is in \(html).") }
      }
    }

    /// The recalls that were asked for, by the widths that serve them; of several with one width the
    /// highest.
    private func recalls(_ snapshot: Snapshot) throws -> [Int: Double] {
      let pairs = try (recall?.values ?? []).map {
        (try snapshot.efSearch(reaching: $0, k: k), $0)
      }
      return Dictionary(pairs, uniquingKeysWith: max)
    }

    /// The widths as the search will use them, each once.
    private func widths(_ recalls: [Int: Double]) -> [Int] {
      guard recall == nil else { return recalls.keys.sorted() }
      var seen: Set<Int> = []
      return (ef?.values ?? [10, 16, 24, 32, 48, 64, 96, 128]).filter { seen.insert($0).inserted }
    }

    /// Measures a snapshot and judges its answers.
    static func evaluate(
      _ snapshot: Snapshot, recalls: [Int: Double] = [:], queries: VectorMatrix,
      truth: GroundTruth, base: VectorMatrix?,
      ids: [VectorID]? = nil, options: EvaluationOptions, files: EvaluationReport.Files,
      before: ResidentMemory?
    ) throws(NeedletailError) -> EvaluationReport {
      let target = SnapshotTarget(snapshot: snapshot, recalls: recalls)
      // What does not fit is refused before the long part; the judge itself comes after it, because
      // the rows which it reads are not memory of the search.
      let identities = try target.identities(ids)
      do throws(NeedletailError) {
        try RecallJudge.check(
          rows: base, rowCount: snapshot.count, identities: identities, queries: queries,
          groundTruth: truth, k: options.k)
      } catch {
        throw located(error, files)
      }
      if let base { try target.check(base, identities, path: files.base) }
      let monitor = WorkMonitor()
      let outcome = try judged(files, monitor) { () throws(NeedletailError) in
        try Evaluation.run(target, queries: queries, options: options, monitor: monitor) {
          () throws(NeedletailError) in
          var rows = base
          if rows == nil, snapshot.preciseRows == .float32 { rows = try target.rows(identities) }
          return try RecallJudge(
            rows: rows,
            basis: base == nil ? .indexRows : .base, rowCount: snapshot.count,
            identities: identities, queries: queries, groundTruth: truth, metric: snapshot.metric,
            k: options.k)
        }
      }
      var description = target.description
      description.properties["ids"] = files.ids == nil ? "taken as row numbers" : "of a file"
      return EvaluationReport(
        outcome, options: options, queries: queries.count, files: files, machine: .current(),
        memoryBefore: before, index: description)
    }

    /// Runs the evaluation; what the judge refuses is a fault of the ground truth.
    private static func judged(
      _ files: EvaluationReport.Files, _ monitor: WorkMonitor,
      _ body: () throws(NeedletailError) -> Evaluation.Outcome
    ) throws(NeedletailError) -> Evaluation.Outcome {
      do throws(NeedletailError) {
        return try Supervision.run(monitor, unit: "runs", body)
      } catch {
        throw located(error, files)
      }
    }

    private static func located(
      _ error: NeedletailError, _ files: EvaluationReport.Files
    ) -> NeedletailError {
      var error = error
      if error.location == nil, error.code == .corrupted {
        error.location = .init(path: files.groundTruth)
      }
      return error
    }

    private static func write(_ page: String, to path: String) throws {
      do {
        let file = URL(fileURLWithPath: path).resolvingSymlinksInPath()
        try Data(page.utf8).write(to: file, options: .atomic)
      } catch {
        throw CommandFailure(
          .cannotCreate, "The page cannot be written to \(path).")
      }
    }

    private static var today: String {
      Date.now.formatted(.iso8601.year().month().day())
    }
  }

  /// The figures of an evaluation as a table of at most 80 columns.
  enum EvaluationTable {
    static func lines(_ report: EvaluationReport) -> [String] {
      var table = Table(leading: [])
      table.add([
        "ef", "recall@\(report.k)", "QPS", "median", "p50 µs", "p95", "p99", "p99.9", "evals",
        "hops",
      ])
      for point in report.points {
        table.add([
          "\(point.efSearch)", Numerals.fixed(point.recall, 4),
          Numerals.grouped(Int(point.queriesPerSecond.rounded())),
          Numerals.grouped(Int(point.medianQueriesPerSecond.rounded())),
          time(point.p50Microseconds), time(point.p95Microseconds), time(point.p99Microseconds),
          time(point.p999Microseconds), Numerals.grouped(Int(point.evaluationsPerQuery.rounded())),
          Numerals.fixed(point.hopsPerQuery, 0),
        ])
      }
      var lines = table.lines(indent: 0)
      if !lines.isEmpty { lines[0] = Terminal.dim(lines[0]) }
      lines.append("")
      lines.append(
        "\(Wording.queries(report.queries)), \(Wording.threads(report.threads)), best and "
          + "median of \(report.repeats); recall judged on \(basis(report.recallJudgedOn)).")
      if report.files.ids == nil { lines.append("Ids taken as row numbers of the base.") }
      if let memory = report.memory.after {
        lines.append(
          "In RAM after the queries: \(Numerals.bytes(memory.anonymousBytes)) anonymous, "
            + "\(Numerals.bytes(memory.fileBackedBytes)) of mapped files.")
      }
      return lines
    }

    static func basis(_ basis: RecallBasis) -> String {
      switch basis {
      case .base: "the base"
      case .indexRows: "the index's rows"
      case .exactSearch: "exact searches of the index"
      case .ids: "ids"
      }
    }

    private static func time(_ microseconds: Double) -> String {
      Numerals.grouped(Int(microseconds.rounded()))
    }
  }
#endif
