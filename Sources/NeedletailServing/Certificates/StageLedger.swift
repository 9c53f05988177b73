public import NeedletailBudgets

/// Where the time of one answer went, in nanoseconds.
///
/// Stages follow each other without a gap, from the arrival of a query until its answer is handed over: their sum is the whole.
public struct StageLedger: Sendable, Hashable {
  /// From the arrival to the turn: checks, and the queue.
  public var admission: Nanoseconds = 0
  /// Looking into the result cache, and waiting there for somebody else's search.
  public var cache: Nanoseconds = 0
  /// Turning a filter into the rows that it lets through.
  public var filter: Nanoseconds = 0
  /// Walking on codes, and what comes before it.
  public var traversal: Nanoseconds = 0
  /// Comparing candidates on precise rows.
  public var rerank: Nanoseconds = 0
  /// Joining what segments found, keeping the answer for others, and handing over, after those that were searched for together.
  public var merge: Nanoseconds = 0

  /// Nothing yet.
  public init() {}

  /// The time of a stage.
  public subscript(stage: Stage) -> Nanoseconds {
    switch stage {
    case .admission: admission
    case .cache: cache
    case .filter: filter
    case .traversal: traversal
    case .rerank: rerank
    case .merge: merge
    }
  }

  /// All stages together.
  public var total: Nanoseconds { admission + cache + filter + traversal + rerank + merge }
}
