package import NeedletailBudgets

/// Which tier of load holds: entered when the load has reached it for a while, left when it has been below for longer.
///
/// Each tier has its own loads and times. With a window of 1 s and the usual times, a tier is entered within 2 s of the load that
/// asks for it and left within 5 s of its end.
package struct TierController: Sendable {
  /// When a tier is entered and left.
  private struct Conditions {
    var entry: Double
    var exit: Double
    var entryHold: Nanoseconds
    var exitHold: Nanoseconds
    var aboveSince: Nanoseconds?
    var belowSince: Nanoseconds?
  }

  /// The tiers, the calmest first.
  package private(set) var tiers: [LoadTier]
  /// The tier that holds.
  package private(set) var current = 0
  private var conditions: [Conditions]

  /// Begins in the calmest tier.
  ///
  /// A tier that nothing leads into is never entered, but for the first.
  ///
  /// - Precondition: there is a tier; they are those of a `PerformanceBudget`.
  package init(_ tiers: [LoadTier]) {
    precondition(!tiers.isEmpty, "no tier of load is there")
    self.tiers = tiers
    conditions = Self.conditions(tiers)
  }

  private static func conditions(_ tiers: [LoadTier]) -> [Conditions] {
    tiers.enumerated().map { index, tier in
      let entry = index == 0 ? nil : tier.enter
      let exit = index == 0 ? nil : tier.exit
      return Conditions(
        entry: index == 0 ? 0 : entry?.load ?? .infinity, exit: exit?.load ?? entry?.load ?? 0,
        entryHold: Nanoseconds(entry?.hold ?? .zero), exitHold: Nanoseconds(exit?.hold ?? .zero))
    }
  }

  /// Takes other tiers: the one that holds goes on to, by its name; where it is there no more, the last one that the load reaches.
  ///
  /// A load that has reached a tier for a while has done so still, where the tier is reached at the same load.
  ///
  /// - Precondition: there is a tier; they are those of a `PerformanceBudget`.
  mutating func adopt(_ new: [LoadTier], load: Double) {
    precondition(!new.isEmpty, "no tier of load is there")
    let name = tiers[current].name
    var changed = Self.conditions(new)
    for (place, tier) in new.enumerated() {
      guard let before = tiers.firstIndex(where: { $0.name == tier.name }) else { continue }
      if changed[place].entry == conditions[before].entry {
        changed[place].aboveSince = conditions[before].aboveSince
      }
      if changed[place].exit == conditions[before].exit {
        changed[place].belowSince = conditions[before].belowSince
      }
    }
    current =
      new.firstIndex { $0.name == name } ?? changed.lastIndex { load >= $0.entry } ?? 0
    tiers = new
    conditions = changed
  }

  /// Takes the load of the last window; gives the tier that holds now.
  @discardableResult
  package mutating func update(load: Double, at now: Nanoseconds) -> Int {
    for index in conditions.indices {
      let isAbove = load >= conditions[index].entry
      let isBelow = load < conditions[index].exit
      conditions[index].aboveSince = isAbove ? conditions[index].aboveSince ?? now : nil
      conditions[index].belowSince = isBelow ? conditions[index].belowSince ?? now : nil
    }
    let entered = conditions.lastIndex { held($0.aboveSince, $0.entryHold, now) } ?? 0
    if entered > current {
      current = entered
    } else if isLeft(current, now) {
      current = conditions.indices.last { $0 < current && !isLeft($0, now) } ?? 0
    }
    return current
  }

  private func isLeft(_ index: Int, _ now: Nanoseconds) -> Bool {
    held(conditions[index].belowSince, conditions[index].exitHold, now)
  }

  private func held(_ since: Nanoseconds?, _ hold: Nanoseconds, _ now: Nanoseconds) -> Bool {
    guard let since else { return false }
    return now - since >= hold
  }
}
