import NeedletailCore
import NeedletailKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A search on codes under way: everything a thread needs to go on with it after it turned to another.
struct CodedSearch {
  let prepared: PreparedQuery
  let buffers: SearchBuffers
  var walk: HopWalk
  /// Candidates at the front of the pool that are still in question.
  var candidates = 0
  /// How many of them had their precise rows asked for.
  var fetched = 0
  /// Rows scored to find where the walk begins, and by walks before it.
  var entryRows: Int
  /// Candidates that walks before this one expanded.
  var earlierHops = 0
  /// Rows that are passed; `nil`: none.
  var hidden: HiddenRows?
  /// Whether there is no time to re-rank as many candidates as the codes leave open.
  var isCoarse = false

  /// Writes down what the walk cost.
  func describe(_ outcome: inout SearchOutcome) {
    outcome.hops = earlierHops &+ walk.hops
    outcome.evaluations = entryRows &+ walk.scored
    outcome.cuts.formUnion(walk.cuts)
    if isCoarse { outcome.cuts.insert(.rerank) }
  }
}

extension SealedSegment {
  /// Rows that are scored to find where a walk begins.
  ///
  /// The first ordinals are those of the upper levels, a random sample of the rows; scoring a few dozen of
  /// them, one behind the other in memory, costs less than the descent through those levels, and ends as
  /// near.
  var entryCount: Int { min(count, 64) }

  /// Finds where a prepared query's walk begins.
  @unsafe
  func enter(
    _ prepared: PreparedQuery, _ width: Int, _ parameters: SearchParameters,
    _ scratch: SearchScratch, entries: Int? = nil
  ) -> CodedSearch {
    // With fewer entries than usual, for a walk over one segment of several.
    var entryRows = min(
      entryCount, entries ?? .max, max(1, parameters.evaluationLimit ?? .max))
    let memory = scratch.walk
    var nearest = unsafe kernel.nearest(
      prepared.rows.space, prepared.rows.query, ofFirst: entryRows, except: parameters.heldOut)
    if entries != nil, turbo == nil, tables.count > 1, Int(nearest.ordinal) < tables[1].count {
      // From fewer rows it is farther: the first part of the way is shorter over a level above.
      var walk = Walk(kernel: kernel, scratch: memory)
      memory.beginEpoch()
      unsafe memory.visit(nearest.ordinal)
      unsafe nearest = walk.descend(prepared.rows, tables[1], from: nearest)
      entryRows += walk.evaluations
    }
    memory.beginEpoch()
    unsafe memory.visit(nearest.ordinal)
    if let heldOut = parameters.heldOut { unsafe memory.visit(heldOut) }
    unsafe memory.pool[0] = nearest
    let table = tables[0]
    unsafe prefetchLines(table.row(nearest.ordinal))
    let ratio = stopRatio(parameters)
    let window = min(count, ratio > 0 ? 2 &* parameters.efSearch : parameters.efSearch)
    let width = max(width, window)
    // What upper nibbles leave open is settled among more rows than are asked for.
    let capacity =
      prepared.whole == nil ? width : min(count, max(width, 2 &* parameters.k))
    var search = unsafe CodedSearch(
      prepared: prepared, buffers: scratch.buffers,
      walk: HopWalk(
        kernel, prepared.rows.space, prepared.rows.query, links: table.row(0),
        degree: table.degree, count: table.count, pool: memory.pool, size: 1, capacity: capacity,
        window: window, least: min(max(parameters.k, parameters.stopRank), count),
        visited: memory.visited,
        epoch: memory.epoch, ordinals: memory.ordinals,
        keys: memory.keys),
      entryRows: entryRows)
    if turbo != nil {
      // More than are asked for, so that the re-rank has a choice; as many as the pool holds, because codes
      // of near copies may leave all of them open.
      unsafe search.walk.keepBest(
        search.buffers.best,
        capacity: min(
          count, scratch.bestRoom, max(width, 2 &* parameters.k, parameters.k &+ 32)))
    }
    if ratio > 0 {
      let (blur, noise) = prepared.spread.square(step: prepared.whole == nil ? 2 : 16)
      // From a window of k to the next there is nothing but what codes cannot tell apart: a setting between them
      // goes a part of that far. Rows with their neighbours' bits need all of it at k already.
      let isPart =
        turbo == nil && parameters.efSearch == max(parameters.k, parameters.stopRank) &+ 1
      search.walk.stop(
        beyond: ratio, floor: (isPart ? parameters.stopScale : 1) * noise.squareRoot(),
        base: prepared.base / prepared.unit, blur: blur, noise: noise)
    }
    return search
  }

  /// Whether walks end by distance, so that a setting can be finer than whole widths are.
  var endsByDistance: Bool { quantizer != nil && parameters.growth > 0 }

  /// How much farther than the `k`-th candidate the next one may be, as a share of its distance, when the
  /// walk should find what a window of `efSearch` does; 0 when it should be that window.
  ///
  /// Around a point of `n` dimensions, the `ef`-th neighbour is `(ef/k)^(1/n)` as far as the `k`-th.
  @inline(__always)
  func stopRatio(_ parameters: SearchParameters) -> Float {
    parameters.stopRatio(growth: self.parameters.growth, isTurbo: turbo != nil)
  }

  /// Turns the pool into answers, by re-ranking where that says more than the estimates do.
  @unsafe
  func finish(
    _ search: inout CodedSearch, _ parameters: SearchParameters, _ outcome: inout SearchOutcome,
    _ answers: UnsafeMutablePointer<Neighbor>
  ) {
    let start = parameters.timesStages ? nanoseconds() : 0
    unsafe narrow(&search, parameters)
    unsafe refine(&search, parameters)
    search.describe(&outcome)
    while unsafe fetch(&search) {}
    unsafe answer(search, parameters, &outcome, answers)
    if parameters.timesStages {
      outcome.rerankNanoseconds = nanoseconds() - start
      searchCosts.learn(outcome)
    }
  }

  /// Leaves those candidates of a finished walk in question that may be among the nearest, and asks for what
  /// `refine` needs of them.
  @unsafe
  func narrow(_ search: inout CodedSearch, _ parameters: SearchParameters) {
    if turbo != nil {
      // Every row that was expanded was scored by its own code already; few others, after a walk that a
      // limit ended, are by now.
      let (count, isAscending) = unsafe search.walk.takeBest(kernel)
      if !isAscending { unsafe sortKeys(search.buffers.pool, count: count) }
      search.candidates =
        search.hidden.map { unsafe dropHidden($0, count, search.buffers) } ?? count
      return
    }
    let size = search.walk.size
    unsafe narrow(
      &search, to: search.hidden.map { unsafe dropHidden($0, size, search.buffers) } ?? size,
      parameters)
  }

  /// The same for candidates that stand in the pool by their estimates already.
  @unsafe @inline(__always)
  func narrow(_ search: inout CodedSearch, to size: Int, _ parameters: SearchParameters) {
    search.candidates = size
    guard search.prepared.whole != nil, let quantizer, let lowerCodes else { return }
    search.candidates = unsafe openCandidates(
      search.prepared, size, k: parameters.k, search.buffers, step: 16)
    for i in 0..<search.candidates {
      unsafe search.buffers.ordinals[i] = search.buffers.pool[i].ordinal
    }
    unsafe prefetchRows(
      lowerCodes.start, stride: quantizer.codeByteCount / 2, ordinals: search.buffers.ordinals,
      count: search.candidates)
  }

  /// Puts the candidates in order by all bits of their codes, and chooses which are re-ranked.
  ///
  /// `narrow` has left the ordinals of parted rows in the scratch.
  /// Afterwards `candidates` is how many ordinals wait in the scratch; without a re-rank, how many keys
  /// lead the pool.
  @unsafe
  func refine(_ search: inout CodedSearch, _ parameters: SearchParameters) {
    let buffers = search.buffers
    let pool = unsafe buffers.pool
    if let whole = search.prepared.whole {
      let count = search.candidates
      unsafe kernel.score(
        whole.space, whole.query, ordinals: buffers.ordinals, count: count, keys: pool)
      unsafe sortKeys(pool, count: count)
    }
    guard isReranked(search, parameters) else { return }
    if let asked = parameters.rerankCandidates {
      search.candidates = min(search.candidates, max(asked, parameters.k))
    } else {
      search.candidates = unsafe openCandidates(
        search.prepared, search.candidates, k: parameters.k, buffers)
    }
    if let rows = parameters.rowsInTime(searchCosts), rows < search.candidates {
      search.candidates = rows
      search.isCoarse = true
    }
    for i in 0..<search.candidates { unsafe buffers.ordinals[i] = pool[i].ordinal }
  }

  private func isReranked(_ search: CodedSearch, _ parameters: SearchParameters) -> Bool {
    !search.prepared.isExact && parameters.rerankCandidates != 0 && rowKernel != nil
  }

  /// Asks for the next precise rows of the re-rank.
  ///
  /// A few at a time, so that another search goes on while they come from far away.
  ///
  /// - Returns: whether there were any.
  @unsafe
  func fetch(_ search: inout CodedSearch) -> Bool {
    guard let rows, search.fetched < search.candidates else { return false }
    let width = parameters.options.dimensions &* parameters.options.precise.byteCount
    let next = min(search.candidates &- search.fetched, 2)
    unsafe prefetchRows(
      rows.start, stride: width, ordinals: search.buffers.ordinals + search.fetched, count: next)
    if parameters.options.precise == .givenFloat16, let norms {
      unsafe prefetchRows(
        norms.start, stride: 8, ordinals: search.buffers.ordinals + search.fetched, count: next)
    }
    search.fetched &+= next
    return true
  }

  /// Writes the answers of a search that was refined.
  @unsafe
  func answer(
    _ search: borrowing CodedSearch, _ parameters: SearchParameters,
    _ outcome: inout SearchOutcome, _ answers: UnsafeMutablePointer<Neighbor>
  ) {
    if isReranked(search, parameters) {
      unsafe rerank(search.candidates, parameters.k, search.buffers, &outcome, answers)
    } else {
      let prepared = search.prepared
      unsafe take(search.candidates, parameters.k, search.buffers, &outcome, answers) {
        prepared.distance($0)
      }
    }
  }
}

extension SearchParameters {
  /// The last to enter a window help little to fill it; measured, a walk that stops by distance finds as much
  /// as a window of `ef` when it stops at a distance that grows with this power less (0.58 on image
  /// descriptors, 0.68 on sentence embeddings).
  private static let windowShare: Float = 0.65

  /// See `SealedSegment.stopRatio`.
  @inline(__always)
  func stopRatio(growth: Float, isTurbo: Bool) -> Float {
    let rank = max(k, stopRank)
    guard stopsByDistance, growth > 0, efSearch >= rank else { return 0 }
    if efSearch == rank {
      // Bits order candidates too roughly for a window that is no wider than what is asked for.
      return isTurbo ? .leastNormalMagnitude : 0
    }
    let share =
      log2(Float(efSearch) / Float(rank))
      / log2(Float(GraphTrial.window) / Float(GraphTrial.nearest))
    return exp2(log2(1 + growth) * share * stopScale * Self.windowShare) - 1
  }
}
