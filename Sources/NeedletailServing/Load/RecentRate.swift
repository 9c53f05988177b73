/// An amount a second over the last one to two buckets: small, and quick to follow.
package struct RecentRate: Sendable {
  private let width: Nanoseconds
  private var open: Int64
  private var start: Nanoseconds
  private var current: Int64 = 0
  private var previous: Int64 = 0

  /// Begins at `start`, with buckets of `width`.
  ///
  /// - Precondition: `width > 0`.
  package init(width: Nanoseconds, start: Nanoseconds) {
    precondition(width > 0, "a bucket of \(width) ns has no length")
    self.width = width
    self.start = start
    open = start / width
  }

  /// Adds an amount.
  package mutating func add(_ amount: Int64, at now: Nanoseconds) {
    advance(to: now)
    current = current.addingReportingOverflow(amount).overflow ? .max : current + amount
  }

  /// The amount a second as of `now`.
  package mutating func perSecond(at now: Nanoseconds) -> Double {
    advance(to: now)
    // Before a whole bucket was seen, the time since the start, or a quarter of a bucket.
    let begin = max(start, (open - 1) * width)
    let covered = max(width / 4, now - begin, 1)
    return (Double(previous) + Double(current)) * Double(Nanoseconds.second) / Double(covered)
  }

  private mutating func advance(to now: Nanoseconds) {
    let target = now / width
    guard target > open else { return }
    previous = target == open + 1 ? current : 0
    current = 0
    open = target
  }
}
