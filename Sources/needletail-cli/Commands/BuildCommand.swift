#if Tools
  import ArgumentParser
  import Foundation
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation

  /// `needletail build`: vectors in, an index directory out.
  struct BuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "build",
      abstract: "Build an index directory from a file of vectors.",
      usage: """
        needletail build --input <file> --metric cosine|l2|ip --output <dir>
            [--ids <file>] [--m 16] [--ef-construction 320]
            [--mode auto|compact|turbo] [--codes auto|int8|int4|none]
            [--rerank f32|bf16|f16|none] [--seed <n>] [--threads <n>]
            [--no-tune] [--tune-seconds 30] [--dry-run] [--json]
        """,
      discussion: """
        EXAMPLES
          needletail build --input base.fbin --metric cosine --output words.needletail
          needletail build --input base.u8bin --metric l2 --output sift.needletail \\
              --m 24 --ef-construction 400 --threads 8
          needletail build --input base.npy --metric ip --output items --dry-run

        The directory appears whole when everything is on disk, or not at all. The same \
        input and seed give the same segment for any number of threads. At the end it is \
        measured which setting reaches which recall, for `search --recall`; see `tune`.
        """)

    @Option(help: "The vectors (.fvecs .bvecs .fbin .u8bin .i8bin .npy).")
    var input: String
    @Option(help: "How distances are measured.")
    var metric: Metric
    @Option(help: "The index directory to make; it must not exist.")
    var output: String
    @Option(
      help:
        "The rows' ids: text, one unsigned 64-bit decimal a line. (default: 0, 1, 2 …)")
    var ids: String?
    @Option(help: "Links of a node on upper levels, 2 to 128; level 0 has twice as many.")
    var m = 16
    @Option(
      name: .customLong("ef-construction"),
      help: "Candidates considered for the links of a node, from 1. (default: 320, under ip 200)")
    var efConstruction: Int?
    @Option(
      help: "The layout: compact, turbo (neighbours' bits beside each row: more memory), or auto.")
    var mode = IndexMode.automatic
    @Option(
      help: """
        What the walk compares: int8 codes, int4 (their upper halves), none (the rows as --rerank keeps \
        them); auto tries on the finished graph whether int4 loses nothing.
        """)
    var codes = CodeKind.automatic
    @Option(
      help: "The rows kept for re-ranking the best candidates; none where codes lose nothing.")
    var rerank = PreciseRows.float32
    @Option(help: "The seed of everything random.")
    var seed: UInt64 = 1
    @Option(help: "The most threads to build with. (default: the number of cores)")
    var threads: Int?
    @Flag(name: .customLong("no-tune"), help: "Leave out the measuring at the end.")
    var skipsTuning = false
    @Option(
      name: .customLong("tune-seconds"), help: "The time after which no measurement begins.")
    var tuneSeconds = 30.0
    @Flag(help: "Say what the index would need, from the input's size; write nothing.")
    var dryRun = false
    @OptionGroup var outputOptions: OutputOptions

    func validate() throws {
      if let threads { try Check.threads(threads) }
      try Check.links(m)
      if let efConstruction { try Check.construction(efConstruction) }
      try Check.seconds(tuneSeconds)
      guard codes != .none || rerank != .none else {
        throw ValidationError("--codes none needs rows to walk on; give --rerank f32, bf16 or f16.")
      }
    }

    func run() throws {
      try Outputs.checkNew(output, noun: "directory", isTried: !dryRun)
      mentionLeftovers()
      let base = try Inputs.vectors(input)
      var configuration = VectorIndex.Configuration(dimensions: base.dimensions, metric: metric)
      configuration.graph.m = m
      if let efConstruction { configuration.graph.efConstruction = efConstruction }
      configuration.mode = mode
      configuration.codes = codes
      configuration.preciseRows = rerank
      configuration.seed = seed
      let list = try ids.map { path throws(NeedletailError) in
        try Self.checked(try IDList.read(path), rows: base.count, path: path)
      }
      if dryRun {
        let memory = try VectorIndex.predict(
          count: base.count, configuration: configuration, element: base.element)
        try BuildSummary.write(
          prediction: memory, base: base, configuration: configuration, json: outputOptions.json)
        return
      }
      var tuning: TuningOptions?
      if !skipsTuning {
        tuning = TuningOptions()
        tuning?.timeLimit = .seconds(tuneSeconds)
      }
      let outcome = try Self.build(
        base, from: input, ids: list, configuration: configuration, tuning: tuning, at: output,
        threads: threads ?? Check.cores)
      try BuildSummary.write(outcome, input: input, output: output, json: outputOptions.json)
    }

    /// Says what an earlier build left when it was killed; it may be large.
    private func mentionLeftovers() {
      guard let found = try? VectorIndex.leftovers(of: output), !found.isEmpty else { return }
      Terminal.writeError(
        "needletail: there is \(found.joined(separator: ", ")) of an unfinished build; remove it if "
          + "that build no longer runs.\n")
    }

    private static func checked(
      _ ids: [VectorID], rows: Int, path: String
    ) throws(NeedletailError) -> [VectorID] {
      guard ids.count == rows else {
        throw NeedletailError(
          .dimensionMismatch,
          "There are \(ids.count) ids for \(rows) rows; give one line for every row.",
          at: .init(path: path))
      }
      return ids
    }

    /// What a build made, and how long it took.
    struct Outcome {
      var snapshot: Snapshot
      var elapsed: Duration
      var threads: Int
    }

    /// Builds and publishes an index, with progress on the terminal; Ctrl-C leaves nothing behind.
    static func build(
      _ base: VectorMatrix, from input: String, ids: [VectorID]?,
      configuration: VectorIndex.Configuration, tuning: TuningOptions? = nil, at path: String,
      threads: Int
    ) throws(NeedletailError) -> Outcome {
      let monitor = WorkMonitor()
      return try Supervision.run(monitor, unit: "rows") { () throws(NeedletailError) in
        let start = ContinuousClock.now
        let index = try VectorIndex.create(at: path, configuration: configuration)
        var writer = try index.makeWriter()
        do throws(NeedletailError) {
          if let ids {
            try writer.add(base, ids: ids)
          } else {
            try writer.add(base, ids: 0..<VectorID(base.count))
          }
        } catch {
          throw Inputs.blame(error, on: input)
        }
        let snapshot = try writer.commit(threads: threads, tuning: tuning, monitor: monitor)
        return Outcome(
          snapshot: snapshot, elapsed: ContinuousClock.now - start, threads: threads)
      }
    }
  }
#endif
