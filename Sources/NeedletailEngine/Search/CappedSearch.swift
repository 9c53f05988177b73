import NeedletailCore

/// A part of an index whose rows are grouped by a category, for searches that cap the answers of a group.
protocol GroupedPart {
  /// Rows that a search may answer with, withdrawn ones among them.
  var count: Int { get }
  /// Whether any row has a group.
  var isGrouped: Bool { get }

  /// Finds the nearest rows that are shown, or of a set, if there is one, that `rows(outside:of:)` made.
  @unsafe
  func search(
    _ query: UnsafePointer<Float>, _ parameters: SearchParameters, among set: RowSet?,
    into answers: UnsafeMutablePointer<Neighbor>
  ) throws(NeedletailError) -> SearchOutcome

  /// The group of each answer, as the number of its text; 0: none.
  func groups(of answers: [Neighbor]) throws(NeedletailError) -> [UInt32]

  /// The rows of a set, or of all, that are shown and in none of the groups.
  func rows(outside groups: Set<UInt32>, of set: RowSet?) throws(NeedletailError) -> RowSet

  /// The text that a group has in common.
  func text(_ group: UInt32) -> String
}

/// An answer and its group; 0: none.
struct GroupedAnswer {
  let neighbor: Neighbor
  let group: UInt32
}

/// Searches one part for answers of which no group has more than a limit.
///
/// The nearest rows are asked for, more than are wanted, and those beyond the limit left out. Where too few remain,
/// the groups that are full are left out of the next search as a whole: what it finds are rows that may be answers.
/// So it ends with as many answers as there are, after at most one search for each group that fills up.
struct CappedSearch<Part: GroupedPart> {
  let part: Part
  /// The most answers of a group.
  let limit: Int

  /// Finds the nearest rows.
  ///
  /// - Parameters:
  ///   - query: `[dimensions]` components.
  ///   - parameters: validated; `k` answers are wanted.
  ///   - set: rows that alone may be answers; `nil`: all.
  /// - Returns: the answers, nearest first, and what all searches cost.
  /// - Throws: as the searches of the part.
  /// - Complexity: a search for `2·k` rows where groups are mixed; after it, for each further search, a pass over
  ///   the category and a search among a set.
  @unsafe
  func run(
    _ query: UnsafePointer<Float>, _ parameters: SearchParameters, among set: RowSet?
  ) throws(NeedletailError) -> (answers: [GroupedAnswer], outcome: SearchOutcome) {
    var total = SearchOutcome()
    var allowed = try set.map { set throws(NeedletailError) in try part.rows(outside: [], of: set) }
    var full: Set<UInt32> = []
    // The nearest of groups that are full.
    var settled: [GroupedAnswer] = []
    var width = part.isGrouped ? parameters.k : (parameters.k + 1) / 2
    while true {
      let available = allowed?.count ?? part.count
      width = min(2 * width, Limits.neighborsPerQuery)
      let asked = max(1, min(width, available))
      guard let step = step(parameters, asked, spent: total.evaluations) else {
        total.cuts.insert(.evaluations)
        break
      }
      var found = [Neighbor](repeating: Neighbor(id: 0, distance: 0), count: asked)
      let outcome = unsafe try part.search(query, step, among: allowed, into: &found)
      total.add(outcome)
      total.plan = outcome.plan
      found.removeSubrange(outcome.count...)
      let (kept, filled) = cap(found, try part.groups(of: found))
      let isAll = asked == available && outcome.count == asked
      // A walk may miss rows, a search among a set does not.
      let isOver = isAll || !outcome.cuts.isEmpty || (allowed != nil && outcome.count < asked)
      if isOver || settled.count + kept.count >= parameters.k {
        settled += kept
        break
      }
      if parameters.isLate {
        total.cuts.insert(.deadline)
        settled += kept
        break
      }
      full.formUnion(filled)
      settled += kept.filter { filled.contains($0.group) }
      allowed = try part.rows(outside: full, of: set)
    }
    settled.sort { Neighbor.precedes($0.neighbor, $1.neighbor) }
    settled.removeSubrange(min(parameters.k, settled.count)...)
    total.count = settled.count
    total.efSearch = parameters.efSearch
    total.survivors = set?.count ?? 0
    if set == nil { total.plan = nil }
    return (settled, total)
  }

  /// How `asked` rows are searched for; `nil` when no evaluation is left for it.
  private func step(
    _ parameters: SearchParameters, _ asked: Int, spent: Int
  ) -> SearchParameters? {
    var step = parameters
    step.k = asked
    // A window is for the number of answers that it was chosen for.
    step.efSearch = max(parameters.efSearch, min(Limits.searchWidth, asked + asked / 2))
    if let candidates = parameters.rerankCandidates, candidates > 0 {
      step.rerankCandidates = max(candidates, asked)
    }
    if let limit = parameters.evaluationLimit {
      guard limit > spent else { return nil }
      step.evaluationLimit = limit - spent
    }
    return step
  }

  /// Leaves out the answers beyond the limit of their group.
  ///
  /// - Returns: the rest, and the groups that are full.
  private func cap(
    _ found: [Neighbor], _ groups: [UInt32]
  ) -> (kept: [GroupedAnswer], filled: Set<UInt32>) {
    var counts: [UInt32: Int] = [:]
    var kept: [GroupedAnswer] = []
    var filled: Set<UInt32> = []
    for (neighbor, group) in zip(found, groups) {
      if group > 0 {
        let count = counts[group, default: 0]
        guard count < limit else { continue }
        counts[group] = count + 1
        if count + 1 == limit { filled.insert(group) }
      }
      kept.append(GroupedAnswer(neighbor: neighbor, group: group))
    }
    return (kept, filled)
  }
}
