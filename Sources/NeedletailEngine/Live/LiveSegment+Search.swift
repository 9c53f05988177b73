package import NeedletailCore
import NeedletailKernels
import Synchronization

extension LiveSegment {
  /// Views of up to this many vectors are scanned, as sealed segments are.
  static let exactCount = SealedSegment.exactCount

  /// Finds the vectors nearest to a query among those that a view shows.
  ///
  /// As in sealed segments, tier one walks the links on codes and tier two ranks the best candidates anew on the
  /// precise rows. The walk passes rows that the view does not show, and its window grows by as many as it has met:
  /// it finds what a window of `efSearch` finds where there are no such rows. It always ends by that window,
  /// whatever `stopsByDistance` says.
  ///
  /// - Parameters:
  ///   - query: `[dimensions]` components; checked here, normalised here under cosine.
  ///   - parameters: validated by the caller.
  ///   - view: of this segment.
  ///   - answers: room for `k` answers; written nearest first, ties by id.
  /// - Returns: how many answers there are, and what the search cost.
  /// - Throws: `nonFiniteComponent`, `zeroVector`; `io` when a search finds no memory.
  /// - Complexity: about `efSearch` hops of `2·m` evaluations, times the rows that are linked over those that the
  ///   view shows; allocates nothing once the thread's scratch is as large as this search needs.
  @unsafe
  package func search(
    _ query: UnsafePointer<Float>, _ parameters: SearchParameters, _ view: LiveView,
    into answers: UnsafeMutablePointer<Neighbor>
  ) throws(NeedletailError) -> SearchOutcome {
    var outcome = SearchOutcome()
    let start = parameters.measuresTime ? nanoseconds() : 0
    let scratch = try SearchScratch.ofThisThread()
    let moment = view.moment
    let written = writtenCount.load(ordering: .acquiring)
    let width = min(max(parameters.efSearch, parameters.k), max(1, moment.liveCount))
    let room = roomToWalk(width, moment, written)
    outcome.efSearch = parameters.efSearch
    try scratch.reserve(
      rows: Self.roundedUp(written),
      width: max(room, min(moment.liveCount, max(Self.exactCount, width))),
      degree: max(tables.degree, LiveEntries.limit), dimensions: tables.dimensions)
    unsafe try admit(query, scratch.buffers)
    guard moment.liveCount > 0 else { return outcome }
    let limit = parameters.evaluationLimit ?? .max
    if moment.liveCount <= max(width, Self.exactCount), moment.liveCount <= limit {
      let count = unsafe collect(moment, parameters.heldOut, scratch.buffers.ordinals)
      if parameters.measuresTime { outcome.prepareNanoseconds = nanoseconds() - start }
      unsafe rerank(count, parameters.k, scratch.buffers, &outcome, answers)
      outcome.evaluations = count
      if parameters.measuresTime {
        outcome.rerankNanoseconds = nanoseconds() - start - outcome.prepareNanoseconds
      }
      return outcome
    }
    let prepared = unsafe prepare(scratch.buffers, below: written)
    if parameters.measuresTime { outcome.prepareNanoseconds = nanoseconds() - start }
    let size = unsafe walk(
      prepared, parameters, moment, written, room: room, scratch, &outcome)
    if parameters.measuresTime {
      outcome.walkNanoseconds = nanoseconds() - start - outcome.prepareNanoseconds
    }
    unsafe finish(prepared, size, parameters, scratch.buffers, &outcome, answers)
    if parameters.measuresTime {
      outcome.rerankNanoseconds =
        nanoseconds() - start - outcome.prepareNanoseconds - outcome.walkNanoseconds
    }
    return outcome
  }

  /// Rows that visited words are made for: few sizes, so that a growing segment seldom asks for more.
  private static func roundedUp(_ count: Int) -> Int {
    var rows = 4096
    while rows < count { rows *= 2 }
    return rows
  }

  /// Places that a walk's pool needs, when a window of `width` is to be filled by rows that the view shows.
  private func roomToWalk(_ width: Int, _ moment: LiveMoment, _ written: Int) -> Int {
    let linked = max(0, written - unlinkedCount.load(ordering: .relaxed))
    let others = max(0, linked - moment.liveCount)
    guard others > 0 else { return width }
    // Twice the others' share, since they may lie close together; but no more than there are.
    let share = 2 * others / max(1, moment.liveCount) + 1
    let (product, overflow) = width.multipliedReportingOverflow(by: share)
    let hidden = min(others, overflow ? .max : product)
    return max(width, min(width + hidden, linked, Limits.searchWidth))
  }

  /// Writes down the rows that a view shows.
  @unsafe
  private func collect(
    _ moment: LiveMoment, _ heldOut: UInt32?, _ ordinals: UnsafeMutablePointer<UInt32>
  ) -> Int {
    var count = 0
    for i in 0..<UInt32(moment.count) where i != heldOut {
      // A view shows `liveCount` rows exactly, for which there is room.
      if tables.end(of: i) > moment.sequence {
        unsafe ordinals[count] = i
        count &+= 1
      }
    }
    return count
  }

  /// Walks on codes until the window holds enough that the view shows, and leaves these in the pool.
  @unsafe
  private func walk(
    _ prepared: PreparedQuery, _ parameters: SearchParameters, _ moment: LiveMoment,
    _ written: Int, room: Int, _ scratch: SearchScratch, _ outcome: inout SearchOutcome
  ) -> Int {
    let memory = scratch.walk
    let limit = max(1, parameters.evaluationLimit ?? .max)
    var entryRows = unsafe entries.copy(below: written, into: memory.ordinals)
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
    var window = min(room, parameters.efSearch)
    var least = min(room, parameters.k)
    var walk = unsafe HopWalk(
      kernel, prepared.rows.space, prepared.rows.query, links: UnsafePointer(tables.links),
      degree: tables.degree, count: written, pool: memory.pool, size: 1, capacity: room,
      window: window, least: least, visited: memory.visited, epoch: memory.epoch,
      ordinals: memory.ordinals, keys: memory.keys,
      breadth: parameters.evaluationLimit == nil ? HopKernel.breadth : 1)
    let budget = limit == .max ? limit : max(0, limit - entryRows)
    walk.run(limit: budget)
    while walk.scored < budget {
      let hidden = unsafe hiddenCount(memory.pool, min(window, walk.size), moment)
      let hiddenInAll =
        walk.size <= window ? hidden : unsafe hiddenCount(memory.pool, walk.size, moment)
      let wider = min(room, parameters.efSearch + hidden)
      let more = min(room, parameters.k + hiddenInAll)
      guard wider > window || more > least else { break }
      (window, least) = (max(window, wider), max(least, more))
      walk.widen(window: window, least: least)
      walk.run(limit: budget)
    }
    outcome.hops = walk.hops
    outcome.evaluations = entryRows + walk.scored
    outcome.isLimited = walk.isOpen
    return unsafe keepShown(memory.pool, walk.size, moment, parameters.heldOut)
  }

  /// How many of the pool's first keys are rows that a view does not show.
  @unsafe @inline(__always)
  private func hiddenCount(
    _ pool: UnsafePointer<CandidateKey>, _ size: Int, _ moment: LiveMoment
  ) -> Int {
    var hidden = 0
    for i in 0..<size {
      let ordinal = unsafe pool[i].ordinal
      hidden &+= Int(ordinal) < moment.count && tables.end(of: ordinal) > moment.sequence ? 0 : 1
    }
    return hidden
  }

  /// Leaves what the view shows in the pool, in order.
  @unsafe
  private func keepShown(
    _ pool: UnsafeMutablePointer<CandidateKey>, _ size: Int, _ moment: LiveMoment,
    _ heldOut: UInt32?
  ) -> Int {
    var kept = 0
    for i in 0..<size {
      let key = unsafe pool[i]
      let ordinal = key.ordinal
      unsafe pool[kept] = key
      kept &+=
        Int(ordinal) < moment.count && tables.end(of: ordinal) > moment.sequence
          && ordinal != heldOut ? 1 : 0
    }
    return kept
  }
}
