import NeedletailCore
import NeedletailKernels

/// Walks the links from near to nearer, keeping the best candidates in a sorted pool.
///
/// The rows are scored by codes (`HopSpace`, `HopQuery`) or by any other kernel (`score`); what is walked
/// are the links of one level. One kernel call does one hop.
@safe
struct Walk {
  let kernel: HopKernel
  let scratch: WalkScratch
  /// Hops done so far, over all levels.
  var hops = 0
  /// Rows scored so far, over all levels.
  var evaluations = 0
  /// Candidates in the pool after `widen`.
  private(set) var size = 0
  /// The bounds that ended a walk.
  var cuts: SearchCuts = []
  /// Evaluations at which the clock is looked at next.
  private var look = 0
  /// A row of level 0 that is left out: it counts as visited before the walk begins.
  var heldOut: UInt32?

  init(kernel: HopKernel, scratch: WalkScratch) {
    self.kernel = kernel
    self.scratch = scratch
  }

  /// Scores one row.
  @unsafe
  mutating func score<Rows: WalkRows>(_ ordinal: UInt32, _ rows: borrowing Rows) -> CandidateKey {
    evaluations &+= 1
    unsafe scratch.ordinals[0] = ordinal
    unsafe rows.score(kernel, scratch, count: 1)
    return unsafe scratch.keys[0]
  }

  /// Goes to the nearest row that a greedy walk over one level finds.
  ///
  /// - Precondition: the scratch has room for the level's degree, and an epoch has begun.
  /// - Complexity: about log n hops over all levels together.
  @unsafe
  mutating func descend<Rows: WalkRows>(
    _ rows: borrowing Rows, _ table: LinkTable, from start: CandidateKey,
    within bounds: WalkBounds = .none
  ) -> CandidateKey {
    var best = start
    var moved = true
    while moved, !meets(bounds) {
      moved = false
      hops &+= 1
      let (scored, kept) = unsafe rows.expand(
        kernel, scratch, links: table.row(best.ordinal), degree: table.degree, count: table.count,
        threshold: best)
      evaluations &+= scored
      for i in 0..<kept where unsafe scratch.keys[i] < best {
        unsafe best = scratch.keys[i]
        moved = true
      }
    }
    return best
  }

  /// Fills the pool with the nearest rows found in a window of `width` candidates.
  ///
  /// Afterwards `scratch.pool[0..<size]` ascends; bit 0 of every expanded key is set.
  ///
  /// - Parameters:
  ///   - rows: what is scored.
  ///   - table: the links of the level.
  ///   - start: where the walk begins.
  ///   - width: the most candidates that are kept.
  ///   - bounds: those of the walk over all levels.
  /// - Complexity: about `width` hops of one row of links each.
  @unsafe
  mutating func widen<Rows: WalkRows>(
    _ rows: borrowing Rows, _ table: LinkTable, from start: CandidateKey, width: Int,
    within bounds: WalkBounds = .none
  ) {
    unsafe begin(at: start)
    unsafe rows.walk(&self, table, width: width, within: bounds)
  }

  /// Whether a bound ends the walk before its next hop.
  @inline(__always)
  mutating func meets(_ bounds: WalkBounds) -> Bool {
    if evaluations >= bounds.evaluations {
      cuts.insert(.evaluations)
      return true
    }
    guard bounds.deadline != .max, evaluations >= look else { return false }
    look = evaluations &+ HopWalk.evaluationsPerLook
    guard nanoseconds() >= bounds.deadline else { return false }
    cuts.insert(.deadline)
    return true
  }

  /// Empties the pool but for one row.
  @unsafe
  private mutating func begin(at start: CandidateKey) {
    scratch.beginEpoch()
    unsafe scratch.visit(start.ordinal)
    if let heldOut { unsafe scratch.visit(heldOut) }
    unsafe scratch.pool[0] = start & ~1
    size = 1
  }

  /// Walks on codes, one kernel call a hop.
  @unsafe
  fileprivate mutating func run(
    _ rows: CodedRows, _ table: LinkTable, width: Int, within bounds: WalkBounds
  ) {
    var hopping = unsafe HopWalk(
      kernel, rows.space, rows.query, links: table.row(0), degree: table.degree,
      count: table.count, pool: scratch.pool, size: size, capacity: width, window: width,
      least: 0, visited: scratch.visited, epoch: scratch.epoch, ordinals: scratch.ordinals,
      keys: scratch.keys)
    var left = bounds
    if left.evaluations != .max { left.evaluations = max(0, left.evaluations - evaluations) }
    hopping.run(within: left)
    hops += hopping.hops
    evaluations += hopping.scored
    cuts.formUnion(hopping.cuts)
    size = hopping.size
  }

  /// Walks on any rows, one hop after the other.
  @unsafe
  mutating func run<Rows: WalkRows>(
    hopping rows: borrowing Rows, _ table: LinkTable, width: Int, within bounds: WalkBounds
  ) {
    let pool = unsafe scratch.pool
    var cursor = 0
    while cursor < size {
      if meets(bounds) { return }
      let key = unsafe pool[cursor]
      unsafe pool[cursor] = key | 1
      cursor &+= 1
      hops &+= 1
      let threshold = size == width ? unsafe pool[size &- 1] : .max
      let (scored, kept) = unsafe rows.expand(
        kernel, scratch, links: table.row(key.ordinal), degree: table.degree, count: table.count,
        threshold: threshold)
      evaluations &+= scored
      if kept > 0 {
        let (total, lowest) = unsafe mergeIntoPool(
          pool, size: size, capacity: width, keys: scratch.keys, count: kept)
        size = total
        cursor = min(cursor, lowest)
      }
      while cursor < size, unsafe pool[cursor] & 1 != 0 { cursor &+= 1 }
      if cursor < size { unsafe prefetchLines(table.row(pool[cursor].ordinal)) }
    }
  }
}

/// Rows that a walk can score: codes, or the vectors themselves.
protocol WalkRows: ~Copyable {
  /// Scores `scratch.ordinals[0..<count]` into `scratch.keys`.
  @unsafe
  func score(_ kernel: HopKernel, _ scratch: WalkScratch, count: Int)

  /// Scores the unvisited of a list of links, and leaves the keys below `threshold` in `scratch.keys`.
  @unsafe
  func expand(
    _ kernel: HopKernel, _ scratch: WalkScratch, links: UnsafePointer<UInt32>, degree: Int,
    count: Int, threshold: CandidateKey
  ) -> (scored: Int, kept: Int)

  /// Walks from what the pool holds until nothing is left to expand.
  @unsafe
  func walk(_ walk: inout Walk, _ table: LinkTable, width: Int, within bounds: WalkBounds)
}

/// Rows scored by their codes.
@safe
struct CodedRows: WalkRows {
  var space: HopSpace
  var query: HopQuery

  @unsafe @inline(__always)
  func score(_ kernel: HopKernel, _ scratch: WalkScratch, count: Int) {
    unsafe kernel.score(space, query, ordinals: scratch.ordinals, count: count, keys: scratch.keys)
  }

  @unsafe @inline(__always)
  func expand(
    _ kernel: HopKernel, _ scratch: WalkScratch, links: UnsafePointer<UInt32>, degree: Int,
    count: Int, threshold: CandidateKey
  ) -> (scored: Int, kept: Int) {
    unsafe kernel.expand(
      space, query, links: links, degree: degree, count: count, visited: scratch.visited,
      epoch: scratch.epoch, threshold: threshold, ordinals: scratch.ordinals, keys: scratch.keys)
  }

  @unsafe
  func walk(_ walk: inout Walk, _ table: LinkTable, width: Int, within bounds: WalkBounds) {
    unsafe walk.run(self, table, width: width, within: bounds)
  }
}
