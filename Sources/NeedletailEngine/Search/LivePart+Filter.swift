package import NeedletailCore

extension LivePart {
  /// The rows of the view whose ids and attributes match a filter.
  ///
  /// - Throws: as `LiveSegment.rows(matching:)`.
  package func rows(matching filter: Filter) throws(NeedletailError) -> RowSet {
    try segment.rows(matching: filter, view)
  }

  /// Finds the rows of a set that are nearest to a query.
  ///
  /// - Throws: as the search without a set.
  @unsafe
  package func search(
    _ query: UnsafePointer<Float>, _ parameters: SearchParameters, among set: RowSet,
    into answers: UnsafeMutablePointer<Neighbor>
  ) throws(NeedletailError) -> SearchOutcome {
    unsafe try segment.search(query, parameters, view, among: set, into: answers)
  }
}
