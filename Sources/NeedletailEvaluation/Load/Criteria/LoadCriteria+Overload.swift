extension LoadCriteria {
  /// Whether a service that is asked for more than it can do keeps doing what it can.
  ///
  /// - Parameters:
  ///   - report: A run at one rate between two seconds.
  ///   - start: The first of them.
  ///   - end: The second one.
  ///   - peakGoodput: What the service does at its best, in answers of use a second.
  ///   - p99Microseconds: What the budget promises.
  /// - Returns: Verdicts on goodput, on admitted requests, on the time to settle, and on rejections.
  public static func overload(
    _ report: LoadReport, from start: Double = 0, to end: Double = .infinity, peakGoodput: Double,
    p99Microseconds: Double
  ) -> [LoadVerdict] {
    let slices = report.slices.filter { $0.start >= start && $0.start + $0.seconds <= end + 1e-6 }
    let settled = slices.filter { $0.start >= start + 1 }
    let seconds = settled.reduce(0) { $0 + $1.seconds }
    let goodput = seconds > 0 ? Double(settled.reduce(0) { $0 + $1.inTime }) / seconds : 0
    let limit = 1.5 * p99Microseconds
    func isGood(_ slice: LoadSlice) -> Bool {
      slice.goodput >= 0.9 * peakGoodput && slice.p99Microseconds <= limit && slice.inTime > 0
    }
    let inside = settled.count { $0.p99Microseconds <= limit }
    // The first slice that two more good ones follow: one alone may be luck.
    let first = slices.indices.first { slices[$0..<min($0 + 3, slices.count)].allSatisfy(isGood) }
    let time = first.map { slices[$0].start - start }
    var verdicts = [
      LoadVerdict(
        "goodput under overload", isMet: goodput >= 0.9 * peakGoodput && goodput > 0,
        finding:
          "\(Numerals.measured(goodput)) of \(Numerals.measured(peakGoodput)) a second; at least 90 %"
      ),
      LoadVerdict(
        "p99 of what is admitted",
        isMet: !settled.isEmpty && Double(inside) >= 0.99 * Double(settled.count),
        finding:
          "at most \(Numerals.measured(limit)) µs in \(inside) of \(settled.count) slices; at least 99 %"
      ),
      LoadVerdict(
        "settles within 1 s", isMet: time.map { $0 <= 1 } ?? false,
        finding: time.map { "after \(Numerals.fixed($0, 1)) s" } ?? "never"),
    ]
    if report.rejections.offered > 0 {
      let found = report.rejections.p99Microseconds
      verdicts.append(
        LoadVerdict(
          "rejections within 100 µs", isMet: found <= 100,
          finding: "99 % within \(Numerals.measured(found)) µs"))
    }
    return verdicts
  }

  /// The step of the highest rate; nil without steps.
  ///
  /// - Parameter steps: The steps of a schedule.
  /// - Returns: The first one of that rate.
  public static func heaviest(of steps: [LoadStep]) -> LoadStep? {
    steps.max { $0.rate == $1.rate ? $0.start > $1.start : $0.rate < $1.rate }
  }

  /// What the calmer steps before some second show that a service can do: the best of their means, in answers of use a second.
  ///
  /// Of a step that is longer than two seconds, the first one is left out: what settles is not what holds.
  ///
  /// - Parameters:
  ///   - report: A run over steps.
  ///   - start: That second.
  /// - Returns: Nil where no whole slice lies in a step before it.
  public static func peakGoodput(of report: LoadReport, before start: Double) -> Double? {
    report.steps.filter { $0.end <= start && $0.rate > 0 }.compactMap { step in
      let first = step.end - step.start > 2 ? step.start + 1 : step.start
      let slices = report.slices.filter {
        $0.start >= first && $0.start + $0.seconds <= step.end + 1e-6
      }
      let seconds = slices.reduce(0) { $0 + $1.seconds }
      return seconds > 0 ? Double(slices.reduce(0) { $0 + $1.inTime }) / seconds : nil
    }.max()
  }
}
