/// Which tier of load holds: entered when the load has reached it for a while, left when it has been below for longer.
///
/// With a window of 1 s, a tier is entered within 2 s of the load that asks for it and left within 5 s of its end.
package struct TierController: Sendable {
  /// The tiers, the calmest first.
  package let tiers: [LoadTier]
  /// How long the load must reach a tier, and be below it.
  package let entryHold: Nanoseconds
  package let exitHold: Nanoseconds
  /// The tier that holds.
  package private(set) var current = 0
  private var aboveSince: [Nanoseconds?]
  private var belowSince: [Nanoseconds?]

  /// Begins in the calmest tier.
  ///
  /// - Precondition: `LoadTier.validate` accepts the tiers.
  package init(
    _ tiers: [LoadTier], entryHold: Nanoseconds = 500 * .millisecond,
    exitHold: Nanoseconds = 3 * .second
  ) {
    precondition(!tiers.isEmpty, "no tier of load is there")
    self.tiers = tiers
    self.entryHold = entryHold
    self.exitHold = exitHold
    aboveSince = tiers.map { _ in nil }
    belowSince = tiers.map { _ in nil }
  }

  /// Takes the load of the last window; gives the tier that holds now.
  @discardableResult
  package mutating func update(load: Double, at now: Nanoseconds) -> Int {
    for index in tiers.indices {
      aboveSince[index] = load >= tiers[index].entry ? aboveSince[index] ?? now : nil
      belowSince[index] = load < tiers[index].exit ? belowSince[index] ?? now : nil
    }
    let entered = tiers.indices.last { held(aboveSince[$0], entryHold, now) } ?? 0
    if entered > current {
      current = entered
    } else if held(belowSince[current], exitHold, now) {
      current = tiers.indices.last { $0 < current && !held(belowSince[$0], exitHold, now) } ?? 0
    }
    return current
  }

  private func held(_ since: Nanoseconds?, _ hold: Nanoseconds, _ now: Nanoseconds) -> Bool {
    guard let since else { return false }
    return now - since >= hold
  }
}
