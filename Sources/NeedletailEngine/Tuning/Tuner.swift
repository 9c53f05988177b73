package import NeedletailCore
import NeedletailKernels

/// Measures, on the machine at hand, which setting reaches which recall at the least cost.
///
/// Queries with known true neighbours are searched for at widths that grow by a third, until the highest
/// target is passed, and at widths below `k` until the lowest is. A curve through the measurements says which width comes nearest to each target.
///
/// - Complexity: one exact search for some thousand queries, and about a dozen approximate ones each.
package struct Tuner {
  private let space: JudgedSpace
  private let request: TuningRequest
  private let threads: Int
  private let monitor: WorkMonitor?

  /// Prepares a tuning.
  ///
  /// - Throws: as `TuningRequest.validate`.
  package init(
    _ segment: SealedSegment, _ request: TuningRequest, threads: Int, monitor: WorkMonitor? = nil
  ) throws(NeedletailError) {
    try request.validate(dimensions: segment.parameters.options.dimensions)
    space = JudgedSpace(segment)
    self.request = request
    self.threads = max(1, min(threads, Limits.threads))
    self.monitor = monitor
  }

  /// Measures.
  ///
  /// - Returns: a setting for each target that can be reached, and one for the highest recall that can;
  ///   `nil` where there is nothing to choose: an index of so few rows is scanned, exactly.
  /// - Throws: `cancelled`; what a search throws for a query of the user's; `corrupted` for true neighbours
  ///   that contradict themselves.
  package func run() throws(NeedletailError) -> Tuning? {
    guard !space.segment.isAlwaysScanned, space.segment.count > 1 else { return nil }
    let start = ContinuousClock.now
    let deadline = start + request.timeLimit
    var (sample, isCutShort) = try measuredSample(deadline)
    let curves = try ladder(sample, deadline, &isCutShort)
    return Tuning(
      k: request.k, queryCount: sample.count,
      source: request.queries == nil ? .rows : .queries, isJudgedOnCodes: space.isCoded,
      isCutShort: isCutShort, seconds: (ContinuousClock.now - start) / .seconds(1),
      kernelLevel: KernelLevel.current.rawValue,
      processor: ProcessorName.current, settings: settings(curves))
  }

  /// The queries with their true neighbours, and whether time ended the search for these.
  private func measuredSample(
    _ deadline: ContinuousClock.Instant
  ) throws(NeedletailError) -> (TuningSample, Bool) {
    let segment = space.segment
    let options = segment.parameters.options
    let seed = options.graph.seed ^ 0x7475_6e65
    guard let queries = request.queries else {
      var sample = try TuningSample.rows(
        of: space,
        count: TuningPlan.sampleCount(rows: segment.count, dimensions: options.dimensions),
        k: request.k, seed: seed, threads: threads)
      let isCutShort = try sample.findNeighbors(
        in: space, threads: threads, deadline: deadline, monitor: monitor)
      return (sample, isCutShort)
    }
    var (sample, chosen) = try TuningSample.queries(
      queries, in: space,
      limit: TuningPlan.queryLimit(rows: segment.count, dimensions: options.dimensions),
      k: request.k, seed: seed, threads: threads)
    guard !request.truth.isEmpty else {
      let isCutShort = try sample.findNeighbors(
        in: space, threads: threads, deadline: deadline, monitor: monitor)
      return (sample, isCutShort)
    }
    guard request.truthWidth >= sample.width else {
      throw NeedletailError(
        .invalidConfiguration,
        "k is \(request.k), and \(request.truthWidth) true neighbours of each query are given.")
    }
    try sample.takeNeighbors(
      request.truth, width: request.truthWidth, chosen: chosen, in: space, threads: threads)
    return (sample, false)
  }

  /// The width above which settings are finer than whole widths; `nil`: there is none.
  private var finest: Int? {
    guard space.segment.endsByDistance else { return nil }
    return space.segment.turboRows == nil ? request.k : request.k + 1
  }

  /// The curve of each candidate.
  private func ladder(
    _ sample: TuningSample, _ deadline: ContinuousClock.Instant, _ isCutShort: inout Bool
  ) throws(NeedletailError) -> [(candidate: TuningCandidate, curve: RecallCurve)] {
    var ladders: [TuningLadder] = []
    for candidate in TuningPlan.candidates {
      ladders.append(
        try TuningLadder(space, sample, candidate, k: request.k, threads: threads))
    }
    let widest = max(request.k, min(space.segment.count - 1, TuningPlan.widest))
    let highest = request.targets.last ?? 1
    monitor?.begin("tuning", total: 0)
    var width = request.k
    // Every candidate is measured over the same widths: past the highest target, or all there are;
    while true {
      for ladder in ladders { try ladder.measure(at: width, monitor: monitor) }
      if width >= widest || ladders.allSatisfy({ $0.recall > highest }) { break }
      if ContinuousClock.now >= deadline {
        isCutShort = true
        break
      }
      // Where walks end by distance something new begins right above k: there is a rung.
      let next = width == request.k && finest != nil ? width + 1 : TuningPlan.width(after: width)
      width = min(widest, next)
    }
    // then down from k, where a walk on codes ends sooner, to the lowest target.
    width = request.k
    while width > 1, space.segment.quantizer != nil, !isCutShort,
      ladders.contains(where: { $0.lowestRecall > request.targets[0] })
    {
      width = TuningPlan.width(before: width)
      for ladder in ladders { try ladder.measure(at: width, monitor: monitor) }
      isCutShort = ContinuousClock.now >= deadline
    }
    return ladders.map { ($0.candidate, RecallCurve($0.points, answers: $0.answers)) }
  }

  /// The cheapest setting for each target; the last one is for whatever is beyond reach.
  private func settings(
    _ curves: [(candidate: TuningCandidate, curve: RecallCurve)]
  ) -> [Tuning.Setting] {
    var chosen: [Tuning.Setting] = []
    for target in request.targets {
      let able = curves.compactMap { candidate, curve in
        curve.setting(reaching: target, finest: finest)
          .map { setting(target, candidate, $0) }
      }
      // Without a choice the clock decides nothing.
      if let best = able.min(by: { $0.nanoseconds < $1.nanoseconds }) { chosen.append(best) }
    }
    if chosen.count < request.targets.count,
      let best = curves.max(by: { $0.curve.highestRecall < $1.curve.highestRecall }),
      let last = best.curve.points.last
    {
      // Beyond reach: the widest window, under the recall that it has.
      let estimate = best.curve.estimate(Double(last.width))
      let target = max(estimate.recall, 1e-6)
      if target > chosen.last?.target ?? 0 {
        chosen.append(setting(target, best.candidate, estimate))
      }
    }
    return chosen
  }

  private func setting(
    _ target: Double, _ candidate: TuningCandidate, _ estimate: RecallCurve.Estimate
  ) -> Tuning.Setting {
    var setting = Tuning.Setting(
      target: target, efSearch: 1, prefetchRows: candidate.prefetchRows, recall: estimate.recall,
      evaluations: estimate.evaluations, nanoseconds: estimate.nanoseconds)
    setting.take(estimate.width, k: request.k, isFine: finest != nil)
    return setting
  }
}

extension SealedSegment {
  /// Whether every search compares the query with every row, precisely: then recall is 1 at any width.
  package var isAlwaysScanned: Bool { count <= Self.exactCount && rowKernel != nil }
}
