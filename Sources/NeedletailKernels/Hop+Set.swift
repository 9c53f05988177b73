internal import CNeedletailKernels

/// A scan over the rows of a set under way, and the keys that it found.
@safe
package struct HopScan {
  fileprivate var raw: ndl_hop_scan
  private let words: Int

  /// Keys that a pool needs beyond its room.
  package static let slack = Int(NDL_SCAN_SLACK)

  /// A scan that pauses once it has found `room` keys.
  ///
  /// - Precondition: bit `i` of word `w` of the set stands for the row `64·w + i`; the pool has room for
  ///   `room + slack` keys, or for those of all rows of the set; both outlive the scan.
  @unsafe
  package init(
    set: UnsafePointer<UInt64>, words: Int, pool: UnsafeMutablePointer<CandidateKey>, room: Int
  ) {
    self.words = words
    unsafe raw = ndl_hop_scan(
      set: set, words: UInt32(words), at: 0, pool: pool, size: 0, room: UInt32(room),
      threshold: .max)
  }

  /// Keys in the pool; fewer, once those at its front are all that are still in question.
  package var size: Int {
    get { unsafe Int(raw.size) }
    set { unsafe raw.size = UInt32(newValue) }
  }

  /// The first key that the scan leaves out from now on.
  package var threshold: CandidateKey {
    get { unsafe raw.threshold }
    set { unsafe raw.threshold = newValue }
  }

  /// Whether all rows of the set were scored.
  package var isOver: Bool { unsafe Int(raw.at) == words }
  /// Rows of the set that were not scored.
  package var left: Int {
    var count = 0
    for word in unsafe Int(raw.at)..<words { unsafe count &+= raw.set[word].nonzeroBitCount }
    return count
  }
  /// Whether what it found is to be looked at before it goes on.
  package var isFull: Bool { unsafe raw.size >= raw.room }

  /// Lets the next run end after so many words of the set.
  fileprivate mutating func reach(_ count: Int) {
    unsafe raw.words = UInt32(min(words, Int(raw.at) + count))
  }
}

extension HopKernel {
  /// Scores rows of a set, and puts the keys below the scan's threshold behind those in its pool, in the order of
  /// the rows, until there is no more room or no more row.
  ///
  /// - Precondition: every row of the set is in the space.
  /// - Complexity: O(words + n·d) for the `n` rows scored; no allocation.
  @unsafe
  package func run(_ scan: inout HopScan, _ space: HopSpace, _ query: HopQuery) {
    var space = unsafe space.raw
    var query = unsafe query.raw
    let step =
      unsafe space.degree == 0 ? kernels.pointee.scan_set : turbo.pointee.scan_set
    unsafe step(&space, &query, &scan.raw)
  }

  /// The same, looking at the clock after every few words: at most 2048 rows are scored after the deadline.
  ///
  /// - Returns: whether the deadline ended the run.
  @unsafe
  package func run(
    _ scan: inout HopScan, _ space: HopSpace, _ query: HopQuery, until deadline: Int
  ) -> Bool {
    guard deadline != .max else {
      unsafe run(&scan, space, query)
      return false
    }
    repeat {
      scan.reach(32)
      unsafe run(&scan, space, query)
      if nanoseconds() >= deadline { return !scan.isOver }
    } while !scan.isOver && !scan.isFull
    return false
  }

  /// Leaves the keys below a threshold, in the order that they had; returns how many.
  ///
  /// - Precondition: there is room for `slack` keys more.
  @unsafe
  package func keep(
    _ keys: UnsafeMutablePointer<CandidateKey>, count: Int, below threshold: CandidateKey
  ) -> Int {
    unsafe Int(kernels.pointee.keep(keys, UInt32(count), threshold))
  }

  /// Leaves the lowest of distinct keys, in the order that they had.
  ///
  /// - Returns: how many: from `least`, if there are as many, to half as many again; `least` itself up to 42.
  /// - Precondition: there is room for `slack` keys more.
  /// - Complexity: about four passes over the keys, whatever `least` is; no allocation.
  @unsafe
  package func cut(
    _ keys: UnsafeMutablePointer<CandidateKey>, count: Int, toLowest least: Int
  ) -> Int {
    unsafe Int(kernels.pointee.cut(keys, UInt32(count), UInt32(least)))
  }
}

extension HopQuery {
  /// The query for which rows with a factor are estimated to be nearer, by so many units of the product of the
  /// two codes.
  package func nearer(by products: Int32) -> HopQuery {
    var query = self
    unsafe query.raw.zero &-= products
    return query
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
