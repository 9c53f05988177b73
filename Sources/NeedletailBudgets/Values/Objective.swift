/// What is counted: good events over all events.
public enum Indicator: Sendable, Hashable {
  /// The share of queries that were answered within their tier's time; of one tier, or (`nil`) of whichever held.
  case latency(LatencyTarget, tier: String? = nil)
  /// The share of answers that no reason was listed for: identical to those without a budget.
  case fullQuality
  /// The share of the true neighbours of sampled queries that were found.
  case recall
}

/// Which of a tier's times is meant.
public enum LatencyTarget: String, Sendable, Hashable, CaseIterable {
  /// The tier's `p95`.
  case p95
  /// The tier's `p99`.
  case p99
}

/// A service-level objective: the share of good events that is wanted over a window of time.
public struct Objective: Sendable, Hashable {
  /// What it is called.
  public var name: String
  /// What is counted.
  public var indicator: Indicator
  /// The share of good events that is wanted, to the millionth, below 1: what is missing to 1 is the error budget.
  public var target: Double
  /// The time over which events count, up to now.
  public var window: Duration
  /// When somebody is told that the error budget burns.
  public var alerts: [BurnRateAlert]

  /// Makes an objective; `PerformanceBudget` checks it.
  public init(
    name: String, indicator: Indicator, target: Double, window: Duration = .seconds(28 * 86_400),
    alerts: [BurnRateAlert] = BurnRateAlert.standard
  ) {
    self.name = name
    self.indicator = indicator
    self.target = target
    self.window = window
    self.alerts = alerts
  }
}

/// An alert while errors burn the error budget so many times faster than it lasts, over two windows at once.
///
/// - Source: Beyer et al., *The Site Reliability Workbook* (2018), chapter 5, multiwindow multi-burn-rate alerts.
public struct BurnRateAlert: Sendable, Hashable {
  /// How urgent it is.
  public enum Severity: String, Sendable, Hashable, CaseIterable {
    /// Somebody is woken.
    case page
    /// Somebody looks at it on the next working day.
    case ticket
  }

  /// How many times faster than the error budget lasts, to the thousandth.
  public var burnRate: Double
  /// The window that shows that it matters: at most 100 times the short one.
  public var long: Duration
  /// The window that shows that it still goes on.
  public var short: Duration
  /// How urgent it is.
  public var severity: Severity

  /// Makes an alert; `PerformanceBudget` checks it.
  public init(burnRate: Double, long: Duration, short: Duration, severity: Severity = .page) {
    self.burnRate = burnRate
    self.long = long
    self.short = short
    self.severity = severity
  }

  /// 14.4 over an hour and 5 minutes: 2 % of a month's budget in an hour.
  public static let fast = BurnRateAlert(
    burnRate: 14.4, long: .seconds(3_600), short: .seconds(300))
  /// 6 over 6 hours and 30 minutes: 5 % of a month's budget in 6 hours.
  public static let steady = BurnRateAlert(
    burnRate: 6, long: .seconds(6 * 3_600), short: .seconds(1_800))
  /// 1 over 3 days and 6 hours, as a ticket: 10 % of a month's budget in 3 days.
  public static let slow = BurnRateAlert(
    burnRate: 1, long: .seconds(3 * 86_400), short: .seconds(6 * 3_600), severity: .ticket)
  /// These three.
  public static let standard = [fast, steady, slow]
}

/// The words of the file for `Indicator`.
enum IndicatorKind: String, Sendable, CaseIterable { case latency, fullQuality, recall }

extension BurnRateAlert: BudgetRecord {
  package static var blank: BurnRateAlert {
    BurnRateAlert(burnRate: 0, long: .zero, short: .zero)
  }
  package static var fields: [Field<BurnRateAlert>] {
    let windows = Duration.seconds(1)...(.seconds(366 * 86_400))
    return [
      Field(
        "burnRate", \.burnRate, .number(0.001...1_000, example: "14.4"), isRequired: true,
        tighter: .lower),
      Field("long", \.long, .duration(windows, example: "\"1h\""), isRequired: true),
      Field("short", \.short, .duration(windows, example: "\"5m\""), isRequired: true),
      Field("severity", \.severity, .choice),
    ]
  }
}

extension Objective: BudgetRecord {
  package static var blank: Objective {
    Objective(name: "", indicator: .fullQuality, target: 0)
  }
  package static var fields: [Field<Objective>] {
    [
      Field("name", \.name, .name(example: "latency"), isRequired: true),
      Field("indicator", \.kind, .choice, isRequired: true),
      Field("tier", \.tier, .name(example: "normal")),
      Field("within", \.within, .choice),
      Field(
        "target", \.target, .share(0.001...0.999_999, example: "\"99%\""), isRequired: true,
        tighter: .higher),
      Field(
        "window", \.window, .duration(.seconds(60)...(.seconds(366 * 86_400)), example: "\"28d\"")),
      Field("alerts", \.alerts, .list(.record, atMost: 16)),
    ]
  }

  private var kind: IndicatorKind {
    get {
      switch indicator {
      case .latency: .latency
      case .fullQuality: .fullQuality
      case .recall: .recall
      }
    }
    set {
      switch newValue {
      case .latency: indicator = .latency(within ?? .p99, tier: tier)
      case .fullQuality: indicator = .fullQuality
      case .recall: indicator = .recall
      }
    }
  }

  private var tier: String? {
    get {
      if case .latency(_, let tier) = indicator { return tier }
      return nil
    }
    set { if kind == .latency { indicator = .latency(within ?? .p99, tier: newValue) } }
  }

  private var within: LatencyTarget? {
    get {
      if case .latency(let within, _) = indicator { return within }
      return nil
    }
    set { if kind == .latency { indicator = .latency(newValue ?? .p99, tier: tier) } }
  }

  package mutating func complete(
    given keys: Set<String>, _ path: DocumentPath, _ faults: inout FaultList
  ) {
    guard kind != .latency, keys.contains("indicator"),
      !faults.isBlamed(path.appending("indicator"))
    else { return }
    for key in ["tier", "within"] where keys.contains(key) {
      faults.add(
        path.appending(key), "Only the indicator “latency” has it, and this is “\(kind.rawValue)”",
        "Leave it out.")
    }
  }
}
