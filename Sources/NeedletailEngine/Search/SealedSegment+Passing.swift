import NeedletailCore
import NeedletailKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Searches that pass rows which are no answers.
///
/// The walk is that of any search. Where it ends, the place of the `k`-th row that may be an answer says which rank
/// the walk would have had to be made for; as long as that is farther, the end is moved there and the walk goes on.
/// Nothing is scored twice, and where no row is passed, the walk is the same to the last row.
extension SealedSegment {
  /// The most candidates that such a walk keeps.
  ///
  /// Among more, bits lose too many on the way to tell which come first.
  private var passingRoom: Int { turbo == nil ? 4096 : 2048 }
  /// Rows that tell how many of a query's neighbourhood are hidden.
  private static let judged = 64
  /// What such a walk may cost before it is known whether it will find enough: a share of scoring all rows that
  /// are shown.
  private static let passingShare = 0.2
  /// A walk that is made for a farther rank goes beyond it by less than in proportion.
  ///
  /// Many answers are found by a window that is not much wider than they are: of what it is wider than the `k`-th,
  /// by ratio, this power of the ratio of the ranks remains. Bits order rows too roughly for that to hold of them.
  private var passingPower: Float { turbo == nil ? 0.75 : 0 }

  /// Candidates that a walk which passes hidden rows keeps; `nil` when another way is better: where few rows are
  /// shown, or the segment has no codes.
  func roomToPass(_ hidden: HiddenRows, _ parameters: SearchParameters) -> Int? {
    guard quantizer != nil, hidden.shown > Self.exactCount else { return nil }
    let rank = max(parameters.k, parameters.stopRank)
    let expected = Int(Double(rank) * Double(count) / Double(hidden.shown))
    let window = hopsToPass(parameters, rank: expected)
    // Chance puts the last of the answers farther by a part of the way.
    let room = turbo == nil ? window &+ window / 4 &+ 16 : 2 &* window &+ 16
    guard room <= passingRoom || hidden.shown > count / 2 else { return nil }
    return min(count, room)
  }

  /// What is to be done with a walk that came to its end.
  enum Passing {
    /// It is over.
    case complete
    /// Its end was moved.
    case goesOn
    /// It begins anew, with room for so many candidates.
    case restarts(room: Int)
    /// Too many rows would have to be passed: another way is better.
    case givenUp
  }

  /// Moves the end of a walk that came to it to where it finds enough rows which are not hidden.
  @unsafe
  private func pass(
    _ search: inout CodedSearch, _ hidden: HiddenRows, _ parameters: SearchParameters,
    _ scratch: SearchScratch
  ) -> Passing {
    let rank = max(1, min(max(parameters.k, parameters.stopRank), hidden.shown))
    let ranked = unsafe search.walk.ranked
    var (found, place) = (0, 0)
    while found < rank, place < ranked.count {
      found &+= unsafe hidden.contains(ranked[place].ordinal) ? 0 : 1
      place &+= 1
    }
    let least = search.walk.least
    if found == rank, place <= least { return .complete }
    if found < rank {
      if search.walk.isEverywhere { return found >= parameters.k ? .complete : .givenUp }
      let isStrange = place >= Self.judged && 4 &* found &* count < place &* hidden.shown
      // As many as the rows so far let expect; twice as many at least, so that this ends.
      place = max(2 &* least, place &* rank / max(1, found))
      // Far more should be found if rows near the query were hidden as seldom as any.
      if isStrange,
        unsafe areFar(hidden, search.prepared, scratch)
          || costToPass(parameters, to: place) > Self.passingShare * Double(hidden.shown)
      {
        return .givenUp
      }
    }
    if place > search.walk.capacity, search.walk.capacity < count {
      let room = min(count, 2 &* hopsToPass(parameters, rank: place))
      guard room <= passingRoom, costToPass(parameters, to: place) < Double(hidden.shown)
      else { return .givenUp }
      return .restarts(room: room)
    }
    let window = windowToPass(parameters, rank: place)
    search.walk.widen(
      window: min(search.walk.capacity, window), least: min(place, search.walk.capacity),
      beyond: stopRatio(parameters, at: place))
    return .goesOn
  }

  /// What a walk costs that goes to a rank, in rows of a scan.
  private func costToPass(_ parameters: SearchParameters, to rank: Int) -> Double {
    let costs = FilterCosts(
      isTurbo: turbo != nil, survivors: 0, share: 1, degree: Double(tables[0].degree),
      hops: Double(hopsToPass(parameters, rank: rank)), entryRows: 0)
    return costs.inFilter
  }

  /// Whether rows that are not hidden are far from the query: of the rows at which walks begin, a random sample,
  /// none of the nearest is one.
  @unsafe
  func areFar(
    _ hidden: HiddenRows, _ prepared: PreparedQuery, _ scratch: SearchScratch
  ) -> Bool {
    // The sample is the first word of rows.
    guard hidden.areSampled, count >= 64 else { return false }
    var all = UInt64.max
    let keys = unsafe scratch.walk.keys
    let size = unsafe kernel.scan(
      prepared.rows.space, prepared.rows.query, set: &all, words: 1, pool: keys, capacity: 64)
    for place in 0..<(size / HiddenRows.sampledShare)
    where unsafe !hidden.contains(keys[place].ordinal) { return false }
    return true
  }

  /// Looks whether a walk that came to its end has to pass more rows, and makes it ready for that.
  ///
  /// - Returns: `true` when it goes on; `false` when it is over; `nil` when another way is better.
  /// - Throws: `io` when there is no memory for more candidates.
  @unsafe
  func goesOn(
    _ search: inout CodedSearch, _ hidden: HiddenRows, _ parameters: SearchParameters,
    _ scratch: SearchScratch
  ) throws(NeedletailError) -> Bool? {
    switch unsafe pass(&search, hidden, parameters, scratch) {
    case .complete: return false
    case .goesOn: return true
    case .givenUp: return nil
    case .restarts(let room):
      try scratch.reserve(
        rows: count, width: room, degree: 2 * self.parameters.options.graph.m,
        dimensions: self.parameters.options.dimensions)
      let width = min(max(parameters.efSearch, parameters.k), count)
      let before = search
      search = unsafe enter(before.prepared, width, parameters, scratch)
      search.begin(hiding: hidden, room: room)
      search.entryRows += before.entryRows + before.walk.scored
      search.earlierHops = before.earlierHops + before.walk.hops
      return true
    }
  }

  /// Goes on with a walk that came to its end until it found enough rows which are not hidden.
  ///
  /// - Returns: whether it did, or a bound ended it; if not, another way is better.
  @unsafe
  func finishPassing(
    _ search: inout CodedSearch, _ hidden: HiddenRows, _ parameters: SearchParameters,
    _ scratch: SearchScratch
  ) throws(NeedletailError) -> Bool {
    let limit = parameters.evaluationLimit ?? .max
    while search.entryRows &+ search.walk.scored < limit, !search.walk.isLate {
      guard let goesOn = unsafe try goesOn(&search, hidden, parameters, scratch) else {
        return false
      }
      guard goesOn else { return true }
      search.walk.run(within: parameters.bounds(spent: search.entryRows, searchCosts))
    }
    // Something is to be answered: at the worst what a scan finds first.
    let ranked = unsafe search.walk.ranked
    for place in 0..<ranked.count where unsafe !hidden.contains(ranked[place].ordinal) {
      return true
    }
    return !search.walk.isLate
  }

  /// Searches among the rows that are not hidden, where a walk that passes the others is not the way; `before` is
  /// such a walk that was given up, and counts too.
  ///
  /// - Throws: as a search.
  @unsafe
  func searchShown(
    _ hidden: HiddenRows, _ query: UnsafePointer<Float>, _ parameters: SearchParameters,
    _ scratch: SearchScratch, _ outcome: inout SearchOutcome, after before: CodedSearch?,
    into answers: UnsafeMutablePointer<Neighbor>
  ) throws(NeedletailError) {
    let shown = unsafe hidden.writeShown(
      except: parameters.heldOut, into: try scratch.rowWords(count))
    var parameters = parameters
    parameters.heldOut = nil
    if let before, let limit = parameters.evaluationLimit {
      parameters.evaluationLimit = max(1, limit - before.entryRows - before.walk.scored)
    }
    outcome = unsafe try search(
      query, parameters, among: shown, plan: before == nil ? nil : .exact, mayPass: false, scratch,
      into: answers)
    outcome.plan = nil
    outcome.survivors = 0
    if let before {
      outcome.cuts.formUnion(before.walk.cuts)
      outcome.hops += before.earlierHops + before.walk.hops
      outcome.evaluations += before.entryRows + before.walk.scored
    }
  }

  /// The window of a walk that is made for a farther rank than `k`.
  private func windowToPass(_ parameters: SearchParameters, rank: Int) -> Int {
    let hops = hopsToPass(parameters, rank: rank)
    return stopRatio(parameters) > 0 ? 2 &* hops : hops
  }

  /// Candidates that a walk expands which is made for a farther rank than `k`.
  private func hopsToPass(_ parameters: SearchParameters, rank: Int) -> Int {
    let own = max(parameters.k, parameters.stopRank)
    let farther = Float(rank) / Float(own)
    guard parameters.efSearch > own else {
      return max(rank, Int(Float(parameters.efSearch) * farther))
    }
    let beyond = Float(parameters.efSearch &- own) * exp2(log2(farther) * (1 - passingPower))
    return rank &+ Int(beyond)
  }

  /// How much farther the next candidate may be than that of a rank beyond `k`.
  private func stopRatio(_ parameters: SearchParameters, at rank: Int) -> Float {
    let own = max(parameters.k, parameters.stopRank)
    let ratio = stopRatio(parameters)
    guard rank > own, ratio > 0 else { return ratio }
    let share = exp2(-passingPower * log2(Float(rank) / Float(own)))
    return max(exp2(log2(1 + ratio) * share) - 1, .leastNormalMagnitude)
  }

  /// Takes hidden rows out of the first `size` of the pool.
  ///
  /// - Returns: how many are left, in their order.
  @unsafe
  func dropHidden(_ hidden: HiddenRows, _ size: Int, _ buffers: SearchBuffers) -> Int {
    var kept = 0
    for place in 0..<size {
      let key = unsafe buffers.pool[place]
      unsafe buffers.pool[kept] = key
      kept &+= hidden.contains(key.ordinal) ? 0 : 1
    }
    return kept
  }
}

extension CodedSearch {
  /// Makes the search, whose walk has not begun, one that passes hidden rows.
  mutating func begin(hiding hidden: HiddenRows, room: Int) {
    self.hidden = hidden
    walk.keepAll(capacity: max(room, walk.capacity))
  }
}
