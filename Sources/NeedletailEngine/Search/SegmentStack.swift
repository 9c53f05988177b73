package import NeedletailCore
import NeedletailKernels
import NeedletailStorage

/// The segments of a generation, searched as one.
///
/// Each segment is searched by itself, narrower than one segment of all rows would be, and the answers are
/// merged. No two segments have the same id.
package struct SegmentStack: Sendable {
  package let segments: [SealedSegment]
  /// Rows of all segments.
  package let count: Int

  package init(_ segments: [SealedSegment]) {
    self.segments = segments
    count = segments.reduce(0) { $0 + $1.count }
  }

  /// Whether a segment has a row of an id.
  package func contains(_ id: VectorID) -> Bool {
    segments.contains { $0.ordinal(of: id) != nil }
  }

  /// Finds the rows nearest to a query; as `SealedSegment.search`.
  @unsafe
  package func search(
    _ query: UnsafePointer<Float>, _ parameters: SearchParameters,
    into answers: UnsafeMutablePointer<Neighbor>
  ) throws(NeedletailError) -> SearchOutcome {
    if segments.count == 1 {
      return unsafe try segments[0].search(query, parameters, into: answers)
    }
    let scratch = try SearchScratch.ofThisThread()
    var total = SearchOutcome()
    for segment in segments where segment.count > 0 || segments.count == 1 {
      guard let share = share(of: segment, parameters, spent: total.evaluations) else {
        total.isLimited = true
        break
      }
      let found = unsafe try scratch.found(parameters.k)
      let outcome = unsafe try segment.search(query, share, into: found)
      unsafe Self.merge(found, outcome.count, parameters.k, into: answers, &total.count)
      total.add(outcome)
    }
    total.efSearch = parameters.efSearch
    return total
  }

  /// Answers many queries on several threads; as `SealedSegment.search(batch:)`.
  package func search(
    batch queries: VectorMatrix, _ parameters: SearchParameters, threads: Int
  ) throws(NeedletailError) -> BatchAnswers {
    if segments.count == 1 {
      return try segments[0].search(batch: queries, parameters, threads: threads)
    }
    let perQuery = min(parameters.k, max(1, count))
    let places = queries.count.multipliedReportingOverflow(by: perQuery)
    guard !places.overflow, places.partialValue <= Limits.answersPerBatch else {
      throw NeedletailError(
        .capacityExceeded,
        "\(queries.count) queries of \(perQuery) answers are more than the \(Limits.answersPerBatch) of one"
          + " batch; split it.")
    }
    var answers = [Neighbor](repeating: Neighbor(id: 0, distance: 0), count: places.partialValue)
    var outcomes = [SearchOutcome](repeating: SearchOutcome(), count: queries.count)
    for segment in segments where segment.count > 0 {
      // A limit is shared out by rows: what one segment leaves, another one does not get.
      guard let share = share(of: segment, parameters, spent: 0) else { continue }
      let part = try segment.search(batch: queries, share, threads: threads)
      unsafe answers.withUnsafeMutableBufferPointer { answers in
        unsafe part.answers.withUnsafeBufferPointer { found in
          guard let start = answers.baseAddress, let source = found.baseAddress else { return }
          for query in outcomes.indices {
            unsafe Self.merge(
              source + query * part.answersPerQuery, part.outcomes[query].count, perQuery,
              into: start + query * perQuery, &outcomes[query].count)
          }
        }
      }
      for query in outcomes.indices {
        outcomes[query].add(part.outcomes[query])
        outcomes[query].efSearch = parameters.efSearch
      }
    }
    return BatchAnswers(answersPerQuery: perQuery, answers: answers, outcomes: outcomes)
  }

  /// How a segment is searched for its share of the answers; `nil` when no evaluation is left for it.
  private func share(
    of segment: SealedSegment, _ parameters: SearchParameters, spent: Int
  ) -> SearchParameters? {
    var share = parameters
    let part = Double(segment.count) / Double(max(1, count))
    share.efSearch = max(1, Int((Double(parameters.efSearch) * part.squareRoot()).rounded(.up)))
    if let limit = parameters.evaluationLimit {
      let left = spent == 0 ? max(1, Int(Double(limit) * part)) : limit - spent
      guard left > 0 else { return nil }
      share.evaluationLimit = left
    }
    return share
  }

  /// Merges two ascending lists, and keeps the first `k`.
  @unsafe
  private static func merge(
    _ found: UnsafePointer<Neighbor>, _ foundCount: Int, _ k: Int,
    into answers: UnsafeMutablePointer<Neighbor>, _ count: inout Int
  ) {
    // From the far end, so that nothing is overwritten before it was moved; what does not fit is left out first.
    var (own, new) = (count, foundCount)
    while own + new > k {
      let dropsNew =
        unsafe new > 0 && (own == 0 || answers[own - 1].isNearer(than: found[new - 1]))
      if dropsNew { new -= 1 } else { own -= 1 }
    }
    count = own + new
    var place = count
    while new > 0 {
      place -= 1
      if unsafe own > 0 && found[new - 1].isNearer(than: answers[own - 1]) {
        unsafe answers[place] = answers[own - 1]
        own -= 1
      } else {
        unsafe answers[place] = found[new - 1]
        new -= 1
      }
    }
  }
}

extension Neighbor {
  /// Whether it stands before another one in a list of answers: nearer, or as near with a lower id.
  @inline(__always)
  fileprivate func isNearer(than other: Neighbor) -> Bool {
    distance != other.distance ? distance < other.distance : id < other.id
  }
}

extension SearchOutcome {
  /// Adds what a search of one more segment cost.
  fileprivate mutating func add(_ other: SearchOutcome) {
    hops += other.hops
    evaluations += other.evaluations
    rerankedRows += other.rerankedRows
    prepareNanoseconds += other.prepareNanoseconds
    walkNanoseconds += other.walkNanoseconds
    rerankNanoseconds += other.rerankNanoseconds
    isLimited = isLimited || other.isLimited
  }
}
