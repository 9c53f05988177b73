public import NeedletailBudgets
public import NeedletailCore

/// Something that a service wants to be known: for logs, and for what should be done about it.
public enum ServiceEvent: Sendable {
  /// Another tier of load holds.
  case tier(from: String, to: String, load: Double)
  /// Classes stand on other rungs.
  case rungs(PerClass<Rung>, load: Double)
  /// An alert on an error budget began or ended.
  case alert(BurnAlert)
  /// The load asks for another number of workers.
  case scale(workers: Int, load: Double)
  /// What a rung finds is below the floor of the tier that holds.
  case recallDrift(Rung, estimate: Double, floor: Double)
  /// Another budget is kept: by what it differs from the one before.
  case budget([BudgetDifference])
  /// A named flag goes on or off: see `FeatureFlag`.
  case flag(String, isOn: Bool)
  /// The memory of a component, or (`nil`) of all together, has come to its ceiling: the cache has given way, and writes through the
  /// service that need more are refused; or it is below again, by the head-room.
  case memory(MemoryComponent?, used: Int, limit: Int, isAtLimit: Bool)
  /// A segment of the index is damaged, and is not searched any more.
  case quarantined(segment: String, NeedletailError)
  /// Something that a budget bounds was refused, or failed.
  case failure(NeedletailError)
}

/// A switch of the service around an index that follows the load: what it computes, shows or logs beside the search.
public struct FeatureFlag: Sendable, Hashable {
  /// What turns it on.
  public enum Threshold: Sendable, Hashable {
    /// The tier of this name, or one of higher load, holds.
    case tier(String)
    /// Queries of a class stand on this rung, or below.
    case rung(Rung, PriorityClass)
    /// An alert of this objective fires.
    case alert(String)
  }

  /// What it is called.
  public var name: String
  /// What turns it on; it goes off when that no longer holds.
  public var threshold: Threshold

  /// Names a flag.
  public init(_ name: String, from threshold: Threshold) {
    self.name = name
    self.threshold = threshold
  }
}
