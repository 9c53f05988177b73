package import NeedletailCore

/// A sealed segment as one view sees it: without the rows that were removed by then.
package struct SegmentPart: Sendable {
  package let segment: SealedSegment
  /// Rows that the view does not have; `nil`: none.
  package let dead: RowSet?

  /// - Precondition: `dead` is a set of this segment's rows.
  package init(segment: SealedSegment, dead: RowSet? = nil) {
    precondition(
      dead.map { $0.rows == segment.count } ?? true, "the dead rows are of another segment")
    self.segment = segment
    self.dead = dead.flatMap { $0.count > 0 ? $0 : nil }
  }

  /// Rows that the view has.
  package var count: Int { segment.count - (dead?.count ?? 0) }

  /// The row of an id, if the view has it; withdrawn or not.
  ///
  /// - Complexity: O(log n).
  package func ordinal(of id: VectorID) -> UInt32? {
    guard let ordinal = segment.ordinal(of: id), dead?.contains(ordinal) != true else { return nil }
    return ordinal
  }
}

/// A live segment as one view sees it.
package struct LivePart: Sendable {
  package let segment: LiveSegment
  /// What the segment held at the moment of the view.
  package let view: LiveView

  /// - Precondition: the view is of this segment.
  package init(segment: LiveSegment, view: LiveView) {
    self.segment = segment
    self.view = view
  }

  /// Rows that the view has.
  package var count: Int { view.liveCount }

  /// The row of an id, if the view has it; withdrawn or not.
  ///
  /// - Complexity: O(n).
  package func ordinal(of id: VectorID) -> UInt32? {
    // The newest first: those that were replaced stand before.
    for ordinal in (0..<UInt32(view.count)).reversed()
    where segment.id(of: ordinal, view) == id && segment.shows(ordinal, view) { return ordinal }
    return nil
  }
}
