/// Events of the last time in a ring of buckets, with running sums over a long and a short window.
///
/// Windows consist of closed buckets only: they are as long as they say, whenever one looks. The bucket that is filling counts from
/// the moment it closes.
///
/// - Complexity: O(1) for an event, amortised over buckets that close; 16 bytes for each bucket of the long window.
package struct EventRing: Sendable {
  /// The length of one bucket.
  package let width: Nanoseconds
  /// Closed buckets in the windows.
  package let longCount: Int
  package let shortCount: Int
  /// The sums over the closed buckets of each window.
  package private(set) var long = EventCounts()
  package private(set) var short = EventCounts()
  private var buckets: [EventCounts]
  /// The number of the bucket that is filling, and of the first one ever.
  private var open: Int64
  private var first: Int64

  /// A ring that begins at `start`.
  ///
  /// - Precondition: `1 <= shortCount <= longCount`, `width > 0`, `start >= 0`.
  package init(width: Nanoseconds, shortCount: Int, longCount: Int, start: Nanoseconds) {
    precondition(width > 0 && start >= 0, "a bucket of \(width) ns from \(start) has no meaning")
    precondition(
      1 <= shortCount && shortCount <= longCount,
      "a short window of \(shortCount) buckets does not fit a long one of \(longCount)")
    self.width = width
    self.shortCount = shortCount
    self.longCount = longCount
    buckets = [EventCounts](repeating: EventCounts(), count: longCount + 1)
    open = start / width
    first = open
  }

  /// How many closed buckets there have been, up to the whole long window.
  package var covered: Int { Int(min(Int64(longCount), open - first)) }

  /// The bucket that is filling.
  package var openBucket: Int64 { open }

  /// The events of the long window and of the bucket that is filling: of a long one, what happens now must be seen now.
  package var all: EventCounts {
    var counts = long
    counts += buckets[place(open)]
    return counts
  }

  /// Counts events at `now`; those of an instant before the open bucket are counted in it.
  package mutating func record(_ counts: EventCounts, at now: Nanoseconds) {
    advance(to: now)
    buckets[place(open)] += counts
  }

  /// Closes the buckets that ended by `now`.
  package mutating func advance(to now: Nanoseconds) {
    let target = now / width
    guard target > open else { return }
    if target - open > Int64(longCount) {
      for place in buckets.indices { buckets[place] = EventCounts() }
      long = EventCounts()
      short = EventCounts()
      open = target
      return
    }
    while open < target { close() }
  }

  private mutating func close() {
    let closed = buckets[place(open)]
    long += closed
    short += closed
    if open - Int64(shortCount) >= 0 { short -= buckets[place(open - Int64(shortCount))] }
    open += 1
    // The place of the new bucket is that of the one that leaves the long window.
    long -= buckets[place(open)]
    buckets[place(open)] = EventCounts()
  }

  private func place(_ bucket: Int64) -> Int { Int(bucket % Int64(buckets.count)) }
}
