public import NeedletailCore
import NeedletailEngine

/// Whether an answer is all that was asked for, and if not, why.
public struct Completion: Sendable, Hashable {
  /// Why an answer was cut short.
  ///
  /// More may be added.
  public struct Reason: Sendable, Hashable, CustomStringConvertible {
    /// A stable name, fit for logs and for machines.
    public let description: String
    private init(_ name: String) { description = name }

    /// The limit on evaluations ended the walk.
    public static let evaluations = Reason("evaluations")
    /// There was no time left to walk on.
    public static let deadline = Reason("deadline")
    /// Fewer candidates were ranked anew on the precise rows than their codes left open.
    public static let coarse = Reason("coarse")
    /// Parts of the index were not searched.
    public static let partialSegments = Reason("partialSegments")
    /// Load is so high that a service searched on a lighter rung than `full`.
    public static let shed = Reason("shed")
    /// A cached answer that does not know a change which touches it.
    public static let stale = Reason("stale")
  }

  /// Why the answer was cut short; empty when it was not.
  public var reasons: Set<Reason>
  /// Whether nothing cut the answer short.
  ///
  /// Fewer than `k` rows in the index is complete too.
  public var isComplete: Bool { reasons.isEmpty }

  /// Makes a completion; without reasons, a complete one.
  public init(reasons: Set<Reason> = []) { self.reasons = reasons }
}

/// What a search cost.
public struct SearchStatistics: Sendable, Hashable {
  /// The window that was used.
  public var efSearch = 0
  /// Rows whose links were followed.
  public var hops = 0
  /// Query-to-row comparisons of the walk.
  public var evaluations = 0
  /// Candidates ranked anew on the precise rows.
  public var rerankedRows = 0
  /// Time to check, rotate and code the query; 0 unless measured, as it is where a budget has a time.
  public var prepareNanoseconds = 0
  /// Time of the walk; 0 unless measured, as it is where a budget has a time.
  public var walkNanoseconds = 0
  /// Time of the re-rank; 0 unless measured, as it is where a budget has a time.
  public var rerankNanoseconds = 0
  /// Which way a search with a filter went; `nil` without one, and for queries that went different ways.
  public var filterPlan: FilterPlan?
  /// Rows that the filter let through; 0 without one.
  public var survivors = 0
  /// Rows that were scored one by one because they are not linked yet: those that came out of the log at opening, until
  /// a writer has linked them.
  public var unlinkedCount = 0
  /// How much later than another process the search may see what that withdrew; zero in the process that writes.
  public var withdrawalDelay = Duration.zero

  /// Nothing yet.
  public init() {}

  init(_ outcome: NeedletailEngine.SearchOutcome) {
    efSearch = outcome.efSearch
    hops = outcome.hops
    evaluations = outcome.evaluations
    rerankedRows = outcome.rerankedRows
    prepareNanoseconds = outcome.prepareNanoseconds
    walkNanoseconds = outcome.walkNanoseconds
    rerankNanoseconds = outcome.rerankNanoseconds
    filterPlan = outcome.plan
    survivors = outcome.survivors
    unlinkedCount = outcome.unlinkedRows
  }

  mutating func add(_ outcome: NeedletailEngine.SearchOutcome) {
    efSearch = max(efSearch, outcome.efSearch)
    hops += outcome.hops
    evaluations += outcome.evaluations
    rerankedRows += outcome.rerankedRows
    prepareNanoseconds += outcome.prepareNanoseconds
    walkNanoseconds += outcome.walkNanoseconds
    rerankNanoseconds += outcome.rerankNanoseconds
    unlinkedCount += outcome.unlinkedRows
  }

  /// Adds what another search for the same query cost.
  mutating func add(_ other: SearchStatistics) {
    efSearch = max(efSearch, other.efSearch)
    hops += other.hops
    evaluations += other.evaluations
    rerankedRows += other.rerankedRows
    prepareNanoseconds += other.prepareNanoseconds
    walkNanoseconds += other.walkNanoseconds
    rerankNanoseconds += other.rerankNanoseconds
    filterPlan = other.filterPlan
    survivors = other.survivors
    unlinkedCount = other.unlinkedCount
    withdrawalDelay = other.withdrawalDelay
  }
}

/// The outcome of a search whose answers went into the caller's buffer.
public struct SearchOutcome: Sendable, Hashable {
  /// Answers written; fewer than `k` when the index holds fewer rows.
  public var count: Int
  /// Whether the answer is all that was asked for.
  public var completion: Completion
  /// What the search cost.
  public var statistics: SearchStatistics
}

/// The answer to one query.
public struct SearchResult: Sendable {
  /// The nearest rows found, nearest first, ties by id.
  public var neighbors: [Neighbor]
  /// Whether the answer is all that was asked for.
  public var completion: Completion
  /// What the search cost.
  public var statistics: SearchStatistics
}

extension Completion {
  init(_ outcome: NeedletailEngine.SearchOutcome) {
    // An empty set literal allocates nothing.
    self.init(reasons: [])
    guard !outcome.cuts.isEmpty else { return }
    if outcome.cuts.contains(.evaluations) { reasons.insert(.evaluations) }
    if outcome.cuts.contains(.deadline) { reasons.insert(.deadline) }
    if outcome.cuts.contains(.rerank) { reasons.insert(.coarse) }
    if outcome.cuts.contains(.parts) { reasons.insert(.partialSegments) }
  }
}
