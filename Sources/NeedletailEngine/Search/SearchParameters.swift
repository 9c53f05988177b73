package import NeedletailCore
import NeedletailKernels

/// How one query is answered.
package struct SearchParameters: Sendable, Hashable {
  /// Answers asked for; at least 1.
  package var k: Int
  /// Width of the window of candidates.
  ///
  /// Below `k` the walk ends sooner, as soon as it holds `k`; a walk on
  /// precise rows raises it to `k`.
  package var efSearch: Int
  /// Whether a walk ends as soon as the next candidate is far beyond the `k`-th, at a distance chosen so that
  /// a window of `efSearch` finds as much on average; some queries then take more hops than that, others
  /// fewer.
  package var stopsByDistance = true
  /// Makes the width finer than whole numbers where a walk ends by distance: it then goes as far as a window
  /// of `k·(efSearch/k)^stopScale` would.
  package var stopScale: Float = 1
  /// The rank whose distance decides where a walk ends, where it is above `k`.
  ///
  /// So that the first few of many answers are found as surely as the many: a single nearest one, of which
  /// coarse codes know little, is a poor measure of how far to look.
  package var stopRank = 0
  /// Candidates that are re-ranked on precise rows; `nil`: as many as the codes call for.
  ///
  /// 0: none.
  package var rerankCandidates: Int?
  /// The most evaluations; `nil`: no limit.
  package var evaluationLimit: Int?
  /// The moment of the monotonic clock, in nanoseconds, by which the answer is wanted.
  package var deadline = Int.max
  /// Nanoseconds that each query of a batch may take from its own beginning.
  package var latency = Int.max
  /// Whether the stages are timed.
  package var measuresTime: Bool
  /// A row that the search leaves out as if it were not there: neither scored nor answered.
  ///
  /// For rows that serve as queries of a measurement; one that stands on level 0 only.
  package var heldOut: UInt32?

  package init(
    k: Int, efSearch: Int, rerankCandidates: Int? = nil, evaluationLimit: Int? = nil,
    measuresTime: Bool = false
  ) {
    self.k = k
    self.efSearch = efSearch
    self.rerankCandidates = rerankCandidates
    self.evaluationLimit = evaluationLimit
    self.measuresTime = measuresTime
  }

  /// Refuses parameters that cannot be served, before anything is allocated.
  ///
  /// - Throws: `invalidConfiguration` or `capacityExceeded`, naming the parameter, value and range.
  package func validate() throws(NeedletailError) {
    try Self.check("k", k, 1...Limits.neighborsPerQuery)
    try Self.check("efSearch", efSearch, 1...Limits.searchWidth)
    if let rerankCandidates {
      try Self.check("rerank candidates", rerankCandidates, 0...Limits.searchWidth)
    }
    if let evaluationLimit { try Self.check("evaluationLimit", evaluationLimit, 1...Int.max) }
  }

  private static func check(
    _ name: String, _ value: Int, _ range: ClosedRange<Int>
  ) throws(NeedletailError) {
    if value < range.lowerBound {
      throw NeedletailError(
        .invalidConfiguration, "\(name) is \(value); it must be at least \(range.lowerBound).")
    }
    if value > range.upperBound {
      throw NeedletailError(
        .capacityExceeded, "\(name) is \(value); the most is \(range.upperBound).")
    }
  }
}

extension SearchParameters {
  /// Whether a search may be cut short.
  var isBounded: Bool { evaluationLimit != nil || hasDeadline || latency != .max }

  /// The same without a limit on evaluations.
  var unlimited: SearchParameters {
    var own = self
    own.evaluationLimit = nil
    return own
  }

  /// Takes over what a budget says.
  ///
  /// - Precondition: the budget was validated.
  package mutating func keep(_ budget: SearchBudget) {
    evaluationLimit = budget.evaluations
    if let latency = budget.latency { self.latency = latency.nanoseconds }
    if let moment = budget.deadline {
      let (own, overflow) = nanoseconds().addingReportingOverflow(
        (moment - .now).nanoseconds)
      deadline = overflow ? .max - 1 : own
    }
  }

  /// The parameters of a query that begins now.
  package func begun() -> SearchParameters {
    guard latency != .max else { return self }
    var own = self
    let (moment, overflow) = nanoseconds().addingReportingOverflow(latency)
    own.deadline = min(deadline, overflow ? .max : moment)
    return own
  }

  /// Whether there is a moment by which the answer is wanted.
  var hasDeadline: Bool { deadline != .max }
  /// Whether that moment has come.
  var isLate: Bool { hasDeadline && nanoseconds() >= deadline }
  /// Whether stages are timed: a search with a deadline is, so that the next one knows what they take.
  var timesStages: Bool { measuresTime || hasDeadline }

  /// Rows whose re-rank a walk leaves time for.
  private var reservedRows: Int { rerankCandidates ?? (2 &* min(k, 1 << 20) &+ 16) }

  /// Rows that there is time to re-rank, at least `k`; `nil`: all.
  func rowsInTime(_ costs: SearchCosts) -> Int? {
    guard hasDeadline else { return nil }
    let (left, overflow) = deadline.subtractingReportingOverflow(nanoseconds())
    return max(k, overflow ? 0 : costs.rows(in: left))
  }

  /// Whether there is time to score so many rows precisely instead of walking.
  func canScan(_ rows: Int, _ costs: SearchCosts) -> Bool {
    guard hasDeadline else { return true }
    let (moment, overflow) = deadline.subtractingReportingOverflow(costs.rerank(rows))
    return !overflow && nanoseconds() < moment
  }

  /// How far a walk may go after so many rows were scored, with time left for the re-rank.
  func bounds(spent: Int, _ costs: SearchCosts) -> WalkBounds {
    var bounds = WalkBounds.none
    if let evaluationLimit { bounds.evaluations = max(0, evaluationLimit &- spent) }
    if hasDeadline {
      let (moment, overflow) = deadline.subtractingReportingOverflow(costs.rerank(reservedRows))
      bounds.deadline = overflow ? .min : moment
    }
    return bounds
  }
}

/// Why an answer may not be the one that a search without bounds gives.
package struct SearchCuts: OptionSet, Sendable, Hashable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// A limit on evaluations ended a walk, or made it go other ways.
  package static let evaluations = SearchCuts(rawValue: 1)
  /// A deadline ended a walk or a scan.
  package static let deadline = SearchCuts(rawValue: 2)
  /// Fewer candidates were re-ranked than the codes left open.
  package static let rerank = SearchCuts(rawValue: 4)
  /// Parts of the index were not searched.
  package static let parts = SearchCuts(rawValue: 8)
}

extension Duration {
  /// Whole nanoseconds; those that do not fit become the nearest that do.
  fileprivate var nanoseconds: Int {
    let (seconds, attoseconds) = components
    let (whole, overflow) = Int(clamping: seconds).multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow else { return seconds < 0 ? .min : .max }
    let (sum, isBeyond) = whole.addingReportingOverflow(Int(attoseconds / 1_000_000_000))
    return isBeyond ? (seconds < 0 ? .min : .max) : sum
  }
}

extension HopWalk {
  /// What bounds have left out of the walk so far.
  var cuts: SearchCuts { isLate ? .deadline : isOpen || isShortened ? .evaluations : [] }
}

/// What one search cost, and whether it was cut short.
package struct SearchOutcome: Sendable, Hashable {
  /// Answers written.
  package var count = 0
  /// The width of the window that was used.
  package var efSearch = 0
  package var hops = 0
  package var evaluations = 0
  package var rerankedRows = 0
  package var prepareNanoseconds = 0
  package var walkNanoseconds = 0
  package var rerankNanoseconds = 0
  /// What was left out of the search; empty: nothing.
  package var cuts: SearchCuts = []
  /// Whether the limit on evaluations ended the walk.
  package var isLimited: Bool { cuts.contains(.evaluations) }
  /// How a search with a filter went; `nil` without one.
  package var plan: FilterPlan?
  /// Rows that the filter lets through.
  package var survivors = 0
  /// Rows that were scored one by one because they are not linked yet.
  package var unlinkedRows = 0

  package init() {}

  /// Says that a deadline ended a scan before so many rows were scored.
  mutating func cut(by rows: Int) {
    cuts.insert(.deadline)
    evaluations -= rows
  }
}
