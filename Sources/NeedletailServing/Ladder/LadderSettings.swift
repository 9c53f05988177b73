package import NeedletailBudgets
package import NeedletailCore

/// What the rungs cost and find, and how the ladder is walked.
package struct LadderSettings: Sendable {
  /// What a query costs on a rung, as a share of the cost at full quality; never more than the rung before.
  package var cost: PerRung<Double>
  /// The recall that a rung is expected to have.
  package var recall: PerRung<Double>
  /// The rungs that there are; `full` is always there.
  package var rungs = Rung.allCases
  /// The utilisation that the ladder keeps below.
  package var limit = 0.9
  /// The noise of the load, as a share of it, that does not move a settled ladder twice in one spacing.
  package var noise = 0.2
  /// The time between two changes.
  package var spacing: Nanoseconds = 5 * .second
  /// The time between two steps down while load is far beyond the limit.
  package var fastSpacing: Nanoseconds = 250 * .millisecond
  /// A standing delay that counts as being over the limit; four times of it as being far beyond.
  package var delayTarget: Nanoseconds = 5 * .millisecond
  /// How many steps a class stays behind the one that is shed first.
  package var lead = PerClass(3, 2, 1, 0)

  package init(cost: PerRung<Double>, recall: PerRung<Double>) {
    self.cost = cost
    self.recall = recall
  }

  /// Settings as a budget has them: its ladder, without rungs of a cache that there is not, and the delay that its strictest tier
  /// leaves to the queue.
  package init(_ budget: PerformanceBudget, cost: PerRung<Double>, recall: PerRung<Double>) {
    self.init(cost: cost, recall: recall)
    rungs = budget.ladder.rungs.filter { budget.cache.isEnabled || !$0.isCached }
    noise = budget.ladder.noise
    spacing = Nanoseconds(budget.ladder.hold)
    fastSpacing = min(fastSpacing, spacing)
    let strictest = budget.tiers.map(\.p99).min() ?? .zero
    delayTarget = max(
      .millisecond / 10, Nanoseconds(budget.stages.time(of: .admission, in: strictest)))
  }

  /// The share of the limit below which a better rung must stay, for a whole spacing, before it is taken.
  ///
  /// Between the least and the most of noise n there is a factor of (1 + n) / (1 − n); between this threshold and `fastMultiple`
  /// one of 1 / (1 − n)², which is no less.
  var upShare: Double { 1 - noise }

  /// The multiple of the limit beyond which steps down come quickly: beyond what the noise does to a settled ladder.
  var fastMultiple: Double { 1 / (1 - noise) }

  /// Checks all of it.
  ///
  /// - Throws: `invalidConfiguration` with the numbers.
  package func validate() throws(NeedletailError) {
    for (rung, next) in zip(Rung.allCases, Rung.allCases.dropFirst()) {
      guard cost[rung] >= cost[next], cost[next] >= 0, cost[rung] <= 1 else {
        throw NeedletailError(
          .invalidConfiguration,
          "The rung \(rung) costs \(cost[rung]) and \(next) \(cost[next]): costs are within 0...1 and"
            + " must not rise.")
      }
    }
    guard limit > 0, limit <= 1, (0...0.5).contains(noise) else {
      throw NeedletailError(
        .invalidConfiguration,
        "A limit of \(limit) is not within 0...1, or 0, or noise of \(noise) not within 0...0.5.")
    }
    guard spacing >= 0, fastSpacing >= 0, fastSpacing <= spacing, delayTarget > 0 else {
      throw NeedletailError(
        .invalidConfiguration,
        "Steps every \(spacing) and \(fastSpacing) ns and a delay of \(delayTarget) ns: none may be"
          + " negative, the delay not 0, and quick steps no slower than others.")
    }
    for priority in PriorityClass.allCases where !(0...16).contains(lead[priority]) {
      throw NeedletailError(
        .invalidConfiguration, "A lead of \(lead[priority]) steps is not within 0...16.")
    }
  }
}
