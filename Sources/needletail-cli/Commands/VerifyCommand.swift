#if Tools
  import ArgumentParser
  import Needletail
  import NeedletailCore

  /// `needletail verify`: reads every byte of an index.
  struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "verify",
      abstract: "Read every byte of an index and check that it is sound.",
      discussion: """
        EXAMPLES
          needletail verify words.needletail && echo sound

        Ends with 0 when the index is sound and with 65 when it is not. Checks every \
        checksum, and the graph: ordinals, degrees, levels, reachability.
        """)

    @Argument(help: "The index directory.")
    var index: String
    @OptionGroup var outputOptions: OutputOptions

    func run() throws {
      try Inputs.refuseWhatIsNoIndex(index)
      let monitor = WorkMonitor()
      let report = try Supervision.run(monitor, unit: "B") { () throws(NeedletailError) in
        try VectorIndex.verify(at: index, monitor: monitor)
      }
      let failed = report.checks.filter { !$0.passed }
      if outputOptions.json {
        try JSONOutput.write(report)
      } else {
        var table = Table(leading: [0, 1, 2])
        for check in report.checks {
          table.add([check.passed ? "✓" : "✗", check.name, check.detail])
        }
        for line in table.lines() { print(line) }
        if report.isSound { print("\(index) is sound.") }
      }
      guard report.isSound else {
        throw CommandFailure(
          .data,
          """
          \(index) is damaged: \(failed.map(\.name).joined(separator: ", ")). Restore it from a \
          copy, or build it again.
          """)
      }
    }
  }
#endif
