internal import CNeedletailKernels

extension HopKernel {
  /// Scores all rows of a set, and keeps the nearest.
  ///
  /// - Precondition: bit `i` of word `w` of the set stands for the row `64·w + i`, and every row of the set is
  ///   in the space; the pool has room for `capacity + 64 + slack` keys, and `capacity` is at least 1.
  /// - Returns: how many keys the pool holds, ascending.
  /// - Complexity: O(words + n·d) for the `n` rows of the set; no allocation.
  @unsafe
  package func scan(
    _ space: HopSpace, _ query: HopQuery, set: UnsafePointer<UInt64>, words: Int,
    pool: UnsafeMutablePointer<CandidateKey>, capacity: Int
  ) -> Int {
    var space = unsafe space.raw
    var query = unsafe query.raw
    let scan =
      unsafe space.degree == 0 ? kernels.pointee.scan_set : turbo.pointee.scan_set
    return unsafe Int(scan(&space, &query, set, UInt32(words), pool, UInt32(capacity)))
  }
}

/// How a walk that is to answer with rows of a set goes.
package enum SetWalk: Sendable, Hashable {
  /// Over all rows, of which those of the set are answers.
  case inFilter
  /// Over the rows of the set alone; in the place of other neighbours come theirs.
  case twoHop
}

extension HopWalk {
  /// Makes this a walk among a set of rows, which ends by the distance of the `rank`-th of them.
  ///
  /// Without `stop(beyond:)` it ends behind that row. With `.inFilter` the nearest rows of the set gather in
  /// `best`; with `.twoHop` in the pool, where the row that the walk began at stands too.
  ///
  /// - Precondition: the walk has not begun; bit `i` of word `w` of the set stands for the row `64·w + i`, and
  ///   the set covers every row; `best` has room for `capacity + 64 + slack` keys, and `1 ≤ rank ≤ capacity`;
  ///   the pool has room for `window` as it has for its capacity, which becomes both, but for the window
  ///   of a `.twoHop` walk, which is doubled;
  ///   all outlive the walk. Rows with their neighbours' bits are walked `.inFilter`.
  @unsafe
  package mutating func among(
    _ set: UnsafePointer<UInt64>, _ kind: SetWalk, _ kernel: HopKernel, rank: Int, window: Int,
    best: UnsafeMutablePointer<CandidateKey>, capacity: Int
  ) {
    unsafe raw.set = set
    unsafe raw.best = best
    unsafe raw.best_capacity = UInt32(capacity)
    unsafe raw.rank = UInt32(rank)
    unsafe raw.least = UInt32(rank)
    unsafe raw.window = UInt32(kind == .inFilter ? window : min(window, 2 * Int(raw.window)))
    unsafe raw.capacity = UInt32(window)
    if unsafe space.degree != 0 {
      precondition(kind == .inFilter, "rows with their neighbours' bits are walked over")
      unsafe settleStep = kernel.turbo.pointee.settle_among
    } else if kind == .inFilter {
      unsafe settleStep = kernel.kernels.pointee.settle_among
      unsafe raw.least = 0
      let start = unsafe raw.pool[0]
      unsafe best[0] = start
      unsafe raw.best_size = ndl_in_set(set, start.ordinal)
    } else {
      unsafe gatherStep = kernel.kernels.pointee.gather_across
    }
  }

  /// Rows of the set found so far by a walk over all rows.
  package var found: Int { unsafe Int(raw.best_size) }

  /// Whether the walk ended at its own end: what it did not expand is too far, or cannot be reached.
  ///
  /// `false` for one that a limit ended, or the room of its pool.
  package var isExhausted: Bool {
    let (cursor, size) = unsafe (raw.cursor, raw.size)
    if cursor < size { return unsafe raw.pool[Int(cursor)] >= raw.end }
    return unsafe size < raw.capacity
  }

  /// Candidates that wait before the walk's end, as far as it is known.
  package var waiting: Int {
    var count = 0
    var place = unsafe raw.cursor
    while unsafe place < raw.size, unsafe raw.pool[Int(place)] < raw.end {
      unsafe count &+= Int(~raw.pool[Int(place)] & 1)
      place &+= 1
    }
    return count
  }

  /// Puts the nearest rows of the set in the place of the pool.
  ///
  /// - Precondition: the pool has room for the capacity given to `among`.
  /// - Returns: how many keys there are; they ascend.
  @unsafe
  package mutating func takeFound(_ kind: SetWalk) -> Int {
    guard let best = unsafe raw.best, let set = unsafe raw.set else { return 0 }
    if kind == .inFilter {
      unsafe raw.pool.update(from: best, count: Int(raw.best_size))
      return unsafe Int(raw.best_size)
    }
    var kept = 0
    for place in 0..<size {
      let key = unsafe raw.pool[place]
      unsafe raw.pool[kept] = key
      kept &+= unsafe Int(ndl_in_set(set, key.ordinal))
    }
    return kept
  }
}
