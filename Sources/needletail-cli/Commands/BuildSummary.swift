#if Tools
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation

  /// What `build` says when it is done, or would be.
  enum BuildSummary {
    private struct Document: Encodable {
      var input: String
      var output: String
      var rows: Int
      var dimensions: Int
      var seconds: Double
      var rowsPerSecond: Double
      var threads: Int
      var bytes: Int
      var index: IndexInformation
    }

    private struct Prediction: Encodable {
      var rows: Int
      var dimensions: Int
      var metric: String
      var memory: MemoryByComponent
      var totalBytes: Int
    }

    static func write(
      _ outcome: BuildCommand.Outcome, input: String, output: String, json: Bool
    ) throws {
      let information = outcome.snapshot.information
      let bytes = information.segments.reduce(0) { $0 + $1.bytes }
      let seconds = outcome.elapsed / .seconds(1)
      let rate = seconds > 0 ? Double(information.count) / seconds : 0
      if json {
        try JSONOutput.write(
          Document(
            input: input, output: output, rows: information.count,
            dimensions: information.dimensions, seconds: seconds, rowsPerSecond: rate,
            threads: outcome.threads, bytes: bytes, index: information))
        return
      }
      print(Terminal.bold("Built \(output)"))
      print(
        "  \(Wording.rows(information.count)) × \(information.dimensions) components, "
          + "\(Wording.metric(information.metric))")
      print(
        "  \(Numerals.duration(outcome.elapsed)), \(Numerals.measured(rate)) rows/s, "
          + "\(Wording.threads(outcome.threads)), kernels \(information.kernelLevel)")
      print("  \(Numerals.bytes(bytes)) on disk:")
      for line in Wording.memory(information.memory, placement: [:]) { print("  " + line) }
      if Wording.isLossless(information) {
        print("  The codes lose nothing, so no precise rows are kept.")
      }
      if let tuning = information.tuning {
        print("  Tuned, for `search --recall`:")
        for line in TuningTable.lines(tuning) { print("  " + line) }
      }
      if information.graph.unreachableNodes > 0 {
        print("  \(Wording.rows(information.graph.unreachableNodes)) cannot be reached.")
      }
    }

    static func write(
      prediction memory: MemoryByComponent, base: VectorMatrix,
      configuration: VectorIndex.Configuration, json: Bool
    ) throws {
      if json {
        try JSONOutput.write(
          Prediction(
            rows: base.count, dimensions: base.dimensions, metric: configuration.metric.rawValue,
            memory: memory, totalBytes: memory.total))
        return
      }
      print(
        "The index of \(Wording.rows(base.count)) × \(base.dimensions) components would "
          + "need \(Numerals.bytes(memory.total)):")
      for line in Wording.memory(memory, placement: [:]) { print(line) }
      if base.element == .float32 || base.element == .float16, configuration.metric != .cosine,
        configuration.codes != .none, configuration.preciseRows != .none,
        configuration.mode != .turbo
      {
        print("Less, if all components are whole numbers of a byte: codes then lose nothing.")
      }
      if base.element == .float32, configuration.codes != .none,
        configuration.preciseRows == .float32
      {
        print("Less, if half precision holds all components: rows then take two bytes each.")
      }
      print("Nothing was written.")
    }
  }

  /// The parts of an index and their measures, in words.
  enum Wording {
    static func metric(_ metric: Metric) -> String {
      switch metric {
      case .squaredEuclidean: "squared Euclidean (l2)"
      case .innerProduct: "inner product (ip)"
      case .cosine: "cosine"
      }
    }

    static func rows(_ count: Int) -> String {
      Numerals.counted(count, "row", "rows")
    }

    static func queries(_ count: Int) -> String {
      Numerals.counted(count, "query", "queries")
    }

    /// Whether rows can be given back from the codes alone.
    static func isLossless(_ information: IndexInformation) -> Bool {
      information.quantizer.form.hasPrefix("lossless")
    }

    /// How rows are kept.
    static func preciseRows(_ information: IndexInformation) -> String {
      if isLossless(information) { return "in the codes (lossless)" }
      let rows = information.segments.reduce(0) { $0 + $1.count }
      // Under cosine the rows' norms are counted among them.
      let bytes = information.memory.preciseRows - (information.metric == .cosine ? rows * 8 : 0)
      let isHalved =
        information.preciseRows == .float32 && bytes < rows * information.dimensions * 4
      return isHalved
        ? "f32, in half precision, which holds all of them" : information.preciseRows.rawValue
    }

    static func threads(_ count: Int) -> String { count == 1 ? "1 thread" : "\(count) threads" }

    /// The components in the order in which they are searched.
    static func components(
      _ memory: MemoryByComponent
    ) -> [(name: String, key: String, bytes: Int)] {
      [
        ("codes", "codes", memory.codes), ("graph", "graph", memory.graph),
        ("precise rows", "preciseRows", memory.preciseRows), ("ids", "ids", memory.ids),
        ("quantizer", "quantizer", memory.quantizer), ("attributes", "ids", memory.attributes),
      ]
    }

    /// A line for each component: name, size, place, and a bar.
    static func memory(_ memory: MemoryByComponent, placement: [String: String]) -> [String] {
      let present = components(memory).filter { $0.bytes > 0 }
      let most = Double(present.map(\.bytes).max() ?? 1)
      var table = Table(leading: [0, 2, 3])
      for component in present {
        let length = Int((24 * Double(component.bytes) / most).rounded())
        table.add([
          component.name, Numerals.bytes(component.bytes),
          placement[component.key] ?? (placement.isEmpty ? "" : "resident"),
          length == 0 ? "▏" : String(repeating: "▇", count: length),
        ])
      }
      return table.lines()
    }
  }
#endif
