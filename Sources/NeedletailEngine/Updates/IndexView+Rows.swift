package import NeedletailCore

/// Looking at the rows of a view one by one; withdrawn ones are not there.
extension IndexView {
  /// Where a row stands.
  private enum Place {
    case sealed(SealedSegment, UInt32)
    case live(LivePart, UInt32)
  }

  private func place(of id: VectorID) -> Place? {
    for part in stack.sealed {
      if let ordinal = part.ordinal(of: id), !part.segment.withdrawn.contains(ordinal) {
        return .sealed(part.segment, ordinal)
      }
    }
    for part in stack.live {
      if let ordinal = part.ordinal(of: id), !part.segment.isWithdrawn(ordinal) {
        return .live(part, ordinal)
      }
    }
    return nil
  }

  /// Whether an id is there.
  ///
  /// - Complexity: O(log n) a sealed segment, O(rows) a live one.
  package func contains(_ id: VectorID) -> Bool { place(of: id) != nil }

  /// Vectors that are there.
  ///
  /// - Complexity: O(1) while nothing is withdrawn, O(n) otherwise.
  package var count: Int {
    let hasWithdrawn =
      stack.sealed.contains { !$0.segment.withdrawn.isEmpty }
      || stack.live.contains { $0.segment.withdrawnCount > 0 }
    guard hasWithdrawn else { return stack.count }
    var count = 0
    forEachRow { _, _ in count += 1 }
    return count
  }

  /// All ids, ascending.
  package var ids: [VectorID] { listed.map(\.id) }

  /// Every row with its id, in the order of ids.
  ///
  /// - Complexity: O(n log n).
  private var listed: [(id: VectorID, place: Place)] {
    var all: [(id: VectorID, place: Place)] = []
    all.reserveCapacity(stack.count)
    forEachRow { all.append(($0, $1)) }
    all.sort { $0.id < $1.id }
    return all
  }

  private func forEachRow(_ body: (VectorID, Place) -> Void) {
    for part in stack.sealed {
      for ordinal in 0..<UInt32(part.segment.count)
      where !(part.dead?.contains(ordinal) ?? false) && !part.segment.withdrawn.contains(ordinal) {
        body(unsafe part.segment.id(ordinal), .sealed(part.segment, ordinal))
      }
    }
    for part in stack.live {
      for ordinal in part.segment.ordinals(part.view) where !part.segment.isWithdrawn(ordinal) {
        body(part.segment.id(of: ordinal, part.view), .live(part, ordinal))
      }
    }
  }

  /// Whether all rows can be given back.
  package var hasPreciseRows: Bool {
    stack.sealed.allSatisfy { $0.segment.count == 0 || $0.segment.hasPreciseRows }
  }

  /// Copies the vector of an id as it was given, to within the rounding of how it is kept.
  ///
  /// - Precondition: `row` has room; the view has precise rows.
  /// - Returns: whether the id is there.
  @unsafe
  package func export(_ id: VectorID, into row: UnsafeMutablePointer<Float>) -> Bool {
    guard let place = place(of: id) else { return false }
    unsafe export(place, into: row)
    return true
  }

  @unsafe
  private func export(_ place: Place, into row: UnsafeMutablePointer<Float>) {
    switch place {
    case .sealed(let segment, let ordinal): unsafe segment.export(ordinal, into: row)
    case .live(let part, let ordinal): unsafe part.segment.export(ordinal, part.view, into: row)
    }
  }

  /// Every vector as it was given, in the order of ids.
  ///
  /// - Precondition: the view has precise rows.
  /// - Returns: `[count, dimensions]` components.
  package func exportAll(dimensions: Int) -> [Float] {
    let rows = listed
    return unsafe [Float](unsafeUninitializedCapacity: rows.count * dimensions) { buffer, count in
      if let start = buffer.baseAddress {
        for (i, row) in rows.enumerated() {
          unsafe export(row.place, into: start + i * dimensions)
        }
      }
      count = rows.count * dimensions
    }
  }

  /// The attributes of an id; `nil` when it is not there.
  package func attributes(of id: VectorID) -> Attributes? {
    switch place(of: id) {
    case .sealed(let segment, let ordinal): segment.attributes(of: ordinal)
    case .live(let part, let ordinal): part.segment.attributes(of: ordinal, part.view)
    case nil: nil
    }
  }
}
