public import NeedletailBudgets

/// What a service does at one moment.
///
/// As JSON its fields have the names that they have here; values by class, rung or reason are objects with the names of those.
public struct ServiceStatus: Sendable, Codable {
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
  /// Threads that search.
  public var workers: Int
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
  /// Feature flags that are on, in ascending order.
  public var flags: [String]
  /// The result cache; `nil`: there is none.
  public var cache: CacheStatus?
  /// Memory by the budget's components, and as `total` of all together; `nil`: of a service that did not tell.
  public var memory: [String: MemoryStatus]?
}

/// What a component takes of memory.
public struct MemoryStatus: Sendable, Hashable, Codable {
  /// Bytes in use; of the cache, those that it may take now.
  public var used: Int
  /// The most that there may be; `nil`: no limit of its own.
  public var limit: Int?
  /// Whether it has come to the limit, and not fallen below it by the head-room since.
  public var isAtLimit: Bool
}

/// What a result cache holds, and what it did.
public struct CacheStatus: Sendable, Hashable, Codable {
  /// Memory of the answers.
  public var bytes: Int
  /// Memory that they may take.
  public var capacity: Int
  /// Answers that are kept.
  public var answers: Int
  /// What was done since the service began.
  public var counts: CacheCounts

  /// The share of questions that were answered, fresh or labelled as stale; `nil` without questions.
  public var hitRatio: Double? {
    let hits = Double(counts.hits) + Double(counts.staleHits)
    let all = hits + Double(counts.misses)
    return all > 0 ? hits / all : nil
  }
}
