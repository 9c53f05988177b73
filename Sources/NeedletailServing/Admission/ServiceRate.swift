/// How long work takes against what was expected of it: corrects a cost model that is off, or a machine that is busy.
package struct ServiceRate: Sendable {
  private let horizon: Nanoseconds
  private var expected: Nanoseconds
  private var actual: Nanoseconds

  /// Begins with a right expectation; what lies further back than `horizon` of work counts half and less.
  package init(horizon: Nanoseconds) {
    self.horizon = max(2, horizon)
    expected = max(1, horizon / 8)
    actual = expected
  }

  /// The time that a nanosecond of expected work takes, within 1/16 and 16.
  package var ratio: Double { min(16, max(1 / 16, Double(actual) / Double(expected))) }

  /// Some work is done.
  package mutating func record(expected: Nanoseconds, actual: Nanoseconds) {
    self.expected += min(horizon, max(0, expected))
    self.actual += min(16 * horizon, max(0, actual))
    guard self.expected >= horizon || self.actual >= 16 * horizon else { return }
    self.expected = max(1, self.expected / 2)
    self.actual = max(1, self.actual / 2)
  }
}
