package import NeedletailCore

/// What the rungs cost and find, and how the ladder is walked.
package struct LadderSettings: Sendable {
  /// What a query costs on a rung, as a share of the cost at full quality; never more than the rung before.
  package var cost: PerRung<Double>
  /// The recall that a rung is expected to have.
  package var recall: PerRung<Double>
  /// The utilisation that the ladder keeps below.
  package var limit = 0.9
  /// The share of the limit below which a better rung must stay, for a whole spacing, before it is taken.
  package var upShare = 0.8
  /// The multiple of the limit beyond which steps down come quickly: beyond what noise of 20 % does to a settled ladder.
  package var fastMultiple = 1.25
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

  /// Checks all of it.
  ///
  /// `upShare · 1.25 ≤ 1` and `fastMultiple ≥ 1.25` are what keeps noise of 20 % from moving a settled ladder twice in one spacing: between the
  /// least and the most of such noise there is a factor of 1.5, between the two thresholds one of 1.56.
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
    guard limit > 0, limit <= 1, upShare > 0, upShare <= 0.8, fastMultiple >= 1.25 else {
      throw NeedletailError(
        .invalidConfiguration,
        "A limit of \(limit), \(upShare) of it on the way up and \(fastMultiple) times it for quick steps"
          + " do not keep noise of 20 % out: at most 1, at most 0.8, at least 1.25.")
    }
    guard spacing > 0, fastSpacing > 0, fastSpacing <= spacing, delayTarget > 0 else {
      throw NeedletailError(
        .invalidConfiguration,
        "Steps every \(spacing) and \(fastSpacing) ns and a delay of \(delayTarget) ns: all must be"
          + " positive, and quick steps no slower than others.")
    }
    for priority in PriorityClass.allCases where !(0...16).contains(lead[priority]) {
      throw NeedletailError(
        .invalidConfiguration, "A lead of \(lead[priority]) steps is not within 0...16.")
    }
  }
}
