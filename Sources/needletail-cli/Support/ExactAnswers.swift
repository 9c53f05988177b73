#if Tools
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation

  /// The true neighbours of some queries, found by the index itself: what answers are judged by where there is no ground truth.
  struct ExactAnswers: LoadJudge {
    let basis = RecallBasis.exactSearch
    private var searches: [Int: ExactSearch] = [:]

    /// Compares queries with every row.
    ///
    /// - Parameters:
    ///   - snapshot: the rows.
    ///   - matrix: the queries.
    ///   - rows: which of them.
    ///   - k: neighbours of each.
    ///   - monitor: told about progress in comparisons; may cancel.
    /// - Throws: `cancelled`; as a search.
    init(
      _ snapshot: Snapshot, _ matrix: VectorMatrix, rows: [Int], k: Int, monitor: WorkMonitor
    ) throws(NeedletailError) {
      monitor.begin("exact", total: max(1, rows.count * snapshot.count))
      for row in rows {
        var search = try snapshot.exactSearch(matrix[row], k: k)
        var done = 0
        repeat {
          let isMore = search.advance(rows: 10_000)
          try monitor.advance(by: search.comparedRows - done)
          done = search.comparedRows
          if !isMore { break }
        } while true
        searches[row] = search
      }
    }

    func neighbors(of query: Int) -> Int? { searches[query]?.neighbors.count }

    func rightAnswers(_ answers: ArraySlice<Neighbor>, query: Int) -> Int {
      searches[query]?.found(in: Array(answers)) ?? 0
    }
  }
#endif
