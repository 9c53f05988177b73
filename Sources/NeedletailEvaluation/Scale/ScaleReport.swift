package import NeedletailCore

/// How costs grow with the number of rows: figures at one recall, and slopes of their logarithms.
package struct ScaleReport: Sendable, Hashable, Codable {
  /// What grows.
  package enum Measure: String, Sendable, Hashable, Codable, CaseIterable, CodingKeyRepresentable {
    /// Distances and estimates of a query.
    case evaluations
    /// Microseconds of a query, on one thread.
    case microseconds
    /// Seconds of the whole `build` command.
    case buildSeconds
    /// Seconds of processors that it took.
    case buildProcessorSeconds
    /// Bytes of the index on disk.
    case fileBytes
    /// Bytes that a search holds in memory.
    case residentBytes

    /// The slope that must not be exceeded, if there is one.
    package var limit: Double? {
      switch self {
      case .evaluations: 0.25
      case .buildSeconds: 1.15
      default: nil
      }
    }
  }

  /// One prefix at the recall.
  package struct Prefix: Sendable, Hashable, Codable {
    /// The number of rows.
    package var rows: Int
    /// Its costs; those of a search are missing where no width reached the recall.
    package var costs: [Measure: Double]
    /// Whether the recall was met; false where the smallest width was above it already.
    package var isMet: Bool
  }

  /// One set.
  package struct Set: Sendable, Hashable, Codable {
    /// Its name.
    package var name: String
    /// `l2`, `ip` or `cosine`.
    package var metric: String
    /// Components of a row.
    package var dimensions: Int
    /// The number of queries.
    package var queries: Int
    /// Its prefixes, by rising number of rows.
    package var prefixes: [Prefix]
    /// The exponents of growth, where all prefixes have the cost.
    package var slopes: [Measure: Double]
  }

  /// The recall at which costs are compared.
  package var recall: Double
  /// The neighbours asked for.
  package var k: Int
  /// Threads of the builds; searches ran on one.
  package var buildThreads: Int
  /// The sets.
  package var sets: [Set]
  /// Where it was measured, if that was told.
  package var machine: Machine?

  /// Interpolates costs and fits slopes.
  ///
  /// - Parameter figures: What a scale run gathered.
  /// - Throws: `corrupted` where there is no set, a set has no prefix, or a number makes no sense.
  package init(_ figures: ScaleFigures) throws(NeedletailError) {
    guard (0...1).contains(figures.recall), figures.k > 0, !figures.sets.isEmpty else {
      throw NeedletailError(
        .corrupted,
        "There are figures of \(figures.sets.count) sets at recall \(figures.recall), k = "
          + "\(figures.k); make them with Benchmarks/Scale.")
    }
    recall = figures.recall
    k = figures.k
    buildThreads = figures.buildThreads
    machine = figures.sets.compactMap(\.machine).first
    var sets: [Set] = []
    for set in figures.sets { sets.append(try Self.set(set, recall: figures.recall)) }
    self.sets = sets
  }

  private static func set(
    _ set: ScaleFigures.Set, recall: Double
  ) throws(NeedletailError) -> Set {
    guard let least = set.prefixes.map(\.rows).min(), least > 0 else {
      throw NeedletailError(.corrupted, "The set \(set.name) has no prefix, or one without rows.")
    }
    let prefixes = set.prefixes.sorted { $0.rows < $1.rows }.map { prefix(of: $0, recall) }
    let rows = prefixes.map { Double($0.rows) }
    var slopes: [Measure: Double] = [:]
    for measure in Measure.allCases {
      let values = prefixes.compactMap { $0.costs[measure] }
      // `logarithmic` refuses what is shorter than the rows.
      slopes[measure] = Slope.logarithmic(rows, values)
    }
    return Set(
      name: set.name, metric: set.metric, dimensions: set.dimensions, queries: set.queries,
      prefixes: prefixes, slopes: slopes)
  }

  private static func prefix(of prefix: ScaleFigures.Prefix, _ recall: Double) -> Prefix {
    let evaluations = Slope.cost(
      prefix.points.map { ($0.recall, $0.evaluationsPerQuery) }, at: recall)
    let seconds = Slope.cost(
      prefix.points.filter { $0.queriesPerSecond > 0 }.map { ($0.recall, 1 / $0.queriesPerSecond) },
      at: recall)
    var costs: [Measure: Double] = [
      .buildSeconds: prefix.buildSeconds, .buildProcessorSeconds: prefix.buildProcessorSeconds,
      .fileBytes: Double(prefix.fileBytes), .residentBytes: Double(prefix.residentBytes),
    ]
    costs[.evaluations] = evaluations?.cost
    costs[.microseconds] = seconds.map { $0.cost * 1e6 }
    return Prefix(rows: prefix.rows, costs: costs, isMet: evaluations?.isMet ?? false)
  }
}
