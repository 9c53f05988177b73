public import NeedletailBudgets
package import NeedletailCore

/// What share of events must be good, over which time, and when to call someone.
public struct ObjectiveSettings: Sendable, Hashable {
  /// The objective's name, in alerts.
  public var name: String
  /// The share of events that must be good, in millionths: 999 000 is 99.9 %.
  public var target: Int
  /// The time over which the share is promised.
  public var period: Nanoseconds
  /// When to call someone.
  public var rules: [BurnRule]
  /// The buckets of the period: the error budget is told to this share of it.
  public static let bucketsPerPeriod: Int64 = 720

  /// Makes settings; 30 days and the three usual rules by default.
  public init(
    name: String, target: Int, period: Nanoseconds = 2_592_000_000_000_000,
    rules: [BurnRule] = [.fast, .steady, .slow]
  ) {
    self.name = name
    self.target = target
    self.period = period
    self.rules = rules
  }

  /// Settings as a budget's objective has them; its target is taken to the nearest millionth.
  ///
  /// - Precondition: the objective is one of a `PerformanceBudget`, which keeps its numbers within range.
  public init(_ objective: Objective) {
    self.init(
      name: objective.name, target: Int((objective.target * 1_000_000).rounded()),
      period: Nanoseconds(objective.window), rules: objective.alerts.map { BurnRule($0) })
  }

  /// The share of events that may be bad, in millionths.
  package var allowance: Int { 1_000_000 - target }

  /// Checks all of it.
  ///
  /// - Throws: `invalidConfiguration` with the numbers.
  package func validate() throws(NeedletailError) {
    guard target > 0, target < 1_000_000 else {
      throw NeedletailError(
        .invalidConfiguration,
        "The objective \(name) has a target of \(target) millionths; it must be within 1...999999,"
          + " as a promise of everything leaves no error budget.")
    }
    guard period >= Self.bucketsPerPeriod else {
      throw NeedletailError(
        .invalidConfiguration,
        "The objective \(name) has a period of \(period) ns; it must be at least \(Self.bucketsPerPeriod)."
      )
    }
    guard rules.count <= 16 else {
      throw NeedletailError(
        .invalidConfiguration,
        "The objective \(name) has \(rules.count) rules; more than 16 are not kept.")
    }
    for rule in rules { try rule.validate() }
  }
}
