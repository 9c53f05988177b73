import NeedletailCore
import NeedletailKernels
import NeedletailStorage

/// Searches among a set that score every row of it by its code.
///
/// What the codes leave open is looked at more closely: upper nibbles, whole codes, precise rows, each of the few rows
/// that the stage before could not rule out. How many these are is not known before: where rows of the set are far
/// from the query, they lie close together, and codes tell few of them apart. So no stage keeps a number of
/// rows, but those within a margin of the nearest that are known precisely.
extension SealedSegment {
  /// Rows that are ranked first of many, so that fewer of the others have to be.
  private static let rankedFirst = 40
  /// Standard deviations of a row's own error that are allowed for beyond a distance known precisely.
  ///
  /// On recsys-64, among the farther half of the rows, which are nearly orthogonal to the query, with 1.5, 2 and
  /// 2.5 of them: 95.2, 98.3 and 99.7 % of the 10 nearest, by the order of their floats, and 2 700, 3 200 and
  /// 3 600 of 15 700 rows ranked.
  private static let rowDeviations: Float = 1.75

  /// Keys that a scan gathers before it pauses, if it is to keep so many.
  private func scanRoom(_ survivors: Int, keeping least: Int) -> Int {
    min(survivors, HopKernel.scanRoom(keeping: least))
  }

  /// Rows that are ranked where nothing is known of the estimates' error.
  private static func unknownCount(_ survivors: Int) -> Int { survivors > 4096 ? 512 : 256 }

  /// Candidates that the scratch needs room for, for a scan.
  func widthToScan(_ parameters: SearchParameters, survivors: Int) -> Int {
    guard quantizer != nil else { return 0 }
    let wanted = max(
      parameters.k, min(survivors, parameters.rerankCandidates ?? Self.unknownCount(survivors)))
    let room = scanRoom(survivors, keeping: wanted) + HopScan.slack
    return lowerCodes == nil ? room : 3 * room
  }

  /// Answers with the nearest of a set, of which every row is scored.
  @unsafe
  func answerByScan(
    _ prepared: PreparedQuery, _ parameters: SearchParameters, _ set: RowWords,
    _ scratch: SearchScratch, _ outcome: inout SearchOutcome,
    _ answers: UnsafeMutablePointer<Neighbor>
  ) {
    let isRanked = !prepared.isExact && parameters.rerankCandidates != 0 && rowKernel != nil
    if isRanked, parameters.rerankCandidates == nil, prepared.spread.isKnown {
      unsafe rankByScan(prepared, parameters, set, scratch, &outcome, answers)
      return
    }
    let wanted =
      isRanked
      ? max(parameters.k, parameters.rerankCandidates ?? Self.unknownCount(set.count))
      : parameters.k
    let rows = prepared.whole ?? prepared.rows
    let buffers = unsafe scratch.buffers
    let (size, left) = unsafe kernel.scan(
      rows.space, rows.query, set: set.words, words: set.wordCount, pool: buffers.pool,
      capacity: min(wanted, set.count), until: scanDeadline(parameters, set.count))
    if left > 0 { outcome.cut(by: left) }
    if isRanked {
      for i in 0..<size { unsafe buffers.ordinals[i] = buffers.pool[i].ordinal }
      unsafe rerank(size, parameters.k, buffers, &outcome, answers)
    } else {
      unsafe take(size, parameters.k, buffers, &outcome, answers) { prepared.distance($0) }
    }
  }

  /// The moment at which a scan stops; without end where it should take no more than half of the time that is left.
  private func scanDeadline(_ parameters: SearchParameters, _ survivors: Int) -> Int {
    guard parameters.hasDeadline else { return .max }
    let moment = parameters.bounds(spent: 0, searchCosts).deadline
    let (left, overflow) = moment.subtractingReportingOverflow(nanoseconds())
    return !overflow && searchCosts.walk(survivors) < left / 2 ? .max : moment
  }

  /// Scores every row of a set, and ranks those that may be among the nearest.
  @unsafe
  private func rankByScan(
    _ prepared: PreparedQuery, _ parameters: SearchParameters, _ set: RowWords,
    _ scratch: SearchScratch, _ outcome: inout SearchOutcome,
    _ answers: UnsafeMutablePointer<Neighbor>
  ) {
    var prepared = prepared
    let isLowered = lower(&prepared)
    let room = scanRoom(set.count, keeping: parameters.k)
    let (pool, buffers) = unsafe (scratch.walk.pool, scratch.buffers)
    let isCoarse = prepared.whole != nil
    var scan = unsafe HopScan(
      set: set.words, words: set.wordCount, pool: pool, room: room)
    var ranking = unsafe SetRanking(
      open: isCoarse ? buffers.best : pool,
      spare: isCoarse ? pool + room + HopScan.slack : buffers.best, answers: answers,
      k: parameters.k)
    var nanosecondsToRank = 0
    let deadline = scanDeadline(parameters, set.count)
    var isLate = false
    repeat {
      unsafe isLate = kernel.run(
        &scan, prepared.rows.space, prepared.rows.query, until: deadline)
      let start = parameters.timesStages ? nanoseconds() : 0
      if isCoarse {
        unsafe refine(&scan, pool, &ranking, prepared, buffers, isLowered: isLowered)
        unsafe settle(
          &ranking, prepared, buffers, isLowered: isLowered, isLast: scan.isOver || isLate,
          room: room)
      } else {
        ranking.openCount = scan.size
        unsafe settle(
          &ranking, prepared, buffers, isLowered: isLowered, isLast: scan.isOver || isLate,
          room: room)
        scan.size = ranking.openCount
        scan.threshold = ranking.edge
      }
      if parameters.timesStages { nanosecondsToRank += nanoseconds() - start }
    } while !scan.isOver && !isLate
    if isLate { outcome.cut(by: scan.left) }
    unsafe sortNeighbors(answers, count: ranking.found)
    outcome.count = ranking.found
    outcome.rerankedRows = ranking.ranked
    outcome.rerankNanoseconds += nanosecondsToRank
  }

  /// Ranks what is open as far as that is needed: to know a bound, to have room, and in the end all of it.
  @unsafe
  private func settle(
    _ ranking: inout SetRanking, _ prepared: PreparedQuery, _ buffers: SearchBuffers,
    isLowered: Bool, isLast: Bool, room: Int
  ) {
    let half = room / 2
    guard isLast || !ranking.isFull || ranking.openCount > half else { return }
    if ranking.isFull, !isLast {
      ranking.drop(kernel)
    } else {
      unsafe rankLowest(
        max(Self.rankedFirst, ranking.k), &ranking, prepared, buffers, isLowered: isLowered)
    }
    guard isLast || ranking.openCount > half else { return }
    unsafe rankOpen(&ranking, prepared, buffers, isLowered: isLowered)
  }

  /// Scores those rows that upper nibbles leave in question by their whole codes, and empties the scan's pool.
  @unsafe
  private func refine(
    _ scan: inout HopScan, _ pool: UnsafeMutablePointer<CandidateKey>,
    _ ranking: inout SetRanking, _ prepared: PreparedQuery, _ buffers: SearchBuffers,
    isLowered: Bool
  ) {
    if !ranking.isFull {
      // Nothing is known yet: the nearest by their upper nibbles give a bound.
      let lowest = unsafe ranking.spare
      unsafe lowest.update(from: pool, count: scan.size)
      let count = unsafe kernel.cut(
        lowest, count: scan.size, toLowest: max(Self.rankedFirst, ranking.k))
      var last: CandidateKey = 0
      for i in 0..<count { unsafe last = max(last, lowest[i]) }
      unsafe rescore(lowest, count, &ranking, prepared, buffers)
      unsafe rankLowest(ranking.k, &ranking, prepared, buffers, isLowered: isLowered)
      var left = 0
      for i in 0..<scan.size {
        let key = unsafe pool[i]
        unsafe pool[left] = key
        left &+= key > last ? 1 : 0
      }
      scan.size = left
    }
    if ranking.isFull {
      scan.threshold = edge(
        prepared, upTo: ranking.bound, like: ranking.like, step: 16, isLowered: isLowered)
    }
    let left = unsafe kernel.keep(pool, count: scan.size, below: scan.threshold)
    unsafe rescore(pool, left, &ranking, prepared, buffers)
    scan.size = 0
  }

  /// Scores rows by their whole codes, and opens those that are below the edge.
  @unsafe
  private func rescore(
    _ keys: UnsafePointer<CandidateKey>, _ count: Int, _ ranking: inout SetRanking,
    _ prepared: PreparedQuery, _ buffers: SearchBuffers
  ) {
    guard let whole = prepared.whole, let quantizer, let lowerCodes else { return }
    let most = 32
    // The lower nibbles of one block are on their way while the block before it is scored.
    var (place, waiting, half) = (0, 0, 0)
    repeat {
      let block = unsafe buffers.ordinals + half &* (most &+ HopKernel.slack)
      let taken = min(most, count &- place)
      for i in 0..<taken { unsafe block[i] = keys[place &+ i].ordinal }
      unsafe prefetchRows(
        lowerCodes.start, stride: quantizer.codeByteCount / 2, ordinals: block, count: taken)
      place &+= taken
      half ^= 1
      let fresh = unsafe ranking.open + ranking.openCount
      unsafe kernel.score(
        whole.space, whole.query,
        ordinals: buffers.ordinals + half &* (most &+ HopKernel.slack), count: waiting, keys: fresh)
      ranking.openCount &+= unsafe kernel.keep(fresh, count: waiting, below: ranking.edge)
      waiting = taken
    } while waiting > 0
  }

  /// Makes estimates lower by what rounding may have added, where that differs from row to row.
  ///
  /// A row with a scale of its own is rounded in proportion to it, as its product with the query is to its
  /// length: both are a number of units of the product of the codes.
  ///
  /// - Returns: whether it did.
  private func lower(_ prepared: inout PreparedQuery) -> Bool {
    guard let quantizer, quantizer.form == .rowScale,
      let (ofRow, ofQuery) = prepared.spread.units(quantizer)
    else { return false }
    func products(_ step: Float) -> Int32 {
      let variance = (step * step * ofRow * ofRow + ofQuery * ofQuery) / 12
      let deviations = step < 8 ? Self.rowDeviations : Self.coarseDeviations
      let products = deviations * variance.squareRoot()
      // A forged error may come to anything, even to what is no number.
      return products < 0x1p28 ? Int32(products) : 1 << 28
    }
    let step = quantizer.step(norm: ofQuery, factor: 1)
    if let whole = prepared.whole {
      prepared.rows.query = prepared.rows.query.nearer(by: products(16))
      prepared.whole?.query = whole.query.nearer(by: products(step))
    } else {
      prepared.rows.query = prepared.rows.query.nearer(by: products(step))
    }
    return true
  }
}

extension HopKernel {
  /// Keys that a scan gathers before so many of them are kept.
  static func scanRoom(keeping least: Int) -> Int { max(2048, 2 &* least &+ 128) }

  /// Scores all rows of a set, and leaves the nearest in the pool, ascending.
  ///
  /// - Precondition: as `HopScan`, for a room of `scanRoom(keeping: capacity)`, and as `run`; `capacity` ≥ 1.
  /// - Returns: how many keys the pool holds.
  @unsafe
  func scan(
    _ space: HopSpace, _ query: HopQuery, set: UnsafePointer<UInt64>, words: Int,
    pool: UnsafeMutablePointer<CandidateKey>, capacity: Int
  ) -> Int {
    unsafe scan(
      space, query, set: set, words: words, pool: pool, capacity: capacity, until: .max
    ).size
  }

  /// The same until a moment of the monotonic clock.
  ///
  /// - Returns: how many keys the pool holds, and how many rows were not scored before that moment.
  @unsafe
  func scan(
    _ space: HopSpace, _ query: HopQuery, set: UnsafePointer<UInt64>, words: Int,
    pool: UnsafeMutablePointer<CandidateKey>, capacity: Int, until deadline: Int
  ) -> (size: Int, left: Int) {
    var scan = unsafe HopScan(
      set: set, words: words, pool: pool, room: Self.scanRoom(keeping: capacity))
    var isLate = unsafe run(&scan, space, query, until: deadline)
    while !scan.isOver, !isLate {
      scan.size = unsafe cut(pool, count: scan.size, toLowest: capacity)
      var highest: CandidateKey = 0
      for i in 0..<scan.size { unsafe highest = max(highest, pool[i]) }
      scan.threshold = highest
      unsafe isLate = run(&scan, space, query, until: deadline)
    }
    let left = isLate ? scan.left : 0
    let size = unsafe cut(pool, count: scan.size, toLowest: capacity)
    unsafe sortKeys(pool, count: size)
    return (min(size, capacity), left)
  }
}
