package import NeedletailCore
import NeedletailStorage

extension LiveIndex {
  /// Withdraws ids: no search that begins after the call returns shows them, in whatever view, generation or
  /// rollback; durable when the call returns.
  ///
  /// Ids that the index does not have are taken note of too: should they come, they stay hidden.
  ///
  /// - Throws: `io`; nothing was changed then, or only the durability of it is in doubt.
  package func withdraw(_ ids: [VectorID]) throws(NeedletailError) {
    try setWithdrawn(ids, true)
  }

  /// Takes withdrawals back, for every view that has the ids.
  ///
  /// - Throws: as `withdraw`.
  package func reinstate(_ ids: [VectorID]) throws(NeedletailError) {
    try setWithdrawn(ids, false)
  }

  /// Ids that are withdrawn.
  package var withdrawnIDs: Set<VectorID> { state.withLock { $0.contents.withdrawn.ids } }

  private func setWithdrawn(
    _ ids: [VectorID], _ isWithdrawn: Bool
  ) throws(NeedletailError) {
    try state.withLock { (state) throws(NeedletailError) in
      try state.requireUsable()
      if isWithdrawn {
        _ = try state.withdrawals.withdraw(ids)
      } else {
        _ = try state.withdrawals.reinstate(ids)
      }
      try state.contents.withdrawn.set(ids, isWithdrawn)
    }
  }
}
