package import NeedletailCore

/// How urgent an alert is.
public enum AlertLevel: Int, Sendable, Hashable, Comparable, CaseIterable {
  /// Someone looks at it in working hours.
  case ticket
  /// Someone is called.
  case page

  /// By urgency.
  public static func < (a: AlertLevel, b: AlertLevel) -> Bool { a.rawValue < b.rawValue }
}

/// When an error budget burns so fast that someone should know.
///
/// A burn rate of 1 uses up the budget exactly at the end of its period. The rule holds while the rate reaches its threshold in a long
/// window, which shows that it matters, and in a short one, which shows that it still goes on.
///
/// Source of the idea: *The Site Reliability Workbook* (2018), chapter 5, alerts on several windows and burn rates.
public struct BurnRule: Sendable, Hashable {
  /// How urgent it is.
  public var level: AlertLevel
  /// The burn rate, in thousandths: 14 400 is a rate of 14.4.
  public var burn: Int
  /// The long window.
  public var long: Nanoseconds
  /// The short window.
  public var short: Nanoseconds
  /// The buckets that the short window consists of: more see an outage's end earlier and take more memory.
  public static let bucketsPerShortWindow: Int64 = 60

  /// Makes a rule; `burn` is in thousandths, windows in nanoseconds.
  public init(_ level: AlertLevel, burn: Int, long: Nanoseconds, short: Nanoseconds) {
    self.level = level
    self.burn = burn
    self.long = long
    self.short = short
  }

  /// 14.4 over an hour and 5 minutes: 2 % of a month's budget in an hour.
  public static let fast = BurnRule(
    .page, burn: 14_400, long: 3_600 * .second, short: 300 * .second)
  /// 6 over 6 hours and 30 minutes: 5 % of a month's budget in 6 hours.
  public static let steady = BurnRule(
    .page, burn: 6_000, long: 21_600 * .second, short: 1_800 * .second)
  /// 1 over 3 days and 6 hours: 10 % of a month's budget in 3 days.
  public static let slow = BurnRule(
    .ticket, burn: 1_000, long: 259_200 * .second, short: 21_600 * .second)

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
