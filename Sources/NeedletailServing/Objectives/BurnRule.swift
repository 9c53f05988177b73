public import NeedletailBudgets
package import NeedletailCore

/// When an error budget burns so fast that someone should know.
///
/// A burn rate of 1 uses up the budget exactly at the end of its period. The rule holds while the rate reaches its threshold in a long
/// window, which shows that it matters, and in a short one, which shows that it still goes on.
///
/// Source of the idea: *The Site Reliability Workbook* (2018), chapter 5, alerts on several windows and burn rates.
public struct BurnRule: Sendable, Hashable {
  /// How urgent it is.
  public var severity: BurnRateAlert.Severity
  /// The burn rate, in thousandths: 14 400 is a rate of 14.4.
  public var burn: Int
  /// The long window.
  public var long: Nanoseconds
  /// The short window.
  public var short: Nanoseconds
  /// The buckets that the short window consists of: more see an outage's end earlier and take more memory.
  public static let bucketsPerShortWindow: Int64 = 60

  /// Makes a rule; `burn` is in thousandths, windows in nanoseconds.
  public init(
    _ severity: BurnRateAlert.Severity, burn: Int, long: Nanoseconds, short: Nanoseconds
  ) {
    self.severity = severity
    self.burn = burn
    self.long = long
    self.short = short
  }

  /// The rule of a budget's alert; its burn rate is taken to the nearest thousandth.
  ///
  /// - Precondition: the alert is one of a `PerformanceBudget`, which keeps its numbers within range.
  public init(_ alert: BurnRateAlert) {
    self.init(
      alert.severity, burn: Int((alert.burnRate * 1_000).rounded()),
      long: Nanoseconds(alert.long), short: Nanoseconds(alert.short))
  }

  /// 14.4 over an hour and 5 minutes.
  public static let fast = BurnRule(BurnRateAlert.fast)
  /// 6 over 6 hours and 30 minutes.
  public static let steady = BurnRule(BurnRateAlert.steady)
  /// 1 over 3 days and 6 hours, as a ticket.
  public static let slow = BurnRule(BurnRateAlert.slow)

  /// The length of a bucket.
  package var bucket: Nanoseconds { short / Self.bucketsPerShortWindow }

  /// Checks the rule, and that its memory is bounded.
  ///
  /// - Throws: `invalidConfiguration` with the numbers.
  package func validate() throws(NeedletailError) {
    guard burn > 0, burn <= 1_000_000 else {
      throw NeedletailError(
        .invalidConfiguration, "A burn rate of \(burn) thousandths is not within 1...1000000.")
    }
    guard short >= Self.bucketsPerShortWindow, long >= short, long / short <= 100 else {
      throw NeedletailError(
        .invalidConfiguration,
        "Windows of \(long) and \(short) ns do not fit: the long one must be 1 to 100 times the short one,"
          + " and the short one at least \(Self.bucketsPerShortWindow) ns.")
    }
  }
}
