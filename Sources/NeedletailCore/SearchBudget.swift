/// What one search may take: time, and evaluations.
///
/// A budget never makes an error while there is anything to answer: the walk stops, what was found is ranked in the time
/// that was kept for it, and the answer says that it was cut short. An answer that does not say so is the one that
/// the search would have given without a budget.
public struct SearchBudget: Sendable, Hashable {
  /// The time that a query may take, above zero; for a batch, that of each query from its own beginning.
  ///
  /// Default `nil`: any. The clock is read every 64 evaluations of a walk, and every 2048 rows of a filter that are
  /// scored one by one where these are expected to take more than half of the time; `k` rows are ranked precisely
  /// whatever the time. A process that follows a writer looks for withdrawals before its time counts.
  public var latency: Duration?
  /// The moment by which the answer is wanted; the earlier one holds where there is a latency too.
  ///
  /// Default `nil`: none. A moment that has passed still gives the answer that takes least.
  public var deadline: ContinuousClock.Instant?
  /// The most query-to-row evaluations of the walk, at least 1, checked before each hop.
  ///
  /// Default `nil`: no limit. Close to the limit the walk goes on in shorter rounds, and says that it was cut short.
  public var evaluations: Int?

  /// Makes a budget from its parts.
  public init(
    latency: Duration? = nil, deadline: ContinuousClock.Instant? = nil, evaluations: Int? = nil
  ) {
    self.latency = latency
    self.deadline = deadline
    self.evaluations = evaluations
  }

  /// Refuses a budget that leaves nothing.
  ///
  /// - Throws: `invalidConfiguration`, with the number.
  package func validate() throws(NeedletailError) {
    if let latency, latency <= .zero {
      throw NeedletailError(
        .invalidConfiguration, "The latency of the budget is \(latency); it must be above zero.")
    }
    if let evaluations, evaluations < 1 {
      throw NeedletailError(
        .invalidConfiguration,
        "The evaluations of the budget are \(evaluations); they must be at least 1.")
    }
  }
}
