import NeedletailCore
import NeedletailKernels
import Synchronization

extension LiveSegment {
  /// Views of up to this many vectors are scanned, as sealed segments are.
  static let exactCount = SealedSegment.exactCount

  /// Finds the vectors nearest to a query among those that a view shows.
  ///
  /// As in sealed segments, tier one walks the links on codes and tier two ranks the best candidates anew on the
  /// precise rows. The walk passes rows that the view does not show, and its window grows by as many as it has met:
  /// it finds what a window of `efSearch` finds where there are no such rows. Rows that are not linked yet are all scored; so are those of a set that is
  /// small beside the segment.
  ///
  /// - Parameters:
  ///   - query: `[dimensions]` components; checked here, normalised here under cosine.
  ///   - parameters: validated by the caller.
  ///   - view: of this segment.
  ///   - set: rows that alone may be answers, one bit each; rows beyond those it was made for are not in it.
  ///   - bound: a distance within which `k` answers are known from other parts of the index; the walk ends about there.
  ///   - answers: room for `k` answers; written nearest first, ties by id.
  /// - Returns: how many answers there are, and what the search cost.
  /// - Throws: `nonFiniteComponent`, `zeroVector`; `io` when a search finds no memory.
  /// - Complexity: about `efSearch` hops of `2·m` evaluations, times the rows that are linked over those that the
  ///   view shows; allocates nothing once the thread's scratch is as large as this search needs.
  @unsafe
  func search(
    _ query: UnsafePointer<Float>, _ parameters: SearchParameters, _ view: LiveView,
    among set: RowSet? = nil, upTo bound: LiveBound? = nil,
    into answers: UnsafeMutablePointer<Neighbor>
  ) throws(NeedletailError) -> SearchOutcome {
    var outcome = SearchOutcome()
    let start = parameters.timesStages ? nanoseconds() : 0
    let scratch = try SearchScratch.ofThisThread()
    let bounds = LiveBounds(self, view)
    let sight = LiveSight(view.moment, tables, among: set)
    outcome.efSearch = parameters.efSearch
    outcome.unlinkedRows = bounds.unlinked
    if set != nil {
      outcome.plan = .exact
      outcome.survivors = sight.most
    }
    let width = min(max(parameters.efSearch, parameters.k), max(1, sight.most))
    let limit = parameters.evaluationLimit ?? .max
    let isScanned = set != nil && sight.most < bounds.written / Self.shareToWalk
    let ratio = parameters.stopRatio(growth: options.growth, isTurbo: false)
    let window = ratio > 0 ? min(2 * width, max(1, sight.most)) : width
    let room = isScanned ? min(sight.most, 4 * width + 64) : roomToWalk(window, sight, bounds)
    try scratch.reserve(
      rows: Self.roundedUp(bounds.written),
      width: max(room, min(sight.most, max(Self.exactCount, width))),
      degree: max(tables.degree, LiveEntries.limit), dimensions: tables.dimensions)
    unsafe try admit(query, scratch.buffers)
    guard sight.most > 0 else { return outcome }
    let isSmall = sight.most <= max(width, Self.exactCount)
    let isInTime = sight.most <= Self.exactCount || parameters.canScan(sight.most, searchCosts)
    if isSmall, !isInTime || sight.most > limit {
      outcome.cuts.insert(isInTime ? .evaluations : .deadline)
    } else if isSmall {
      let count = unsafe sight.collect(
        from: 0, room: sight.most, parameters.heldOut, scratch.buffers.ordinals
      ).count
      if parameters.timesStages { outcome.prepareNanoseconds = nanoseconds() - start }
      unsafe rerank(count, parameters.k, scratch.buffers, &outcome, answers)
      outcome.evaluations = count
      if parameters.timesStages {
        outcome.rerankNanoseconds = nanoseconds() - start - outcome.prepareNanoseconds
      }
      return outcome
    }
    let prepared = unsafe prepare(scratch.buffers, below: bounds.written)
    if parameters.timesStages { outcome.prepareNanoseconds = nanoseconds() - start }
    var size = 0
    let within = parameters.bounds(spent: 0, searchCosts)
    if !isScanned, bounds.walked > 0 {
      if set != nil { outcome.plan = .inFilter }
      size = unsafe walk(
        prepared, parameters, sight, bounds, room: room, upTo: bound, within: within, scratch,
        &outcome)
    }
    let first = isScanned ? 0 : bounds.linked
    if first < sight.count {
      var left = within
      if limit != .max { left.evaluations = max(0, limit - outcome.evaluations) }
      let scanned = unsafe scan(
        prepared.rows, sight, from: first, heldOut: parameters.heldOut, size: size,
        capacity: room, within: left, scratch.walk)
      size = scanned.size
      outcome.evaluations += scanned.scored
      outcome.cuts.formUnion(scanned.cuts)
    }
    if parameters.timesStages {
      outcome.walkNanoseconds = nanoseconds() - start - outcome.prepareNanoseconds
    }
    unsafe finish(prepared, size, parameters, scratch.buffers, &outcome, answers)
    if parameters.timesStages {
      outcome.rerankNanoseconds =
        nanoseconds() - start - outcome.prepareNanoseconds - outcome.walkNanoseconds
      searchCosts.learn(outcome)
    }
    return outcome
  }

  /// Sets of fewer than this part of the rows are scored row by row.
  private static let shareToWalk = 10

  /// Rows that visited words are made for: few sizes, so that a growing segment seldom asks for more.
  private static func roundedUp(_ count: Int) -> Int {
    var rows = 4096
    while rows < count { rows *= 2 }
    return rows
  }

  /// Places that a walk's pool needs, when a window of `width` is to be filled by rows in sight.
  private func roomToWalk(_ width: Int, _ sight: LiveSight, _ bounds: LiveBounds) -> Int {
    let linked = max(0, bounds.walked - unlinkedCount.load(ordering: .relaxed))
    let others = max(0, linked - sight.most) + tables.withdrawnCount
    guard others > 0 else { return width }
    // Twice the others' share, since they may lie close together; but no more than there are.
    let share = 2 * others / max(1, sight.most) + 1
    let (product, overflow) = width.multipliedReportingOverflow(by: share)
    let hidden = min(others, overflow ? .max : product)
    return max(width, min(width + hidden, max(1, linked), Limits.searchWidth))
  }

  /// Walks on codes until the window holds enough rows in sight, and leaves these in the pool.
  @unsafe
  private func walk(
    _ prepared: PreparedQuery, _ parameters: SearchParameters, _ sight: LiveSight,
    _ bounds: LiveBounds, room: Int, upTo bound: LiveBound?, within allowed: WalkBounds,
    _ scratch: SearchScratch, _ outcome: inout SearchOutcome
  ) -> Int {
    let memory = scratch.walk
    let limit = max(1, allowed.evaluations)
    var entryRows = unsafe entries.copy(below: bounds.walked, into: memory.ordinals)
    if entryRows == 0 {
      unsafe memory.ordinals[0] = 0
      entryRows = 1
    }
    entryRows = min(entryRows, limit)
    unsafe kernel.score(
      prepared.rows.space, prepared.rows.query, ordinals: memory.ordinals, count: entryRows,
      keys: memory.keys)
    var nearest = unsafe memory.keys[0]
    for i in 1..<entryRows { unsafe nearest = min(nearest, memory.keys[i]) }
    memory.beginEpoch()
    unsafe memory.visit(nearest.ordinal)
    unsafe memory.pool[0] = nearest & ~1
    let ratio = parameters.stopRatio(growth: options.growth, isTurbo: false)
    let asked = ratio > 0 ? 2 * parameters.efSearch : parameters.efSearch
    let rank = ratio > 0 ? max(parameters.k, parameters.stopRank) : parameters.k
    var window = min(room, asked)
    var least = min(room, rank)
    var walk = unsafe HopWalk(
      kernel, prepared.rows.space, prepared.rows.query, links: UnsafePointer(tables.links),
      degree: tables.degree, count: bounds.walked, pool: memory.pool, size: 1, capacity: room,
      window: window, least: least, visited: memory.visited, epoch: memory.epoch,
      ordinals: memory.ordinals, keys: memory.keys)
    if ratio > 0 {
      let (blur, noise) = prepared.spread.square(step: 2)
      walk.stop(
        beyond: ratio, floor: noise.squareRoot(), base: prepared.base / prepared.unit, blur: blur,
        noise: noise)
      // Where rows are passed it may have to go on.
      if room > asked { walk.keepAll(capacity: room) }
    }
    var budget = allowed
    if limit != .max { budget.evaluations = max(0, limit - entryRows) }
    if let bound, ratio > 0 {
      // It comes near the query by itself, and then goes as far as the bound says; rows out of sight count for nothing.
      let near = max(3, Int((JointSearch.approach * bound.share * Double(rank)).rounded(.up)))
      walk.approach(window: min(room, max(near, parameters.efSearch)), least: min(room, near))
      walk.run(within: budget)
      walk.end(
        behind: (bound.distance - prepared.base) / prepared.unit - Float(prepared.shift),
        ratio: ratio)
      walk.run(within: budget)
    } else {
      walk.run(within: budget)
    }
    while bound == nil || ratio <= 0, !walk.isLate, walk.scored < budget.evaluations {
      let hidden = unsafe sight.hiddenCount(memory.pool, min(window, walk.size))
      let wider = min(room, asked + hidden)
      // By distance it ends behind the `rank`-th of those in sight; by its window, once it has so many.
      let more =
        ratio > 0
        ? min(room, unsafe sight.place(of: rank, memory.pool, walk.size))
        : min(room, rank + (unsafe sight.hiddenCount(memory.pool, walk.size)))
      guard wider > window || more > least else { break }
      (window, least) = (max(window, wider), max(least, more))
      if ratio > 0 {
        walk.widen(window: window, least: least, beyond: ratio)
      } else {
        walk.widen(window: window, least: least)
      }
      walk.run(within: budget)
    }
    outcome.hops = walk.hops
    outcome.evaluations = entryRows + walk.scored
    outcome.cuts.formUnion(walk.cuts)
    return unsafe sight.keepShown(memory.pool, walk.size, parameters.heldOut)
  }
}

/// What other parts of an index have found before a live one is searched.
struct LiveBound {
  /// The distance within which there are as many answers as are asked for.
  let distance: Float
  /// The live part's share of all rows.
  let share: Double
}

/// How far the rows of a segment go for one search.
struct LiveBounds {
  /// Rows that were written.
  let written: Int
  /// Rows that are linked, or out of the graph again.
  let linked: Int
  /// Rows of the view that are not linked yet.
  let unlinked: Int
  /// Rows below which a walk goes.
  let walked: Int

  init(_ segment: LiveSegment, _ view: LiveView) {
    // Before the rows written: of these there are never fewer.
    linked = segment.linkedCount.load(ordering: .acquiring)
    written = segment.writtenCount.load(ordering: .acquiring)
    unlinked = max(0, view.count - linked)
    // A walk that passed rows while they are being linked would find some of those that are scored besides.
    walked = unlinked > 0 ? linked : written
  }
}
