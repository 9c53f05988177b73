package import NeedletailCore

extension SegmentPart {
  /// Whether a search of this part has to leave rows out.
  private var hidesRows: Bool { dead != nil || !segment.withdrawn.isEmpty }

  /// The rows that a search may show: alive in the view, and not withdrawn.
  ///
  /// - Throws: `io` when there is no memory for a bit per row.
  package func shown() throws(NeedletailError) -> RowSet {
    let bits = try RowBits(rows: segment.count)
    bits.invert()
    let isWithdrawing = !segment.withdrawn.isEmpty
    for word in 0..<RowBits.words(segment.count) {
      var hidden = dead.map { unsafe $0.words[word] } ?? 0
      if isWithdrawing { hidden |= segment.withdrawn.bits(word) }
      bits.subtract(hidden, at: word)
    }
    return RowSet(bits)
  }

  /// Finds the rows of the part that are nearest to a query; as `SealedSegment.search`.
  @unsafe
  package func search(
    _ query: UnsafePointer<Float>, _ parameters: SearchParameters,
    into answers: UnsafeMutablePointer<Neighbor>
  ) throws(NeedletailError) -> SearchOutcome {
    guard hidesRows else {
      return unsafe try segment.search(query, parameters, into: answers)
    }
    return unsafe try segment.search(query, parameters, among: shown(), into: answers)
  }

  /// Answers many queries on several threads; as `SealedSegment.search(batch:)`.
  package func search(
    batch queries: VectorMatrix, _ parameters: SearchParameters, threads: Int
  ) throws(NeedletailError) -> BatchAnswers {
    guard hidesRows else {
      return try segment.search(batch: queries, parameters, threads: threads)
    }
    return try segment.search(batch: queries, parameters, among: shown(), threads: threads)
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
