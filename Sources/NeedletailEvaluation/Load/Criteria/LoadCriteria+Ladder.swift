extension LoadCriteria {
  /// Whether the ladder was walked down step by step while load rose, and everybody was served until its end.
  ///
  /// - Parameters:
  ///   - report: A run with a rising load.
  ///   - last: The last rung before rejecting, by name; by default the last one of the vocabulary.
  ///   - served: The share that must be answered in slices before that rung.
  /// - Returns: Nothing where the target names no rungs.
  public static func ladder(
    _ report: LoadReport, last: String? = nil, served: Double = 0.999
  ) -> [LoadVerdict] {
    let rungs = report.vocabulary.rungs
    guard !rungs.isEmpty else { return [] }
    let end = last.flatMap { rungs.firstIndex(of: $0) } ?? rungs.count - 1
    let steps = report.slices.compactMap(\.rung)
    let back = zip(steps, steps.dropFirst()).count { $1 < $0 }
    var seen: [String] = []
    for rung in steps where !seen.contains(rungs[rung]) { seen.append(rungs[rung]) }
    let before = report.slices.filter { ($0.rung ?? 0) < end }
    let offered = before.reduce(0) { $0 + $1.offered }
    let answered = before.reduce(0) { $0 + $1.answered }
    let share = offered > 0 ? Double(answered) / Double(offered) : 1
    let unjudged = report.rungs.filter { $0.recall == nil }.map(\.name)
    return [
      LoadVerdict(
        "rungs in order", isMet: back == 0 && !steps.isEmpty,
        finding: "\(seen.joined(separator: " → ")); back \(back) times"),
      LoadVerdict(
        "served until the rung \(rungs[end])", isMet: share >= served,
        finding: "\(Numerals.fixed(share * 100, 3)) %; at least \(percent(served))"),
      LoadVerdict(
        "recall of each rung is known", isMet: unjudged.isEmpty && !report.rungs.isEmpty,
        finding: unjudged.isEmpty
          ? recalls(report) : "not of \(unjudged.joined(separator: ", ")); give ground truth"),
    ]
  }

  private static func recalls(_ report: LoadReport) -> String {
    report.rungs.map { "\($0.name) \(Numerals.fixed($0.recall ?? 0, 3))" }.joined(separator: ", ")
  }

  /// Whether queues kept to their bounds, and memory did not grow.
  ///
  /// - Parameters:
  ///   - slices: The slices of a run under overload.
  ///   - warm: Seconds of its beginning that memory is not looked at.
  ///   - flat: The share of its middle by which memory may vary.
  /// - Returns: A verdict on each of both that was seen at all.
  public static func backpressure(
    _ slices: [LoadSlice], warm: Double = 5, flat: Double = 0.01
  ) -> [LoadVerdict] {
    var verdicts: [LoadVerdict] = []
    let queues = slices.compactMap { slice in
      slice.queueBound.flatMap { bound in slice.longestQueue.map { (longest: $0, bound: bound) } }
    }
    if let longest = queues.max(by: { $0.longest - $0.bound < $1.longest - $1.bound }) {
      verdicts.append(
        LoadVerdict(
          "queues within their bound", isMet: longest.longest <= longest.bound,
          finding:
            "\(Numerals.grouped(longest.longest)) waited; at most \(Numerals.grouped(longest.bound))"
        ))
    }
    let bytes = slices.filter { $0.start >= warm }.compactMap(\.memoryBytes).sorted()
    if let least = bytes.first, let most = bytes.last {
      let middle = Double(bytes[bytes.count / 2])
      let found = middle > 0 ? Double(most - least) / middle : 0
      verdicts.append(
        LoadVerdict(
          "memory is flat", isMet: found <= flat,
          finding: "\(Numerals.bytes(least)) to \(Numerals.bytes(most)), "
            + "\(Numerals.fixed(found * 100, 2)) %; at most \(percent(flat))"))
    }
    return verdicts
  }
}
