import NeedletailEngine

/// What a service that keeps answers must know of a snapshot.
extension Snapshot {
  /// The number of the last write that is shown; 0: none was made one by one.
  package var sequence: UInt64 { view.lsn }

  /// The first of some neighbours that nobody may be shown any more.
  ///
  /// - Complexity: O(neighbours).
  package func firstWithdrawn(among neighbors: [Neighbor]) -> VectorID? {
    followWithdrawals()
    return view.withdrawn.first(among: neighbors)
  }

  /// Rises whenever something is withdrawn or reinstated.
  package var withdrawalRevision: Int {
    followWithdrawals()
    return view.withdrawn.revision
  }
}
