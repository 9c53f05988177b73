/// An alert that began or ended, with the numbers that say why.
public struct BurnAlert: Sendable, Hashable {
  /// The objective's name.
  public var objective: String
  /// The rule that began or ceased to hold.
  public var rule: BurnRule
  /// Whether it began; otherwise it is resolved.
  public var isFiring: Bool
  /// The burn rates in the rule's two windows, in thousandths.
  public var longBurn: Int
  /// The same in the short window.
  public var shortBurn: Int
  /// When it was found.
  public var instant: Nanoseconds
}

extension BurnAlert: CustomStringConvertible {
  /// One line for a log.
  public var description: String {
    "\(objective): \(rule.severity) \(isFiring ? "firing" : "resolved"), burn rate"
      + " \(tenths(longBurn)) over \(rule.long / .second) s and \(tenths(shortBurn)) over"
      + " \(rule.short / .second) s (threshold \(tenths(rule.burn)))"
  }

  private func tenths(_ thousandths: Int) -> String {
    "\(thousandths / 1_000).\(thousandths % 1_000 / 100)"
  }
}

/// What is left of an error budget.
public struct ErrorBudget: Sendable, Hashable {
  /// Events of the period.
  public var counts: EventCounts
  /// Bad events that the period's traffic so far allows, in millionths of an event.
  public var allowed: UInt128

  /// What is left, in millionths of the whole; all of it without events.
  ///
  /// Negative when more was spent than there is.
  public var remaining: Int {
    guard allowed > 0 else { return 1_000_000 }
    let spent = UInt128(counts.bad) * 1_000_000 * 1_000_000 / allowed
    return 1_000_000 - Int(clamping: min(spent, 1 << 60))
  }
}
