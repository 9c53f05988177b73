/// What a limit is about.
public enum LimitedQuantity: String, Sendable, Hashable, Codable, CaseIterable {
  /// The share of the true neighbours that are found: a floor, where all others are ceilings.
  case recall
  /// Microseconds that 95 % of the walks and re-ranks take at most, by the clock.
  case p95
  /// Microseconds that 99 % take at most, by the clock.
  case p99
  /// Bytes of codes.
  case codes
  /// Bytes of links.
  case graph
  /// Bytes of precise rows.
  case precise
  /// Bytes of ids.
  case ids
  /// Bytes of the index.
  case total
  /// Bytes of codes, links and precise row of one vector.
  case bytesPerVector
  /// Seconds of a build.
  case buildTime

  /// Whether the clock of the machine has a say in it.
  public var isTimed: Bool { self == .p95 || self == .p99 || self == .buildTime }

  /// Whether it is known before anything is built.
  public var isPredicted: Bool {
    switch self {
    case .codes, .graph, .precise, .ids, .total, .bytesPerVector: true
    case .recall, .p95, .p99, .buildTime: false
    }
  }
}

/// One limit that a decision has to keep, and where it comes from.
public struct DecisionLimit: Sendable, Hashable, Encodable {
  /// What it is about.
  public var quantity: LimitedQuantity
  /// The most of it; of recall the least, 0 to 1.
  public var bound: Double
  /// The field of the budget that says so: `tiers[normal].p95`.
  public var field: String

  /// How much of a limit on times is left free, because the clock never says the same twice: a tenth.
  public static let clockMargin = 0.1

  /// Makes a limit.
  public init(_ quantity: LimitedQuantity, _ bound: Double, field: String) {
    self.quantity = quantity
    self.bound = bound
    self.field = field
  }

  /// The share of the limit that a value uses: up to 1 is within it.
  ///
  /// `value / bound`; of a time, `value · (1 + clockMargin) / bound`. Of recall, the share of the misses that
  /// the floor allows: `(1 − value) / (1 − bound)`, where at least one miss in a thousand counts as allowed
  /// so that a floor of 1 has a use too.
  ///
  /// - Parameter value: in the unit of `bound`.
  /// - Returns: 0 or more; infinity for a limit of zero that something is used of.
  public func use(_ value: Double) -> Double {
    if quantity == .recall {
      let allowed = 1 - bound
      if allowed < 1e-3 {
        return value >= bound ? max(0, 1 - value) / 1e-3 : 1 + (bound - value) / 1e-3
      }
      return max(0, 1 - value) / allowed
    }
    let counted = quantity.isTimed ? value * (1 + Self.clockMargin) : value
    guard bound > 0 else { return counted > 0 ? .infinity : 0 }
    return max(0, counted) / bound
  }
}

/// How much of a limit something uses.
public struct LimitUse: Sendable, Hashable, Encodable {
  /// The limit.
  public var limit: DecisionLimit
  /// What there is, in the unit of the limit.
  public var value: Double
  /// `limit.use(value)`: up to 1 is within it.
  public var share: Double

  /// Weighs a value against a limit.
  public init(_ limit: DecisionLimit, _ value: Double) {
    self.limit = limit
    self.value = value
    share = limit.use(value)
  }
}
