/// How many events were good, and how many were not.
public struct EventCounts: Sendable, Hashable {
  /// Events that kept the promise.
  public var good: UInt64
  /// Events that broke it.
  public var bad: UInt64

  /// Makes counts; none by default.
  public init(good: UInt64 = 0, bad: UInt64 = 0) {
    self.good = good
    self.bad = bad
  }

  /// All events.
  public var total: UInt64 { good &+ bad }

  static func += (counts: inout EventCounts, other: EventCounts) {
    counts.good &+= other.good
    counts.bad &+= other.bad
  }

  static func -= (counts: inout EventCounts, other: EventCounts) {
    counts.good &-= other.good
    counts.bad &-= other.bad
  }
}
