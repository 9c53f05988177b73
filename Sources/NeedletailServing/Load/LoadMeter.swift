package import NeedletailBudgets

/// Measures load as work against what the workers can do, and as the delay of the queue: never as a round trip.
///
/// A ring of ticks, so that the figure is that of the last second whatever came before.
///
/// - Complexity: O(1) for each event and for each tick that ends.
package struct LoadMeter: Sendable {
  /// What is measured, and how finely.
  package struct Settings: Sendable {
    /// Threads that serve.
    package var workers: Int
    /// The length of a tick.
    package var tick: Nanoseconds
    /// Ticks in the window.
    package var ticks: Int
    /// The interval of the standing delay.
    package var delayInterval: Nanoseconds

    package init(
      workers: Int, tick: Nanoseconds = 100 * .millisecond, ticks: Int = 10,
      delayInterval: Nanoseconds = 100 * .millisecond
    ) {
      self.workers = workers
      self.tick = tick
      self.ticks = ticks
      self.delayInterval = delayInterval
    }
  }

  private struct Tick {
    var offered = PerClass<Nanoseconds>(repeating: 0)
    var served: Nanoseconds = 0
  }

  package let settings: Settings
  private var ring: [Tick]
  private var sums = Tick()
  private var open: Int64
  private let first: Int64
  private var delay: StandingDelay

  /// Begins at `start`.
  ///
  /// - Precondition: all settings are positive.
  package init(_ settings: Settings, start: Nanoseconds) {
    precondition(
      settings.workers > 0 && settings.tick > 0 && settings.ticks > 0,
      "\(settings.workers) workers, ticks of \(settings.tick) ns, \(settings.ticks) of them")
    self.settings = settings
    ring = [Tick](repeating: Tick(), count: settings.ticks + 1)
    open = start / settings.tick
    first = open
    delay = StandingDelay(interval: settings.delayInterval, start: start)
  }

  /// A query arrived that would take `work` nanoseconds of a worker at full quality, whether it is taken or not.
  package mutating func offered(_ work: Nanoseconds, _ priority: PriorityClass, at now: Nanoseconds)
  {
    advance(to: now)
    ring[place(open)].offered[priority] += min(.longestWork, max(0, work))
  }

  /// A query that arrived has gone without being served.
  package mutating func withdrawn(
    _ work: Nanoseconds, _ priority: PriorityClass, at now: Nanoseconds
  ) {
    advance(to: now)
    let left = ring[place(open)].offered[priority] - min(.longestWork, max(0, work))
    ring[place(open)].offered[priority] = max(0, left)
  }

  /// A worker was busy for `work` nanoseconds.
  package mutating func served(_ work: Nanoseconds, at now: Nanoseconds) {
    advance(to: now)
    ring[place(open)].served += min(.longestWork, max(0, work))
  }

  /// A query left the queue after `sojourn` nanoseconds, to be served or because its deadline had passed.
  package mutating func dequeued(after sojourn: Nanoseconds, at now: Nanoseconds) {
    delay.record(sojourn, at: now)
  }

  /// The load of the last window that is over; `oldestWait` is how long the first in the queue waits.
  package mutating func sample(at now: Nanoseconds, oldestWait: Nanoseconds = 0) -> LoadSample {
    advance(to: now)
    delay.advance(to: now, oldestWait: oldestWait)
    let covered = min(Int64(settings.ticks), open - first)
    var sample = LoadSample(
      demand: PerClass(repeating: 0), standingDelay: delay.value)
    guard covered > 0 else { return sample }
    let capacity = Double(covered) * Double(settings.tick) * Double(settings.workers)
    for priority in PriorityClass.allCases {
      sample.demand[priority] = Double(sums.offered[priority]) / capacity
    }
    sample.utilisation = Double(sums.served) / capacity
    return sample
  }

  private mutating func advance(to now: Nanoseconds) {
    let target = now / settings.tick
    if target - open > Int64(settings.ticks) {
      for place in ring.indices { ring[place] = Tick() }
      sums = Tick()
      open = target
    }
    while open < target {
      let closed = ring[place(open)]
      open += 1
      let leaving = ring[place(open)]
      for priority in PriorityClass.allCases {
        sums.offered[priority] += closed.offered[priority] - leaving.offered[priority]
      }
      sums.served += closed.served - leaving.served
      ring[place(open)] = Tick()
    }
  }

  private func place(_ tick: Int64) -> Int { Int(tick % Int64(ring.count)) }
}
