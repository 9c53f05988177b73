#if Tools
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation

  /// Searches for every query with one setting: answers and counts once, times several times.
  struct DecisionClock {
    private let snapshot: Snapshot
    private let queries: [[Float]]
    private let options: SearchOptions
    private let price: WorkPrice
    private let k: Int

    init(
      _ snapshot: Snapshot, _ queries: VectorMatrix, _ options: SearchOptions, _ price: WorkPrice,
      k: Int
    ) {
      self.snapshot = snapshot
      self.queries = (0..<queries.count).map { queries[$0] }
      self.options = options
      self.price = price
      self.k = k
    }

    /// Measures.
    ///
    /// - Parameters:
    ///   - passes: over all queries; of each query the least time counts, because other work only ever adds.
    ///   - searchScale: what times at percentiles are multiplied by.
    ///   - judge: of the answers.
    /// - Returns: recall, work and times.
    /// - Throws: what a search throws.
    func measure(
      passes: Int, searchScale: Double, judge: RecallJudge
    ) throws(NeedletailError) -> DecisionMeasurement {
      var answers = SearchAnswers(queries: queries.count, k: k)
      var costs: [Double] = []
      var work = SearchStatistics()
      var buffer = [Neighbor](repeating: Neighbor(id: 0, distance: 0), count: k)
      for (place, query) in queries.enumerated() {
        let outcome = try search(query, into: &buffer)
        answers.counts[place] = outcome.count
        for i in 0..<outcome.count { answers.neighbors[place * k + i] = buffer[i] }
        costs.append(price.microseconds(outcome.statistics))
        work.hops += outcome.statistics.hops
        work.evaluations += outcome.statistics.evaluations
        work.rerankedRows += outcome.statistics.rerankedRows
      }
      // The pass that counted has also warmed up what the others read.
      let times = try times(passes: passes, &buffer)
      let count = Double(queries.count)
      return DecisionMeasurement(
        recall: judge.recall(of: answers), cost: costs.reduce(0, +) / count,
        costP95: Self.percentile(costs, 95) * searchScale,
        measured: times.reduce(0, +) / count,
        p95: Self.percentile(times, 95) * searchScale,
        p99: Self.percentile(times, 99) * searchScale,
        evaluations: Double(work.evaluations) / count, hops: Double(work.hops) / count,
        rerankedRows: Double(work.rerankedRows) / count)
    }

    /// Microseconds of each query: the least of some passes.
    private func times(
      passes: Int, _ buffer: inout [Neighbor]
    ) throws(NeedletailError) -> [Double] {
      var times = [Double](repeating: .infinity, count: queries.count)
      for _ in 0..<max(1, passes) {
        for (place, query) in queries.enumerated() {
          let start = ContinuousClock.now
          _ = try search(query, into: &buffer)
          times[place] = min(times[place], (ContinuousClock.now - start) / .microseconds(1))
        }
      }
      return times
    }

    private func search(
      _ query: [Float], into buffer: inout [Neighbor]
    ) throws(NeedletailError) -> SearchOutcome {
      var span = buffer.mutableSpan
      return try snapshot.search(query.span, k: k, options: options, into: &span)
    }

    /// The least value that a share of the values does not exceed.
    private static func percentile(_ values: [Double], _ percent: Int) -> Double {
      let sorted = values.sorted()
      guard !sorted.isEmpty else { return 0 }
      return sorted[(sorted.count * percent + 99) / 100 - 1]
    }
  }
#endif
