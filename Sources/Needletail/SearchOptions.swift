public import NeedletailCore

/// How one query is answered.
///
/// Everything here is per query; nothing is fixed at build time.
public struct SearchOptions: Sendable, Hashable {
  /// Which candidates are ranked anew on the precise rows.
  public enum Rerank: Sendable, Hashable {
    /// As many as the rounding of the codes leaves open: seldom more than a few beyond `k`, many among
    /// near copies, none where codes are lossless.
    case automatic
    /// The best `candidates` of the walk, at least `k`.
    case precise(candidates: Int)
    /// None: answers carry estimates.
    case none
  }

  /// Width of the window of candidates: more finds more and takes longer.
  ///
  /// Default 64.
  ///
  /// A walk on codes ends where going on would gain no more than the last places of such a window do, by
  /// distance, and so takes fewer hops where the answer is plain and up to twice as many where it is not. A
  /// width below `k` ends it sooner, as soon as it holds `k`; without codes it is raised to `k`.
  /// `SearchStatistics.efSearch` says what was used.
  public var efSearch = 64
  /// The recall that is wanted, above 0 and at most 1: the share of the true neighbours that are found.
  ///
  /// Default `nil`: `efSearch` says how wide the window is. Otherwise the width comes from what tuning
  /// measured, and `efSearch` is not looked at; `SearchStatistics.efSearch` says what was used. It is what
  /// queries like the measured ones reach on average, not a promise for each query. Beyond the highest
  /// recall that was reached, the widest measured window is used. An index that was never tuned refuses a
  /// recall (`notFound`), except one of so few rows that every search is exact.
  public var recall: Double?
  /// What is ranked anew.
  ///
  /// Default `.automatic`.
  public var rerank = Rerank.automatic
  /// What the search may take, in time and in evaluations.
  ///
  /// Default no bound. An answer cut short by it says so in its `completion`; any other one is that of a search
  /// without a budget.
  public var budget: SearchBudget?
  /// The most answers that share a value of a category: of each seller, of each author.
  ///
  /// Default `nil`: no cap. As many answers as are asked for come back where there are so many.
  public var cap: GroupCap?
  /// Whether the stages are timed, at the cost of a few clock readings.
  ///
  /// Default `false`.
  public var measuresTime = false

  /// The defaults, with a window.
  public init(efSearch: Int = 64) { self.efSearch = efSearch }

  /// The defaults, with the fastest measured setting that reaches a recall.
  public init(recall: Double) { self.recall = recall }
}
