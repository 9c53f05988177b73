/// The least time in the queue within an interval: a burst leaves it low, a queue that stays does not.
///
/// Source of the idea: Nichols, Jacobson, *Controlling Queue Delay* (2012).
package struct StandingDelay: Sendable {
  /// The interval's length.
  package let interval: Nanoseconds
  /// The least of the last interval that was over; 0 where nothing waited.
  package private(set) var value: Nanoseconds = 0
  private var least: Nanoseconds?
  private var end: Nanoseconds

  /// Begins at `start`.
  ///
  /// - Precondition: `interval > 0`.
  package init(interval: Nanoseconds, start: Nanoseconds) {
    precondition(interval > 0, "an interval of \(interval) ns has no end")
    self.interval = interval
    end = start + interval
  }

  /// Something left the queue after `sojourn`.
  package mutating func record(_ sojourn: Nanoseconds, at now: Nanoseconds) {
    advance(to: now, oldestWait: sojourn)
    least = min(least ?? sojourn, sojourn)
  }

  /// Ends the intervals that are over by `now`.
  ///
  /// `oldestWait` is how long the first in the queue waits, 0 where none does: it stands for an interval in which nothing left.
  package mutating func advance(to now: Nanoseconds, oldestWait: Nanoseconds) {
    guard now >= end else { return }
    value = least ?? oldestWait
    least = nil
    if now - end >= interval { value = oldestWait }
    end += ((now - end) / interval + 1) * interval
  }
}
