import NeedletailCore
import NeedletailKernels
import NeedletailStorage

/// How much nearer to a link than to the row a candidate must be to be turned down.
enum Looseness {
  /// Nearer at all, as in Algorithm 4: for links that must make room for others.
  case none
  /// Nearer by an eighth of the distance (squared): for a row's first links, of which it has room for more.
  ///
  /// Evaluations at recall 0.90 / 0.95 / 0.99, walking level 0 in exact distances, over those without it, means of
  /// three seeds: debian-384 0.95 / 0.94 / 1.00, sift-200k 0.94 / 0.95 / 0.96, recsys-64 1.01 / 1.01 / 0.95. Two
  /// in a hundred are chance, at 0.99 five. More looseness (an α² of 0.82) loses at 0.99.
  case some
}

/// Whoever chooses links among rows.
protocol LinkChoosing {
  var space: LinkingSpace { get }
  var options: GraphOptions { get }
  var kernel: HopKernel { get }
}

extension LinkChoosing {
  /// Chooses links among candidates so that they point in different directions.
  ///
  /// A candidate is taken unless one taken before is nearer to it than the row itself is. Of exact copies
  /// of the row at most a quarter of the places are taken: a copy is never nearer to another copy than
  /// the row is, so a heap of copies would otherwise link to itself alone.
  ///
  /// - Parameters:
  ///   - scratch: its `candidates` are keys by distance from the row, ascending, the row itself not
  ///     among them.
  ///   - count: how many candidates there are.
  ///   - limit: the most links to choose.
  ///   - zero: the order of a distance that counts as none.
  ///   - looseness: when a candidate is turned down.
  /// - Returns: how many links now stand in `scratch.selected`.
  /// - Complexity: at most `count·limit` evaluations, four at a time; a candidate is given up at the first
  ///   four that hold a nearer one.
  /// - Source: Malkov & Yashunin 2018, Algorithm 4; looseness follows the α of Vamana (Subramanya et al. 2019).
  @unsafe
  func select(
    _ scratch: BuildScratch, count: Int, limit: Int, zero: UInt32, looseness: Looseness
  ) -> Int {
    let candidates = unsafe scratch.candidates
    let selected = unsafe scratch.selected
    let whole = unsafe space.space(first: space.count)
    let copies = max(1, limit / 4)
    var taken = 0
    var copiesTaken = 0
    for i in 0..<count {
      if taken == limit { break }
      let key = unsafe candidates[i]
      let isCopy = key.order <= zero
      if isCopy {
        guard copiesTaken < copies else { continue }
      } else if taken > 0 {
        let query = unsafe space.query(key.ordinal, code: scratch.otherCode, kernel)
        if unsafe isCovered(
          below: looseness == .some ? loosened(key) : key.order, by: taken, query, whole, scratch)
        {
          continue
        }
      }
      copiesTaken += isCopy ? 1 : 0
      unsafe selected[taken] = key.ordinal
      taken += 1
      // What stays in the list before `i` are the ones turned down; see `fill`.
      unsafe candidates[i] = key | 1
    }
    if options.keepsPruned { fill(scratch, count: count, taken: &taken, limit: limit) }
    return taken
  }

  /// The order below which another link's distance turns a candidate down, when it is loosened.
  @inline(__always)
  private func loosened(_ key: CandidateKey) -> UInt32 {
    if space.finish == .norm {
      let share = Int64(key.integerEstimate) &* 7 / 8
      return UInt32(bitPattern: Int32(truncatingIfNeeded: share)) ^ 0x8000_0000
    }
    // A share of a product means nothing, and one of a distance that rounding left below zero neither.
    let distance = key.floatEstimate
    guard !space.isProduct, distance > 0 else { return key.order }
    return (distance * 0.875).bitPattern ^ 0x8000_0000
  }

  /// Whether the distance of one of the links taken to a candidate is below an order.
  @unsafe @inline(__always)
  func isCovered(
    below order: UInt32, by taken: Int, _ query: HopQuery, _ whole: HopSpace,
    _ scratch: BuildScratch
  ) -> Bool {
    var start = 0
    while start < taken {
      let part = min(4, taken - start)
      for j in 0..<part { unsafe scratch.ordinals[j] = scratch.selected[start + j] }
      unsafe kernel.score(
        whole, query, ordinals: scratch.ordinals, count: part, keys: scratch.keys)
      for j in 0..<part where unsafe scratch.keys[j].order < order { return true }
      start += part
    }
    return false
  }

  /// Takes the nearest of those that were turned down.
  private func fill(_ scratch: BuildScratch, count: Int, taken: inout Int, limit: Int) {
    for i in 0..<count where taken < limit {
      let key = unsafe scratch.candidates[i]
      if key & 1 == 0 {
        unsafe scratch.selected[taken] = key.ordinal
        taken += 1
      }
    }
  }

  /// Scores a list of rows against one row and puts their keys, ascending, into `scratch.candidates`.
  @unsafe
  func rank(
    _ scratch: BuildScratch, _ query: HopQuery, count: Int
  ) {
    let whole = unsafe space.space(first: space.count)
    unsafe kernel.score(
      whole, query, ordinals: scratch.ordinals, count: count, keys: scratch.candidates)
    unsafe sortKeys(scratch.candidates, count: count)
  }

  /// The order below which a distance from this row counts as none.
  func zeroOrder(_ ordinal: UInt32) -> UInt32 {
    if space.finish == .norm { return 0x8000_0000 }
    // A product is no distance: nothing of it says that two rows are the same.
    if space.isProduct { return 0 }
    // Two roundings of the row's own norm: what identical rows may come to in Float.
    let term = unsafe space.terms.load(
      fromByteOffset: Int(ordinal) * 16 + 4, as: Float.self)
    return (abs(term) * 0x1p-20).bitPattern | 0x8000_0000
  }
}
