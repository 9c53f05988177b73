#if Tools
  import Foundation
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation

  /// Whether the rows of an index would be searched faster in another layout: a sample of them, built each way and
  /// timed in turns.
  struct LayoutTrial: Encodable {
    /// One way to lay the sample out, and what it came to.
    struct Layout: Encodable {
      var mode: IndexMode
      var codes: CodeKind
      /// Whether it is the layout of the index itself.
      var isOwn: Bool
      var efSearch = 0
      var queriesPerSecond = 0.0
      /// Bytes of codes and links.
      var bytesPerRow = 0.0
    }

    /// What every layout is tuned for.
    static let recall = 0.95
    /// A rebuild is worth its while from this gain on; less may be chance.
    private static let worthwhile = 1.1
    private static let rounds = 7

    var rows: Int
    var queries: Int
    var recall = LayoutTrial.recall
    private(set) var layouts: [Layout] = []

    /// The layout that would pay, if there is one.
    private(set) var better: Layout?
    /// How many times as many queries it answers.
    private(set) var gain: Double?

    private mutating func conclude() {
      guard let own = layouts.first(where: { $0.isOwn }), own.queriesPerSecond > 0,
        let best = layouts.max(by: { $0.queriesPerSecond < $1.queriesPerSecond }),
        best.queriesPerSecond >= Self.worthwhile * own.queriesPerSecond
      else { return }
      better = best
      gain = best.queriesPerSecond / own.queriesPerSecond
    }

    /// Builds and times.
    ///
    /// - Parameters:
    ///   - snapshot: the rows.
    ///   - given: queries like those to come; otherwise rows that are left out of the sample.
    ///   - k: neighbours of each query.
    ///   - timeLimit: the time after which no measurement of a layout's tuning begins.
    ///   - threads: how many build; searches are timed on one.
    ///   - monitor: sees the progress, and may cancel.
    /// - Returns: what was found; `nil` for an index of few rows, one that cannot give its rows back, or one whose
    ///   own layout misses the recall.
    /// - Throws: what building and searching throw; `cancelled`.
    static func run(
      _ snapshot: Snapshot, queries given: VectorMatrix?, k: Int, timeLimit: Duration,
      threads: Int, monitor: WorkMonitor
    ) throws -> LayoutTrial? {
      guard let (rows, others) = try sample(snapshot, leavesOut: given == nil) else { return nil }
      let queries = given.map { $0[0..<min($0.count, 1_000)] } ?? others
      let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("needletail-layouts-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: folder) }
      var trial = LayoutTrial(rows: rows.count, queries: queries.count)
      var built: [Snapshot] = []
      for var layout in candidates(snapshot.information) {
        let path = folder.appendingPathComponent("\(layout.mode)-\(layout.codes)").path
        var tuning = TuningOptions()
        tuning.k = k
        tuning.queries = given
        tuning.timeLimit = timeLimit
        guard
          let made = try build(
            layout, snapshot.information, rows, tuning, at: path, threads, monitor),
          // What cannot reach the recall would win by missing it.
          let reached = made.tuning?.settings.last?.recall, reached >= recall - 0.005
        else { continue }
        layout.efSearch = try made.efSearch(reaching: recall, k: k)
        let memory = made.information.memory
        layout.bytesPerRow = Double(memory.codes + memory.graph) / Double(rows.count)
        trial.layouts.append(layout)
        built.append(made)
      }
      // Nothing can be said without the layout that is there.
      guard trial.layouts.contains(where: \.isOwn) else { return nil }
      try trial.time(built, queries, k, monitor)
      trial.conclude()
      return trial
    }

    private mutating func time(
      _ built: [Snapshot], _ queries: VectorMatrix, _ k: Int, _ monitor: WorkMonitor
    ) throws {
      let options = SearchOptions(recall: recall)
      var neighbors: [Neighbor] = []
      var counts: [Int] = []
      for _ in 0..<Self.rounds {
        for (i, snapshot) in built.enumerated() {
          try monitor.advance(by: 0)
          let start = ContinuousClock.now
          _ = try snapshot.search(
            batch: queries, k: k, options: options, threads: 1, into: &neighbors, counts: &counts)
          let seconds = (ContinuousClock.now - start) / .seconds(1)
          layouts[i].queriesPerSecond = max(
            layouts[i].queriesPerSecond, Double(queries.count) / max(seconds, 1e-9))
        }
      }
    }

    /// Every so many rows, few enough to be built in a second or two; and others to search with.
    private static func sample(
      _ snapshot: Snapshot, leavesOut: Bool
    ) throws -> (rows: VectorMatrix, others: VectorMatrix)? {
      let dimensions = snapshot.dimensions
      let most = min(20_000, max(2_000, 8_000_000 / dimensions))
      let ids = snapshot.ids
      guard ids.count >= 2_000 else { return nil }
      let step = (ids.count + most - 1) / most
      var rows: [Float] = []
      var others: [Float] = []
      do throws(NeedletailError) {
        for (place, i) in stride(from: 0, to: ids.count, by: step).enumerated() {
          guard let row = try snapshot.export(ids[i]) else { continue }
          if leavesOut, place % 20 == 19 { others += row } else { rows += row }
        }
      } catch {
        if error.code == .notFound { return nil }
        throw error
      }
      return (
        try VectorMatrix(rows, dimensions: dimensions),
        try VectorMatrix(others, dimensions: dimensions)
      )
    }

    /// The layout of the index first.
    private static func candidates(_ information: IndexInformation) -> [Layout] {
      var layouts = [Layout(mode: information.mode, codes: information.codes, isOwn: true)]
      let others: [(IndexMode, CodeKind)] = [(.compact, .int8), (.compact, .int4), (.turbo, .int8)]
      for (mode, codes) in others
      where mode != information.mode || (mode == .compact && codes != information.codes) {
        layouts.append(Layout(mode: mode, codes: codes, isOwn: false))
      }
      return layouts
    }

    /// Builds and tunes the sample in a layout; `nil` where the rows do not allow it.
    private static func build(
      _ layout: Layout, _ information: IndexInformation, _ rows: VectorMatrix,
      _ tuning: TuningOptions, at path: String, _ threads: Int, _ monitor: WorkMonitor
    ) throws -> Snapshot? {
      var configuration = VectorIndex.Configuration(
        dimensions: information.dimensions, metric: information.metric)
      configuration.graph.m = information.m
      configuration.graph.efConstruction = information.efConstruction
      configuration.mode = layout.mode
      configuration.codes = layout.codes
      configuration.preciseRows = information.preciseRows
      configuration.seed = information.seed
      do throws(NeedletailError) {
        let index = try VectorIndex.create(at: path, configuration: configuration)
        var writer = try index.makeWriter()
        try writer.add(rows, ids: 0..<VectorID(rows.count))
        let made = try writer.commit(threads: threads, tuning: tuning, monitor: monitor)
        return made.information.codes == layout.codes || layout.codes == .none ? made : nil
      } catch {
        if error.code == .invalidConfiguration { return nil }
        throw error
      }
    }
  }

  extension LayoutTrial {
    /// A table of at most 80 columns, and what follows from it.
    var lines: [String] {
      var table = Table(leading: [0])
      table.add(["layout", "efSearch", "µs a query", "bytes a row"])
      for layout in layouts {
        let name =
          layout.mode == .turbo ? "turbo" : "\(layout.mode.rawValue), \(layout.codes.rawValue)"
        table.add([
          name + (layout.isOwn ? " (this index)" : ""), Numerals.grouped(layout.efSearch),
          Numerals.fixed(1e6 / max(layout.queriesPerSecond, 1e-9), 1),
          Numerals.grouped(Int(layout.bytesPerRow.rounded())),
        ])
      }
      var lines = table.lines()
      if !lines.isEmpty { lines[0] = Terminal.dim(lines[0]) }
      lines.append(
        Terminal.dim(
          "  A sample of \(Numerals.grouped(rows)) rows at recall \(Numerals.fixed(recall, 2)); bytes without precise rows."
        ))
      if let better, let gain {
        let option = better.mode == .turbo ? "--mode turbo" : "--codes \(better.codes.rawValue)"
        lines.append(
          "  A rebuild with \(option), all else as before, would answer"
            + " \(Numerals.fixed(gain, 1)) times as many.")
      } else {
        lines.append("  No other layout would answer clearly more queries.")
      }
      return lines
    }
  }
#endif
