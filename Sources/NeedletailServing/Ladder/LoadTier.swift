public import NeedletailCore

/// What is promised while load is within a range.
public struct LoadTier: Sendable, Hashable {
  /// The tier's name.
  public var name: String
  /// The load from which on the tier is entered; 1 is all that the workers can do at full quality.
  public var entry: Double
  /// The load below which it is left.
  public var exit: Double
  /// The last rung, before rejecting, that the tier may use.
  public var lastRung: Rung
  /// The recall below which no search may go.
  public var recallFloor: Double

  /// Makes a tier.
  public init(
    name: String, entry: Double, exit: Double, lastRung: Rung = .cachedStale,
    recallFloor: Double = 0
  ) {
    self.name = name
    self.entry = entry
    self.exit = exit
    self.lastRung = lastRung
    self.recallFloor = recallFloor
  }

  /// Checks tiers, the calmest first.
  ///
  /// - Throws: `invalidConfiguration` with the tier and the numbers.
  public static func validate(_ tiers: [LoadTier]) throws(NeedletailError) {
    guard let calmest = tiers.first, tiers.count <= 16 else {
      throw NeedletailError(
        .invalidConfiguration, "There are \(tiers.count) tiers of load; 1 to 16 can be kept.")
    }
    guard calmest.entry == 0, calmest.exit == 0 else {
      throw NeedletailError(
        .invalidConfiguration,
        "The calmest tier, \(calmest.name), is entered at \(calmest.entry) and left at \(calmest.exit);"
          + " both must be 0, as something must hold without load.")
    }
    for (calmer, tier) in zip(tiers, tiers.dropFirst()) {
      guard tier.entry > calmer.entry, tier.entry.isFinite, tier.exit < tier.entry,
        tier.exit > calmer.exit
      else {
        throw NeedletailError(
          .invalidConfiguration,
          "The tier \(tier.name) is entered at \(tier.entry) and left at \(tier.exit), after"
            + " \(calmer.name) at \(calmer.entry) and \(calmer.exit): both must rise from tier to tier,"
            + " and a tier must be left at less than it is entered at.")
      }
    }
    for tier in tiers where !(0...1).contains(tier.recallFloor) || tier.lastRung == .reject {
      throw NeedletailError(
        .invalidConfiguration,
        "The tier \(tier.name) has a recall floor of \(tier.recallFloor) and the last rung"
          + " \(tier.lastRung): a floor is within 0...1, and rejecting is always the rung after the last."
      )
    }
  }
}
