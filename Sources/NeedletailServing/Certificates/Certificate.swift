public import Needletail
public import NeedletailBudgets

/// How an answer was made.
///
/// An answer whose certificate lists no reason is the one that a search without a budget would have given.
public struct Certificate: Sendable, Hashable {
  /// The rung of the ladder that it was made on; `cachedFresh` and `cachedStale` came out of the cache.
  public var rung: Rung
  /// The rung whose search found it: that of the search whose answer was kept, where it is a cached one.
  public var searchedAt: Rung
  /// Why it is less than what was asked for; empty: it is not.
  public var reasons: Set<Completion.Reason>
  /// Where its time went.
  public var stages: StageLedger
  /// Query-to-row comparisons of the walk; 0 for an answer out of the cache.
  public var evaluations: Int
  /// Candidates that were ranked anew on precise rows.
  public var rerankedRows: Int
  /// The generation of the index that was searched.
  public var generation: Int
  /// The share of true neighbours that answers of this rung were found to have lately; `nil`: not measured yet.
  public var estimatedRecall: Double?
  /// The tier of load that held.
  public var tier: String
  /// Queries that were searched for together with this one, itself among them.
  public var batch: Int

  /// Makes a certificate of its parts, such as for a test of what reads them.
  public init(
    rung: Rung = .full, searchedAt: Rung? = nil, reasons: Set<Completion.Reason> = [],
    stages: StageLedger = StageLedger(), evaluations: Int = 0, rerankedRows: Int = 0,
    generation: Int = 1, estimatedRecall: Double? = nil, tier: String, batch: Int = 1
  ) {
    self.rung = rung
    self.searchedAt = searchedAt ?? rung
    self.reasons = reasons
    self.stages = stages
    self.evaluations = evaluations
    self.rerankedRows = rerankedRows
    self.generation = generation
    self.estimatedRecall = estimatedRecall
    self.tier = tier
    self.batch = batch
  }
}
