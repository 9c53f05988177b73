public import NeedletailCore
import NeedletailEngine

/// The comparison of one query with every row of a snapshot, done a piece at a time: what answers are judged by while
/// a service runs.
///
/// A value: a copy goes on from where it was made. Distances are of the kind that answers have, computed in double:
/// of precise rows, or, where none are kept, of what codes stand for. What comes out does not depend on the pieces.
public struct ExactSearch: Sendable {
  private var pass: ExactPass

  fileprivate init(_ pass: ExactPass) { self.pass = pass }

  /// Rows that there are to look at, removed ones among them.
  public var rowCount: Int { pass.rowCount }
  /// Rows that were compared.
  public var comparedRows: Int { pass.comparedRows }
  /// Whether all rows were looked at.
  public var isDone: Bool { pass.isDone }

  /// Looks at more rows.
  ///
  /// - Parameter rows: how many, at least one. Default 1 000.
  /// - Returns: whether there are more.
  /// - Complexity: O(rows·dimensions): some 100 µs for 1 000 rows that are in memory.
  @discardableResult
  public mutating func advance(rows: Int = 1_000) -> Bool {
    pass.advance(rows)
    return !pass.isDone
  }

  /// The nearest of the rows that were looked at, nearest first, ties by id: the true neighbours, once all were.
  ///
  /// Rows that were withdrawn before they were come to are not among them.
  public var neighbors: [Neighbor] { pass.neighbors }

  /// How many of an answer's neighbours are right.
  ///
  /// Their distances are computed anew; one is right when it is no more than that of the `k`-th true neighbour and 10⁻⁶ of
  /// the scale: that distance itself under `.squaredEuclidean`, 1 under `.cosine`, and under `.innerProduct` the norm of the query times
  /// that of the longest row. An id that comes twice counts once, one that is not there does not count; what was withdrawn
  /// since the answer counts by its distance.
  ///
  /// - Parameter answer: neighbours from this snapshot, nearest first; what comes behind the `k`-th does not count.
  /// - Returns: from 0 to the true neighbours that there are.
  /// - Precondition: all rows were looked at.
  /// - Complexity: O(k·(log n + d)), and a pass over the ids of rows in memory.
  public func found(in answer: [Neighbor]) -> Int {
    precondition(pass.isDone, "an answer is judged once all rows were looked at")
    return pass.found(in: answer)
  }

  /// The share of the true neighbours that an answer has, from 0 to 1; 1 where there are none.
  ///
  /// - Precondition: all rows were looked at.
  public func recall(of answer: [Neighbor]) -> Double {
    let wanted = neighbors.count
    return wanted == 0 ? 1 : Double(found(in: answer)) / Double(wanted)
  }
}

extension Snapshot {
  /// Begins the comparison of a query with every row of the snapshot; nothing is compared yet.
  ///
  /// - Parameters:
  ///   - query: `[dimensions]` components.
  ///   - k: neighbours that are looked for; fewer where there are fewer rows.
  ///   - filter: compiled for this snapshot; `nil`: all rows.
  /// - Returns: the search, to be advanced until it is done.
  /// - Throws: as a search.
  public func exactSearch(
    _ query: [Float], k: Int, filter: CompiledFilter? = nil
  ) throws(NeedletailError) -> ExactSearch {
    followWithdrawals()
    let rows = try filter.map { (filter) throws(NeedletailError) in try self.rows(of: filter) }
    return ExactSearch(try ExactPass(view, query, k: k, among: rows))
  }
}
