/// What a tenant may still use: filled evenly, up to a burst; charged before the work, and corrected after it.
///
/// Exact: what a refill leaves as a fraction is kept for the next one.
package struct TokenBucket: Sendable {
  private var rate: Int64
  private var burst: Int64
  /// What is left, in millionths of a unit; negative where work cost more than was reserved.
  package private(set) var level: Int64
  /// Of a millionth, in thousand-millionths.
  private var fraction: UInt64 = 0
  private var filled: Nanoseconds

  /// A full bucket.
  ///
  /// - Precondition: the allowance was validated.
  package init(_ allowance: TenantAllowance, at now: Nanoseconds) {
    rate = allowance.perSecond.millionths
    burst = allowance.burst.millionths
    level = burst
    filled = now
  }

  /// Takes another allowance: what is there stays, up to the new burst.
  mutating func adopt(_ allowance: TenantAllowance, at now: Nanoseconds) {
    refill(at: now)
    rate = allowance.perSecond.millionths
    burst = allowance.burst.millionths
    level = min(burst, max(-16 * burst, level))
  }

  /// Whether nothing is used any more.
  package func isFull(at now: Nanoseconds) -> Bool {
    var later = self
    later.refill(at: now)
    return later.level >= burst
  }

  /// Whether more was used than is there.
  package func isInDebt(at now: Nanoseconds) -> Bool {
    var later = self
    later.refill(at: now)
    return later.level < 0
  }

  /// Takes what work is expected to cost; gives the time after which to ask again where it is not there.
  ///
  /// Work that is dearer than a whole burst is let in when the bucket is full, and paid off afterwards.
  package mutating func reserve(_ cost: CostUnits, at now: Nanoseconds) -> Nanoseconds? {
    refill(at: now)
    let needed = min(max(0, cost.millionths), burst)
    guard level >= needed else { return wait(for: needed) }
    level -= max(0, min(cost.millionths, TenantAllowance.most.millionths))
    return nil
  }

  /// Corrects a reservation to what the work did cost.
  package mutating func settle(reserved: CostUnits, actual: CostUnits, at now: Nanoseconds) {
    refill(at: now)
    let most = TenantAllowance.most.millionths
    let difference =
      min(most, max(0, reserved.millionths)) - min(most, max(0, actual.millionths))
    // Debts end: 16 bursts are the most that is owed.
    level = min(burst, max(-16 * burst, level + difference))
  }

  private mutating func refill(at now: Nanoseconds) {
    guard now > filled else { return }
    let grown = UInt128(rate) * UInt128(now - filled) + UInt128(fraction)
    filled = now
    let (whole, rest) = grown.quotientAndRemainder(dividingBy: 1_000_000_000)
    level = Int64(clamping: Int128(level) + Int128(whole))
    fraction = UInt64(rest)
    if level >= burst { (level, fraction) = (burst, 0) }
  }

  private func wait(for needed: Int64) -> Nanoseconds {
    Nanoseconds(clamping: Int128(needed - level) * 1_000_000_000 / Int128(rate) + 1)
  }
}
