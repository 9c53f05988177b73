#if Tools
  import ArgumentParser
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation

  /// `needletail repair`: puts an index in order after a crash.
  struct RepairCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "repair",
      abstract: "Put an index in order after a crash; with --accept-loss, after damage too.",
      discussion: """
        EXAMPLES
          needletail repair words.needletail
          needletail repair words.needletail --accept-loss --json > lost.json

        Drops what a crash cut off of a write that nobody was told is durable, and files of \
        interrupted work; every generation stays. Damage to acknowledged writes is refused with 65 and nothing is \
        changed; --accept-loss keeps what stands before the damage and lists what is lost: every \
        batch behind the damage with its ids (all of them with --json), and where each source \
        goes on. Damage to segments is for `verify`, and a copy.
        """)

    @Argument(help: "The index directory.")
    var index: String
    @Flag(
      name: .customLong("accept-loss"),
      help: "Cut off damaged writes that were acknowledged, and all behind them.")
    var acceptsLoss = false
    @OptionGroup var outputOptions: OutputOptions

    func run() throws {
      try Inputs.refuseWhatIsNoIndex(index)
      let report = try VectorIndex.repair(at: index, acceptingLoss: acceptsLoss)
      if outputOptions.json {
        try JSONOutput.write(report)
        return
      }
      print(Terminal.bold(index))
      var table = Table(leading: [0, 1])
      table.add(["vectors", Numerals.grouped(report.count)])
      table.add(["generation", "\(report.generation)"])
      Self.add(report.log, "log", to: &table)
      Self.add(report.withdrawals, "withdrawals", to: &table)
      for path in report.removedFiles { table.add(["removed", path]) }
      for path in report.unknownFiles { table.add(["unknown, left alone", path]) }
      if report.log.loss != nil { Self.addSources(report, to: &table) }
      for line in table.lines() { print(line) }
      if !report.hasLoss { print("Nothing that was acknowledged is lost.") }
    }

    /// Says where sources go on.
    private static func addSources(_ report: RepairReport, to table: inout Table) {
      for (source, offset) in report.sourceOffsets.sorted(by: { $0.key < $1.key }) {
        table.add(["source \(source)", "send everything behind \(offset) again"])
      }
      let lost = Set(report.log.loss?.batches.compactMap(\.source) ?? [])
      for source in lost.subtracting(report.sourceOffsets.keys).sorted() {
        table.add(["source \(source)", "send everything again"])
      }
    }

    private static func add(_ log: LogReport, _ name: String, to table: inout Table) {
      if log.tornBytes > 0 {
        table.add([name, "\(log.tornBytes) bytes cut off, of a write that nobody was told of"])
      }
      guard let loss = log.loss else { return }
      table.add([name, "LOST: batches \(loss.firstSequence) to \(loss.lastSequence)"])
      table.add(["", "from \(loss.location) on"])
      for batch in loss.batches {
        let source = batch.source.map { "  \($0)@\(batch.offset ?? 0)" } ?? ""
        table.add([
          "", "\(batch.sequence)  \(batch.operation)  \(LogCommand.shown(batch.ids))\(source)",
        ])
      }
      let known = UInt64(loss.batches.count)
      if loss.lastSequence - loss.firstSequence >= known {
        table.add(["", "the others of them cannot be read, so nothing else is known of them"])
      }
      for file in loss.unreadableFiles { table.add(["", "unreadable: \(file)"]) }
    }
  }
#endif
