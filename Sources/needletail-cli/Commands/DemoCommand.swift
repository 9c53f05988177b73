#if Tools
  import ArgumentParser
  import Foundation
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation

  /// `needletail demo`: an index of real embeddings, from building to looking at its answers.
  struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "demo",
      abstract: "Build, judge and look into an index of real embeddings, in half a minute.",
      usage: """
        needletail demo [<package> ...] [--directory <dir>] [--threads <n>]
            [--json]
        """,
      discussion: """
        EXAMPLES
          needletail demo
          needletail demo vim gcc r-base

        The data are one-line descriptions of Debian packages, which come with the source \
        (datasets/debian-packages). The index goes to a temporary directory and is removed.
        """)

    @Argument(help: "Packages whose like to look for.")
    var names: [String] = []
    @Option(help: "The data set's directory. (default: datasets/debian-packages, here or above)")
    var directory: String?
    @Option(help: "The most threads to build with. (default: the number of cores)")
    var threads: Int?
    @OptionGroup var outputOptions: OutputOptions

    func validate() throws {
      if let threads { try Check.threads(threads) }
    }

    func run() throws {
      let data = try DemoData(
        directory.map { URL(fileURLWithPath: $0, isDirectory: true) }
          ?? DatasetCatalog.directory(nil).appending(path: "debian-packages"))
      let wanted = try names.isEmpty ? data.favourites() : names.map { try data.row(of: $0) }
      let workplace = FileManager.default.temporaryDirectory
        .appending(path: "needletail-demo-\(UUID().uuidString)")
      do {
        try FileManager.default.createDirectory(at: workplace, withIntermediateDirectories: true)
      } catch {
        throw CommandFailure(
          .cannotCreate, "\(workplace.path) cannot be made: \(error.localizedDescription)")
      }
      defer { try? FileManager.default.removeItem(at: workplace) }
      try show(data, wanted: wanted, at: workplace.appending(path: "packages.needletail").path)
    }

    private struct Document: Encodable {
      var seconds: Double
      var report: EvaluationReport
      var packages: [Package]
      var load: DemoScene

      struct Package: Encodable {
        var name: String
        var similar: [Similar]
      }

      struct Similar: Encodable {
        var name: String
        var similarity: Float
      }
    }

    private func show(_ data: DemoData, wanted: [Int], at path: String) throws {
      let speaks = !outputOptions.json
      if speaks { introduce(data) }
      let configuration = VectorIndex.Configuration(
        dimensions: data.base.dimensions, metric: data.manifest.metric)
      let before = ResidentMemory.current()
      let built = try BuildCommand.build(
        data.base, from: data.path("base"), ids: nil, configuration: configuration, at: path,
        threads: threads ?? Check.cores)
      if speaks { describe(built) }
      // Searched as a serving process would: opened from disk.
      let index = try VectorIndex.open(at: path)
      let snapshot = try index.snapshot()
      let report = try EvaluateCommand.evaluate(
        snapshot, queries: data.queries, truth: data.truth, base: data.base,
        options: EvaluationOptions(efSearch: [10, 16, 32, 64, 128]),
        files: .init(
          queries: data.path("queries"), groundTruth: data.path("groundtruth"),
          base: data.path("base")),
        before: before)
      if speaks { describe(report, snapshot.information) }
      var packages: [Document.Package] = []
      for row in wanted {
        let similar = try neighbors(of: row, data, snapshot)
        if speaks { describe(row, similar, data) }
        packages.append(
          Document.Package(
            name: data.name(row),
            similar: similar.map {
              Document.Similar(name: data.name(Int($0.id)), similarity: 1 - $0.distance)
            }))
      }
      if speaks { introduceLoad() }
      let scene = try DemoScene.play(
        index, queries: data.queries, truth: data.truth, base: data.base)
      if speaks { describe(scene) }
      if outputOptions.json {
        try JSONOutput.write(
          Document(
            seconds: built.elapsed / .seconds(1), report: report, packages: packages, load: scene))
      } else {
        print("\n" + Terminal.dim("Ask for others: needletail demo vim gcc r-base"))
      }
    }

    private func neighbors(
      of row: Int, _ data: DemoData, _ snapshot: Snapshot
    ) throws(NeedletailError) -> [Neighbor] {
      let result = try snapshot.search(data.base[row], k: 6)
      return Array(result.neighbors.filter { $0.id != VectorID(row) }.prefix(5))
    }
  }

  extension DemoCommand {
    private func introduce(_ data: DemoData) {
      print(Terminal.bold("Needletail") + ": Debian packages, found by what they do")
      print(
        Terminal.dim(
          "\(Numerals.grouped(data.base.count)) descriptions as sentence embeddings of "
            + "\(data.base.dimensions) components; metric: \(data.manifest.metric.rawValue)"))
    }

    private func heading(_ text: String) { print("\n" + Terminal.accent(Terminal.bold(text))) }

    private func describe(_ built: BuildCommand.Outcome) {
      let information = built.snapshot.information
      let seconds = max(built.elapsed / .seconds(1), 1e-6)
      heading("Build")
      print(
        "  \(Numerals.grouped(information.count)) vectors in \(Numerals.duration(built.elapsed)): "
          + "\(Numerals.measured(Double(information.count) / seconds)) vectors/s, "
          + "\(Wording.threads(built.threads)), \(information.kernelLevel)")
    }

    private func describe(_ report: EvaluationReport, _ information: IndexInformation) {
      heading("Search, judged against exact answers")
      var table = Table(leading: [])
      table.add([
        "efSearch", "recall@\(report.k)", "queries/s", "p50 µs", "p99 µs", "evaluations",
      ])
      for point in report.points {
        table.add([
          "\(point.efSearch)", Numerals.fixed(point.recall, 3),
          Numerals.grouped(Int(point.queriesPerSecond.rounded())),
          Numerals.grouped(Int(point.p50Microseconds.rounded())),
          Numerals.grouped(Int(point.p99Microseconds.rounded())),
          Numerals.grouped(Int(point.evaluationsPerQuery.rounded())),
        ])
      }
      for (row, line) in table.lines().enumerated() { print(row == 0 ? Terminal.dim(line) : line) }
      print(
        Terminal.dim(
          "  \(report.queries) queries on one thread; comparing with all rows would be "
            + "\(Numerals.grouped(information.count)) evaluations"))
      heading("Memory, \(Numerals.bytes(information.memory.total))")
      for line in Wording.memory(information.memory, placement: information.placement) {
        print(line)
      }
    }

    private func introduceLoad() {
      heading("A service within a budget: load doubles, and the ladder moves")
    }

    private func describe(_ scene: DemoScene) {
      for (row, line) in scene.lines().enumerated() { print(row == 0 ? Terminal.dim(line) : line) }
      for line in scene.sentences() { print(Terminal.dim(line)) }
    }

    private func describe(_ row: Int, _ similar: [Neighbor], _ data: DemoData) {
      heading("Like \(data.name(row))")
      print(Terminal.dim("        " + DemoData.clipped(data.description(row), to: 70)))
      let width = similar.map { data.name(Int($0.id)).count }.max() ?? 0
      for neighbor in similar {
        let name = data.name(Int(neighbor.id))
        let space = String(repeating: " ", count: width - name.count)
        let text = DemoData.clipped(data.description(Int(neighbor.id)), to: max(20, 68 - width))
        print(
          "  \(Numerals.fixed(Double(1 - neighbor.distance), 2))  \(name)\(space)  "
            + Terminal.dim(text))
      }
    }
  }
#endif
