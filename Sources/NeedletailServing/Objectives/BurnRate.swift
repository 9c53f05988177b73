/// How fast an error budget burns: the share of bad events over the share that is allowed, in exact integers.
package enum BurnRate {
  /// The rate in thousandths, rounded down; 0 without events.
  ///
  /// Of a window that is not filled yet, the rest counts as time without errors at the same traffic: the first failed query after a
  /// start is no outage.
  ///
  /// | Argument | Unit |
  /// |---|---|
  /// | `allowance` | bad events that are allowed, in millionths of all |
  /// | `covered`, `buckets` | buckets that were, and that the window has |
  package static func thousandths(
    _ counts: EventCounts, allowance: Int, covered: Int, buckets: Int
  ) -> Int {
    guard counts.total > 0, covered > 0 else { return 0 }
    let (bad, all) = parts(counts, allowance: allowance, covered: covered, buckets: buckets)
    return Int(clamping: bad * 1_000 / all)
  }

  /// Whether the rate is at least `burn` thousandths: without rounding.
  package static func reaches(
    _ burn: Int, _ counts: EventCounts, allowance: Int, covered: Int, buckets: Int
  ) -> Bool {
    guard counts.total > 0, covered > 0 else { return false }
    let (bad, all) = parts(counts, allowance: allowance, covered: covered, buckets: buckets)
    return bad * 1_000 >= all * UInt128(burn)
  }

  /// Bad events times 10^6 times what was covered, and all events times what was allowed times the window.
  ///
  /// Below 2^107 and 2^104 for counts of 64 bits and windows of 2^20 buckets: a factor of 10^6 still fits.
  private static func parts(
    _ counts: EventCounts, allowance: Int, covered: Int, buckets: Int
  ) -> (bad: UInt128, all: UInt128) {
    (
      UInt128(counts.bad) * 1_000_000 * UInt128(covered),
      UInt128(counts.total) * UInt128(allowance) * UInt128(buckets)
    )
  }
}
