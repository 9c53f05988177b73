#if Tools
  import ArgumentParser
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation

  /// `needletail info`: what an index is made of.
  struct InfoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "info",
      abstract: "Show what an index is made of, and its memory by component.",
      discussion: """
        EXAMPLES
          needletail info words.needletail
          needletail info words.needletail --json
        """)

    @Argument(help: "The index directory.")
    var index: String
    @OptionGroup var outputOptions: OutputOptions

    func run() throws {
      let information = try Inputs.index(index).information
      if outputOptions.json {
        try JSONOutput.write(information)
        return
      }
      print(Terminal.bold(information.path))
      for line in Self.facts(information) { print(line) }
      print("\nMemory, \(Numerals.bytes(information.memory.total))")
      for line in Wording.memory(information.memory, placement: information.placement) {
        print(line)
      }
      guard let tuning = information.tuning else {
        print("\nNot tuned: `needletail tune` finds the setting for a recall.")
        return
      }
      print("\nTuned on \(tuning.processor)")
      for line in TuningTable.lines(tuning) { print(line) }
    }

    private static func facts(_ information: IndexInformation) -> [String] {
      let quantizer = information.quantizer
      let graph = information.graph
      var table = Table(leading: [0, 1])
      table.add([
        "vectors",
        "\(Numerals.grouped(information.count)) × \(information.dimensions), "
          + Wording.metric(information.metric),
      ])
      table.add([
        "codes",
        information.codes == .none
          ? "none; the walk reads the \(information.preciseRows.rawValue) rows"
          : "\(information.codes.rawValue), \(quantizer.form), error "
            + "\(Numerals.fixed(quantizer.relativeError * 100, 2)) %",
      ])
      table.add(["mode", information.mode.rawValue])
      if quantizer.form != "none" { table.add(["rotation", quantizer.rotation]) }
      table.add(["precise rows", Wording.preciseRows(information)])
      table.add([
        "graph",
        "m \(information.m), efConstruction \(information.efConstruction), \(graph.levels) levels",
      ])
      table.add(["linked by", graph.linkedBy])
      table.add([
        "links",
        "\(Numerals.fixed(graph.meanDegree, 1)) a row on level 0, at most \(graph.maximumDegree)",
      ])
      table.add([
        "reachable",
        graph.unreachableNodes == 0
          ? "every row" + (graph.repairedNodes > 0 ? " (\(graph.repairedNodes) repaired)" : "")
          : "all but \(Wording.rows(graph.unreachableNodes))",
      ])
      for segment in information.segments {
        table.add([
          "segment",
          "\(segment.hash.prefix(16))…, \(Wording.rows(segment.count)), "
            + Numerals.bytes(segment.bytes),
        ])
      }
      table.add([
        "index",
        "format \(information.formatVersion), generation \(information.generation), "
          + "seed \(information.seed)",
      ])
      table.add(["uuid", information.uuid])
      table.add(["kernels", information.kernelLevel])
      return table.lines()
    }
  }
#endif
