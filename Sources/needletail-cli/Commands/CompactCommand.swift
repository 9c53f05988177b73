#if Tools
  import ArgumentParser
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation

  /// `needletail compact`: seals what is in the log, and merges segments.
  struct CompactCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "compact",
      abstract:
        "Seal what the log holds, and merge segments: space comes back, searches get faster.",
      usage: """
        needletail compact <dir> [--full] [--dry-run] [--memory-limit <MB>]
            [--disk-limit <MB>] [--threads <n>] [--keep 3] [--json]
        """,
      discussion: """
        EXAMPLES
          needletail compact words.needletail
          needletail compact words.needletail --full
          needletail compact words.needletail --full --dry-run --json

        Merges the segments of which much is removed, and small ones; with --full all of them, \
        into what a build of the same rows makes. Others may search meanwhile; the result is one \
        new generation, and of the older ones so many stay that --keep are there. What it takes is predicted first, \
        and refused over a limit.
        """)

    @Argument(help: "The index directory.")
    var index: String
    @Flag(help: "Merge everything into one segment.")
    var full = false
    @Flag(name: .customLong("dry-run"), help: "Say what would be done, and do nothing.")
    var isDry = false
    @Option(name: .customLong("memory-limit"), help: "The most memory that it may take, in MB.")
    var memoryLimit: Int?
    @Option(name: .customLong("disk-limit"), help: "The most bytes of new files, in MB.")
    var diskLimit: Int?
    @Option(help: "The most threads to build with. (default: the number of cores)")
    var threads: Int?
    @OptionGroup var keepOptions: KeepOptions
    @OptionGroup var outputOptions: OutputOptions

    func validate() throws {
      if let threads { try Check.threads(threads) }
      for limit in [memoryLimit, diskLimit].compactMap(\.self) {
        guard (1...1 << 30).contains(limit) else {
          throw ValidationError("A limit of \(limit) MB is none; give at least 1.")
        }
      }
    }

    func run() throws {
      try Inputs.refuseWhatIsNoIndex(index)
      var opening = OpenOptions()
      opening.writing.keptGenerations = keepOptions.keep
      let opened = try VectorIndex.open(at: index, options: opening)
      var options = CompactionOptions(full ? .full : .automatic)
      options.threads = threads ?? Check.cores
      options.memoryLimit = memoryLimit.map { $0 * 1_000_000 }
      options.diskLimit = diskLimit.map { $0 * 1_000_000 }
      let plan: CompactionPlan?
      let start = ContinuousClock.now
      if isDry {
        plan = try opened.compactionPlan(options.compaction)
      } else {
        let monitor = WorkMonitor()
        plan = try Supervision.run(monitor, unit: "rows") { () throws(NeedletailError) in
          try opened.compact(options, monitor: monitor)
        }
      }
      let elapsed = (ContinuousClock.now - start) / .seconds(1)
      let snapshot = try opened.snapshot()
      try opened.stopWriting()
      if outputOptions.json {
        try JSONOutput.write(
          Document(
            path: index, isDone: !isDry && plan != nil, plan: plan, seconds: elapsed,
            generation: snapshot.generation, count: snapshot.count))
        return
      }
      print(Terminal.bold(index))
      guard let plan, !plan.isEmpty else {
        print("  There is nothing to do.")
        return
      }
      var table = Table(leading: [0, 1])
      table.add(["merged segments", "\(plan.mergedSegments)"])
      table.add(["vectors of the new one", Numerals.grouped(plan.count)])
      table.add(["memory for it", "up to \(Numerals.bytes(plan.memory))"])
      table.add(["on disk", "up to \(Numerals.bytes(plan.disk))"])
      if !isDry {
        table.add(["generation", "\(snapshot.generation)"])
        table.add(["seconds", Numerals.fixed(elapsed, 1)])
      }
      for line in table.lines() { print(line) }
    }

    private struct Document: Encodable {
      var path: String
      var isDone: Bool
      var plan: CompactionPlan?
      var seconds: Double
      var generation: Int
      var count: Int
    }
  }
#endif
