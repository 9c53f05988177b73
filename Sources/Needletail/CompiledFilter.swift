public import NeedletailCore
import NeedletailEngine

/// A filter made ready for one snapshot: one bit for each of its rows.
///
/// Constant, and shared between any number of searches and threads.
public struct CompiledFilter: Sendable {
  let rows: StackRows
  let view: IndexView

  /// Rows of the snapshot that the filter lets through.
  public var count: Int { rows.count }

  /// The share of the snapshot's rows that the filter lets through, from 0 to 1.
  public var selectivity: Double {
    Double(rows.count) / Double(max(1, view.stack.count))
  }
}

extension Snapshot {
  /// Makes a filter ready for searches of this snapshot.
  ///
  /// - Throws: `capacityExceeded` for a filter beyond `Limits`, before anything is allocated; `io` when there
  ///   is no memory for a bit per row.
  /// - Complexity: O(ids listed + bits set + parts·rows/64).
  public func compile(_ filter: Filter) throws(NeedletailError) -> CompiledFilter {
    CompiledFilter(rows: try view.stack.rows(matching: filter), view: view)
  }

  /// The rows of a filter that was compiled for these very rows.
  ///
  /// - Throws: `invalidConfiguration` when it was compiled for others.
  func rows(of filter: CompiledFilter) throws(NeedletailError) -> StackRows {
    guard filter.view === view else {
      throw NeedletailError(
        .invalidConfiguration,
        "The filter was compiled for another snapshot; compile it for this one.",
        at: .init(path: path))
    }
    return filter.rows
  }
}
