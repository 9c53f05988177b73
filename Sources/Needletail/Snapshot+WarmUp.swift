public import NeedletailCore
import NeedletailEngine

extension Snapshot {
  /// Brings the index into memory and searches until that is as fast as it gets, and says how far this came.
  ///
  /// Pages are read and, if asked for, locked; then the queries are answered, one after the other and round after
  /// round, until the 95th percentile falls by less than a tenth from one round to the next. A service is ready when the report says so, not before: until
  /// then its first queries wait for the disk. Memory that each thread needs for its searches is made by its first
  /// search, so that a thread that is to answer quickly makes one itself.
  ///
  /// - Parameters:
  ///   - queries: `[q, dimensions]` queries like those to come; `nil`: none is answered.
  ///   - k: answers asked for per query. Default 10.
  ///   - options: how each query is answered.
  ///   - locking: locks what is mapped and what is in memory, so that the system swaps and drops nothing of it, until
  ///     all snapshots that share it are gone. Default `false`.
  ///   - time: what it may take; `nil`: as long as it takes, with at most 20 rounds. Default `nil`.
  /// - Returns: what was done, how much of the index is in memory, and how long the last round's searches took.
  /// - Throws: as the search, naming no query: all of them are of one shape.
  /// - Complexity: one read of what is not in memory. The clock is looked at every 2 MiB and every query; counting
  ///   what is in memory, which comes last, takes some ms a GiB.
  public func warmUp(
    queries: VectorMatrix? = nil, k: Int = 10, options: SearchOptions = SearchOptions(),
    locking: Bool = false, within time: Duration? = nil
  ) throws(NeedletailError) -> WarmUpReport {
    _ = try parameters(k, options)
    if let queries { try check(queries.dimensions) }
    let start = ContinuousClock.now
    let deadline = time.map { start + $0 }
    var report = WarmUpReport()
    let state = view.populate(locking: locking, until: deadline)
    report.isCutShort = state.isCutShort
    if let queries { try answer(queries, k, options, until: deadline, &report) }
    report.byteCount = state.byteCount
    report.touchedByteCount = state.touched
    report.lockedByteCount = state.locked
    report.residentByteCount = view.residentByteCount
    report.duration = ContinuousClock.now - start
    return report
  }

  /// The most rounds; more change nothing.
  private static let mostRounds = 20

  /// Answers all queries, round after round.
  private func answer(
    _ queries: VectorMatrix, _ k: Int, _ options: SearchOptions,
    until deadline: ContinuousClock.Instant?, _ report: inout WarmUpReport
  ) throws(NeedletailError) {
    guard queries.count > 0 else { return }
    var before: Duration?
    while report.rounds < Self.mostRounds, !report.isSettled, !report.isCutShort {
      var times: [Duration] = []
      times.reserveCapacity(queries.count)
      for query in 0..<queries.count {
        let components = queries[query]
        let begun = ContinuousClock.now
        if let deadline, begun >= deadline {
          report.isCutShort = true
          break
        }
        _ = try search(components, k: k, options: options)
        times.append(ContinuousClock.now - begun)
      }
      report.searches += times.count
      let isWhole = times.count == queries.count
      if isWhole || report.rounds == 0 { report.take(times) }
      guard isWhole else { break }
      report.rounds += 1
      if let before, let now = report.p95 { report.isSettled = now * 10 > before * 9 }
      before = report.p95
    }
  }
}
