public import NeedletailCore

/// What an evaluation asks for.
public struct EvaluationOptions: Sendable, Hashable {
  /// The neighbours asked for.
  ///
  /// Default 10.
  public var k = 10
  /// The widths of the walk to measure, one point each.
  public var efSearch: [Int]
  /// Threads of the batch runs.
  ///
  /// Default 1.
  public var threads = 1
  /// Timed runs for each point.
  ///
  /// Default 3: the best one tells what the machine can do, the median what to expect.
  public var repeats = 3

  /// Makes options with every default but the widths.
  public init(efSearch: [Int]) { self.efSearch = efSearch }
}

/// Measures recall, throughput, latency, work and memory of a search.
public enum Evaluation {
  /// What was measured, before anybody says where and on what.
  public struct Outcome: Sendable {
    /// One entry for each width.
    public var points: [EvaluationPoint]
    /// The memory after all searches, before the judging.
    public var memory: ResidentMemory?
    /// What recall was judged on.
    public var basis: RecallBasis
  }

  /// Runs every query at every width.
  ///
  /// For each width: one batch run to warm up, `repeats` timed batch runs, then as many passes that
  /// time each query by itself. The judge is made after the last search, so that the rows which it
  /// reads are not counted as memory of the search.
  ///
  /// - Parameters:
  ///   - target: What is measured.
  ///   - queries: `[q, dimensions]`.
  ///   - options: What is asked for.
  ///   - monitor: Told about progress; may cancel.
  ///   - makeJudge: Makes the judge of the answers.
  /// - Returns: The points in the order of `options.efSearch`.
  /// - Throws: `invalidConfiguration` when there is nothing to measure, `corrupted` when the answers prove
  ///   the ground truth wrong, and what the target throws.
  public static func run(
    _ target: some SearchTarget, queries: VectorMatrix, options: EvaluationOptions,
    monitor: WorkMonitor? = nil, judge makeJudge: () throws(NeedletailError) -> RecallJudge
  ) throws(NeedletailError) -> Outcome {
    try check(target, queries: queries, options: options)
    monitor?.begin("measuring", total: options.efSearch.count * (2 * options.repeats + 1))
    var measurements: [Measurement] = []
    for width in options.efSearch {
      measurements.append(
        try measure(target, queries: queries, efSearch: width, options: options, monitor: monitor))
    }
    let memory = ResidentMemory.current()
    monitor?.begin("judging", total: measurements.count)
    let judge = try makeJudge()
    var points: [EvaluationPoint] = []
    for measurement in measurements {
      points.append(
        measurement.point(
          recall: try judge.checkedRecall(of: measurement.answers), queries: queries.count))
      try monitor?.advance(by: 1)
    }
    return Outcome(points: points, memory: memory, basis: judge.basis)
  }

  private static func check(
    _ target: some SearchTarget, queries: VectorMatrix, options: EvaluationOptions
  ) throws(NeedletailError) {
    guard queries.count > 0 else {
      throw NeedletailError(.invalidConfiguration, "There are no queries; give at least one.")
    }
    guard queries.dimensions == target.dimensions else {
      throw NeedletailError(
        .dimensionMismatch,
        """
        The queries have \(queries.dimensions) components and the index has \(target.dimensions). \
        Give queries of the same kind as the base.
        """)
    }
    guard options.k > 0, options.repeats > 0, options.threads > 0, !options.efSearch.isEmpty,
      options.efSearch.allSatisfy({ $0 > 0 })
    else {
      throw NeedletailError(
        .invalidConfiguration,
        "k, threads, repeats and every efSearch must be at least 1, and one efSearch is needed.")
    }
    guard options.k <= Limits.neighborsPerQuery,
      !options.k.multipliedReportingOverflow(by: queries.count).overflow
    else {
      throw NeedletailError(
        .capacityExceeded, "k is \(options.k); at most \(Limits.neighborsPerQuery) are supported.")
    }
  }

  /// The raw outcome of one width.
  private struct Measurement {
    var efSearch: Int
    var seconds: [Double]
    var latency: LatencyRecorder
    var work: SearchWork
    var answers: SearchAnswers

    func point(recall: Double, queries: Int) -> EvaluationPoint {
      let sorted = seconds.sorted()
      let middle = sorted.count / 2
      let median =
        sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
      let count = Double(queries)
      return EvaluationPoint(
        efSearch: efSearch, recall: recall, queriesPerSecond: count / max(sorted[0], 1e-9),
        medianQueriesPerSecond: count / max(median, 1e-9),
        p50Microseconds: latency.microseconds(atPercentile: 50),
        p95Microseconds: latency.microseconds(atPercentile: 95),
        p99Microseconds: latency.microseconds(atPercentile: 99),
        p999Microseconds: latency.microseconds(atPercentile: 99.9),
        evaluationsPerQuery: Double(work.evaluations) / count,
        hopsPerQuery: Double(work.hops) / count)
    }
  }

  private static func measure(
    _ target: some SearchTarget, queries: VectorMatrix, efSearch: Int, options: EvaluationOptions,
    monitor: WorkMonitor?
  ) throws(NeedletailError) -> Measurement {
    let clock = ContinuousClock()
    var answers = SearchAnswers(queries: queries.count, k: options.k)
    var work = SearchWork(evaluations: 0, hops: 0)
    var seconds: [Double] = []
    for run in 0...options.repeats {
      let start = clock.now
      work = try target.search(
        batch: queries, k: options.k, efSearch: efSearch, threads: options.threads,
        into: &answers.neighbors, counts: &answers.counts)
      let elapsed = clock.now - start
      if run > 0 { seconds.append(elapsed / .seconds(1)) }
      try monitor?.advance(by: 1)
    }
    var latency = LatencyRecorder()
    var neighbors = [Neighbor](repeating: Neighbor(id: 0, distance: 0), count: options.k)
    for _ in 0..<options.repeats {
      for query in 0..<queries.count {
        let components = queries[query]
        let start = clock.now
        _ = try target.search(components, k: options.k, efSearch: efSearch, into: &neighbors)
        let elapsed = (clock.now - start).components
        latency.record(
          nanoseconds: UInt64(
            max(0, elapsed.seconds &* 1_000_000_000 &+ elapsed.attoseconds / 1_000_000_000)))
      }
      try monitor?.advance(by: 1)
    }
    return Measurement(
      efSearch: efSearch, seconds: seconds, latency: latency, work: work, answers: answers)
  }
}
