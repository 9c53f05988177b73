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
