/// How well a candidate uses a budget: one figure for candidates that all keep it.
///
/// Each limit has a use `u`, the share of it that is taken (`DecisionLimit.use`); of recall, the share of the allowed misses. What is spared, `1 − u`, counts
/// with the weight of its group: of several limits of a group the one that is used most. So a candidate scores for
/// recall above the floor and for room below every ceiling, and cannot make up for a limit that it breaks.
public enum Rubric {
  /// What the groups of limits weigh beside each other.
  public struct Weights: Sendable, Hashable {
    /// Recall above the floor.
    public var recall = 0.4
    /// Time to spare in p95 and p99.
    public var latency = 0.3
    /// Bytes to spare.
    public var memory = 0.2
    /// Build time to spare.
    public var build = 0.1

    /// The weights that are used unless others are given.
    public init() {}
  }

  /// A group of limits.
  enum Group: CaseIterable { case recall, latency, memory, build }

  /// The score of a candidate: `100 · Σ w·(1 − u) / Σ w` over the groups that have a limit.
  ///
  /// - Parameters:
  ///   - uses: the use of each limit.
  ///   - weights: of the groups; a negative one counts as none.
  /// - Returns: 0 to 100; 0 where a limit is exceeded, and where there is none at all.
  public static func score(_ uses: [LimitUse], weights: Weights = Weights()) -> Double {
    guard uses.allSatisfy({ $0.share <= 1 }) else { return 0 }
    var sum = 0.0
    var total = 0.0
    for group in Group.allCases {
      guard
        let use = uses.filter({ self.group(of: $0.limit.quantity) == group }).map(\.share).max()
      else { continue }
      let weight = max(0, weight(of: group, weights))
      sum += weight * (1 - use)
      total += weight
    }
    return total > 0 ? 100 * sum / total : 0
  }

  static func group(of quantity: LimitedQuantity) -> Group {
    switch quantity {
    case .recall: .recall
    case .p95, .p99: .latency
    case .codes, .graph, .precise, .ids, .total, .bytesPerVector: .memory
    case .buildTime: .build
    }
  }

  private static func weight(of group: Group, _ weights: Weights) -> Double {
    switch group {
    case .recall: weights.recall
    case .latency: weights.latency
    case .memory: weights.memory
    case .build: weights.build
    }
  }
}

extension JudgedCandidate {
  /// The uses that the score is made of: p95 by the reckoned work, which is the same in every run, and no p99.
  var rubricUses: [LimitUse] {
    uses.compactMap { use in
      switch use.limit.quantity {
      case .p95: measurement.map { LimitUse(use.limit, $0.costP95) }
      case .p99: nil
      default: use
      }
    }
  }
}
