extension LoadCriteria {
  /// Whether the stages that answers tell of account for the time that they took.
  ///
  /// - Parameters:
  ///   - ledger: Both, as the generator saw them.
  ///   - middle: The share by which the middles may differ.
  ///   - tail: The share by which the 99th percentiles may.
  /// - Returns: A verdict on each.
  public static func ledger(
    _ ledger: LoadLedger, middle: Double = 0.02, tail: Double = 0.05
  ) -> [LoadVerdict] {
    func verdict(_ name: String, _ stages: Double, _ call: Double, _ most: Double) -> LoadVerdict {
      let found = call > 0 ? abs(stages - call) / call : 0
      return LoadVerdict(
        "stages account for the \(name)", isMet: found <= most,
        finding: "\(Numerals.measured(stages)) of \(Numerals.measured(call)) µs, "
          + "\(Numerals.fixed(found * 100, 2)) % off; at most \(percent(most))")
    }
    return [
      verdict("p50", ledger.stagesP50Microseconds, ledger.callP50Microseconds, middle),
      verdict("p99", ledger.stagesP99Microseconds, ledger.callP99Microseconds, tail),
    ]
  }

  /// Whether a service that says it is ready answers its first requests as it answers later ones.
  ///
  /// - Parameters:
  ///   - slices: The slices of a run at one rate.
  ///   - first: The requests that are looked at: whole slices, until they hold so many.
  ///   - growth: The share by which their p99 may be above the middle one of later slices.
  /// - Returns: Nil where there are not as many slices behind them as there are of them.
  public static func warm(
    _ slices: [LoadSlice], first: Int = 1_000, growth: Double = 0.5
  ) -> LoadVerdict? {
    let held = slices.filter { $0.answered > 0 }
    var (count, seen) = (0, 0)
    while count < held.count, seen < first {
      seen += held[count].answered
      count += 1
    }
    let later = held[count...].map(\.p99Microseconds).sorted()
    guard seen >= first, seen < 2 * first, later.count >= count else { return nil }
    let early = held[..<count].map(\.p99Microseconds).max() ?? 0
    let steady = later[later.count / 2]
    return LoadVerdict(
      "the first \(Numerals.grouped(seen)) answers are like later ones",
      isMet: early <= (1 + growth) * steady,
      finding: "p99 \(Numerals.measured(early)) µs, later \(Numerals.measured(steady)) µs; "
        + "at most \(percent(growth)) more")
  }
}
