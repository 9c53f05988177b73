package import NeedletailBudgets

/// The recall of each rung, from answers that were compared with exact ones.
package struct RecallEstimates: Sendable {
  private struct Sums {
    var found = 0.0
    var all = 0.0
  }

  private var rungs = PerRung<Sums> { _ in Sums() }

  /// Neighbours that are looked back on: older ones fade.
  private static let memory = 10_000.0
  /// What one answer counts at most.
  private static let mostOfOne = 10
  /// Neighbours without which nothing is said.
  private static let least = 200.0

  package init() {}

  /// Forgets what is known of a rung that means another thing from now on.
  mutating func forget(_ rung: Rung) { rungs[rung] = Sums() }

  /// Takes one comparison.
  package mutating func record(_ rung: Rung, found: Int, of all: Int) {
    guard all > 0 else { return }
    var sums = rungs[rung]
    // However many neighbours it has, an answer is one of many.
    let weight = Double(min(all, Self.mostOfOne))
    let kept = 1 - weight / Self.memory
    sums.found = sums.found * kept + Double(min(all, max(0, found))) / Double(all) * weight
    sums.all = sums.all * kept + weight
    rungs[rung] = sums
  }

  /// The recall of a rung; `nil` where too little is known.
  package func estimate(_ rung: Rung) -> Double? {
    let sums = rungs[rung]
    return sums.all >= Self.least ? sums.found / sums.all : nil
  }

  /// The highest recall that the comparisons leave possible, but for one case in a thousand.
  ///
  /// Neighbours of one answer are not independent; they are counted as if three of them said what one does.
  package func upperBound(_ rung: Rung) -> Double? {
    guard let estimate = estimate(rung) else { return nil }
    let count = rungs[rung].all / 3
    let error = (max(0.000_1, estimate * (1 - estimate)) / count).squareRoot()
    return min(1, estimate + 3 * error)
  }

  /// What each rung may be expected to find: what measurements leave possible, or what its window is tuned for.
  ///
  /// What was never measured keeps no floor: `SearchService.warmUp` measures every rung.
  package func expected(_ budget: PerformanceBudget) -> PerRung<Double> {
    PerRung { rung in
      if let measured = upperBound(rung) { return measured }
      if rung == .smallerWindow, case .recall(let recall) = budget.ladder.window { return recall }
      return rung == .full || rung > .lighterCodes ? 1 : 0
    }
  }
}
