import NeedletailCore
import NeedletailKernels

extension SealedSegment {
  /// Finds the nearest rows of a set in an index without codes.
  @unsafe
  func searchPrecisely(
    _ parameters: SearchParameters, _ set: RowWords, _ wanted: FilterPlan?, _ room: SetRoom,
    _ scratch: SearchScratch, _ outcome: inout SearchOutcome,
    _ answers: UnsafeMutablePointer<Neighbor>
  ) {
    guard let rowKernel, let rows else { return }
    let options = self.parameters.options
    let walked = unsafe PreciseWalk(
      kernel: rowKernel, rows: rows.start, query: UnsafePointer(scratch.buffers.query),
      isProduct: options.metric != .squaredEuclidean)
    let costs = FilterCosts(
      isTurbo: false, survivors: Double(set.count), share: Double(set.count) / Double(count),
      degree: Double(tables[0].degree), hops: Double(room.width), entryRows: 1)
    let limit = parameters.evaluationLimit ?? .max
    let free = costs.plan(canTwoHop: false)
    // A walk that is given up, and the scan after it, are one and a half times the set.
    let isAmple = limit / 2 >= set.count
    let plan = wanted ?? (limit < set.count ? .inFilter : isAmple ? free : .exact)
    if wanted == nil, limit < set.count || plan != free { outcome.cuts.insert(.evaluations) }
    var size = 0
    var (isWhole, isLate) = (false, false)
    if plan != .exact || limit < set.count {
      var walk = Walk(kernel: kernel, scratch: scratch.walk)
      // A walk that is worth less than scoring the set ends soon; the trial of walks on codes is finer.
      let most = wanted != nil || limit < set.count ? limit : set.count / 2
      var bounds = parameters.bounds(spent: 0, searchCosts)
      bounds.evaluations = most
      size = unsafe self.walk(walked, &walk, set, room, within: bounds, scratch)
      isWhole = size >= min(set.count, room.width) && walk.cuts.isEmpty
      outcome.hops = walk.hops
      outcome.evaluations = walk.evaluations
      isLate = walk.cuts.contains(.deadline)
      if limit < set.count || isLate { outcome.cuts.formUnion(walk.cuts) }
      outcome.plan = isWhole || isLate || limit < set.count ? .inFilter : .exactAfterWalk
    }
    if !isWhole, !isLate, limit >= set.count {
      let scanned = unsafe scan(
        walked, set, room, until: parameters.bounds(spent: 0, searchCosts).deadline, scratch)
      size = scanned.size
      outcome.evaluations += scanned.scored
      if scanned.scored < set.count { outcome.cuts.insert(.deadline) }
    }
    let base: Float = options.metric == .cosine ? 1 : 0
    unsafe take(size, parameters.k, scratch.buffers, &outcome, answers) {
      base + $0.floatEstimate
    }
  }

  /// Walks over all rows from the entry down, and leaves the nearest rows of the set in the pool.
  @unsafe
  private func walk(
    _ rows: PreciseWalk, _ walk: inout Walk, _ set: RowWords, _ room: SetRoom,
    within bounds: WalkBounds, _ scratch: SearchScratch
  ) -> Int {
    scratch.walk.beginEpoch()
    var nearest = unsafe walk.score(0, rows)
    unsafe scratch.walk.visit(0)
    var level = tables.count - 1
    while level > 0 {
      unsafe nearest = walk.descend(rows, tables[level], from: nearest, within: bounds)
      level &-= 1
    }
    return unsafe walk.widen(
      rows, tables[0], from: nearest, among: set.words, rank: min(set.count, room.width),
      window: room.window, into: scratch.buffers.best, within: bounds)
  }

  /// Scores every row of a set, and keeps the nearest in the pool.
  @unsafe
  private func scan(
    _ rows: PreciseWalk, _ set: RowWords, _ room: SetRoom, until deadline: Int,
    _ scratch: SearchScratch
  ) -> (size: Int, scored: Int) {
    // With the rows of a word more it fits into the room of a round.
    let block = HopKernel.breadth * 64 - 64
    let pool = unsafe scratch.walk.pool
    var (size, waiting, scored) = (0, 0, 0)
    for word in 0..<set.wordCount {
      var left = unsafe set.words[word]
      while left != 0 {
        unsafe scratch.walk.ordinals[waiting] = UInt32(word * 64 + left.trailingZeroBitCount)
        left &= left &- 1
        waiting &+= 1
      }
      guard waiting >= block || (word == set.wordCount - 1 && waiting > 0) else { continue }
      let threshold = size == room.kept ? unsafe pool[size - 1] : .max
      let kept = unsafe rows.scoreBelow(threshold, scratch.walk, waiting)
      if kept > 0 {
        size =
          unsafe mergeIntoPool(
            pool, size: size, capacity: room.kept, keys: scratch.walk.keys, count: kept
          ).size
      }
      scored += waiting
      waiting = 0
      if deadline != .max, nanoseconds() >= deadline { break }
    }
    return (size, scored)
  }
}

extension Walk {
  /// Fills the pool with the rows of a set that are nearest among those found on a walk over all rows.
  ///
  /// The walk ends behind the `rank`-th of them.
  ///
  /// - Precondition: the pool has room for `window` keys and those of a hop, `found` for `rank` and those of a
  ///   hop; the set covers every row.
  /// - Returns: how many keys the pool holds, ascending; at most `rank`.
  @unsafe
  mutating func widen<Rows: WalkRows>(
    _ rows: borrowing Rows, _ table: LinkTable, from start: CandidateKey,
    among set: UnsafePointer<UInt64>, rank: Int, window: Int,
    into found: UnsafeMutablePointer<CandidateKey>, within bounds: WalkBounds
  ) -> Int {
    let pool = unsafe scratch.pool
    scratch.beginEpoch()
    unsafe scratch.visit(start.ordinal)
    unsafe pool[0] = start & ~1
    var (size, cursor, count) = (1, 0, 0)
    if unsafe Self.contains(set, start.ordinal) {
      unsafe found[0] = start & ~1
      count = 1
    }
    while cursor < size {
      let key = unsafe pool[cursor]
      if count == rank, unsafe key & ~1 > found[rank &- 1] { break }
      if meets(bounds) { break }
      unsafe pool[cursor] = key | 1
      hops &+= 1
      let (scored, kept) = unsafe rows.expand(
        kernel, scratch, links: table.row(key.ordinal), degree: table.degree, count: table.count,
        threshold: size == window ? pool[size &- 1] : .max)
      evaluations &+= scored
      for i in 0..<kept {
        var key = unsafe scratch.keys[i]
        if unsafe Self.contains(set, key.ordinal), count < rank || (unsafe key < found[rank &- 1]) {
          count =
            unsafe mergeIntoPool(
              found, size: count, capacity: rank, keys: &key, count: 1
            ).size
        }
      }
      if kept > 0 {
        let (total, lowest) = unsafe mergeIntoPool(
          pool, size: size, capacity: window, keys: scratch.keys, count: kept)
        size = total
        cursor = min(cursor &+ 1, lowest)
      }
      while cursor < size, unsafe pool[cursor] & 1 != 0 { cursor &+= 1 }
    }
    unsafe pool.update(from: found, count: count)
    return count
  }

  @unsafe @inline(__always)
  private static func contains(_ set: UnsafePointer<UInt64>, _ ordinal: UInt32) -> Bool {
    unsafe set[Int(ordinal) / 64] >> UInt64(ordinal % 64) & 1 != 0
  }
}
