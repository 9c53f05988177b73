import NeedletailServing

/// Events kept one by one: what sliding windows must add up to.
struct EventOracle {
  private var events: [(bucket: Int64, counts: EventCounts)] = []
  let width: Nanoseconds

  init(width: Nanoseconds) { self.width = width }

  mutating func record(_ counts: EventCounts, at now: Nanoseconds) {
    events.append((now / width, counts))
  }

  /// The sum over the last `count` buckets that ended by `now`, looked for from the back.
  func sum(_ count: Int64, at now: Nanoseconds) -> EventCounts {
    let open = now / width
    var sum = EventCounts()
    for event in events.reversed() where event.bucket < open {
      if event.bucket < open - count { break }
      sum = EventCounts(good: sum.good + event.counts.good, bad: sum.bad + event.counts.bad)
    }
    return sum
  }
}
