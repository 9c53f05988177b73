public import NeedletailBudgets
public import NeedletailCore

/// Who asks: a number that the service gives to each of its tenants.
public struct TenantID: Sendable, Hashable, RawRepresentable, CustomStringConvertible {
  /// The number.
  public let rawValue: UInt64
  /// Makes an identity.
  public init(rawValue: UInt64) { self.rawValue = rawValue }
  /// The number, for logs.
  public var description: String { "tenant \(rawValue)" }

  /// All tenants for whom there is no room of their own.
  static let others = TenantID(rawValue: .max)
}

/// What a query costs, whatever machine serves it: in millionths of a unit.
///
/// One unit is 1 000 evaluations of 128 components at a code factor of 1.
public struct CostUnits: Sendable, Hashable, Comparable {
  /// Millionths of a unit.
  public var millionths: Int64

  /// Makes a cost from millionths of a unit.
  public init(millionths: Int64) { self.millionths = millionths }

  /// The cost of evaluations; `codeFactor` is in thousandths, 1 000 for the codes that are usual.
  ///
  /// Exact to a millionth of a unit, and at most what 63 bits hold.
  public init(evaluations: Int, dimensions: Int, codeFactor: Int = 1_000) {
    let evaluations = UInt128(max(0, evaluations))
    let perEvaluation = UInt128(max(0, dimensions)) * UInt128(max(0, codeFactor))
    let product = evaluations.multipliedReportingOverflow(by: perEvaluation)
    millionths =
      product.overflow ? .max : Int64(clamping: product.partialValue / 128)
  }

  /// The nearest to a number of units; 0 for NaN, and at most what 63 bits hold.
  init(_ units: Double) {
    millionths = units.isNaN ? 0 : Int64(min(9.2e18, max(-9.2e18, (units * 1e6).rounded())))
  }

  /// By size.
  public static func < (a: CostUnits, b: CostUnits) -> Bool { a.millionths < b.millionths }
}

/// What a tenant may use, in the whole numbers that are counted with.
public struct TenantAllowance: Sendable, Hashable {
  /// What it may use in a second.
  public var perSecond: CostUnits
  /// What it may use at once after a time of rest.
  public var burst: CostUnits
  /// Its share of the workers, relative to other tenants that have work waiting: in thousandths.
  public var weight: Int

  /// Makes an allowance.
  public init(perSecond: CostUnits, burst: CostUnits, weight: Int = usualWeight) {
    self.perSecond = perSecond
    self.burst = burst
    self.weight = weight
  }

  /// The allowance of a budget's quota, to the nearest millionth of a unit and thousandth of a weight.
  ///
  /// Without a rate, `most` a second; without a burst, what may be used in a second.
  ///
  /// - Precondition: the quota is one of a `PerformanceBudget`, which keeps its numbers within range.
  public init(_ quota: TenantQuota) {
    let rate = quota.rate.map { CostUnits($0) }
    self.init(
      perSecond: rate ?? Self.most, burst: quota.burst.map { CostUnits($0) } ?? rate ?? Self.most,
      weight: Int((quota.weight * Double(Self.usualWeight)).rounded()))
  }

  /// No limit that anybody reaches, and the usual weight.
  public static let unlimited = TenantAllowance(perSecond: most, burst: most)

  /// The most that either amount may be: a thousand million units.
  public static let most = CostUnits(millionths: 1_000_000_000_000_000)
  /// The weight 1 of a budget.
  public static let usualWeight = 1_000
  /// The largest weight, 1 000 times the usual one.
  public static let largestWeight = 1_000_000

  /// Checks the allowance.
  ///
  /// - Throws: `invalidConfiguration` with the numbers.
  public func validate() throws(NeedletailError) {
    let amounts = 1...Self.most.millionths
    guard amounts.contains(perSecond.millionths), amounts.contains(burst.millionths) else {
      throw NeedletailError(
        .invalidConfiguration,
        "An allowance of \(perSecond.millionths) a second and \(burst.millionths) at once is not within"
          + " \(amounts) millionths of a unit.")
    }
    guard (1...Self.largestWeight).contains(weight) else {
      throw NeedletailError(
        .invalidConfiguration,
        "A weight of \(weight) thousandths is not within 1...\(Self.largestWeight).")
    }
  }
}
