/// What became of the requests that were meant for one second.
///
/// Requests belong to the slice of their *intended* time, whenever they end.
public struct LoadSlice: Sendable, Hashable, Codable {
  /// Seconds from the beginning of the run.
  public var start: Double
  /// Its length in seconds.
  public var seconds: Double
  /// Requests that the schedule asked for.
  public var offered = 0
  /// Requests with an answer.
  public var answered = 0
  /// Answers within their tier's p99: what is of use.
  public var inTime = 0
  /// Answers within their tier's p95.
  public var withinP95 = 0
  /// Answers that nothing was given up for.
  public var fullQuality = 0
  /// Requests that the service refused.
  public var rejected = 0
  /// Requests that the service broke on.
  public var failed = 0
  /// Requests that were given up, and those that could not be sent.
  public var unanswered = 0
  /// Requests that were sent more than a millisecond late.
  public var late = 0
  /// Times from the intended start to the answer; of a request that was given up, to that.
  public var p50Microseconds = 0.0
  /// What 95 % did not exceed.
  public var p95Microseconds = 0.0
  /// What 99 % did not exceed.
  public var p99Microseconds = 0.0
  /// Responses of each tier, in the order of the vocabulary.
  public var tiers: [Int]
  /// Answers of each rung, in the order of the vocabulary.
  public var rungs: [Int]
  /// Requests of each priority class.
  public var offeredByPriority: [Int]
  /// Answers of each priority class.
  public var answeredByPriority: [Int]
  /// The mean of each stage of the answers, in microseconds.
  public var stageMicroseconds: [Double]
  /// Distances and estimates of all answers.
  public var evaluations = 0
  /// Memory at its end.
  public var memoryBytes: Int?
  /// The most requests that waited.
  public var longestQueue: Int?
  /// The most that might have waited.
  public var queueBound: Int?

  /// Makes an empty slice.
  ///
  /// - Parameters:
  ///   - start: Seconds from the beginning of the run.
  ///   - seconds: Its length.
  ///   - vocabulary: What there may be in it.
  public init(start: Double, seconds: Double, vocabulary: LoadVocabulary) {
    self.start = start
    self.seconds = seconds
    tiers = vocabulary.tiers.map { _ in 0 }
    rungs = vocabulary.rungs.map { _ in 0 }
    stageMicroseconds = vocabulary.stages.map { _ in 0 }
    offeredByPriority = LoadPriority.allCases.map { _ in 0 }
    answeredByPriority = offeredByPriority
  }

  /// The tier of most responses; nil where none names one.
  public var tier: Int? { Self.largest(tiers) }

  /// The rung of most answers; nil where none names one.
  public var rung: Int? { Self.largest(rungs) }

  /// Answers of use, a second.
  public var goodput: Double { seconds > 0 ? Double(inTime) / seconds : 0 }

  /// The share of the requests that were answered; 1 without requests.
  public var servedShare: Double { offered > 0 ? Double(answered) / Double(offered) : 1 }

  private static func largest(_ counts: [Int]) -> Int? {
    guard let most = counts.max(), most > 0 else { return nil }
    return counts.firstIndex(of: most)
  }
}

/// The moment at which responses began to name another tier.
public struct LoadTierChange: Sendable, Hashable, Codable {
  /// Seconds from the beginning of the run.
  public var seconds: Double
  /// The tier from then on: a place in the vocabulary.
  public var tier: Int

  /// Makes a change.
  public init(seconds: Double, tier: Int) {
    self.seconds = seconds
    self.tier = tier
  }
}
