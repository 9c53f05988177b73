#if Tools
  import ArgumentParser
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation

  /// `needletail rollback`: publishes an older generation again.
  struct RollbackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "rollback",
      abstract: "Publish the content of an older generation as a new one.",
      discussion: """
        EXAMPLES
          needletail rollback words.needletail
          needletail rollback words.needletail --to 7

        Without --to the generations that can be gone back to are listed. What was written since \
        is gone, and sources stand where they stood then; withdrawals stay. The result is one new \
        generation, and of the older ones so many stay that --keep are there.
        """)

    @Argument(help: "The index directory.")
    var index: String
    @Option(help: "The generation to go back to.")
    var to: Int?
    @OptionGroup var keepOptions: KeepOptions
    @OptionGroup var outputOptions: OutputOptions

    func run() throws {
      try Inputs.refuseWhatIsNoIndex(index)
      var options = OpenOptions()
      options.writing.keptGenerations = keepOptions.keep
      let opened = try VectorIndex.open(at: index, options: options)
      if let to {
        try opened.rollback(to: to)
        try opened.stopWriting()
      }
      let snapshot = try opened.snapshot()
      let document = Document(
        path: index, generation: snapshot.generation, count: snapshot.count,
        generations: try opened.generations())
      if outputOptions.json {
        try JSONOutput.write(document)
        return
      }
      print(Terminal.bold(index))
      var table = Table(leading: [0, 1])
      table.add(["generation", "\(document.generation)"])
      table.add(["vectors", Numerals.grouped(document.count)])
      table.add(["kept", document.generations.map { "\($0)" }.joined(separator: ", ")])
      for line in table.lines() { print(line) }
    }

    private struct Document: Encodable {
      var path: String
      var generation: Int
      var count: Int
      var generations: [Int]
    }
  }
#endif
