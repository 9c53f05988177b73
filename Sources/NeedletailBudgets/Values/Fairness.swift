/// How much a query matters; under stress the last ones go first.
///
/// - Source: the four criticalities of Beyer et al., *Site Reliability Engineering* (2016), chapter 21.
public enum PriorityClass: String, Sendable, Hashable, CaseIterable, Comparable, Codable,
  CodingKeyRepresentable
{
  /// Somebody is hurt when it fails.
  case criticalPlus
  /// What users see; the default.
  case critical
  /// What can wait: batches, retries.
  case sheddablePlus
  /// What may fail: prefetches.
  case sheddable

  /// The place among the classes: what matters most has 0, what is shed first 3.
  public var order: Int {
    switch self {
    case .criticalPlus: 0
    case .critical: 1
    case .sheddablePlus: 2
    case .sheddable: 3
    }
  }

  /// By the order in which queries are served: a class is less than those that are shed before it.
  public static func < (a: PriorityClass, b: PriorityClass) -> Bool { a.order < b.order }
}

/// How much may wait.
public struct QueueBound: Sendable, Hashable {
  /// The most queries that wait; the next one is rejected.
  public var length: Int
  /// The longest that a query waits; `nil`: as its deadline allows.
  public var wait: Duration?

  /// Makes a bound.
  public init(length: Int, wait: Duration? = nil) {
    self.length = length
    self.wait = wait
  }
}

/// The bound of the queue of each class.
public struct PriorityQueues: Sendable, Hashable {
  /// The bound of `criticalPlus`.
  public var criticalPlus: QueueBound
  /// The bound of `critical`.
  public var critical: QueueBound
  /// The bound of `sheddablePlus`.
  public var sheddablePlus: QueueBound
  /// The bound of `sheddable`.
  public var sheddable: QueueBound

  /// Makes bounds: by default 1 024, 1 024, 256 and 64 queries.
  public init(
    criticalPlus: QueueBound = QueueBound(length: 1_024),
    critical: QueueBound = QueueBound(length: 1_024),
    sheddablePlus: QueueBound = QueueBound(length: 256),
    sheddable: QueueBound = QueueBound(length: 64)
  ) {
    self.criticalPlus = criticalPlus
    self.critical = critical
    self.sheddablePlus = sheddablePlus
    self.sheddable = sheddable
  }

  /// The bound of a class.
  public subscript(priority: PriorityClass) -> QueueBound {
    switch priority {
    case .criticalPlus: criticalPlus
    case .critical: critical
    case .sheddablePlus: sheddablePlus
    case .sheddable: sheddable
    }
  }
}

/// What one tenant may use.
///
/// A cost unit is the work of 1 000 evaluations of vectors with 128 components.
public struct TenantQuota: Sendable, Hashable {
  /// What the tenant is called.
  public var name: String
  /// Its part of what there is, beside the other tenants' weights: 0.001 to 1 000, to the thousandth.
  public var weight: Double
  /// Cost units a second, at most a thousand million; `nil`: no limit of its own.
  public var rate: Double?
  /// Cost units that may be used at once after a pause; `nil`: those of one second.
  public var burst: Double?
  /// Whether queries that name no tenant, or one that is not listed, are charged to this one.
  public var isDefault: Bool

  /// Makes a quota; `PerformanceBudget` checks it.
  public init(
    name: String, weight: Double = 1, rate: Double? = nil, burst: Double? = nil,
    isDefault: Bool = false
  ) {
    self.name = name
    self.weight = weight
    self.rate = rate
    self.burst = burst
    self.isDefault = isDefault
  }
}

/// How answers are kept and used again.
public struct CacheSettings: Sendable, Hashable {
  /// Whether there is a cache; its size is `MemoryCeilings.cache`.
  public var isEnabled: Bool
  /// How long an answer that nothing has changed counts as new, from its search on.
  public var freshFor: Duration
  /// How long an answer may be given as a stale one, from the change on that it does not know, or from the end of `freshFor` on.
  public var staleFor: Duration
  /// Whether a session's likely next queries are searched ahead.
  public var prefetches: Bool
  /// Whether answers are kept over a restart.
  public var isPersistent: Bool

  /// The least that a cache needs, in bytes.
  package static let leastBytes = 4_096

  /// Makes settings; `PerformanceBudget` checks them.
  public init(
    isEnabled: Bool = true, freshFor: Duration = .seconds(60), staleFor: Duration = .seconds(600),
    prefetches: Bool = false, isPersistent: Bool = false
  ) {
    self.isEnabled = isEnabled
    self.freshFor = freshFor
    self.staleFor = staleFor
    self.prefetches = prefetches
    self.isPersistent = isPersistent
  }
}

extension QueueBound: BudgetRecord {
  package static var blank: QueueBound { QueueBound(length: 1_024) }
  package static var shorthand: String? { "length" }
  package static var fields: [Field<QueueBound>] {
    [
      Field("length", \.length, .whole(1...1 << 20, example: 256), tighter: .lower),
      Field(
        "wait", \.wait, .duration(.microseconds(1)...(.seconds(3_600)), example: "\"50ms\""),
        tighter: .lower),
    ]
  }
}

extension PriorityQueues: BudgetRecord {
  package static var blank: PriorityQueues { PriorityQueues() }
  package static var fields: [Field<PriorityQueues>] {
    [
      Field("criticalPlus", \.criticalPlus, .record), Field("critical", \.critical, .record),
      Field("sheddablePlus", \.sheddablePlus, .record), Field("sheddable", \.sheddable, .record),
    ]
  }
}

extension TenantQuota: BudgetRecord {
  package static var blank: TenantQuota { TenantQuota(name: "") }
  package static var fields: [Field<TenantQuota>] {
    [
      Field("name", \.name, .name(example: "shop"), isRequired: true),
      Field("weight", \.weight, .number(0.001...1_000, example: "1")),
      Field("rate", \.rate, .number(0.001...1e9, example: "5000"), tighter: .lower),
      Field("burst", \.burst, .number(0.001...1e9, example: "10000"), tighter: .lower),
      Field("default", \.isDefault, .flag),
    ]
  }
}

extension CacheSettings: BudgetRecord {
  package static var blank: CacheSettings { CacheSettings() }
  package static var fields: [Field<CacheSettings>] {
    let times = Duration.zero...(.seconds(366 * 86_400))
    return [
      Field("enabled", \.isEnabled, .flag),
      Field("freshFor", \.freshFor, .duration(times, example: "\"60s\""), tighter: .lower),
      Field("staleFor", \.staleFor, .duration(times, example: "\"10m\""), tighter: .lower),
      Field("prefetch", \.prefetches, .flag), Field("persistent", \.isPersistent, .flag),
    ]
  }
}
