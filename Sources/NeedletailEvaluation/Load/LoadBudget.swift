/// What a budget promises, in the numbers that a load run is judged by.
///
/// The judge reads no budget file; whoever does hands it these.
public struct LoadBudget: Sendable, Hashable, Codable {
  /// A level of load and its promises.
  public struct Tier: Sendable, Hashable, Codable {
    /// Its name, as the target's vocabulary has it.
    public var name: String
    /// The load from which on it is entered: offered over what can be done; 0 for the first one.
    public var entry: Double
    /// 95 % of the answers come within this time.
    public var p95Microseconds: Double
    /// 99 % of the answers come within this time; what comes later is of no use.
    public var p99Microseconds: Double
    /// The recall below which no rung may go; 0: none is promised.
    public var recallFloor: Double

    /// Makes a tier.
    public init(
      name: String, entry: Double = 0, p95Microseconds: Double, p99Microseconds: Double,
      recallFloor: Double = 0
    ) {
      self.name = name
      self.entry = entry
      self.p95Microseconds = p95Microseconds
      self.p99Microseconds = p99Microseconds
      self.recallFloor = recallFloor
    }
  }

  /// What an objective counts.
  public enum Indicator: String, Sendable, Hashable, Codable {
    /// Answers within their tier's `p95Microseconds`, over all requests.
    case withinP95
    /// Answers within their tier's `p99Microseconds`, over all requests.
    case withinP99
    /// Answers that nothing was given up for, over all answers.
    case fullQuality
    /// True neighbours that were found, over those that there are.
    case recall
  }

  /// A share of good events that is wanted.
  public struct Objective: Sendable, Hashable, Codable {
    /// What it is called.
    public var name: String
    /// What is counted.
    public var indicator: Indicator
    /// The tier whose events count; nil: all.
    public var tier: String?
    /// The share, below 1: what is missing to 1 is the error budget.
    public var target: Double

    /// Makes an objective.
    public init(name: String, indicator: Indicator, tier: String? = nil, target: Double) {
      self.name = name
      self.indicator = indicator
      self.tier = tier
      self.target = target
    }
  }

  /// The tiers, from the lowest load to the highest.
  public var tiers: [Tier]
  /// The most memory, in bytes; nil: no ceiling.
  public var memoryCeiling: Int?
  /// The objectives.
  public var objectives: [Objective]
  /// The last rung of the ladder that answers, as the target's vocabulary has it; nil: the last one of that.
  public var lastRung: String?

  /// Makes a budget of its parts.
  public init(
    tiers: [Tier], memoryCeiling: Int? = nil, objectives: [Objective] = [], lastRung: String? = nil
  ) {
    self.tiers = tiers
    self.memoryCeiling = memoryCeiling
    self.objectives = objectives
    self.lastRung = lastRung
  }

  /// The tier of a name.
  public func tier(_ name: String) -> Tier? { tiers.first { $0.name == name } }

  /// The tier that a load belongs to.
  public func tier(atLoad load: Double) -> Tier? { tiers.last { $0.entry <= load } ?? tiers.first }
}
