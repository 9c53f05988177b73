package import NeedletailBudgets

/// Whether a query has a filter: with one, costs are others.
package enum QueryKind: Int, Sendable, Hashable, CaseIterable {
  case plain
  case filtered
}

/// What a search took.
package struct SearchCost: Sendable, Hashable {
  /// Time on a worker.
  package var nanoseconds: Nanoseconds
  /// Query-to-row comparisons of the walk.
  package var evaluations: Int
  /// Candidates that were ranked anew.
  package var rerankedRows: Int

  package init(nanoseconds: Nanoseconds, evaluations: Int = 0, rerankedRows: Int = 0) {
    self.nanoseconds = nanoseconds
    self.evaluations = evaluations
    self.rerankedRows = rerankedRows
  }
}

/// What searches take on each rung, learned from those that were made.
///
/// A rung that nothing is known of is put at what the nearest known rung above it takes: it is no dearer. The mean says how much work
/// waits; the high mark, which about one search in twenty passes, says what fits into the time that is left.
package struct CostModel: Sendable {
  private struct Entry {
    var mean: Double
    var high: Double
    var evaluations: Double
    var weight = 0.0
  }

  /// By kind, then by rung.
  private var entries: [[Entry?]]
  private let first: Nanoseconds

  /// The weight of one search beside those before it, once there were many.
  private static let weight = 1.0 / 64
  /// What a single search may be beside the mean: more is the machine's doing.
  private static let most = 16.0

  /// Begins with a first guess of a full search.
  package init(first: Nanoseconds = 200 * .microsecond) {
    self.first = max(1, first)
    let none = [Entry?](repeating: nil, count: Rung.allCases.count)
    entries = QueryKind.allCases.map { _ in none }
  }

  /// Whether a rung was ever measured.
  package func isKnown(_ rung: Rung, _ kind: QueryKind) -> Bool {
    entries[kind.rawValue][rung.order] != nil
  }

  /// Whether so many searches on a rung were measured that one needs no watching.
  package func isWellKnown(_ rung: Rung, _ kind: QueryKind) -> Bool {
    (entries[kind.rawValue][rung.order]?.weight ?? 0) >= 32
  }

  /// The time that a search is expected to take.
  package func mean(_ rung: Rung, _ kind: QueryKind) -> Nanoseconds {
    Nanoseconds(nearest: entry(rung, kind)?.mean ?? Double(first))
  }

  /// The time that few searches pass.
  package func high(_ rung: Rung, _ kind: QueryKind) -> Nanoseconds {
    Nanoseconds(nearest: entry(rung, kind)?.high ?? Double(2 * first))
  }

  /// The evaluations that a search is expected to make.
  package func evaluations(_ rung: Rung, _ kind: QueryKind) -> Int {
    Int(entry(rung, kind)?.evaluations ?? 1_000)
  }

  /// Forgets what is known of a rung that means another thing from now on.
  mutating func forget(_ rung: Rung) {
    for kind in QueryKind.allCases { entries[kind.rawValue][rung.order] = nil }
  }

  /// Learns what a search took.
  package mutating func learn(_ cost: SearchCost, _ rung: Rung, _ kind: QueryKind) {
    guard rung <= .lighterCodes, cost.nanoseconds > 0 else { return }
    let sample = Double(min(.longestWork, cost.nanoseconds))
    let made = Double(max(0, cost.evaluations))
    guard var entry = entries[kind.rawValue][rung.order] else {
      entries[kind.rawValue][rung.order] = Entry(
        mean: sample, high: 2 * sample, evaluations: made, weight: 1)
      return
    }
    // The first ones count evenly, later ones fade.
    entry.weight += 1
    let part = max(Self.weight, 1 / entry.weight)
    let clipped = min(sample, Self.most * entry.mean)
    entry.mean += part * (clipped - entry.mean)
    entry.evaluations += part * (made - entry.evaluations)
    // Stands still where one in twenty is above it.
    let step = part * entry.mean
    entry.high += sample > entry.high ? 0.95 * 2 * step : -0.05 * 2 * step
    entry.high = max(entry.high, entry.mean)
    entries[kind.rawValue][rung.order] = entry
  }

  /// What rungs cost, as shares of what the full one does; never rising.
  package var shares: PerRung<Double> {
    let full = max(1, Double(mean(.full, .plain)))
    var least = 1.0
    return PerRung { rung in
      // What the cache answers never comes to a worker.
      guard rung <= .lighterCodes else { return 0.01 }
      least = min(least, max(0.01, Double(mean(rung, .plain)) / full))
      return rung == .full ? 1 : least
    }
  }

  /// The rung's own entry, else that of the nearest rung above, else that of the other kind.
  private func entry(_ rung: Rung, _ kind: QueryKind) -> Entry? {
    for kind in [kind, .plain, .filtered] {
      var order = min(rung.order, Rung.lighterCodes.order)
      while order >= 0 {
        if let entry = entries[kind.rawValue][order] { return entry }
        order -= 1
      }
    }
    return nil
  }
}
