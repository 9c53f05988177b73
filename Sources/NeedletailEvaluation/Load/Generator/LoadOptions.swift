import NeedletailCore

/// How a load run goes about its work.
public struct LoadOptions: Sendable {
  /// The neighbours asked for, where a record does not say otherwise.
  ///
  /// Default 10.
  public var k = 10
  /// What arrivals and mix are drawn from.
  ///
  /// Default 1.
  public var seed: UInt64 = 1
  /// How long after its intended time an answer is of use, in nanoseconds; nil: each tier's p99 decides.
  ///
  /// Requests carry it to the target. Default nil.
  public var deadline: Int64?
  /// What the run is judged by; nil: every answer is in time.
  public var budget: LoadBudget?
  /// Nanoseconds of a slice.
  ///
  /// Default one second; longer where there would be more than 3 600.
  public var slice: Int64 = 1_000_000_000
  /// How long after the end of its slice a request is waited for, in nanoseconds.
  ///
  /// Default ten seconds.
  public var patience: Int64 = 10_000_000_000
  /// The most requests that may be open at once; those beyond are not sent, and make the run invalid.
  ///
  /// Default 65 536.
  public var openRequests = 65_536
  /// The most answers of each rung that are kept for a judge; 0: none.
  ///
  /// Default 0.
  public var keptAnswers = 0
  /// The queries whose answers are kept; nil: all.
  ///
  /// Default nil.
  public var keptQueries: Set<Int>?
  /// Whether the thread was pinned; for the report.
  public var isPinned = false

  /// Makes options with every default.
  public init() {}

  /// Refuses what cannot be run.
  ///
  /// - Throws: `invalidConfiguration` with the number.
  func validate() throws(NeedletailError) {
    guard (1...Limits.neighborsPerQuery).contains(k) else {
      throw NeedletailError(
        .invalidConfiguration, "k is \(k); ask for 1 to \(Limits.neighborsPerQuery) neighbours.")
    }
    guard slice >= 1_000_000, patience >= 0, patience <= 3_600_000_000_000,
      (1...1 << 20).contains(openRequests), (0...1_000_000).contains(keptAnswers),
      deadline.map({ (1...3_600_000_000_000).contains($0) }) ?? true
    else {
      throw NeedletailError(
        .invalidConfiguration,
        """
        A slice of \(slice) ns, a patience of \(patience) ns, a deadline of \
        \(deadline.map { "\($0)" } ?? "no") ns, \(openRequests) open requests or \(keptAnswers) kept \
        answers are out of range: a slice is at least 1 ms, patience and deadline at most an hour, \
        1 to 1048576 requests are open, and at most 1000000 answers are kept.
        """)
    }
  }
}
