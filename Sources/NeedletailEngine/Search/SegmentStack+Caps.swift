package import NeedletailCore

extension SegmentStack {
  /// Finds the rows nearest to a query, of which no more than a limit share the value of a category.
  ///
  /// The answers are those of the exact order of all rows, as far as the searches find them, in which each row
  /// stands that has fewer than `limit` rows of its value before it. Rows without the category are not capped. Values
  /// are the same in all segments when their bytes are.
  ///
  /// - Parameters:
  ///   - query: `[dimensions]` components; checked here, normalised here under cosine.
  ///   - parameters: validated by the caller, without a row held out.
  ///   - cap: validated by the caller.
  ///   - sets: for each part, sealed ones first, the rows that alone may be answers, of those that the view has;
  ///     `nil`: all.
  ///   - answers: room for `k` answers; written nearest first, ties by id.
  /// - Returns: how many answers there are, and what all searches cost. Fewer than `k` only where there are no more,
  ///   or where a limit on evaluations ended the search.
  /// - Throws: as the search without a cap.
  /// - Complexity: as `CappedSearch.run` for each segment; allocates.
  @unsafe
  package func search(
    _ query: UnsafePointer<Float>, _ parameters: SearchParameters, cap: GroupCap,
    among sets: [RowSet]? = nil, into answers: UnsafeMutablePointer<Neighbor>
  ) throws(NeedletailError) -> SearchOutcome {
    precondition(
      sets.map { $0.count == sealed.count + live.count } ?? true, "a set for each part")
    var total = SearchOutcome()
    var merged = CappedAnswers(limit: cap.limit)
    for (number, part) in sealed.enumerated() {
      unsafe try add(
        SealedGroups(part, cap), query, parameters, among: sets?[number], &merged, &total)
    }
    for (number, part) in live.enumerated() {
      unsafe try add(
        LiveGroups(part, cap), query, parameters, among: sets?[sealed.count + number], &merged,
        &total)
    }
    if count == 0, let first = sealed.first {
      // The query is judged even where nobody could be an answer.
      _ = unsafe try first.search(query, parameters, into: answers)
    }
    let found = merged.nearest(parameters.k)
    for (place, neighbor) in found.enumerated() { unsafe answers[place] = neighbor }
    total.count = found.count
    total.efSearch = parameters.efSearch
    total.survivors = sets?.reduce(0) { $0 + $1.count } ?? 0
    return total
  }

  /// Searches one part for its own capped answers.
  @unsafe
  private func add(
    _ part: some GroupedPart, _ query: UnsafePointer<Float>, _ parameters: SearchParameters,
    among set: RowSet?, _ merged: inout CappedAnswers, _ total: inout SearchOutcome
  ) throws(NeedletailError) {
    guard part.count > 0 else { return }
    if parameters.isLate, !merged.isEmpty {
      total.cuts.formUnion([.deadline, .parts])
      return
    }
    guard let share = share(part.count, parameters, spent: total.evaluations) else {
      total.cuts.insert(.evaluations)
      return
    }
    let (found, outcome) = unsafe try CappedSearch(part: part, limit: merged.limit)
      .run(query, share, among: set)
    for answer in found {
      merged.add(answer.neighbor, answer.group > 0 ? part.text(answer.group) : nil)
    }
    total.add(outcome)
    total.plan = outcome.plan
  }

  /// Answers many queries on several threads, each of them capped.
  ///
  /// - Parameters:
  ///   - queries: `[q, dimensions]` components.
  ///   - parameters: validated by the caller.
  ///   - cap: validated by the caller.
  ///   - sets: as for one query.
  ///   - threads: at most this many.
  /// - Returns: the answers to each query, and what each cost.
  /// - Throws: the first refusal, naming its query.
  package func search(
    batch queries: VectorMatrix, _ parameters: SearchParameters, cap: GroupCap,
    among sets: [RowSet]? = nil, threads: Int
  ) throws(NeedletailError) -> BatchAnswers {
    let perQuery = min(parameters.k, max(1, count))
    return unsafe try BatchAnswers.answering(queries, perQuery: perQuery, threads: threads) {
      (query, answers) throws(NeedletailError) in
      unsafe try search(query, parameters.begun(), cap: cap, among: sets, into: answers)
    }
  }
}

/// The answers of several parts, each of them capped by itself, to be capped together.
///
/// Among the nearest of a part are all of its rows that are among the nearest of all parts: what other parts put
/// before such a row of the same value takes the place of what its own part had there.
private struct CappedAnswers {
  let limit: Int
  private var answers: [(neighbor: Neighbor, group: Int?)] = []
  /// Values by their bytes, numbered for this search.
  private var numbers: [ExactText: Int] = [:]

  init(limit: Int) { self.limit = limit }

  var isEmpty: Bool { answers.isEmpty }

  mutating func add(_ neighbor: Neighbor, _ text: String?) {
    let group = text.map { text in
      let next = numbers.count
      let number = numbers[ExactText(text), default: next]
      if number == next { numbers[ExactText(text)] = next }
      return number
    }
    answers.append((neighbor, group))
  }

  /// The first `k` that the cap leaves, nearest first.
  func nearest(_ k: Int) -> [Neighbor] {
    var counts = [Int](repeating: 0, count: numbers.count)
    var kept: [Neighbor] = []
    for (neighbor, group) in answers.sorted(by: {
      Neighbor.precedes($0.neighbor, $1.neighbor)
    }) {
      guard kept.count < k else { break }
      if let group {
        guard counts[group] < limit else { continue }
        counts[group] += 1
      }
      kept.append(neighbor)
    }
    return kept
  }
}
