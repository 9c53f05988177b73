/// A part of answering one query, in the order in which they follow.
public enum Stage: String, Sendable, Hashable, CaseIterable {
  /// Waiting in the queue.
  case admission
  /// Looking into the result cache.
  case cache
  /// Turning a filter into the rows that it lets through.
  case filter
  /// Walking the graph on codes: where candidates come from.
  case traversal
  /// Comparing candidates on precise rows.
  case rerank
  /// Joining the answers of segments.
  case merge
}

/// How the time of a query is divided among its stages.
///
/// A share is the least that a stage gets: what a stage leaves unspent flows on to those that follow, and what no
/// stage was given is there for all.
public struct StageShares: Sendable, Hashable {
  /// The share of the queue.
  public var admission: Double
  /// The share of the cache.
  public var cache: Double
  /// The share of the filter.
  public var filter: Double
  /// The share of the walk.
  public var traversal: Double
  /// The share of the re-rank.
  public var rerank: Double
  /// The share of the merge.
  public var merge: Double

  /// Makes shares, each 0 to 1 and at most 1 together; `PerformanceBudget` checks them.
  public init(
    admission: Double = 0.1, cache: Double = 0.05, filter: Double = 0.1, traversal: Double = 0.5,
    rerank: Double = 0.2, merge: Double = 0.05
  ) {
    self.admission = admission
    self.cache = cache
    self.filter = filter
    self.traversal = traversal
    self.rerank = rerank
    self.merge = merge
  }

  /// The share of a stage.
  public subscript(stage: Stage) -> Double {
    switch stage {
    case .admission: admission
    case .cache: cache
    case .filter: filter
    case .traversal: traversal
    case .rerank: rerank
    case .merge: merge
    }
  }

  /// All shares together.
  public var total: Double { Stage.allCases.reduce(0) { $0 + self[$1] } }

  /// The least time of a stage, of a query that has so much in all.
  public func time(of stage: Stage, in whole: Duration) -> Duration { whole * self[stage] }

  /// When a stage has to end, from the arrival of a query on, so that those behind it have their shares.
  ///
  /// Because unspent time flows on, this is all that a stage has to keep to.
  public func end(of stage: Stage, in whole: Duration) -> Duration {
    let behind = Stage.allCases.drop { $0 != stage }.dropFirst()
    return whole * max(0, 1 - behind.reduce(0) { $0 + self[$1] })
  }
}

extension StageShares: BudgetRecord {
  /// Whoever names shares names all of them: the others have none of their own.
  package static var blank: StageShares {
    StageShares(admission: 0, cache: 0, filter: 0, traversal: 0, rerank: 0, merge: 0)
  }
  package static var fields: [Field<StageShares>] {
    let share = Form<Double>.share(0...1, example: "\"20%\"")
    return [
      Field("admission", \.admission, share), Field("cache", \.cache, share),
      Field("filter", \.filter, share), Field("traversal", \.traversal, share),
      Field("rerank", \.rerank, share), Field("merge", \.merge, share),
    ]
  }
}
