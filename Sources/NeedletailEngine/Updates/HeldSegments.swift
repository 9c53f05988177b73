import NeedletailCore

/// The segments of an index that anybody holds, those that are no part of it any more among them.
struct HeldSegments {
  private struct Sealed { weak var segment: SealedSegment? }
  private struct Live { weak var segment: LiveSegment? }

  private var allSealed: [Sealed] = []
  private var allLive: [Live] = []

  /// Takes note of a segment.
  ///
  /// - Returns: whether it was not known before.
  mutating func add(_ segment: SealedSegment) -> Bool {
    allSealed.removeAll { $0.segment == nil }
    guard !allSealed.contains(where: { $0.segment === segment }) else { return false }
    allSealed.append(Sealed(segment: segment))
    return true
  }

  mutating func add(_ segment: LiveSegment) {
    allLive.removeAll { $0.segment == nil }
    allLive.append(Live(segment: segment))
  }

  /// Withdraws ids from all of them, or takes that back.
  ///
  /// - Throws: `io` when there is no memory for a bit per row; some have it then.
  func set(_ ids: Set<VectorID>, _ isWithdrawn: Bool) throws(NeedletailError) {
    guard !ids.isEmpty else { return }
    for item in allSealed { try item.segment?.set(ids, isWithdrawn) }
    for item in allLive { try item.segment?.setWithdrawn(ids, isWithdrawn) }
  }
}

extension SealedSegment {
  /// Withdraws the rows of ids, or takes that back; ids that are not there are passed over.
  func set(_ ids: Set<VectorID>, _ isWithdrawn: Bool) throws(NeedletailError) {
    for id in ids {
      guard let ordinal = findOrdinal(of: id) else { continue }
      if isWithdrawn { try withdrawn.insert(ordinal) } else { withdrawn.remove(ordinal) }
    }
  }
}
