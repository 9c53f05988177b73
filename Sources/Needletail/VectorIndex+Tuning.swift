public import NeedletailCore
import NeedletailEngine

/// What tuning an index is asked for.
public struct TuningOptions: Sendable {
  /// Answers a query; recall is measured at this many.
  ///
  /// Default 10.
  public var k = 10
  /// Queries like those to come, `[q, dimensions]`.
  ///
  /// Default `nil`: rows of the index serve, each kept out of its own search. Where queries are unlike rows,
  /// as users are unlike items, give queries.
  public var queries: VectorMatrix?
  /// The ids of the true neighbours of each query, nearest first, at least `k` (or all rows).
  ///
  /// Default `nil`: they are found by comparing with every row.
  public var trueNeighbors: [[VectorID]]?
  /// The time after which no further measurement begins.
  ///
  /// Default 30 s. Without it what is chosen follows from counts alone: the same queries and index give the
  /// same settings. A tuning that it ended says so.
  public var timeLimit = Duration.seconds(30)

  /// The defaults.
  public init() {}

  func request() throws(NeedletailError) -> TuningRequest {
    var request = TuningRequest()
    request.k = k
    request.queries = queries
    request.timeLimit = timeLimit
    guard let trueNeighbors else { return request }
    let width = trueNeighbors.first?.count ?? 0
    guard let queries, queries.count == trueNeighbors.count,
      trueNeighbors.allSatisfy({ $0.count == width })
    else {
      throw NeedletailError(
        .dimensionMismatch,
        "There are true neighbours for \(trueNeighbors.count) queries, and \(queries?.count ?? 0) "
          + "queries; give as many for each of them.")
    }
    request.truth = trueNeighbors.flatMap(\.self)
    request.truthWidth = width
    return request
  }
}

extension Snapshot {
  /// Which settings reach which recall; `nil` when the index was not tuned.
  public var tuning: Tuning? { view.generation.tuning }

  /// The width of the window that a search for a recall uses.
  ///
  /// - Parameters:
  ///   - recall: the share of the true neighbours that shall be found, above 0 and at most 1.
  ///   - k: answers a query.
  /// - Returns: as `SearchStatistics.efSearch` tells of such a search: a whole number. The setting may be finer
  ///   (`Tuning.Setting.gamma`), so that a search with this `efSearch` in place of the recall finds a little more.
  /// - Throws: `invalidConfiguration` for a recall that is none; `notFound` when the index was not tuned.
  public func efSearch(reaching recall: Double, k: Int) throws(NeedletailError) -> Int {
    try view.generation.setting(recall: recall, k: k).efSearch
  }
}

extension VectorIndex {
  /// Measures which setting reaches which recall, and publishes it for every `SearchOptions.recall` to come.
  ///
  /// The index gets a new generation over the same files; snapshots that are open keep the old one.
  ///
  /// - Parameters:
  ///   - options: what to measure with.
  ///   - threads: how many threads search. Default 1.
  ///   - monitor: sees the progress, and may cancel.
  /// - Returns: the rows with the settings; without settings where every search is exact anyway.
  /// - Throws: `notFound` when nothing was committed yet; `locked` while a writer or another tuning is at
  ///   work; `dimensionMismatch`, `invalidConfiguration` and `corrupted` for queries or true neighbours
  ///   that do not fit; `cancelled`; `io`. The index is then as it was, or tuned and only the durability of
  ///   that in doubt.
  /// - Complexity: one exact search for 500 to 4 000 queries, and about a dozen approximate ones each.
  @discardableResult
  public func tune(
    _ options: TuningOptions = TuningOptions(), threads: Int = 1, monitor: WorkMonitor? = nil
  ) throws(NeedletailError) -> Snapshot {
    guard threads >= 1 else {
      throw NeedletailError(
        .invalidConfiguration, "threads is \(threads); it must be at least 1.")
    }
    let request = try options.request()
    _ = try snapshot()
    try takeWriter()
    defer { releaseWriter() }
    try asWriter { (live) throws(NeedletailError) in
      _ = try live.tune(request, threads: threads, monitor: monitor)
    }
    return try snapshot()
  }
}
