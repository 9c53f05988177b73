internal import CNeedletailKernels

/// A walk that passes rows which are no answers: it goes on until enough of the others are near enough.
extension HopWalk {
  /// Makes this a walk that keeps what is beyond its end, up to `capacity` candidates: it may have to go there.
  ///
  /// - Precondition: the walk has not begun; its pool has room for `capacity` as for the one it was made with, and
  ///   so has the memory of a walk over rows with their neighbours' bits.
  package mutating func keepAll(capacity: Int) {
    unsafe raw.capacity = UInt32(capacity)
    unsafe raw.noise = .infinity
    if unsafe raw.best != nil { unsafe raw.best_capacity = UInt32(capacity) }
  }

  /// What the walk ranks: its pool, or the rows that it expanded where those have their neighbours' bits.
  ///
  /// Ascending; valid until the walk goes on.
  package var ranked: UnsafeBufferPointer<CandidateKey> {
    if let best = unsafe raw.best, unsafe space.degree != 0 {
      return unsafe UnsafeBufferPointer(start: best, count: Int(raw.best_size))
    }
    return unsafe UnsafeBufferPointer(start: raw.pool, count: Int(raw.size))
  }

  /// The candidate whose distance decides where the walk ends.
  package var least: Int { unsafe Int(raw.least) }
  /// The most candidates that are kept.
  package var capacity: Int { unsafe Int(raw.capacity) }
  /// Whether every row was expanded that links lead to.
  package var isEverywhere: Bool { unsafe raw.cursor >= raw.size && raw.size < raw.capacity }

  /// Moves the end of a walk to where it would have been had it been asked for `least` from the start.
  ///
  /// `run` and `gather` then go on.
  ///
  /// - Parameters:
  ///   - window: at most the capacity.
  ///   - least: at most the capacity; the candidate whose distance decides.
  ///   - ratio: how much farther the next may be; 0 where the window alone ends the walk.
  package mutating func widen(window: Int, least: Int, beyond ratio: Float) {
    widen(window: window, least: least)
    unsafe raw.stop = ratio
    unsafe raw.end = .max
    let ranked = unsafe self.ranked
    guard ratio > 0, least > 0, least <= ranked.count else { return }
    let key = unsafe ranked[least - 1]
    let isInteger = unsafe space.degree == 0 && space.finish.rawValue <= NDL_FINISH_NORM.rawValue
    let last = isInteger ? Float(key.integerEstimate) : key.floatEstimate
    let reach = unsafe max(ratio * max(0, last + raw.base), raw.floor)
    unsafe raw.end = CandidateKey.first(above: last + reach, isInteger: isInteger)
  }
}

/// A walk that passes the rows outside a set, and remembers the nearest of the others.
extension HopWalk {
  /// Makes this a walk over all rows that keeps what is beyond its end, up to `capacity` candidates, and beside
  /// them the nearest rows of a set that it sees.
  ///
  /// - Precondition: the walk has not begun; bit `i` of word `w` of the set stands for the row `64·w + i`, and
  ///   the set covers every row; the pool has room for `capacity` as for the one it was made with, and `found`
  ///   for `room + 64 + slack` keys, `room` ≥ 1; all outlive the walk.
  @unsafe
  package mutating func remember(
    _ set: UnsafePointer<UInt64>, _ kernel: HopKernel, capacity: Int,
    found: UnsafeMutablePointer<CandidateKey>, room: Int
  ) {
    unsafe raw.capacity = UInt32(capacity)
    unsafe raw.noise = .infinity
    unsafe raw.set = set
    unsafe raw.found = found
    unsafe raw.found_capacity = UInt32(room)
    let start = unsafe raw.pool[0]
    unsafe found[0] = start
    unsafe raw.found_size = ndl_in_set(set, start.ordinal)
    unsafe settleStep =
      space.degree == 0
      ? kernel.kernels.pointee.settle_passing : kernel.turbo.pointee.settle_passing
  }

  /// Rows of the set that are remembered.
  package var foundCount: Int { unsafe Int(raw.found_size) }
  /// Candidates at the front of the pool that were expanded.
  package var front: Int { unsafe Int(raw.cursor) }

  /// How far in front the nearest rows of the set stand in the pool.
  ///
  /// - Parameter rank: how many of them.
  /// - Returns: how many there are, up to `rank`, and the sum of their places, the first of which is 1.
  /// - Complexity: O(place of the `rank`-th).
  package func places(upTo rank: Int) -> (found: Int, sum: Int) {
    guard let set = unsafe raw.set else { return (0, 0) }
    var (found, sum, place) = (0, 0, 0)
    while found < rank, place < size {
      let member = unsafe Int(ndl_in_set(set, raw.pool[place].ordinal))
      place &+= 1
      found &+= member
      sum &+= member &* place
    }
    return (found, sum)
  }

  /// Goes on until the nearest `window` candidates were expanded, however far they are; `run` does it.
  ///
  /// - Precondition: `window` is not above the walk's capacity.
  package mutating func expand(window: Int) {
    widen(window: window, least: 0)
    unsafe raw.breadth = UInt32(HopKernel.passingBreadth)
    unsafe raw.stop = 0
    unsafe raw.end = .max
  }

  /// Puts the remembered rows of the set in the place of the pool, by their own codes.
  ///
  /// - Precondition: the pool has room for them.
  /// - Returns: how many keys there are, and whether they ascend.
  @unsafe
  package mutating func takeRemembered(_ kernel: HopKernel) -> (count: Int, isAscending: Bool) {
    guard let found = unsafe raw.found else { return (0, true) }
    let count = unsafe raw.found_size
    unsafe raw.pool.update(from: found, count: Int(count))
    guard unsafe space.degree != 0, count > 0 else { return (Int(count), true) }
    unsafe kernel.turbo.pointee.rescore(&space, &query, raw.pool, count)
    return (Int(count), false)
  }
}

/// Walks over several sets of rows that share one end.
extension HopWalk {
  /// Makes this a walk that comes near the query and waits there: it ends by the distance of its `least`-th, and
  /// keeps what is farther.
  ///
  /// - Precondition: the walk has not begun.
  package mutating func approach(window: Int, least: Int) {
    keepAll(capacity: capacity)
    unsafe raw.window = UInt32(window)
    unsafe raw.least = UInt32(least)
  }

  /// Moves the end of the walk behind an estimate, whatever the walk itself has found.
  ///
  /// - Parameters:
  ///   - estimate: of a row, by this walk's own keys.
  ///   - ratio: how much farther the end is, as in `stop(beyond:)`; 0: not at all.
  package mutating func end(behind estimate: Float, ratio: Float) {
    let reach = ratio > 0 ? unsafe max(ratio * max(0, estimate + raw.base), raw.floor) : 0
    let isInteger = unsafe space.degree == 0 && space.finish.rawValue <= NDL_FINISH_NORM.rawValue
    unsafe raw.stop = 0
    unsafe raw.least = 0
    unsafe raw.window = raw.capacity
    unsafe raw.end = CandidateKey.first(above: estimate + reach, isInteger: isInteger)
    isDone = false
  }
}

extension CandidateKey {
  /// The first key whose estimate is above a limit.
  package static func first(above limit: Float, isInteger: Bool) -> CandidateKey {
    if isInteger {
      guard limit < 0x1p31 else { return .max }
      let order = UInt32(bitPattern: Int32(Swift.max(limit, -0x1p31))) ^ 0x8000_0000
      return order == .max ? .max : (CandidateKey(order) &+ 1) &<< 32
    }
    guard limit.isFinite else { return .max }
    let bits = Int32(bitPattern: limit.bitPattern)
    let order = UInt32(bitPattern: bits ^ ((bits &>> 31) & 0x7fff_ffff)) ^ 0x8000_0000
    return (CandidateKey(order) &+ 1) &<< 32
  }
}
