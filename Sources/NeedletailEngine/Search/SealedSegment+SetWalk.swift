import NeedletailCore
import NeedletailKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Searches among a set that walk over all rows.
///
/// The walk begins as any search does, and remembers the rows of the set that it sees. Where it ends, their places
/// among all rows seen say how many more must be expanded. That is fewer than stand before the last of them: most rows
/// are seen long before they would be expanded. So the middle place counts, which weighs each answer by how much there
/// is to expand for it, and tells rows that lie about the query as any do from a set with none of the nearest in it.
extension SealedSegment {
  /// The most candidates that such a walk keeps.
  ///
  /// A longer list makes each row dearer than a scan does.
  private var roomOfSetWalk: Int { 4096 }
  /// What such a walk may cost before it is known whether it will find enough: a share of scoring the whole set.
  ///
  /// Twice as much where a sample of the rows has some near the query that are of the set.
  private static func trialShare(isSampled: Bool) -> Double { isSampled ? 0.4 : 0.2 }
  /// What it may cost in all.
  ///
  /// By chance more rows must be expanded for some sets than for others of as many rows.
  private static let mostCost = 1.5
  /// A walk that is to expand hardly more than it did is over.
  private static let slack = 1.15
  /// Candidates that are kept beyond those to be expanded.
  private static let spare = 24
  /// What a walk expands beyond the middle place grows with this power of how much farther that is: many rows are
  /// found by a window that is not much wider than they are.
  private var reachPower: Double { turbo == nil ? 0.3 : 0 }
  /// The part of a search's own reach that is needed: where bits order rows, those that were not expanded are no
  /// answers of a search over all rows, and answers here.
  private var reachShare: Double { turbo == nil ? 1 : 0.8 }
  /// How many candidates are expanded for a place.
  ///
  /// A walk that ends by its window alone knows nothing of distances, and is given more.
  private func hopsPerPlace(_ parameters: SearchParameters) -> Double {
    stopRatio(parameters) > 0 ? 1 : 1.25
  }

  /// Candidates that a walk over all rows expands for those of a set that lie about the query as any others do.
  func hopsAmong(_ survivors: Int, _ parameters: SearchParameters) -> Int {
    hops(
      toMiddle: middle(survivors, parameters), parameters,
      own: max(parameters.efSearch, parameters.k, parameters.stopRank))
  }

  /// The middle place of as many rows of such a set as decide where a walk ends.
  private func middle(_ survivors: Int, _ parameters: SearchParameters) -> Double {
    let rank = max(parameters.k, parameters.stopRank)
    return Double(rank + 1) / 2 * Double(count) / Double(max(1, survivors))
  }

  /// Candidates that a walk expands for rows of a set.
  ///
  /// - Parameters:
  ///   - middle: the middle place of as many of them as decide where a walk ends.
  ///   - parameters: of the search.
  ///   - own: candidates that the search expands where every row may be an answer.
  /// - Returns: how many, at most the segment's rows.
  private func hops(toMiddle middle: Double, _ parameters: SearchParameters, own: Int) -> Int {
    let least = Double(max(parameters.k, parameters.stopRank) + 1) / 2
    let reach = reachShare * max(0, Double(own) - least)
    let beyond = reach * pow(max(1, middle / least), reachPower)
    return Int(min(hopsPerPlace(parameters) * middle + beyond, Double(count)))
  }

  /// Candidates that a walk for so many rows is made for: its pool is to hold the places of the set's rows, too.
  private func capacity(
    among survivors: Int, _ parameters: SearchParameters, _ room: SetRoom
  ) -> Int {
    let window = hopsAmong(survivors, parameters)
    return min(count, room.window, window + window / 8 + Self.spare)
  }

  /// Whether a walk is worth beginning.
  func canWalkAmong(_ survivors: Int, _ parameters: SearchParameters, _ room: SetRoom) -> Bool {
    capacity(among: survivors, parameters, room) <= roomOfSetWalk || survivors > count / 2
  }

  /// Walks over all rows for those of a set.
  ///
  /// - Parameters:
  ///   - search: at its beginning; anew at one where there is no room for enough candidates.
  ///   - set: the rows that may be answers.
  ///   - hidden: all other rows.
  ///   - parameters: of the search.
  ///   - room: what the search keeps.
  ///   - scratch: the memory that the search was begun with.
  /// - Returns: how many rows of the set there are, the nearest in the pool, by their own codes. `nil` when another
  ///   way is better: where few are near the query.
  /// - Throws: `io` when there is no memory for more candidates.
  @unsafe
  func walkAmong(
    _ search: inout CodedSearch, _ set: RowWords, _ hidden: HiddenRows,
    _ parameters: SearchParameters, _ room: SetRoom, _ scratch: SearchScratch
  ) throws(NeedletailError) -> Int? {
    var capacity = capacity(among: set.count, parameters, room)
    var kept = remembered(parameters, room)
    while true {
      unsafe search.walk.remember(
        set.words, kernel, capacity: max(capacity, search.walk.capacity),
        found: scratch.buffers.found, room: kept)
      let bounds = parameters.bounds(spent: search.entryRows, searchCosts)
      search.walk.run(within: bounds)
      switch unsafe expand(&search, set, hidden, parameters, within: bounds, scratch) {
      case .givenUp: return nil
      case .complete, .goesOn:
        let (size, isAscending) = unsafe search.walk.takeRemembered(kernel)
        if !isAscending { unsafe sortKeys(search.buffers.pool, count: size) }
        return size
      case .restarts(let wider):
        capacity = wider
        // Among far rows more are about as far as one another.
        kept = min(set.count, max(kept, wider / 2))
        try scratch.reserve(
          rows: count, width: max(capacity, kept) + 16,
          degree: 2 * self.parameters.options.graph.m,
          dimensions: self.parameters.options.dimensions)
        let before = search
        search = unsafe enter(before.prepared, room.width, parameters, scratch)
        search.entryRows += before.entryRows + before.walk.scored
        search.earlierHops = before.earlierHops + before.walk.hops
      }
    }
  }

  /// Rows of the set that a walk remembers: as many as a search over all rows keeps candidates, where they are
  /// ordered as there; twice as many for bits, which are told apart by whole codes in the end.
  private func remembered(_ parameters: SearchParameters, _ room: SetRoom) -> Int {
    min(room.kept, turbo == nil ? max(room.width, 2 * parameters.k) + 8 : 2 * room.width)
  }

  /// Moves the end of a walk that came to it to where it sees enough rows of the set, as often as that is farther.
  @unsafe
  private func expand(
    _ search: inout CodedSearch, _ set: RowWords, _ hidden: HiddenRows,
    _ parameters: SearchParameters, within bounds: WalkBounds, _ scratch: SearchScratch
  ) -> Passing {
    let rank = max(1, min(max(parameters.k, parameters.stopRank), set.count))
    let own = max(1, search.walk.front)
    while true {
      let (found, sum) = search.walk.places(upTo: rank)
      if search.walk.isLate || search.walk.scored >= bounds.evaluations {
        // Something is to be answered.
        return found > 0 ? .complete : .givenUp
      }
      let size = search.walk.size
      var middle = Double(sum) / Double(max(1, found))
      if found < rank {
        if search.walk.isEverywhere {
          return search.walk.foundCount >= parameters.k ? .complete : .givenUp
        }
        // The others lie as densely behind the pool; where it has none, behind it at least, and farther than the walk
        // has come, so that this ends.
        let gap = found > 0 ? Double(size) / Double(found) : 0
        let missing = Double(rank - found)
        let far =
          found > 0
          ? Double(size) + gap * (missing + 1) / 2
          : Double(max(5 * size / 4, 2 * search.walk.front))
        middle = (Double(sum) + missing * far) / Double(rank)
        // Far more should be there if rows near the query were in the set as often as any: by three deviations.
        let expected = Double(size) * Double(set.count) / Double(count)
        if Double(found) + 3 * expected.squareRoot() < expected,
          unsafe areFar(hidden, search.prepared, scratch)
            || costToExpand(Int(far))
              > Self.trialShare(isSampled: hidden.areSampled) * Double(set.count)
        {
          return .givenUp
        }
      }
      // Of rows that all are far, bits tell the nearest too roughly: more would have to be scored than are remembered.
      if turbo != nil, middle > 8 * self.middle(set.count, parameters) { return .givenUp }
      let window = hops(toMiddle: middle, parameters, own: own)
      if Double(window) <= Self.slack * Double(search.walk.front) { return .complete }
      guard costToExpand(window - search.walk.front) < Double(set.count),
        costToExpand(window) < Self.mostCost * Double(set.count)
      else { return .givenUp }
      if window > search.walk.capacity, search.walk.capacity < count {
        let wider = min(count, 2 &* window)
        return wider <= roomOfSetWalk ? .restarts(room: wider) : .givenUp
      }
      let hops = search.walk.hops
      search.walk.expand(window: min(window, search.walk.capacity))
      search.walk.run(within: bounds)
      if search.walk.hops == hops { return .complete }
    }
  }

  /// What a walk costs that expands so many candidates, in rows of a scan.
  private func costToExpand(_ hops: Int) -> Double {
    FilterCosts(
      isTurbo: turbo != nil, survivors: 0, share: 1, degree: Double(tables[0].degree),
      hops: Double(hops), entryRows: 0
    ).inFilter
  }
}
