/// What a service promises, and what it may use to keep the promise.
///
/// A budget is checked as a whole when it is made, in code or from a file, so that one which exists holds together.
/// It never changes; a changed one is another value (`setting(_:to:)`).
///
/// ```swift
/// let budget = try PerformanceBudget(
///   name: "shop", owner: "search@example.com",
///   tiers: [LoadTier(name: "normal", p95: .milliseconds(150), p99: .milliseconds(250))])
/// ```
public struct PerformanceBudget: Sendable, Hashable {
  /// What it is called.
  public internal(set) var name: String
  /// Who answers for it: a person or a team that can be reached.
  public internal(set) var owner: String
  /// Its revision, from 1.
  public internal(set) var version: Int
  /// Levels of load with their promises, from the lowest load to the highest; at least one.
  public internal(set) var tiers: [LoadTier]
  /// How the time of a query is divided.
  public internal(set) var stages: StageShares
  /// The most memory.
  public internal(set) var memory: MemoryCeilings
  /// How complex indexes and requests may be.
  public internal(set) var envelope: ComplexityEnvelope
  /// What is measured against which target.
  public internal(set) var objectives: [Objective]
  /// The bounds of the queues.
  public internal(set) var priorities: PriorityQueues
  /// What each tenant may use; empty: tenants are not told apart.
  public internal(set) var tenants: [TenantQuota]
  /// What answers give up under stress.
  public internal(set) var ladder: Ladder
  /// How answers are kept.
  public internal(set) var cache: CacheSettings

  /// Makes a budget of its parts.
  ///
  /// - Throws: all that is wrong with it, each fault with its field.
  public init(
    name: String, owner: String, version: Int = 1, tiers: [LoadTier],
    stages: StageShares = StageShares(), memory: MemoryCeilings = MemoryCeilings(),
    envelope: ComplexityEnvelope = ComplexityEnvelope(), objectives: [Objective] = [],
    priorities: PriorityQueues = PriorityQueues(), tenants: [TenantQuota] = [],
    ladder: Ladder = Ladder(), cache: CacheSettings = CacheSettings()
  ) throws(InvalidBudget) {
    self.init(
      unchecked: name, owner, version, tiers, stages, memory, envelope, objectives, priorities,
      tenants, ladder, cache)
    var faults = FaultList()
    check(&faults)
    if let error = faults.error() { throw error }
  }

  private init(
    unchecked name: String, _ owner: String, _ version: Int, _ tiers: [LoadTier],
    _ stages: StageShares, _ memory: MemoryCeilings, _ envelope: ComplexityEnvelope,
    _ objectives: [Objective], _ priorities: PriorityQueues, _ tenants: [TenantQuota],
    _ ladder: Ladder, _ cache: CacheSettings
  ) {
    self.name = name
    self.owner = owner
    self.version = version
    self.tiers = tiers
    self.stages = stages
    self.memory = memory
    self.envelope = envelope
    self.objectives = objectives
    self.priorities = priorities
    self.tenants = tenants
    self.ladder = ladder
    self.cache = cache
  }

  /// The tier of this name.
  public func tier(_ name: String) -> LoadTier? { tiers.first { $0.name == name } }
}

extension PerformanceBudget: BudgetRecord {
  package static var blank: PerformanceBudget {
    PerformanceBudget(
      unchecked: "", "", 1, [], StageShares(), MemoryCeilings(), ComplexityEnvelope(), [],
      PriorityQueues(), [], Ladder(), CacheSettings())
  }

  package static var fields: [Field<PerformanceBudget>] {
    [
      Field("name", \.name, .name(example: "shop"), isRequired: true),
      Field("owner", \.owner, .text(example: "search@example.com"), isRequired: true),
      Field("version", \.version, .whole(1...1_000_000_000, example: 1)),
      Field("tiers", \.tiers, .list(.record, atMost: 32), isRequired: true),
      Field("stages", \.stages, .record),
      Field("memory", \.memory, .record),
      Field("envelope", \.envelope, .record),
      Field("objectives", \.objectives, .list(.record, atMost: 256)),
      Field("priorities", \.priorities, .record),
      Field("tenants", \.tenants, .list(.record, atMost: 10_000)),
      Field("ladder", \.ladder, .record),
      Field("cache", \.cache, .record),
    ]
  }

  /// Reads a document, whatever it was written in.
  ///
  /// - Throws: everything that is wrong with it.
  package init(document: DocumentNode) throws(InvalidBudget) {
    var faults = FaultList()
    self = Self.read(document, DocumentPath(), &faults)
    check(&faults)
    if let error = faults.error(in: document) { throw error }
  }
}
