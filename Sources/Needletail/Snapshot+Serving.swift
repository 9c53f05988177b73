import NeedletailCore
import NeedletailEngine

extension VectorIndex {
  /// Bytes of memory that a write of so many rows takes, about; attributes are not counted.
  package func memoryToWrite(rows: Int) -> Int {
    if case .writing(let live) = state.withLock({ $0.access }) { return live.bytesToReserve(rows) }
    return LocalIndex.bytesToReserve(
      rows, m: configuration.graph.m, dimensions: configuration.dimensions)
  }
}

/// What a service that keeps answers must know of a snapshot.
extension Snapshot {
  /// The number of the last write that is shown; 0: none was made one by one.
  package var sequence: UInt64 { view.lsn }

  /// Bytes that are the same for the same content of the same index.
  package var contentIdentity: [UInt8] {
    followWithdrawals()
    var bytes = view.generation.facts.identity
    for number in [UInt64(view.generation.facts.number), view.lsn, view.withdrawn.digest] {
      for shift in stride(from: 0, to: 64, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(shift)))
      }
    }
    return bytes
  }

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
