#if Tools
  import ArgumentParser
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation

  /// `needletail search`: the nearest neighbours of every query of a file.
  struct SearchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "search",
      abstract: "Find the nearest neighbours of every query of a file.",
      usage: """
        needletail search <dir> --queries <file> --k <n> [--ef 64 | --recall <r>]
            [--threads 1] [--json]
        """,
      discussion: """
        EXAMPLES
          needletail search words.needletail --queries query.fbin --k 10
          needletail search words.needletail --queries query.fbin --k 5 --ef 128 --json
          needletail search words.needletail --queries query.fbin --k 10 --recall 0.95

        Distances: lower is nearer for every metric (squared for l2, negated inner product \
        for ip, one minus the cosine for cosine).
        """)

    @Argument(help: "The index directory.")
    var index: String
    @Option(help: "The queries (.fvecs .bvecs .fbin .u8bin .i8bin .npy).")
    var queries: String
    @Option(help: "Neighbours of each query.")
    var k: Int
    @OptionGroup var width: WidthOptions
    @Option(help: "The most threads to search with.")
    var threads = 1
    @OptionGroup var outputOptions: OutputOptions

    func validate() throws {
      try Check.neighbors(k)
      try Check.threads(threads)
    }

    func run() throws {
      let snapshot = try Inputs.index(index)
      // What does not fit is refused before the first answer is written, so that no document is halved.
      let matrix = try Inputs.queries(
        queries, metric: snapshot.metric, dimensions: snapshot.dimensions)
      if let recall = width.recall { _ = try snapshot.efSearch(reaching: recall, k: k) }
      let block = 1024
      var first = 0
      if outputOptions.json { print("{\"queries\":[", terminator: "") }
      while first < matrix.count {
        let rows = first..<min(first + block, matrix.count)
        let results = try snapshot.search(
          batch: matrix[rows], k: k, options: width.options, threads: threads)
        for (offset, result) in results.enumerated() {
          if outputOptions.json {
            print(first + offset > 0 ? ",\n" : "\n", terminator: "")
            print(Self.json(result), terminator: "")
          } else {
            Self.show(result, query: first + offset)
          }
        }
        first = rows.upperBound
      }
      if outputOptions.json { print("\n]}") }
    }

    private static func json(_ result: SearchResult) -> String {
      let neighbors = result.neighbors.map { neighbor in
        "{\"id\":\(neighbor.id),\"distance\":\(number(neighbor.distance))}"
      }
      let reasons = result.completion.reasons.map { "\"\($0.description)\"" }.sorted()
      return "{\"neighbors\":[\(neighbors.joined(separator: ","))],"
        + "\"evaluations\":\(result.statistics.evaluations),"
        + "\"efSearch\":\(result.statistics.efSearch),"
        + "\"completion\":[\(reasons.joined(separator: ","))]}"
    }

    /// JSON has no infinity; a distance beyond Float's range is written as null.
    private static func number(_ value: Float) -> String { value.isFinite ? "\(value)" : "null" }

    private static func show(_ result: SearchResult, query: Int) {
      print(Terminal.bold("query \(query)"))
      var table = Table(leading: [])
      for (rank, neighbor) in result.neighbors.enumerated() {
        table.add(["\(rank + 1)", "\(neighbor.id)", "\(neighbor.distance)"])
      }
      for line in table.lines() { print(line) }
    }
  }
#endif
