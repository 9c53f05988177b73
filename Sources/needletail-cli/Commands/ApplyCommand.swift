#if Tools
  import ArgumentParser
  import Foundation
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation

  /// `needletail apply`: makes the changes of a file, while others search.
  struct ApplyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "apply",
      abstract: "Make the changes of a file of JSON lines: upsert, remove, withdraw, reinstate.",
      usage: """
        needletail apply <dir> <file> [--source <name>] [--batch 500]
            [--metric <m>] [--threads <n>] [--no-seal] [--keep 3] [--json]
        """,
      discussion: """
        EXAMPLES
          needletail apply words.needletail changes.jsonl --source changes
          tail -f feed.jsonl | needletail apply words.needletail -
          needletail apply new.needletail changes.jsonl --metric cosine

        One object a line:
          {"op":"upsert","id":7,"vector":[0.1,0.2],"attributes":{"price":19.9}}
          {"op":"remove","id":7}
          {"op":"withdraw","id":7}     hidden from every search at once, until
          {"op":"reinstate","id":7}

        Changes are made in the order of their lines, in batches, each of which is there as a whole or not at all; \
        they are durable after so many lines, when a stream pauses, and at the end. \
        With --source the number of the last line of each batch is kept with it: run again after \
        a crash, the command goes on behind that line. At the first line that is no change it \
        stops; what stands before it is done. Other processes may search meanwhile.

        With --metric a directory that does not exist becomes a new index; one that exists must \
        have it. What many changes \
        leave in memory is sealed at the end, so that the next search need not read it from the \
        log; --no-seal leaves it there.
        """)

    @Argument(help: "The index directory.")
    var index: String
    @Argument(help: "The file of changes; - reads standard input.")
    var file: String
    @Option(help: "A name for the file's contents, under which the index keeps how far it got.")
    var source: String?
    @Option(help: "Changes of one kind that are made at once, at the most.")
    var batch = 500
    @Option(help: "What near means in an index that is to be made: l2, ip or cosine.")
    var metric: Metric?
    @Option(help: "The most threads to link with. (default: the number of cores)")
    var threads: Int?
    @Flag(name: .customLong("no-seal"), help: "Leave what is in memory to the log.")
    var leavesUnsealed = false
    @OptionGroup var keepOptions: KeepOptions
    @OptionGroup var outputOptions: OutputOptions

    func validate() throws {
      guard (1...100_000).contains(batch) else {
        throw ValidationError("--batch is \(batch); it is 1 to 100000.")
      }
      if let threads { try Check.threads(threads) }
      if let source, !(1...255).contains(source.utf8.count) {
        throw ValidationError("--source is a name of 1 to 255 bytes.")
      }
    }

    func run() throws {
      var lines = try ChangeLines(file)
      let monitor = WorkMonitor()
      let start = ContinuousClock.now
      var options = OpenOptions()
      options.writing.threads = threads ?? Check.cores
      options.writing.keptGenerations = keepOptions.keep
      let opened = try open(options)
      var outcome = Outcome()
      do {
        outcome = try Supervision.run(monitor, unit: "B") { () throws(NeedletailError) in
          var changes = Changes(
            opened, path: index, metric: metric, options: options,
            source: source, most: batch)
          try changes.apply(&lines, monitor)
          let sealed = changes.index
          if let sealed, !leavesUnsealed { try seal(sealed, options, monitor) }
          return try changes.outcome(sealed)
        }
      } catch {
        throw located(error)
      }
      outcome.seconds = (ContinuousClock.now - start) / .seconds(1)
      mentionMissingLines(outcome)
      try show(outcome)
    }

    private func open(_ options: OpenOptions) throws -> VectorIndex? {
      if metric != nil, Inputs.isDirectory(index) == nil {
        try Outputs.checkNew(index, noun: "directory")
        return nil
      }
      try Inputs.refuseWhatIsNoIndex(index)
      let opened = try VectorIndex.open(at: index, options: options)
      if let metric, metric != opened.configuration.metric {
        throw CommandFailure(
          .usage,
          "The index compares by \(opened.configuration.metric.rawValue), and --metric is"
            + " \(metric.rawValue); leave it out, or name another directory.")
      }
      return opened
    }

    /// Seals what would have to be read from the log by everybody who opens the index.
    private func seal(
      _ index: VectorIndex, _ options: OpenOptions, _ monitor: WorkMonitor
    ) throws(NeedletailError) {
      guard try index.snapshot().unsealedCount >= 10_000 else { return }
      var compaction = CompactionOptions(.automatic)
      compaction.threads = options.writing.threads
      try index.compact(compaction, monitor: monitor)
    }

    private func located(_ error: NeedletailError) -> NeedletailError {
      var error = error
      error.location = error.location ?? .init(path: index)
      return error
    }

    /// A file that ends before the place up to which its source was read is hardly the one that was read.
    private func mentionMissingLines(_ outcome: Outcome) {
      guard let source, let position = outcome.sourceOffsets[source], position > outcome.lines
      else { return }
      Terminal.writeError(
        "needletail: \(file) has \(Numerals.counted(outcome.lines, "line", "lines")), and the source \(source) was read up to"
          + " line \(position): nothing was applied. Is it the right file?\n")
    }

    private func show(_ outcome: Outcome) throws {
      if outputOptions.json {
        try JSONOutput.write(outcome)
        return
      }
      print(Terminal.bold(index))
      var table = Table(leading: [0, 1])
      table.add(["upserted", Numerals.grouped(outcome.upserted)])
      table.add(["removed", Numerals.grouped(outcome.removed)])
      if outcome.withdrawn > 0 { table.add(["withdrawn", Numerals.grouped(outcome.withdrawn)]) }
      if outcome.reinstated > 0 { table.add(["reinstated", Numerals.grouped(outcome.reinstated)]) }
      if outcome.skippedLines > 0 {
        table.add([
          "skipped", "\(Numerals.grouped(outcome.skippedLines)) lines that were done before",
        ])
      }
      table.add(["vectors", Numerals.grouped(outcome.count)])
      table.add(["generation", "\(outcome.generation)"])
      for line in table.lines() { print(line) }
    }
  }

  extension ApplyCommand {
    /// What was done.
    struct Outcome: Encodable {
      var path = ""
      /// Lines of the file.
      var lines = 0
      /// Lines that an earlier run had done.
      var skippedLines = 0
      var upserted = 0
      var removed = 0
      var withdrawn = 0
      var reinstated = 0
      var seconds = 0.0
      var generation = 0
      var count = 0
      var sourceOffsets: [String: UInt64] = [:]
    }

    /// Changes on their way into an index.
    struct Changes {
      private(set) var index: VectorIndex?
      private let path: String
      private let metric: Metric?
      private let options: OpenOptions
      private let source: String?
      private let most: Int
      private var done = Outcome()
      /// Changes of one kind that are made together.
      private var kind = Change.Operation.upsert
      private var ids: [VectorID] = []
      private var components: [Float] = []
      private var attributes: [Attributes] = []
      private var lastLine = 0
      /// Changes that were made and that a power cut may undo.
      private var unsynced = 0

      init(
        _ index: VectorIndex?, path: String, metric: Metric?, options: OpenOptions,
        source: String?, most: Int
      ) {
        self.index = index
        self.path = path
        self.metric = metric
        self.options = options
        self.source = source
        self.most = most
        done.path = path
      }

      mutating func apply(
        _ lines: inout ChangeLines, _ monitor: WorkMonitor
      ) throws(NeedletailError) {
        let finished = source.flatMap { index?.sourceOffsets[$0] } ?? 0
        monitor.begin("applying", total: lines.byteCount)
        var read = 0
        while let data = try next(&lines, monitor) {
          done.lines = lines.line
          if UInt64(lines.line) <= finished {
            done.skippedLines += 1
            continue
          }
          do throws(NeedletailError) {
            try take(try lines.change(data), lines)
          } catch {
            // What stands before the line is done, as the message says.
            try finish()
            throw error
          }
          lastLine = lines.line
          if ids.count >= most {
            try flush(.synced)
            do throws(NeedletailError) { try monitor.advance(by: lines.bytesRead - read) } catch {
              throw lines.ending
            }
            read = lines.bytesRead
          }
        }
        try finish()
      }

      /// The next line; where none can be had, what stands before it is done first, as the message says.
      private mutating func next(
        _ lines: inout ChangeLines, _ monitor: WorkMonitor
      ) throws(NeedletailError) -> Data? {
        do throws(NeedletailError) {
          // What a stream brings is not held back until a batch is full.
          if !ids.isEmpty || unsynced > 0, lines.isIdle() { try finish() }
          return try lines.next(monitor)
        } catch {
          try finish()
          throw error
        }
      }

      private mutating func take(
        _ change: Change, _ lines: borrowing ChangeLines
      ) throws(NeedletailError) {
        // Kinds that change from line to line share a synchronisation.
        if change.op != kind { try flush(unsynced + ids.count < most ? .buffered : .synced) }
        kind = change.op
        if change.op == .upsert {
          guard let vector = change.vector, !vector.isEmpty else {
            throw lines.refusal("an upsert has a 'vector'")
          }
          if index == nil { try create(dimensions: vector.count) }
          guard let configuration = index?.configuration,
            vector.count == configuration.dimensions
          else {
            throw lines.refusal(
              "its vector has \(vector.count) components, the index has"
                + " \(index?.configuration.dimensions ?? 0) dimensions")
          }
          if configuration.metric == .cosine, vector.allSatisfy({ $0 == 0 }) {
            throw lines.refusal("its vector is all zeros and has no direction, so no cosine")
          }
          let item = Attributes(change.attributes?.mapValues(\.value) ?? [:])
          do throws(NeedletailError) { try item.validate() } catch {
            throw lines.refusal(error.message)
          }
          components += vector
          attributes.append(item)
        }
        ids.append(change.id)
      }

      private mutating func create(dimensions: Int) throws(NeedletailError) {
        guard let metric else { return }
        index = try VectorIndex.create(
          at: path,
          configuration: VectorIndex.Configuration(dimensions: dimensions, metric: metric),
          options: options)
      }

      /// Makes the changes that were taken, and all before them durable.
      private mutating func finish() throws(NeedletailError) {
        try flush(.synced)
        guard unsynced > 0 else { return }
        try index?.synchronize()
        unsynced = 0
      }

      /// Makes the changes that were taken; what fails is not tried again.
      private mutating func flush(_ durability: Durability) throws(NeedletailError) {
        guard !ids.isEmpty else { return }
        defer {
          ids.removeAll(keepingCapacity: true)
          components.removeAll(keepingCapacity: true)
          attributes.removeAll(keepingCapacity: true)
        }
        guard let index else {
          throw NeedletailError(
            .notFound, "The index is made by the first upsert, and the file begins with '\(kind)'.",
            at: .init(path: path))
        }
        let offset = source.map { SourceOffset(source: $0, position: UInt64(lastLine)) }
        let options = WriteOptions(offset: offset, durability: durability)
        unsynced = durability == .synced ? 0 : unsynced + ids.count
        switch kind {
        case .upsert:
          let rows = try VectorMatrix(components, dimensions: index.configuration.dimensions)
          try index.upsert(rows, ids: ids, attributes: attributes, options: options)
          done.upserted += ids.count
        case .remove:
          try index.remove(ids, options: options)
          done.removed += ids.count
        case .withdraw:
          try index.withdraw(ids)
          try note(options, in: index)
          done.withdrawn += ids.count
        case .reinstate:
          try index.reinstate(ids)
          try note(options, in: index)
          done.reinstated += ids.count
        }
      }

      /// Keeps how far the file got: withdrawals are in a log of their own, without offsets.
      ///
      /// Should the process end in between, they are made once more, which changes nothing.
      private func note(
        _ options: WriteOptions, in index: VectorIndex
      ) throws(NeedletailError) {
        guard options.offset != nil else { return }
        try index.remove([VectorID](), options: options)
      }

      func outcome(_ index: VectorIndex?) throws(NeedletailError) -> Outcome {
        var done = done
        guard let index else { return done }
        let snapshot = try index.snapshot()
        done.generation = snapshot.generation
        done.count = snapshot.count
        done.sourceOffsets = snapshot.sourceOffsets
        try index.stopWriting()
        return done
      }
    }
  }
#endif
