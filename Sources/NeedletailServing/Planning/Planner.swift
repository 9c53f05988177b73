package import NeedletailBudgets

/// How a query is going to be searched for.
package struct SearchPlan: Sendable, Hashable {
  /// The rung.
  package var rung: Rung
  /// The share of the window of the full rung; below 1 on the rung `smallerWindow` alone.
  package var window: Double
  /// Until when the search has to end, so that what comes after it has its time.
  package var end: Nanoseconds
  /// What it is expected to take.
  package var expected: Nanoseconds
  /// Whether there is so much time that nothing has to watch the clock.
  package var isAtEase: Bool
  /// Whether it is all that its rung gives, and no window in between.
  package var isOfItsRung = true
}

/// Turns the time that is left into a rung and a window.
package struct Planner: Sendable {
  /// The rungs that search, in order: those that the budget and the index have.
  package let rungs: [Rung]
  /// The least share of the full window that the rung `smallerWindow` may have.
  package let leastWindow: Double
  private let shares: StageShares

  /// Time that is so many times what few searches pass, needs no watching.
  private static let ease: Nanoseconds = 16

  /// - Parameters:
  ///   - rungs: the rungs that there are; those that do not search are passed over.
  ///   - leastWindow: the share of the full window that the smaller one has, 0 to 1.
  ///   - shares: what stages behind the search keep of the time.
  package init(rungs: [Rung], leastWindow: Double, shares: StageShares) {
    self.rungs = rungs.filter { $0 <= .lighterCodes }
    self.leastWindow = min(1, max(0.01, leastWindow))
    self.shares = shares
  }

  /// The best plan that fits, not above the rung on which the query stands.
  ///
  /// Where none fits, the one that takes least: its walk ends by the clock.
  ///
  /// - Parameters:
  ///   - start: the rung by the ladder.
  ///   - allowed: the rungs that the tier allows.
  ///   - arrival: when the query came.
  ///   - whole: the time from then to its deadline.
  ///   - kind: whether it has a filter.
  ///   - costs: what searches take.
  ///   - size: the query's work beside that of the usual one.
  ///   - now: the present instant.
  /// - Returns: the plan.
  package func plan(
    from start: Rung, allowed: [Rung], arrival: Nanoseconds, whole: Nanoseconds, kind: QueryKind,
    costs: CostModel, size: Double = 1, at now: Nanoseconds
  ) -> SearchPlan {
    let end = arrival + Nanoseconds(shares.end(of: .rerank, in: .nanoseconds(whole)))
    let left = max(0, end - now)
    var last: SearchPlan?
    for rung in rungs where rung >= start && allowed.contains(rung) {
      let high = costs.high(rung, kind).times(size)
      var plan = SearchPlan(
        rung: rung, window: rung == .full ? 1 : leastWindow, end: end,
        expected: costs.mean(rung, kind).times(size),
        isAtEase: left / Self.ease > high && costs.isWellKnown(rung, kind))
      // Load asks for the smaller window; a lack of time for the widest that fits.
      if rung == .smallerWindow, start == .full { widen(&plan, left, kind, costs, size) }
      if high <= left { return plan }
      last = plan
    }
    return last
      ?? SearchPlan(
        rung: .full, window: 1, end: end, expected: costs.mean(.full, kind).times(size),
        isAtEase: false)
  }

  /// As wide as the time allows: a window between the smaller one and the full one.
  private func widen(
    _ plan: inout SearchPlan, _ left: Nanoseconds, _ kind: QueryKind, _ costs: CostModel,
    _ size: Double
  ) {
    guard costs.isKnown(.full, kind) else { return }
    let fitting = Double(left) / Double(max(1, costs.high(.full, kind).times(size)))
    plan.window = min(1, max(leastWindow, fitting))
    plan.isOfItsRung = plan.window == leastWindow
  }

  /// What the cheapest of the allowed rungs is expected to take.
  package func cheapest(
    from start: Rung, allowed: [Rung], _ kind: QueryKind, _ costs: CostModel
  ) -> Nanoseconds {
    let rung = rungs.last { allowed.contains($0) && $0 >= start } ?? .full
    return costs.mean(rung, kind)
  }
}

extension Nanoseconds {
  /// The time of a query that is so many times as large as the usual one; at least a nanosecond.
  func times(_ size: Double) -> Nanoseconds {
    size == 1 ? self : Swift.max(1, Nanoseconds(nearest: Double(self) * size))
  }
}
