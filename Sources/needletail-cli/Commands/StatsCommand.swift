#if Tools
  import ArgumentParser
  import Foundation
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation
  import NeedletailServing

  /// `needletail stats`: what a service does, and what its index holds.
  struct StatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "stats",
      abstract: "Show what a service does, and what its index holds.",
      discussion: """
        EXAMPLES
          needletail stats words.needletail
          needletail stats words.needletail --watch
          needletail stats /run/shop.json --json | jq .status.counts.latency.p99

        A service writes its status into a file every second where \
        `ServiceOptions.statusFile` is set. Given an index, the one beside it is shown: \
        DIR.status.json. A file older than 5 s is said to be stale.
        """)

    @Argument(help: "The index directory, or the status file of a service.")
    var path: String
    @Flag(name: .long, help: "Show it anew every second, until interrupted.")
    var watch = false
    @OptionGroup var outputOptions: OutputOptions

    func validate() throws {
      if watch, outputOptions.json {
        throw ValidationError("--watch is for people; call it again and again with --json.")
      }
    }

    func run() throws {
      if outputOptions.json { return try JSONOutput.write(try Report(path)) }
      guard watch else { return try show() }
      repeat {
        // From the first corner, the rest cleared.
        if Terminal.watchesOutput { print("\u{1b}[H\u{1b}[2J", terminator: "") }
        try show()
        if !Terminal.watchesOutput { print("") }
        guard StandardOutput.isComplete() else { return }
        Thread.sleep(forTimeInterval: 1)
      } while true
    }

    private func show() throws {
      let report = try Report(path)
      if let index = report.index {
        print(Terminal.bold(PlainText.of(path)))
        for line in index.lines { print(line) }
      }
      guard let file = report.file else {
        print("\nNo service writes \(PlainText.of(report.statusPath)).")
        return
      }
      print((report.index == nil ? "" : "\n") + Terminal.bold(PlainText.of(report.statusPath)))
      for line in StatusTable.lines(file, age: report.age ?? 0) { print(line) }
    }
  }

  /// What is known of a place.
  private struct Report: Encodable {
    /// What lies in an index directory.
    struct Index: Encodable {
      var path: String
      var vectors: Int
      var dimensions: Int
      var generation: Int
      var segments: Int
      var memoryBytes: Int
      /// Writes that no segment holds yet.
      var logBatches: Int
      var logBytes: Int
    }

    /// The index, where the place is one.
    var index: Index?
    /// Where the status is, or would be.
    var statusPath: String
    /// The age of the status, in seconds.
    var age: Double?
    /// Whether that is more than a running service lets it become.
    var isStale: Bool?
    var file: StatusFile?

    private enum CodingKeys: String, CodingKey {
      case index, statusPath, age, isStale, writtenAt, status
    }

    init(_ path: String) throws {
      if Inputs.isDirectory(path) == true {
        index = try Index(path)
        statusPath = StatusFile.path(beside: path)
        guard Inputs.isDirectory(statusPath) != nil else { return }
      } else {
        statusPath = path
      }
      let file = try StatusFile(contentsOf: statusPath)
      let age = file.age()
      self.file = file
      self.age = age
      isStale = age > StatusFile.staleAge
    }

    /// Without the level that says `file`.
    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encodeIfPresent(index, forKey: .index)
      try container.encode(statusPath, forKey: .statusPath)
      try container.encodeIfPresent(age, forKey: .age)
      try container.encodeIfPresent(isStale, forKey: .isStale)
      try container.encodeIfPresent(file?.writtenAt, forKey: .writtenAt)
      try container.encodeIfPresent(file?.status, forKey: .status)
    }
  }

  extension Report.Index {
    fileprivate init(_ path: String) throws {
      let information = try Inputs.index(path).information
      var batches = 0
      let log = try VectorIndex.readLog(at: path) { _ throws(NeedletailError) in batches += 1 }
      self.path = path
      vectors = information.count
      dimensions = information.dimensions
      generation = information.generation
      segments = information.segments.count
      memoryBytes = information.memory.total
      logBatches = batches
      logBytes = log.bytes
    }

    fileprivate var lines: [String] {
      var table = Table(leading: [0, 1])
      table.add([
        "index",
        "\(Numerals.counted(vectors, "vector", "vectors")) × \(dimensions), generation \(generation), "
          + Numerals.counted(segments, "segment", "segments"),
      ])
      table.add(["memory", Numerals.bytes(memoryBytes)])
      table.add([
        "log",
        logBatches == 0
          ? "empty"
          : "\(Numerals.counted(logBatches, "batch", "batches")), \(Numerals.bytes(logBytes)), in no segment yet",
      ])
      return table.lines()
    }
  }
#endif
