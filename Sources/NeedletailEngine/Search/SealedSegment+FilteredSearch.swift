package import NeedletailCore
import NeedletailKernels
import NeedletailStorage

extension SealedSegment {
  /// Sets of up to this many rows are scored by their precise rows at once.
  private static let preciseCount = 32
  /// The room of a walk over all rows that is to find rows of a set.
  private static let leastWindow = 2048

  /// Finds those rows of a set that are nearest to a query.
  ///
  /// - Parameters:
  ///   - query: `[dimensions]` components; checked here, normalised here under cosine.
  ///   - parameters: validated by the caller, without a row held out.
  ///   - set: rows of this very segment.
  ///   - plan: the way to go, for measurements; `nil`: the one that should cost least.
  ///   - answers: room for `k` answers; written nearest first, ties by id.
  /// - Returns: how many answers there are, what the search cost, and which way it went. Answers are fewer than
  ///   `k` where the set has fewer rows, or a limit on evaluations ended the search.
  /// - Throws: as the search without a set.
  /// - Complexity: at most about 1.2 times that of scoring every row of the set by its code.
  @unsafe
  package func search(
    _ query: UnsafePointer<Float>, _ parameters: SearchParameters, among set: RowSet,
    plan: FilterPlan? = nil, into answers: UnsafeMutablePointer<Neighbor>
  ) throws(NeedletailError) -> SearchOutcome {
    precondition(set.rows == count, "a set of \(set.rows) rows for a segment of \(count)")
    precondition(parameters.heldOut == nil, "a set says itself which rows are left out")
    return unsafe try search(
      query, parameters, among: RowWords(set), plan: plan, SearchScratch.ofThisThread(),
      into: answers)
  }

  @unsafe
  func search(
    _ query: UnsafePointer<Float>, _ parameters: SearchParameters, among set: RowWords,
    plan: FilterPlan?, mayPass: Bool = true, _ scratch: SearchScratch,
    into answers: UnsafeMutablePointer<Neighbor>
  ) throws(NeedletailError) -> SearchOutcome {
    var parameters = parameters
    parameters.k = min(parameters.k, max(1, set.count))
    var outcome = SearchOutcome()
    outcome.plan = .exact
    outcome.survivors = set.count
    outcome.efSearch = max(parameters.efSearch, quantizer == nil ? parameters.k : 1)
    let start = parameters.timesStages ? nanoseconds() : 0
    let room = SetRoom(
      parameters, count: count, survivors: set.count,
      scanned: widthToScan(parameters, survivors: set.count))
    let hidden = HiddenRows(outside: set)
    try scratch.reserve(
      rows: count, width: max(room.window, room.scanned) + 16,
      degree: 2 * self.parameters.options.graph.m,
      dimensions: self.parameters.options.dimensions)
    unsafe try admit(query, scratch.buffers)
    guard set.count > 0 else { return outcome }
    let limit = parameters.evaluationLimit ?? .max
    let isSmall = set.count <= max(parameters.k, Self.preciseCount) && set.count <= limit
    // What bounds left out or made go another way, whatever the search after it finds.
    var lost: SearchCuts = []
    if isSmall, rowKernel != nil,
      set.count > Self.preciseCount, !parameters.canScan(set.count, searchCosts)
    {
      lost.insert(.deadline)
    } else if isSmall, rowKernel != nil {
      unsafe rerank(
        fillOrdinals(of: set, scratch), parameters.k, scratch.buffers, &outcome, answers)
      outcome.evaluations = set.count
      if parameters.timesStages { outcome.rerankNanoseconds = nanoseconds() - start }
      return outcome
    }
    guard let quantizer else {
      unsafe searchPrecisely(parameters, set, plan, room, scratch, &outcome, answers)
      outcome.cuts.formUnion(lost)
      if parameters.timesStages { outcome.walkNanoseconds = nanoseconds() - start }
      return outcome
    }
    let prepared = unsafe prepare(quantizer, scratch.buffers)
    if parameters.timesStages { outcome.prepareNanoseconds = nanoseconds() - start }
    var search = unsafe enter(prepared, room.width, parameters, scratch)
    var chosen = self.plan(plan, set, room, parameters, search.entryRows)
    if plan == nil, limit != .max,
      limit < set.count
        || chosen != self.plan(nil, set, room, parameters.unlimited, search.entryRows)
    {
      // Another way than without the limit, which finds other rows.
      lost.insert(.evaluations)
    }
    var wasPassing = false
    var size: Int?
    if mayPass, chosen == .inFilter, limit >= set.count,
      canWalkAmong(set.count, parameters, room)
    {
      size = unsafe try walkAmong(&search, set, hidden, parameters, room, scratch)
      if size == nil {
        let before = search
        lost.formUnion(before.walk.cuts)
        search = unsafe enter(prepared, room.width, parameters, scratch)
        search.entryRows += before.entryRows + before.walk.scored
        search.earlierHops = before.earlierHops + before.walk.hops
        if plan == nil { chosen = .exact }
        wasPassing = true
      } else {
        outcome.plan = .inFilter
        search.describe(&outcome)
        // A walk that saw enough is over, whatever could be expanded.
        if !search.walk.isShortened, outcome.evaluations < limit {
          outcome.cuts.remove(.evaluations)
        }
      }
    }
    if size == nil {
      size = unsafe findCandidates(
        &search, parameters, set, chosen, isForced: plan != nil, room, scratch, &outcome)
      if size == nil {
        if wasPassing, outcome.plan == .exact {
          outcome.plan = .exactAfterWalk
          outcome.evaluations += search.entryRows
          outcome.hops = search.earlierHops
        }
        unsafe answerByScan(prepared, parameters, set, scratch, &outcome, answers)
        outcome.cuts.formUnion(lost)
        if parameters.timesStages {
          outcome.walkNanoseconds = max(
            0,
            nanoseconds() - start - outcome.prepareNanoseconds - outcome.rerankNanoseconds)
          searchCosts.learn(outcome)
        }
        return outcome
      }
    }
    let end = parameters.timesStages ? nanoseconds() : 0
    outcome.walkNanoseconds = max(0, end - start - outcome.prepareNanoseconds)
    unsafe narrow(&search, to: size ?? 0, parameters)
    let ascending = search.candidates
    unsafe refine(&search, parameters)
    while unsafe fetch(&search) {}
    unsafe answer(search, parameters, &outcome, answers)
    if search.isCoarse {
      lost.insert(.rerank)
    } else {
      unsafe rankMore(search, ascending, parameters, &outcome, answers)
    }
    outcome.cuts.formUnion(lost)
    if parameters.timesStages {
      outcome.rerankNanoseconds = nanoseconds() - end
      searchCosts.learn(outcome)
    }
    return outcome
  }

  /// What a search among a set keeps.
  struct SetRoom {
    /// Width of the window that is asked for.
    let width: Int
    /// Candidates that a walk over all rows keeps.
    let window: Int
    /// Rows of the set that a walk keeps for the re-rank.
    let kept: Int
    /// Keys that a scan needs memory for.
    let scanned: Int

    init(_ parameters: SearchParameters, count: Int, survivors: Int, scanned: Int) {
      let asked = max(parameters.efSearch, parameters.k, parameters.stopRank)
      width = min(max(parameters.efSearch, parameters.k), max(1, count))
      kept = min(max(1, survivors), max(2 * asked, asked + 64))
      self.scanned = scanned
      let passed = Double(asked) * Double(count) / Double(max(1, survivors))
      window = min(
        count, max(2 * asked, SealedSegment.leastWindow, Int(min(8 * passed, 0x1p20))))
    }
  }

  /// Ranks those candidates too that may be as near as the farthest answer turned out to be.
  @unsafe
  private func rankMore(
    _ search: CodedSearch, _ size: Int, _ parameters: SearchParameters,
    _ outcome: inout SearchOutcome, _ answers: UnsafeMutablePointer<Neighbor>
  ) {
    guard parameters.rerankCandidates == nil, !search.prepared.isExact, rowKernel != nil,
      outcome.count == parameters.k
    else { return }
    let open = unsafe openCandidates(
      search.prepared, size, upTo: answers[parameters.k - 1].distance, from: search.candidates,
      unknown: search.candidates, search.buffers)
    guard open > search.candidates else { return }
    let buffers = search.buffers
    for i in 0..<open { unsafe buffers.ordinals[i] = buffers.pool[i].ordinal }
    unsafe rerank(open, parameters.k, buffers, &outcome, answers)
  }

  /// Leaves the nearest candidates of a set in the pool, by their estimates, the way that should cost least.
  ///
  /// - Returns: how many there are; `nil` when the set is to be scanned.
  @unsafe
  private func findCandidates(
    _ search: inout CodedSearch, _ parameters: SearchParameters, _ set: RowWords,
    _ plan: FilterPlan, isForced: Bool, _ room: SetRoom, _ scratch: SearchScratch,
    _ outcome: inout SearchOutcome
  ) -> Int? {
    let costs = self.costs(set, room, parameters, search.entryRows)
    let limit = parameters.evaluationLimit ?? .max
    let isBounded = limit < set.count
    guard plan != .exact || isBounded else {
      outcome.evaluations = set.count
      return nil
    }
    let kind: SetWalk = plan == .twoHop && turbo == nil ? .twoHop : .inFilter
    let byDistance = stopRatio(parameters) > 0
    let wide = kind == .twoHop ? FilterCosts.twoHopWidth : 1
    let rank = min(
      set.count, room.kept,
      wide
        * (byDistance
          ? max(parameters.k, parameters.stopRank) : max(parameters.k, parameters.efSearch)))
    unsafe search.walk.among(
      set.words, kind, kernel, rank: rank, window: room.window, best: scratch.buffers.best,
      capacity: room.kept)
    let isWhole = unsafe walk(
      &search, kind, costs, rank: rank,
      within: parameters.bounds(spent: search.entryRows, searchCosts),
      isForced: isForced || isBounded)
    search.describe(&outcome)
    outcome.cuts.remove(.evaluations)
    if isBounded { outcome.cuts.insert(.evaluations) }
    if isWhole || isBounded || search.walk.isLate {
      outcome.plan = kind == .twoHop ? .twoHop : .inFilter
      return unsafe search.walk.takeFound(kind)
    }
    outcome.plan = .exactAfterWalk
    outcome.evaluations += set.count
    return nil
  }

  private func costs(
    _ set: RowWords, _ room: SetRoom, _ parameters: SearchParameters, _ entryRows: Int
  ) -> FilterCosts {
    FilterCosts(
      isTurbo: turbo != nil, survivors: Double(set.count), share: Double(set.count) / Double(count),
      degree: Double(tables[0].degree), hops: Double(room.width),
      passedHops: Double(hopsAmong(set.count, parameters)), entryRows: Double(entryRows))
  }

  /// The way to go: the one that is wanted, or that should cost least.
  private func plan(
    _ wanted: FilterPlan?, _ set: RowWords, _ room: SetRoom, _ parameters: SearchParameters,
    _ entryRows: Int
  ) -> FilterPlan {
    if let wanted { return wanted }
    if let limit = parameters.evaluationLimit {
      if limit < set.count { return .inFilter }
      // A walk that is given up costs more than the scan after it.
      if limit / 3 < set.count { return .exact }
    }
    return costs(set, room, parameters, entryRows).plan(canTwoHop: turbo == nil)
  }

  /// Walks as long as that should cost less than to score every row of the set.
  ///
  /// - Returns: whether the walk came to its end and found as many rows as decide where that is.
  @unsafe
  private func walk(
    _ search: inout CodedSearch, _ kind: SetWalk, _ costs: FilterCosts, rank: Int,
    within bounds: WalkBounds, isForced: Bool
  ) -> Bool {
    if isForced {
      search.walk.run(within: bounds)
    } else {
      var rows = costs.trial
      search.walk.run(within: bounds, pausingAt: rows)
      while search.walk.scored >= rows, search.walk.isOpen, !search.walk.isLate {
        let found = kind == .inFilter ? search.walk.found : search.walk.size
        guard
          let more = costs.furtherRows(
            scored: search.walk.scored, hops: search.walk.hops,
            waiting: found < rank ? nil : search.walk.waiting)
        else { return false }
        rows = search.walk.scored + more
        search.walk.run(within: bounds, pausingAt: rows)
      }
    }
    switch kind {
    case .inFilter: return search.walk.found >= rank && search.walk.isExhausted
    // The row that the walk began at may stand among those of the set.
    case .twoHop: return search.walk.size > rank
    }
  }

  /// Writes the ordinals of a set into the scratch, which has room for them.
  @unsafe
  private func fillOrdinals(of set: RowWords, _ scratch: SearchScratch) -> Int {
    var written = 0
    for word in 0..<set.wordCount {
      var left = unsafe set.words[word]
      while left != 0 {
        unsafe scratch.buffers.ordinals[written] = UInt32(word * 64 + left.trailingZeroBitCount)
        left &= left &- 1
        written &+= 1
      }
    }
    return written
  }
}
