/// What one component of an index takes under a service, and what it may take.
public struct ReplayMemory: Sendable, Hashable, Codable {
  /// The component, as the budget calls it; `total` for all.
  public var component: String
  /// Bytes, told from the headers of the files before anything was read.
  public var predicted: Int
  /// Bytes, of the index that was opened.
  public var found: Int
  /// The most that the budget allows; nil: it says nothing.
  public var ceiling: Int?

  /// Makes a component.
  public init(component: String, predicted: Int, found: Int, ceiling: Int?) {
    self.component = component
    self.predicted = predicted
    self.found = found
    self.ceiling = ceiling
  }

  /// Whether it is within its ceiling, by both numbers.
  public var isWithin: Bool { ceiling.map { max(predicted, found) <= $0 } ?? true }
}

/// What searches on one rung of the ladder find and do: each request of the sample searched for once, whatever the load.
public struct ReplayRung: Sendable, Hashable, Codable {
  /// The rung.
  public var name: String
  /// The share of the true neighbours that are found.
  public var recall: Double
  /// Distances and estimates of an answer, on average.
  public var evaluations: Double
  /// Times of the search alone, reckoned from what it did.
  public var p50Microseconds: Double
  /// What 95 % do not exceed.
  public var p95Microseconds: Double
  /// What 99 % do not exceed.
  public var p99Microseconds: Double

  /// Makes a rung.
  ///
  /// - Parameters:
  ///   - name: The rung.
  ///   - right: True neighbours that were found.
  ///   - possible: True neighbours that there are.
  ///   - evaluations: Those of each search.
  ///   - microseconds: The reckoned time of each search.
  public init(
    name: String, right: Int, of possible: Int, evaluations: [Int], microseconds: [Double]
  ) {
    self.name = name
    recall = possible > 0 ? Double(right) / Double(possible) : 1
    self.evaluations =
      Double(evaluations.reduce(0, +)) / Double(max(1, evaluations.count))
    let sorted = microseconds.sorted()
    func percentile(_ percent: Int) -> Double {
      sorted.isEmpty ? 0 : sorted[max(1, (sorted.count * percent + 99) / 100) - 1]
    }
    p50Microseconds = percentile(50)
    p95Microseconds = percentile(95)
    p99Microseconds = percentile(99)
  }
}

/// Everything that a replay found out about one index.
public struct ReplayCandidate: Sendable, Hashable, Codable {
  /// What it is called in tables: `baseline`, or a letter.
  public var name: String
  /// Whether it is the one that serves today, which others are held against.
  public var isBaseline: Bool
  /// The directory.
  public var index: String
  /// How it is searched at full quality.
  public var search: String
  /// The file of its budget.
  public var budget: String
  /// Its rows.
  public var rows: Int
  /// What it takes, by component, the total last.
  public var memory: [ReplayMemory] = []
  /// What each rung finds and does.
  public var rungs: [ReplayRung] = []
  /// What became of the requests; nil: none were sent.
  public var report: LoadReport?
  /// Why none were sent, where the budget does not allow it.
  public var refusal: String?
  /// What held and what did not.
  public var verdicts: [LoadVerdict] = []
  /// How it differs from the baseline; empty without one.
  public var differences: [ReplayDifference] = []

  /// Makes a candidate of which nothing is known yet.
  public init(
    name: String, isBaseline: Bool, index: String, search: String, budget: String, rows: Int
  ) {
    self.name = name
    self.isBaseline = isBaseline
    self.index = index
    self.search = search
    self.budget = budget
    self.rows = rows
  }

  /// Whether it keeps its budget.
  public var keepsBudget: Bool { verdicts.allSatisfy(\.isMet) }

  /// The bytes of all components, as found.
  public var totalBytes: Int? { memory.first { $0.component == "total" }?.found }
}

/// The whole outcome of a replay: the JSON document.
public struct ReplayReport: Sendable, Hashable, Codable {
  /// The record.
  public var log: String
  /// Its requests.
  public var requests: Int
  /// How long they were sent for.
  public var seconds: Double
  /// How many times as fast as they came.
  public var speed: Double
  /// Whether times were reckoned from what searches did; otherwise they are this machine's; nil: nothing was sent.
  public var isReckoned: Bool?
  /// What was drawn, was drawn from this.
  public var seed: UInt64
  /// The neighbours asked for.
  public var k: Int
  /// Requests that recall and evaluations were judged on.
  public var judged: Int
  /// What recall was judged on.
  public var recallJudgedOn: RecallBasis
  /// Where it ran.
  public var machine: Machine?
  /// The baseline first, if there is one.
  public var candidates: [ReplayCandidate]

  /// Makes a report.
  public init(
    log: String, requests: Int, seconds: Double, speed: Double, isReckoned: Bool?, seed: UInt64,
    k: Int, judged: Int, recallJudgedOn: RecallBasis, candidates: [ReplayCandidate]
  ) {
    self.log = log
    self.requests = requests
    self.seconds = seconds
    self.speed = speed
    self.isReckoned = isReckoned
    self.seed = seed
    self.k = k
    self.judged = judged
    self.recallJudgedOn = recallJudgedOn
    self.candidates = candidates
    compare()
  }

  /// Holds every candidate against the baseline, where there is one.
  private mutating func compare() {
    guard let baseline = candidates.first(where: \.isBaseline) else { return }
    for place in candidates.indices where !candidates[place].isBaseline {
      candidates[place].differences = ReplayDifference.between(baseline, candidates[place])
    }
  }
}
