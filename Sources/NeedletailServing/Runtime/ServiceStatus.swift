public import NeedletailBudgets

/// What a service does at one moment.
public struct ServiceStatus: Sendable {
  /// Whether it was warmed up.
  public var isReady: Bool
  /// Whether it lets nothing in any more.
  public var isDraining: Bool
  /// The tier of load that holds.
  public var tier: String
  /// Work that arrives over what the workers can do at full quality.
  public var load: Double
  /// The share of the workers' time that is used.
  public var utilisation: Double
  /// Queries that wait.
  public var waiting: Int
  /// Queries that workers are at.
  public var busy: Int
  /// Where each class stands.
  public var rungs: PerClass<Rung>
  /// What a search on each rung takes on average, in nanoseconds of a worker; `nil`: none was made.
  public var cost: PerRung<Nanoseconds?>
  /// The recall that was found on each rung; `nil`: too little was compared.
  public var recall: PerRung<Double?>
  /// What was done since the service began.
  public var counts: ServiceCounts
  /// What is left of each objective's error budget, in millionths, by its name.
  public var errorBudgets: [String: Int]
  /// What tenants have used since the service began, in millionths of a cost unit, by name.
  public var tenants: [String: Int64]
  /// Feature flags that are on.
  public var flags: Set<String>
}
