/// Which settings of a search reach which recall, as they were measured on one machine.
public struct Tuning: Sendable, Hashable, Codable {
  /// Where the queries of a measurement came from.
  public enum Source: String, Sendable, Hashable, Codable, CaseIterable {
    /// Rows of the index, each kept out of its own search.
    ///
    /// Queries can be distributed unlike rows, as users are unlike items; then this says little.
    case rows
    /// Queries that were given.
    case queries
  }

  /// The setting for one recall.
  public struct Setting: Sendable, Hashable, Codable {
    /// The recall that was asked for, or the highest that was reached; above 0 and at most 1.
    public var target: Double
    /// The width of the window of candidates.
    public var efSearch: Int
    /// Makes the width finer than whole numbers: a walk goes as far as a window of `k·(efSearch/k)^gamma`
    /// would; 0: as one of `efSearch`.
    public var gamma: Float
    /// Rows that a hop fetches ahead; 0: as many as the kernel does by itself.
    public var prefetchRows: Int
    /// The recall at this setting, from 0 to 1: measured, or read off between two measurements.
    public var recall: Double
    /// Query-to-row evaluations a query, on average.
    public var evaluations: Double
    /// Nanoseconds a query on one thread, by the clock of the machine that measured.
    public var nanoseconds: Double

    package init(
      target: Double, efSearch: Int, gamma: Float = 0, prefetchRows: Int = 0, recall: Double,
      evaluations: Double, nanoseconds: Double
    ) {
      self.target = target
      self.efSearch = efSearch
      self.gamma = gamma
      self.prefetchRows = prefetchRows
      self.recall = recall
      self.evaluations = evaluations
      self.nanoseconds = nanoseconds
    }
  }

  /// Answers a query; recall is recall at this many.
  public var k: Int
  /// The number of queries that were measured.
  public var queryCount: Int
  /// Where the queries came from.
  public var source: Source
  /// Whether the true neighbours were taken from codes, because the index keeps no precise rows.
  public var isJudgedOnCodes: Bool
  /// Whether the time allowed ended the measurement: the settings then depend on the machine's load.
  public var isCutShort: Bool
  /// How long the measurement took.
  public var seconds: Double
  /// The instruction set of the kernels.
  public var kernelLevel: String
  /// The processor, as it calls itself.
  public var processor: String
  /// The settings by ascending target; at least one.
  ///
  /// The last one serves every recall beyond its own.
  public var settings: [Setting]

  package init(
    k: Int, queryCount: Int, source: Source, isJudgedOnCodes: Bool = false,
    isCutShort: Bool = false, seconds: Double = 0, kernelLevel: String, processor: String,
    settings: [Setting]
  ) {
    self.k = k
    self.queryCount = queryCount
    self.source = source
    self.isJudgedOnCodes = isJudgedOnCodes
    self.isCutShort = isCutShort
    self.seconds = seconds
    self.kernelLevel = kernelLevel
    self.processor = processor
    self.settings = settings
  }
}
