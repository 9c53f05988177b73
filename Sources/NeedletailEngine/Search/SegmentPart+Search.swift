package import NeedletailCore

extension SegmentPart {
  /// What a search that begins now leaves out; `nil`: nothing.
  var hidden: HiddenRows? {
    if dead == nil, segment.withdrawn.isEmpty { return nil }
    return HiddenRows(rows: segment.count, dead: dead, withdrawn: segment.withdrawn)
  }

  /// Finds the rows of the part that are nearest to a query; as `SealedSegment.search`.
  @unsafe
  package func search(
    _ query: UnsafePointer<Float>, _ parameters: SearchParameters,
    into answers: UnsafeMutablePointer<Neighbor>
  ) throws(NeedletailError) -> SearchOutcome {
    unsafe try segment.search(query, parameters, hiding: hidden, into: answers)
  }

  /// Answers many queries on several threads; as `SealedSegment.search(batch:)`.
  package func search(
    batch queries: VectorMatrix, _ parameters: SearchParameters, threads: Int
  ) throws(NeedletailError) -> BatchAnswers {
    try segment.search(batch: queries, parameters, hiding: hidden, threads: threads)
  }
}

// MARK: - Among a set

extension SegmentPart {
  /// The rows that the view has and whose ids match a filter.
  ///
  /// - Throws: as `SealedSegment.rows(matching:)`.
  package func rows(matching filter: Filter) throws(NeedletailError) -> RowSet {
    try segment.rows(matching: filter, except: dead)
  }

  /// Finds the rows of a set that are nearest to a query; as `SealedSegment.search`.
  ///
  /// - Precondition: the set was made by this part's `rows(matching:)`: it has no dead rows.
  @unsafe
  package func search(
    _ query: UnsafePointer<Float>, _ parameters: SearchParameters, among set: RowSet,
    into answers: UnsafeMutablePointer<Neighbor>
  ) throws(NeedletailError) -> SearchOutcome {
    guard !segment.withdrawn.isEmpty else {
      return unsafe try segment.search(query, parameters, among: set, into: answers)
    }
    let scratch = try SearchScratch.ofThisThread()
    let shown = unsafe HiddenRows(outside: RowWords(set), withdrawn: segment.withdrawn)
      .writeShown(except: nil, into: try scratch.rowWords(segment.count))
    return unsafe try segment.search(
      query, parameters, among: shown, plan: nil, scratch, into: answers)
  }
}

extension LivePart {
  /// Answers many queries on several threads; as `LiveSegment.search`.
  package func search(
    batch queries: VectorMatrix, _ parameters: SearchParameters, threads: Int
  ) throws(NeedletailError) -> BatchAnswers {
    let perQuery = min(parameters.k, max(1, view.liveCount))
    return unsafe try BatchAnswers.answering(queries, perQuery: perQuery, threads: threads) {
      (query, answers) throws(NeedletailError) in
      unsafe try segment.search(query, parameters, view, into: answers)
    }
  }
}
