package import NeedletailCore

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
  /// Whether the limit on evaluations ended the walk.
  package var isLimited = false
  /// How a search with a filter went; `nil` without one.
  package var plan: FilterPlan?
  /// Rows that the filter lets through.
  package var survivors = 0
  /// Rows that were scored one by one because they are not linked yet.
  package var unlinkedRows = 0

  package init() {}
}
