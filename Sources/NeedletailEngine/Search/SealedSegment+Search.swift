package import NeedletailCore
import NeedletailKernels
import NeedletailStorage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension SealedSegment {
  /// Segments of up to this many rows are scanned: a walk would score nearly as many.
  static let exactCount = 256

  /// Finds the rows nearest to a query: tier one walks the links on codes, tier two ranks the best
  /// candidates anew on the precise rows.
  ///
  /// - Parameters:
  ///   - query: `[dimensions]` components; checked here, normalised here under cosine.
  ///   - parameters: validated by the caller.
  ///   - answers: room for `k` answers; written nearest first, ties by id.
  /// - Returns: how many answers there are, and what the search cost.
  /// - Throws: `nonFiniteComponent`, `zeroVector`; `io` when the first search of a thread finds no memory.
  /// - Complexity: about `efSearch` hops of `2·m` evaluations; allocates nothing once the thread's scratch is
  ///   as large as this search needs.
  @unsafe
  package func search(
    _ query: UnsafePointer<Float>, _ parameters: SearchParameters,
    into answers: UnsafeMutablePointer<Neighbor>
  ) throws(NeedletailError) -> SearchOutcome {
    unsafe try search(query, parameters, hiding: nil, into: answers)
  }

  /// The same without rows that are passed and not answered, if there are any.
  @unsafe
  func search(
    _ query: UnsafePointer<Float>, _ parameters: SearchParameters, hiding hidden: HiddenRows?,
    into answers: UnsafeMutablePointer<Neighbor>
  ) throws(NeedletailError) -> SearchOutcome {
    var outcome = SearchOutcome()
    let start = parameters.timesStages ? nanoseconds() : 0
    let scratch = try SearchScratch.ofThisThread()
    guard
      var search = unsafe try begin(
        query, parameters, scratch, &outcome, hiding: hidden, into: answers)
    else { return outcome }
    search.walk.run(within: parameters.bounds(spent: search.entryRows, searchCosts))
    if let hidden {
      guard unsafe try finishPassing(&search, hidden, parameters, scratch) else {
        unsafe try searchShown(
          hidden, query, parameters, scratch, &outcome, after: search, into: answers)
        return outcome
      }
    }
    if parameters.timesStages {
      outcome.walkNanoseconds = nanoseconds() - start - outcome.prepareNanoseconds
    }
    unsafe finish(&search, parameters, &outcome, answers)
    return outcome
  }

  /// Begins a search: checks and codes the query, and finds where its walk begins.
  ///
  /// - Returns: the search, or `nil` when it needed no walk on codes and is answered already.
  @unsafe
  func begin(
    _ query: UnsafePointer<Float>, _ parameters: SearchParameters, _ scratch: SearchScratch,
    _ outcome: inout SearchOutcome, hiding hidden: HiddenRows? = nil, entries: Int? = nil,
    into answers: UnsafeMutablePointer<Neighbor>
  ) throws(NeedletailError) -> CodedSearch? {
    var roomToPass = 0
    if let hidden {
      guard let room = self.roomToPass(hidden, parameters) else {
        unsafe try searchShown(
          hidden, query, parameters, scratch, &outcome, after: nil, into: answers)
        return nil
      }
      roomToPass = room
    }
    let start = parameters.timesStages ? nanoseconds() : 0
    let options = self.parameters.options
    let width = min(max(parameters.efSearch, parameters.k), max(1, count))
    outcome.efSearch =
      quantizer == nil ? max(parameters.efSearch, parameters.k) : parameters.efSearch
    try scratch.reserve(
      rows: count,
      width: max(
        roomToPass, width,
        min(count, max(Self.exactCount, 2 * max(parameters.k, parameters.efSearch)))),
      degree: 2 * options.graph.m,
      dimensions: options.dimensions)
    unsafe try admit(query, scratch.buffers)
    guard count > 0 else { return nil }
    let limit = parameters.evaluationLimit ?? .max
    if count <= max(width, Self.exactCount), rowKernel != nil, hidden == nil {
      let isInTime = count <= Self.exactCount || parameters.canScan(count, searchCosts)
      if count <= limit, isInTime {
        outcome = unsafe scan(parameters, outcome, start, scratch, answers)
        return nil
      }
      outcome.cuts.insert(isInTime ? .evaluations : .deadline)
    }
    if let quantizer {
      let prepared = unsafe prepare(quantizer, scratch.buffers)
      if parameters.timesStages { outcome.prepareNanoseconds = nanoseconds() - start }
      var search = unsafe enter(prepared, width, parameters, scratch, entries: entries)
      if let hidden { search.begin(hiding: hidden, room: roomToPass) }
      return search
    }
    guard let rowKernel, let rows else { return nil }
    let walked = unsafe PreciseWalk(
      kernel: rowKernel, rows: rows.start, query: UnsafePointer(scratch.buffers.query),
      isProduct: options.metric != .squaredEuclidean)
    if parameters.timesStages { outcome.prepareNanoseconds = nanoseconds() - start }
    let size = unsafe walk(walked, width, scratch, &outcome, parameters)
    let base: Float = options.metric == .cosine ? 1 : 0
    unsafe take(size, parameters.k, scratch.buffers, &outcome, answers) { base + $0.floatEstimate }
    return nil
  }

  /// Walks on precise rows from the entry to the base level and fills the pool there.
  @unsafe @inline(__always)
  private func walk<Rows: WalkRows>(
    _ rows: Rows, _ width: Int, _ scratch: SearchScratch, _ outcome: inout SearchOutcome,
    _ parameters: SearchParameters
  ) -> Int {
    let start = parameters.timesStages ? nanoseconds() : 0
    let bounds = parameters.bounds(spent: 0, searchCosts)
    var walk = Walk(kernel: kernel, scratch: scratch.walk)
    walk.heldOut = parameters.heldOut
    scratch.walk.beginEpoch()
    var nearest = unsafe walk.score(0, rows)
    unsafe scratch.walk.visit(0)
    var level = tables.count - 1
    while level > 0 {
      unsafe nearest = walk.descend(rows, tables[level], from: nearest, within: bounds)
      level &-= 1
    }
    unsafe walk.widen(rows, tables[0], from: nearest, width: width, within: bounds)
    outcome.hops = walk.hops
    outcome.evaluations = walk.evaluations
    outcome.cuts = walk.cuts
    if parameters.timesStages { outcome.walkNanoseconds = nanoseconds() - start }
    return walk.size
  }

  /// Scores every row precisely.
  @unsafe
  private func scan(
    _ parameters: SearchParameters, _ partial: SearchOutcome, _ start: Int,
    _ scratch: SearchScratch, _ answers: UnsafeMutablePointer<Neighbor>
  ) -> SearchOutcome {
    var outcome = partial
    if parameters.timesStages { outcome.prepareNanoseconds = nanoseconds() - start }
    var scored = 0
    for i in 0..<count where parameters.heldOut != UInt32(i) {
      unsafe scratch.buffers.ordinals[scored] = UInt32(i)
      scored &+= 1
    }
    unsafe rerank(scored, parameters.k, scratch.buffers, &outcome, answers)
    outcome.evaluations = scored
    if parameters.timesStages {
      outcome.rerankNanoseconds = nanoseconds() - start - outcome.prepareNanoseconds
    }
    return outcome
  }

  /// Takes the first of the pool as answers, with the distance that each key stands for.
  @unsafe @inline(__always)
  func take(
    _ size: Int, _ k: Int, _ buffers: SearchBuffers, _ outcome: inout SearchOutcome,
    _ answers: UnsafeMutablePointer<Neighbor>, _ distance: (CandidateKey) -> Float
  ) {
    let taken = min(size, k)
    for i in 0..<taken {
      let key = unsafe buffers.pool[i]
      unsafe answers[i] = Neighbor(id: id(key.ordinal), distance: distance(key))
    }
    unsafe sortNeighbors(answers, count: taken)
    outcome.count = taken
  }

  /// Ranks `buffers.ordinals[0..<candidates]` by their precise rows and writes the best.
  @unsafe
  func rerank(
    _ candidates: Int, _ k: Int, _ buffers: SearchBuffers, _ outcome: inout SearchOutcome,
    _ answers: UnsafeMutablePointer<Neighbor>
  ) {
    guard rowKernel != nil else { return }
    unsafe fillDistances(buffers.ordinals, candidates, buffers)
    for i in 0..<candidates {
      unsafe buffers.ranked[i] = Neighbor(
        id: id(buffers.ordinals[i]), distance: buffers.distances[i])
    }
    unsafe sortNeighbors(buffers.ranked, count: candidates)
    let taken = min(candidates, k)
    unsafe answers.update(from: buffers.ranked, count: taken)
    outcome.count = taken
    outcome.rerankedRows = candidates
  }

  /// Writes the precise distances of rows into the scratch.
  @unsafe @inline(__always)
  func fillDistances(
    _ ordinals: UnsafePointer<UInt32>, _ count: Int, _ buffers: SearchBuffers
  ) {
    guard let rowKernel else { return }
    let distances = unsafe buffers.distances
    if let rows {
      unsafe rowKernel.gather(
        query: buffers.query, rows: rows.start,
        rowStride: parameters.options.dimensions * rowKernel.rows.byteCount,
        ordinals: ordinals, count: count, into: distances)
    } else {
      // Lossless codes are the rows.
      for i in 0..<count {
        unsafe copyRow(ordinals[i], into: buffers.row)
        unsafe distances[i] = rowKernel.row(query: buffers.query, row: buffers.row)
      }
    }
    let metric = parameters.options.metric
    if metric == .cosine, parameters.options.precise == .givenFloat16 {
      for i in 0..<count {
        let norm = unsafe norm(of: ordinals[i]) ?? 1
        unsafe distances[i] = Float(Double(distances[i]) / norm)
      }
    }
    switch metric {
    case .squaredEuclidean: break
    case .innerProduct: for i in 0..<count { unsafe distances[i] = -distances[i] }
    case .cosine: for i in 0..<count { unsafe distances[i] = 1 - distances[i] }
    }
  }
}

/// Rows scored by their precise components.
@safe
struct PreciseWalk: WalkRows {
  let kernel: DistanceKernel
  let rows: UnsafeRawPointer
  let query: UnsafePointer<Float>
  let isProduct: Bool

  @unsafe
  func score(_ hop: HopKernel, _ scratch: WalkScratch, count: Int) {
    _ = unsafe scoreBelow(.max, scratch, count)
  }

  @unsafe
  func expand(
    _ hop: HopKernel, _ scratch: WalkScratch, links: UnsafePointer<UInt32>, degree: Int,
    count: Int, threshold: CandidateKey
  ) -> (scored: Int, kept: Int) {
    let fresh = unsafe collectUnvisited(
      links: links, degree: degree, count: count, visited: scratch.visited, epoch: scratch.epoch,
      ordinals: scratch.ordinals)
    return (fresh, unsafe scoreBelow(threshold, scratch, fresh))
  }

  @unsafe
  func walk(_ walk: inout Walk, _ table: LinkTable, width: Int, within bounds: WalkBounds) {
    unsafe walk.run(hopping: self, table, width: width, within: bounds)
  }

  @unsafe
  func scoreBelow(
    _ threshold: CandidateKey, _ scratch: WalkScratch, _ count: Int
  ) -> Int {
    unsafe kernel.gather(
      query: query, rows: rows, rowStride: kernel.dimensions * kernel.rows.byteCount,
      ordinals: scratch.ordinals, count: count, into: scratch.estimates)
    if isProduct {
      for i in 0..<count { unsafe scratch.estimates[i] = -scratch.estimates[i] }
    }
    return unsafe packKeys(
      estimates: scratch.estimates, ordinals: scratch.ordinals, count: count,
      threshold: threshold, keys: scratch.keys)
  }
}

/// Lets the thread sleep.
func pause(milliseconds: Int) {
  var time = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
  unsafe nanosleep(&time, nil)
}
