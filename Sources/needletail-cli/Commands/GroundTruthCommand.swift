#if Tools
  import ArgumentParser
  import NeedletailCore
  import NeedletailEvaluation
  import NeedletailFormats

  /// `needletail groundtruth`: the exact answers, by comparing with every row.
  struct GroundTruthCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "groundtruth",
      abstract: "Find the exact nearest rows of every query.",
      usage: """
        needletail groundtruth --base <file> --queries <file>
            --metric cosine|l2|ip --output <file> [--k 100] [--threads <n>]
            [--json]
        """,
      discussion: """
        EXAMPLES
          needletail groundtruth --base base.fbin --queries query.fbin \\
              --metric cosine --k 100 --output truth.ibin

        Every query is compared with every row; ties go to the lower row number. An .ibin \
        file holds row numbers and distances, an .ivecs or .npy file row numbers only.
        """)

    @Option(help: "The vectors to search.")
    var base: String
    @Option(help: "The queries.")
    var queries: String
    @Option(help: "How distances are measured.")
    var metric: Metric
    @Option(help: "Neighbours of each query.")
    var k = 100
    @Option(help: "The file to make (.ibin .ivecs .npy); it must not exist.")
    var output: String
    @Option(help: "The most threads. (default: the number of cores)")
    var threads: Int?
    @OptionGroup var outputOptions: OutputOptions

    func validate() throws {
      try Check.neighbors(k)
      if let threads { try Check.threads(threads) }
    }

    private struct Document: Encodable {
      var output: String
      var queries: Int
      var neighbors: Int
      var seconds: Double
    }

    func run() throws {
      guard let format = VectorFileFormat(pathExtension: output),
        [.ibin, .ivecs, .npy].contains(format)
      else {
        throw CommandFailure(
          .usage, "--output is \(output); row numbers go to .ibin, .ivecs or .npy files.")
      }
      try Outputs.checkNew(output)
      let rows = try Inputs.vectors(base)
      let questions = try Inputs.queries(
        queries, metric: metric, dimensions: rows.dimensions, of: "base")
      let monitor = WorkMonitor()
      let (truth, elapsed) = try Supervision.run(monitor, unit: "comparisons") {
        () throws(NeedletailError) in
        let start = ContinuousClock.now
        // The queries were checked: what is found now is found in the base.
        let truth = try Inputs.blaming(base) { () throws(NeedletailError) in
          try GroundTruth.make(
            base: rows, queries: questions, metric: metric, k: k, threads: threads ?? Check.cores,
            monitor: monitor)
        }
        try truth.write(to: output)
        return (truth, ContinuousClock.now - start)
      }
      if outputOptions.json {
        try JSONOutput.write(
          Document(
            output: output, queries: truth.count, neighbors: truth.width,
            seconds: elapsed / .seconds(1)))
      } else {
        print(Terminal.bold("Made \(output)"))
        print(
          "  \(Wording.queries(truth.count)) × \(truth.width) nearest of "
            + "\(Wording.rows(rows.count)), in \(Numerals.duration(elapsed))")
      }
    }
  }
#endif
