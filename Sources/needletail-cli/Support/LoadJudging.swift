#if Tools
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation

  /// What recall is judged by after a load run; looked at before it, so that a run is not spent on files that do not fit.
  struct LoadJudging {
    private let snapshot: Snapshot
    private let queries: VectorMatrix
    private let truth: GroundTruth
    private let base: VectorMatrix?
    private let identities: [VectorID]?
    private let k: Int
    private let path: String

    init(
      groundTruth path: String, base: String?, ids: String?, snapshot: Snapshot,
      queries: VectorMatrix, k: Int
    ) throws {
      self.snapshot = snapshot
      self.queries = queries
      self.k = k
      self.path = path
      truth = try Inputs.groundTruth(path)
      self.base = try base.map { try Inputs.vectors($0) }
      let list = try ids.map { path throws(NeedletailError) in try IDList.read(path) }
      let target = SnapshotTarget(snapshot: snapshot)
      identities = try target.identities(list)
      do throws(NeedletailError) {
        try RecallJudge.check(
          rows: self.base, rowCount: snapshot.count, identities: identities, queries: queries,
          groundTruth: truth, k: k)
      } catch {
        throw Self.located(error, path)
      }
      if let rows = self.base { try target.check(rows, identities, path: base) }
    }

    /// The judge; it reads the index's own rows where there is no base.
    func makeJudge() throws(NeedletailError) -> RecallJudge {
      var rows = base
      if rows == nil, snapshot.preciseRows == .float32 {
        rows = try SnapshotTarget(snapshot: snapshot).rows(identities)
      }
      do throws(NeedletailError) {
        return try RecallJudge(
          rows: rows, basis: base == nil ? .indexRows : .base, rowCount: snapshot.count,
          identities: identities, queries: queries, groundTruth: truth, metric: snapshot.metric,
          k: k)
      } catch {
        throw Self.located(error, path)
      }
    }

    private static func located(_ error: NeedletailError, _ path: String) -> NeedletailError {
      var error = error
      if error.location == nil, error.code == .corrupted { error.location = .init(path: path) }
      return error
    }
  }
#endif
