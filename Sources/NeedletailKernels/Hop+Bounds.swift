internal import CNeedletailKernels

/// How far a walk may go, whatever it finds.
package struct WalkBounds: Sendable, Hashable {
  /// The most rows that are scored, but for the hop under way.
  package var evaluations: Int
  /// The moment of the monotonic clock, in nanoseconds, at which the walk stops.
  package var deadline: Int

  /// No bounds.
  package static let none = WalkBounds()

  package init(evaluations: Int = .max, deadline: Int = .max) {
    self.evaluations = evaluations
    self.deadline = deadline
  }
}

extension HopWalk {
  /// Evaluations from one look at the clock to the next: some microseconds, beside which the look is nothing.
  package static let evaluationsPerLook = 64

  /// Does rounds until nothing is left to expand, or a bound is met.
  ///
  /// Near the limit on evaluations rounds become shorter, so that it is kept more closely; as this changes the
  /// order in which candidates are expanded, `isShortened` says so.
  ///
  /// - Parameters:
  ///   - bounds: what the walk may not exceed.
  ///   - pause: rows scored after which the walk may go on later, as if it had not paused.
  /// - Complexity: without bounds that of `run()`, to the instruction.
  package mutating func run(within bounds: WalkBounds, pausingAt pause: Int = .max) {
    if bounds == .none { return run(limit: pause) }
    var look = scored
    while scored < min(bounds.evaluations, pause) {
      if bounds.deadline != .max, scored >= look {
        guard nanoseconds() < bounds.deadline else {
          isLate = isOpen
          return
        }
        look = scored &+ Self.evaluationsPerLook
      }
      let shortens = narrows(near: bounds.evaluations)
      guard gather() else { return }
      isShortened = isShortened || shortens
      settle()
    }
    // Told even if the end of the walk is moved later to where it is already.
    if scored >= bounds.evaluations, isOpen { isShortened = true }
  }

  /// The most rows that the next round scores.
  package var widestRound: Int { unsafe Int(raw.breadth) &* degree }

  /// Makes rounds short once one of full breadth could go over a limit.
  ///
  /// - Returns: whether they are shorter than they were made.
  private mutating func narrows(near limit: Int) -> Bool {
    if unsafe raw.breadth == 1 { return wasNarrowed }
    guard limit &- scored < widestRound else { return false }
    unsafe raw.breadth = 1
    wasNarrowed = true
    return true
  }
}
