package import NeedletailCore
import NeedletailKernels
import NeedletailStorage

/// The parts of an index view, searched as one.
///
/// Each part is searched by itself, narrower than one segment of all rows would be, and the answers are merged. No
/// id is alive in two parts.
package struct SegmentStack: Sendable {
  /// Sealed segments, without the rows that the view does not have.
  package let sealed: [SegmentPart]
  /// Segments in memory.
  package let live: [LivePart]
  /// The sealed segments.
  package let segments: [SealedSegment]
  /// Rows that the view has; withdrawn ones among them.
  package let count: Int

  package init(sealed: [SegmentPart], live: [LivePart]) {
    self.sealed = sealed
    self.live = live
    segments = sealed.map(\.segment)
    count = sealed.reduce(0) { $0 + $1.count } + live.reduce(0) { $0 + $1.count }
  }

  /// The segments of a generation, all of whose rows are alive.
  package init(_ segments: [SealedSegment]) {
    self.init(sealed: segments.map { SegmentPart(segment: $0) }, live: [])
  }

  /// Whether the view has a row of an id, withdrawn or not.
  package func contains(_ id: VectorID) -> Bool {
    sealed.contains { $0.ordinal(of: id) != nil } || live.contains { $0.ordinal(of: id) != nil }
  }

  /// Whether a sealed part has a row of an id.
  ///
  /// - Complexity: O(log n) for each part.
  package func sealedContains(_ id: VectorID) -> Bool {
    sealed.contains { $0.ordinal(of: id) != nil }
  }

  /// The ids of the rows in memory.
  ///
  /// - Complexity: O(rows in memory).
  package var liveIDs: Set<VectorID> {
    var ids: Set<VectorID> = []
    for part in live {
      for ordinal in part.segment.ordinals(part.view) {
        ids.insert(part.segment.id(of: ordinal, part.view))
      }
    }
    return ids
  }

  /// The rows of every part whose ids match a filter.
  ///
  /// - Throws: as `SealedSegment.rows(matching:)`.
  package func rows(matching filter: Filter) throws(NeedletailError) -> StackRows {
    var rows = StackRows()
    for part in sealed { rows.append(try part.rows(matching: filter)) }
    for part in live { rows.append(try part.rows(matching: filter)) }
    return rows
  }

  /// Finds the rows nearest to a query; as `SealedSegment.search`.
  ///
  /// - Precondition: `rows` was made by the stack itself.
  @unsafe
  package func search(
    _ query: UnsafePointer<Float>, _ parameters: SearchParameters, among rows: StackRows? = nil,
    into answers: UnsafeMutablePointer<Neighbor>
  ) throws(NeedletailError) -> SearchOutcome {
    if let rows {
      return unsafe try search(query, parameters, amongAll: rows, into: answers)
    }
    // A view without rows judges the query nevertheless.
    if let first = sealed.first, sealed.count + live.count == 1 || count == 0 {
      return unsafe try first.search(query, parameters, into: answers)
    }
    let scratch = try SearchScratch.ofThisThread()
    var total = SearchOutcome()
    let isJoint = self.isJoint(parameters)
    if isJoint { unsafe try searchJointly(query, parameters, &total, into: answers) }
    for part in sealed where part.count > 0 && !isJoint {
      if skips(parameters, after: total) {
        total.cuts.formUnion([.deadline, .parts])
        break
      }
      guard let share = share(part.count, parameters, spent: total.evaluations) else {
        total.cuts.insert(.evaluations)
        break
      }
      let found = unsafe try scratch.found(parameters.k)
      let outcome = unsafe try part.search(query, share, into: found)
      unsafe Self.merge(found, outcome.count, parameters.k, into: answers, &total.count)
      total.add(outcome)
    }
    // Walks that share no end find less than those that a limit does not keep from it.
    if !isJoint, total.hops > 0, self.isJoint(parameters.unlimited) {
      total.cuts.insert(.evaluations)
    }
    for part in live where part.count > 0 {
      if skips(parameters, after: total) {
        total.cuts.formUnion([.deadline, .parts])
        break
      }
      guard var share = share(part.count, parameters, spent: total.evaluations) else {
        total.cuts.insert(.evaluations)
        break
      }
      var bound: LiveBound?
      if total.count == parameters.k, part.segment.options.growth > 0 {
        bound = unsafe LiveBound(
          distance: answers[parameters.k - 1].distance,
          share: Double(part.count) / Double(max(1, count)))
        // How far it goes follows from the bound and the width that was asked for.
        share.efSearch = parameters.efSearch
      }
      let found = unsafe try scratch.found(parameters.k)
      let outcome = unsafe try part.segment.search(
        query, share, part.view, upTo: bound, into: found)
      unsafe Self.merge(found, outcome.count, parameters.k, into: answers, &total.count)
      total.add(outcome)
    }
    total.efSearch = parameters.efSearch
    return total
  }

  /// Answers many queries on several threads; as `SealedSegment.search(batch:)`.
  package func search(
    batch queries: VectorMatrix, _ parameters: SearchParameters, among rows: StackRows? = nil,
    threads: Int
  ) throws(NeedletailError) -> BatchAnswers {
    // What is found in sealed parts says how far to look in live ones; so do bounds.
    if rows != nil || (!live.isEmpty && !sealed.isEmpty) || parameters.isBounded {
      let perQuery = min(parameters.k, max(1, count))
      return unsafe try BatchAnswers.answering(queries, perQuery: perQuery, threads: threads) {
        (query, answers) throws(NeedletailError) in
        unsafe try search(query, parameters.begun(), among: rows, into: answers)
      }
    }
    if let first = sealed.first, sealed.count + live.count == 1 || count == 0 {
      return try first.search(batch: queries, parameters, threads: threads)
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
    func add(_ part: BatchAnswers) {
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
    let isJoint = isJoint(parameters)
    if isJoint {
      add(
        unsafe try BatchAnswers.answering(queries, perQuery: perQuery, threads: threads) {
          (query, answers) throws(NeedletailError) in
          var total = SearchOutcome()
          unsafe try searchJointly(query, parameters, &total, into: answers)
          return total
        })
    }
    for part in sealed where part.count > 0 && !isJoint {
      guard let share = share(part.count, parameters, spent: 0) else { continue }
      add(try part.search(batch: queries, share, threads: threads))
    }
    for part in live where part.count > 0 {
      guard let share = share(part.count, parameters, spent: 0) else { continue }
      add(try part.search(batch: queries, share, threads: threads))
    }
    return BatchAnswers(answersPerQuery: perQuery, answers: answers, outcomes: outcomes)
  }

  /// Searches every part among its own rows of a set.
  @unsafe
  private func search(
    _ query: UnsafePointer<Float>, _ parameters: SearchParameters, amongAll rows: StackRows,
    into answers: UnsafeMutablePointer<Neighbor>
  ) throws(NeedletailError) -> SearchOutcome {
    precondition(
      rows.parts.count == sealed.count + live.count, "the rows are of another view")
    let scratch = try SearchScratch.ofThisThread()
    let survivors = rows.count
    var total = SearchOutcome()
    for (number, set) in rows.parts.enumerated() {
      // The query is judged by one part at least.
      guard set.count > 0 || number + 1 == sealed.count + live.count else { continue }
      var share = parameters
      if let limit = parameters.evaluationLimit {
        guard total.evaluations < limit else {
          total.cuts.insert(.evaluations)
          break
        }
        share.evaluationLimit = limit - total.evaluations
      }
      if skips(parameters, after: total) {
        total.cuts.formUnion([.deadline, .parts])
        break
      }
      let found = unsafe try scratch.found(parameters.k)
      let outcome =
        number < sealed.count
        ? unsafe try sealed[number].search(query, share, among: set, into: found)
        : unsafe try live[number - sealed.count].search(query, share, among: set, into: found)
      unsafe Self.merge(found, outcome.count, parameters.k, into: answers, &total.count)
      total.add(outcome)
      // The way that most of the rows went speaks for all of them.
      if total.plan == nil || 2 * set.count > survivors { total.plan = outcome.plan }
    }
    total.efSearch = parameters.efSearch
    total.survivors = survivors
    return total
  }

  /// How a part of `rows` rows is searched for its share of the answers; `nil` when no evaluation is left for it.
  func share(
    _ rows: Int, _ parameters: SearchParameters, spent: Int
  ) -> SearchParameters? {
    var share = parameters
    let part = Double(rows) / Double(max(1, count))
    share.efSearch = max(1, Int((Double(parameters.efSearch) * part.squareRoot()).rounded(.up)))
    if let limit = parameters.evaluationLimit {
      // In `Double` the largest limit is one more than an `Int` holds.
      let first = part < 1 ? max(1, Int(min(Double(limit) * part, 0x1p62))) : limit
      let left = spent == 0 ? first : limit - spent
      guard left > 0 else { return nil }
      share.evaluationLimit = left
    }
    return share
  }

  /// Whether there is no time for another part, and something to answer without it.
  private func skips(_ parameters: SearchParameters, after total: SearchOutcome) -> Bool {
    parameters.hasDeadline && total.count > 0 && parameters.isLate
  }

  /// Merges two ascending lists, and keeps the first `k`.
  @unsafe
  static func merge(
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

/// A set of rows of every part of a stack, in the order of its parts.
package struct StackRows: Sendable {
  /// The rows of each part, sealed ones first.
  package private(set) var parts: [RowSet] = []
  /// Rows in all parts.
  package private(set) var count = 0

  fileprivate mutating func append(_ rows: RowSet) {
    parts.append(rows)
    count += rows.count
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
  mutating func add(_ other: SearchOutcome) {
    hops += other.hops
    evaluations += other.evaluations
    rerankedRows += other.rerankedRows
    unlinkedRows += other.unlinkedRows
    prepareNanoseconds += other.prepareNanoseconds
    walkNanoseconds += other.walkNanoseconds
    rerankNanoseconds += other.rerankNanoseconds
    cuts.formUnion(other.cuts)
  }
}
