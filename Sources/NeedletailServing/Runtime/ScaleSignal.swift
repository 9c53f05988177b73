/// How many workers the present load would need, by Little's law: work that arrives in a second is the number of workers that it keeps
/// busy.
package struct ScaleSignal: Sendable {
  /// The share of a worker's time that may be used: beyond it queues grow out of proportion.
  private static let limit = 0.8
  /// How long another number has to hold before it is told.
  private static let hold = 2 * Nanoseconds.second

  /// The number that was told last.
  package private(set) var workers: Int
  private let present: Int
  private var candidate: Int
  private var since: Nanoseconds

  package init(workers: Int, start: Nanoseconds) {
    self.workers = workers
    present = workers
    candidate = workers
    since = start
  }

  /// Takes the load, work that arrives over what the workers can do; gives a number of workers when it is another one than
  /// before, and has been for a while.
  package mutating func update(load: Double, at now: Nanoseconds) -> Int? {
    let needed = max(1, Int((load * Double(present) / Self.limit).rounded(.up)))
    // More is told at once after the hold; fewer only where it is one fewer than what would do.
    let wanted = needed < workers ? max(1, min(workers, needed + 1)) : needed
    if wanted != candidate {
      candidate = wanted
      since = now
    }
    guard candidate != workers, now - since >= Self.hold else { return nil }
    workers = candidate
    return workers
  }
}
