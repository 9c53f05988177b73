/// The figures of one group of requests: all, those of a tier, a rung, a priority class or a tenant.
public struct LoadFigures: Sendable, Hashable, Codable {
  /// What they have in common.
  public var name: String
  /// Requests of the group: of tiers, those with a response; of rungs, those with an answer.
  public var offered = 0
  /// Requests with an answer.
  public var answered = 0
  /// Answers within their tier's p99.
  public var inTime = 0
  /// Answers within their tier's p95.
  public var withinP95 = 0
  /// Answers more than 200 µs after their deadline: the one that was told, or else their tier's p99.
  public var overdue = 0
  /// Answers that nothing was given up for.
  public var fullQuality = 0
  /// Requests that the service refused.
  public var rejected = 0
  /// Requests that the service broke on.
  public var failed = 0
  /// Requests that were given up, and those that could not be sent.
  public var unanswered = 0
  /// Times from the intended start to the answer; of a request that was given up, to that.
  public var p50Microseconds = 0.0
  /// What 95 % did not exceed.
  public var p95Microseconds = 0.0
  /// What 99 % did not exceed.
  public var p99Microseconds = 0.0
  /// What 999 in 1 000 did not exceed.
  public var p999Microseconds = 0.0
  /// The longest.
  public var greatestMicroseconds = 0.0
  /// Distances and estimates of an answer, on average.
  public var evaluationsPerAnswer = 0.0
  /// The share of the true neighbours that were found; nil where nobody judged.
  public var recall: Double?
  /// The answers that recall was judged on.
  public var judgedAnswers = 0

  /// Makes an empty group.
  public init(name: String) { self.name = name }

  /// The share of the requests that were answered; 1 without requests.
  public var servedShare: Double { offered > 0 ? Double(answered) / Double(offered) : 1 }
}

/// A name and how often it was met.
public struct LoadCount: Sendable, Hashable, Codable {
  /// What was met.
  public var name: String
  /// How often.
  public var count: Int

  /// Makes a count.
  public init(name: String, count: Int) {
    self.name = name
    self.count = count
  }
}

/// Collects the figures of a group while the run goes on.
struct LoadGroup {
  private(set) var figures: LoadFigures
  /// Made when it is first needed: a histogram takes some hundred kilobytes.
  private var latency: LatencyRecorder?
  private var evaluations = 0

  init(name: String) { figures = LoadFigures(name: name) }

  mutating func offer() { figures.offered += 1 }

  mutating func end(_ end: LoadEnd) {
    switch end.outcome {
    case .answered:
      figures.answered += 1
      figures.inTime += end.isInTime ? 1 : 0
      figures.withinP95 += end.isWithinP95 ? 1 : 0
      figures.overdue += end.isOverdue ? 1 : 0
      figures.fullQuality += end.isFull ? 1 : 0
      evaluations &+= end.evaluations
      record(end.latency)
    case .rejected: figures.rejected += 1
    case .failed: figures.failed += 1
    case nil:
      figures.unanswered += 1
      record(end.latency)
    }
  }

  /// Makes room now, so that the run does not.
  mutating func prepare() { if latency == nil { latency = LatencyRecorder() } }

  mutating func record(_ nanoseconds: Int64) {
    prepare()
    latency?.record(nanoseconds: UInt64(max(0, nanoseconds)))
  }

  /// The figures with their percentiles.
  func finished() -> LoadFigures {
    var figures = figures
    if figures.answered > 0 {
      figures.evaluationsPerAnswer = Double(evaluations) / Double(figures.answered)
    }
    guard let latency else { return figures }
    figures.p50Microseconds = latency.microseconds(atPercentile: 50)
    figures.p95Microseconds = latency.microseconds(atPercentile: 95)
    figures.p99Microseconds = latency.microseconds(atPercentile: 99)
    figures.p999Microseconds = latency.microseconds(atPercentile: 99.9)
    figures.greatestMicroseconds = latency.greatestMicroseconds
    return figures
  }
}

/// How one request ended, as the figures need it.
struct LoadEnd {
  /// Nil: it was given up, or could not be sent.
  var outcome: LoadResponse.Outcome?
  var latency: Int64
  var isInTime = false
  var isWithinP95 = false
  var isOverdue = false
  var isFull = false
  var evaluations = 0
}
