#if Tools
  import Foundation
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation

  #if canImport(Glibc)
    import Glibc
  #else
    import Darwin
  #endif

  /// Builds candidates of a sample in a temporary directory, and measures them; or measures the index that is there.
  struct DecisionTrial: DecisionSubject {
    /// How times of a sample become those of all rows: the most that `make scale` lets them grow by.
    struct Scale: Encodable {
      var rows: Int
      var sampleRows: Int
      /// What times of searches are multiplied by: the fourth root of the number of times the sample goes into all rows.
      var search: Double
      /// What times of builds are multiplied by: that number to the power 1.15.
      var build: Double

      init(rows: Int, sampleRows: Int) {
        self.rows = rows
        self.sampleRows = sampleRows
        let ratio = max(1, Double(rows) / Double(max(1, sampleRows)))
        search = pow(ratio, 0.25)
        build = pow(ratio, 1.15)
      }
    }

    let scale: Scale
    private let queries: VectorMatrix
    private let judge: RecallJudge
    private let k: Int
    /// What candidates are built from; `nil` for an index that is there.
    private let source: Source?
    private var opened: [IndexDesign: Snapshot]
    private var seconds: [IndexDesign: Double] = [:]

    private struct Source {
      var rows: VectorMatrix
      var element: VectorMatrix.Element
      var metric: Metric
      var preciseRows: PreciseRows
      var seed: UInt64
      var threads: Int
      var folder: String
    }

    /// Timed passes over all queries.
    private static let passes = 3

    /// Prepares to build.
    ///
    /// - Parameters:
    ///   - sample: rows and queries.
    ///   - element: how the input is stored.
    ///   - configuration: metric, precise rows and seed of every build.
    ///   - k: neighbours of each query.
    ///   - folder: an empty directory, which whoever made it removes.
    ///   - threads: how many build; searches are timed on one.
    /// - Throws: what an exact search for the queries throws.
    init(
      _ sample: DecisionSample, element: VectorMatrix.Element,
      configuration: VectorIndex.Configuration, k: Int, in folder: String, threads: Int
    ) throws(NeedletailError) {
      scale = Scale(rows: sample.count, sampleRows: sample.rows.count)
      queries = sample.queries
      self.k = k
      let truth = try GroundTruth.make(
        base: sample.rows, queries: sample.queries, metric: configuration.metric, k: k,
        threads: threads)
      judge = try RecallJudge(
        rows: sample.rows, basis: .base, rowCount: sample.rows.count, queries: sample.queries,
        groundTruth: truth, metric: configuration.metric, k: k)
      source = Source(
        rows: sample.rows, element: element, metric: configuration.metric,
        preciseRows: configuration.preciseRows, seed: configuration.seed, threads: threads,
        folder: folder)
      opened = [:]
    }

    /// Prepares to measure an index that is there.
    init(_ snapshot: Snapshot, queries: VectorMatrix, judge: RecallJudge, k: Int) {
      scale = Scale(rows: snapshot.count, sampleRows: snapshot.count)
      self.queries = queries
      self.judge = judge
      self.k = k
      source = nil
      opened = [Self.design(snapshot.information): snapshot]
    }

    /// How an index was built.
    static func design(_ information: IndexInformation) -> IndexDesign {
      IndexDesign(
        layout: IndexLayout(
          mode: information.mode.rawValue, codes: information.codes.rawValue),
        m: information.m, efConstruction: information.efConstruction)
    }

    func bytes(of design: IndexDesign, rerank: RerankDepth) -> DesignBytes? {
      guard let source else {
        return opened[design].map { Self.bytes($0.memory, rows: scale.rows) }
      }
      guard
        var configuration = Self.configuration(design, dimensions: source.rows.dimensions, source)
      else { return nil }
      // Nobody keeps what is never looked at.
      if !rerank.needsRows { configuration.preciseRows = .none }
      // What the engine does not make, it refuses.
      guard
        let memory = try? VectorIndex.predict(
          count: scale.rows, configuration: configuration, element: source.element)
      else { return nil }
      return Self.bytes(memory, rows: scale.rows)
    }

    private static func bytes(_ memory: MemoryByComponent, rows: Int) -> DesignBytes {
      DesignBytes(
        codes: memory.codes + memory.quantizer, graph: memory.graph, precise: memory.preciseRows,
        ids: memory.ids, rows: rows)
    }

    private static func configuration(
      _ design: IndexDesign, dimensions: Int, _ source: Source
    ) -> VectorIndex.Configuration? {
      var configuration = VectorIndex.Configuration(dimensions: dimensions, metric: source.metric)
      guard let mode = IndexMode(rawValue: design.layout.mode),
        let codes = CodeKind(rawValue: design.layout.codes)
      else { return nil }
      configuration.mode = mode
      configuration.codes = codes
      configuration.graph.m = design.m
      configuration.graph.efConstruction = design.efConstruction
      configuration.preciseRows = source.preciseRows
      configuration.seed = source.seed
      return configuration
    }

    mutating func build(_ design: IndexDesign) throws(NeedletailError) -> Double {
      if let known = seconds[design] { return known }
      guard let source else { return 0 }
      guard
        let configuration = Self.configuration(design, dimensions: source.rows.dimensions, source)
      else {
        throw NeedletailError(
          .invalidConfiguration,
          "There is no layout \(design.layout). Name one that the engine has.")
      }
      let start = ContinuousClock.now
      let index = try VectorIndex.create(
        at: Self.path(design, source), configuration: configuration)
      var writer = try index.makeWriter()
      try writer.add(source.rows, ids: 0..<VectorID(source.rows.count))
      opened[design] = try writer.commit(threads: source.threads)
      let time = (ContinuousClock.now - start) / .seconds(1) * scale.build
      seconds[design] = time
      return time
    }

    mutating func putAway(_ design: IndexDesign) {
      guard let source, opened.removeValue(forKey: design) != nil else { return }
      // A copy that stays takes room until the folder goes, and nothing else.
      try? FileManager.default.removeItem(atPath: Self.path(design, source))
    }

    private static func path(_ design: IndexDesign, _ source: Source) -> String {
      "\(source.folder)/\(design.layout.mode)-\(design.layout.codes)-\(design.m)-"
        + "\(design.efConstruction)"
    }

    mutating func measure(
      _ candidate: DecisionCandidate
    ) throws(NeedletailError) -> DecisionMeasurement {
      guard let snapshot = opened[candidate.design] else {
        throw NeedletailError(
          .notFound, "The index of \(candidate.design.layout) was put away. Build it again.")
      }
      var options = SearchOptions(efSearch: candidate.efSearch)
      options.rerank =
        switch candidate.rerank {
        case .none: .none
        case .rows(let count): .precise(candidates: count)
        case .automatic: .automatic
        }
      let price = WorkPrice(candidate.design.layout, dimensions: snapshot.dimensions)
      return try DecisionClock(snapshot, queries, options, price, k: k)
        .measure(passes: Self.passes, searchScale: scale.search, judge: judge)
    }
  }
#endif
