/// What one value of `efSearch` gave.
public struct EvaluationPoint: Sendable, Hashable, Codable {
  /// The width of the walk.
  public var efSearch: Int
  /// The share of the answers that are right, from 0 to 1; see `RecallJudge`.
  public var recall: Double
  /// Queries a second of the best repeat.
  public var queriesPerSecond: Double
  /// Queries a second of the median repeat.
  public var medianQueriesPerSecond: Double
  /// The time that half of the single queries did not exceed.
  public var p50Microseconds: Double
  /// The time that 95 in 100 single queries did not exceed.
  public var p95Microseconds: Double
  /// The time that 99 in 100 single queries did not exceed.
  public var p99Microseconds: Double
  /// The time that 999 in 1 000 single queries did not exceed.
  public var p999Microseconds: Double
  /// Distances and estimates computed for a query, on average.
  public var evaluationsPerQuery: Double
  /// Nodes whose links were read for a query, on average.
  public var hopsPerQuery: Double
}

/// The whole outcome of an evaluation: the JSON document, and what the page is drawn from.
public struct EvaluationReport: Sendable, Hashable, Codable {
  /// One entry for each value of `efSearch`, in the order asked for.
  public var points: [EvaluationPoint]
  /// The neighbours asked for.
  public var k: Int
  /// Threads of the batch runs; single queries are timed on one.
  public var threads: Int
  /// Timed batch runs for each point, after one run that warms up.
  public var repeats: Int
  /// The number of queries.
  public var queries: Int
  /// What recall was judged on.
  public var recallJudgedOn: RecallBasis
  /// The files, as they were named.
  public var files: Files
  /// Where it ran.
  public var machine: Machine
  /// The bytes that the process held, by kind.
  public var memory: Memory
  /// What was searched.
  public var index: Index

  /// The files of an evaluation, as they were named.
  public struct Files: Sendable, Hashable, Codable {
    /// The queries.
    public var queries: String
    /// The ground truth.
    public var groundTruth: String
    /// The base that recall was judged on, if one was given.
    public var base: String?
    /// The list of ids, if one was given; otherwise ids were taken as row numbers of the base.
    public var ids: String?

    /// Makes the list from its parts.
    public init(queries: String, groundTruth: String, base: String?, ids: String? = nil) {
      self.ids = ids
      self.queries = queries
      self.groundTruth = groundTruth
      self.base = base
    }
  }

  /// The memory of the process around the searches.
  public struct Memory: Sendable, Hashable, Codable {
    /// Before the index was opened, when that was measured.
    public var before: ResidentMemory?
    /// After every query ran at every `efSearch`, before the judging.
    public var after: ResidentMemory?
  }

  /// The index that was searched.
  public struct Index: Sendable, Hashable, Codable {
    /// Its directory.
    public var path: String
    /// Its rows.
    public var count: Int
    /// Components per row.
    public var dimensions: Int
    /// `l2`, `ip` or `cosine`.
    public var metric: String
    /// What else there is to say, by name, such as `m`.
    public var properties: [String: String]
    /// Its bytes, component by component.
    public var components: [Component]

    /// Makes a description from its parts.
    public init(
      path: String, count: Int, dimensions: Int, metric: String, properties: [String: String],
      components: [Component]
    ) {
      self.path = path
      self.count = count
      self.dimensions = dimensions
      self.metric = metric
      self.properties = properties
      self.components = components
    }
  }

  /// One part of an index in memory.
  public struct Component: Sendable, Hashable, Codable {
    /// What it holds: `codes`, `graph`, `precise rows` or `ids`.
    public var name: String
    /// Its size.
    public var bytes: Int
    /// `resident` or `mapped`.
    public var placement: String

    /// Makes a component from its parts.
    public init(name: String, bytes: Int, placement: String) {
      self.name = name
      self.bytes = bytes
      self.placement = placement
    }
  }
}

extension EvaluationReport {
  /// Joins what was measured with where and on what.
  ///
  /// - Parameters:
  ///   - outcome: What `Evaluation.run` returned.
  ///   - options: What it was asked for.
  ///   - queries: The number of queries.
  ///   - files: The files, as they were named.
  ///   - machine: Where it ran.
  ///   - memoryBefore: The memory before the index was opened, when that was measured.
  ///   - index: What was searched.
  public init(
    _ outcome: Evaluation.Outcome, options: EvaluationOptions, queries: Int, files: Files,
    machine: Machine, memoryBefore: ResidentMemory?, index: Index
  ) {
    points = outcome.points
    k = options.k
    threads = options.threads
    repeats = options.repeats
    self.queries = queries
    recallJudgedOn = outcome.basis
    self.files = files
    self.machine = machine
    memory = Memory(before: memoryBefore, after: outcome.memory)
    self.index = index
  }
}
