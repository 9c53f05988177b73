internal import CNeedletailKernels

/// A candidate of a walk in eight bytes, ordered by its estimate.
///
/// | bits   | meaning                                                            |
/// |--------|--------------------------------------------------------------------|
/// | 63…32  | the estimate, as an unsigned number that orders as the estimate does |
/// | 31…1   | the ordinal                                                          |
/// | 0      | set once the candidate was expanded                                  |
package typealias CandidateKey = UInt64

extension CandidateKey {
  /// The row this candidate stands for.
  @inlinable @inline(__always)
  package var ordinal: UInt32 { UInt32(truncatingIfNeeded: self) &>> 1 }

  /// The order of the estimate alone; comparable between keys of the same finish.
  @inlinable @inline(__always)
  package var order: UInt32 { UInt32(truncatingIfNeeded: self &>> 32) }

  /// The estimate of an integer finish.
  @inlinable @inline(__always)
  package var integerEstimate: Int32 { Int32(bitPattern: order ^ 0x8000_0000) }

  /// The estimate of a float finish.
  @inlinable @inline(__always)
  package var floatEstimate: Float {
    let bits = Int32(bitPattern: order ^ 0x8000_0000)
    return Float(bitPattern: UInt32(bitPattern: bits ^ ((bits &>> 31) & 0x7fff_ffff)))
  }
}

/// How the exact integer product of two codes becomes a key.
///
/// Terms are what a row needs beside its code; `dot` is the product of the two int8 codes.
package enum HopFinish: Sendable, Hashable {
  /// `−dot`. No terms.
  case product
  /// `norm − 2·dot + offset`. Terms: `Int32` squared norm of the code.
  case norm
  /// `normScale·norm − scale·dot`. Terms: `Int32` squared norm of the code.
  case scaledNorm
  /// `bias − scale·factor·dot`. Terms: two `Float`, factor and bias.
  case factor
  /// `(norm + norm′) − 2·factor·factor′·dot + (delta − delta′)²`. Terms: four `Float`, the last unused.
  case reduced

  /// Bytes of terms per row.
  package var termByteCount: Int {
    switch self {
    case .product: 0
    case .norm, .scaledNorm: 4
    case .factor: 8
    case .reduced: 16
    }
  }

  fileprivate var raw: ndl_finish {
    switch self {
    case .product: NDL_FINISH_PRODUCT
    case .norm: NDL_FINISH_NORM
    case .scaledNorm: NDL_FINISH_SCALED_NORM
    case .factor: NDL_FINISH_FACTOR
    case .reduced: NDL_FINISH_REDUCED
    }
  }
}

/// How much of a code's components a walk reads.
package enum CodeWidth: Sendable, Hashable {
  /// Whole int8 components, stored as bytes with 128 added: 64 bytes a block of 64 components.
  case bytes
  /// The upper four bits of each, two to a byte: 32 bytes a block. See `ndl_hop.h` for their order.
  case nibbles
  /// Both halves, the lower ones in rows of their own.
  case split

  /// Bytes that a block of 64 components takes.
  package var blockByteCount: Int { self == .bytes ? 64 : 32 }
  /// What a component of zero is stored as, in units of the int8 code; a nibble is the middle of sixteen.
  package var zero: Int32 { self == .nibbles ? 120 : 128 }

  fileprivate var raw: ndl_width {
    switch self {
    case .bytes: NDL_WIDTH_BYTES
    case .nibbles: NDL_WIDTH_NIBBLES
    case .split: NDL_WIDTH_SPLIT
    }
  }
}

/// Coded rows that a walk can score, row after row.
@safe
package struct HopSpace {
  var raw: ndl_hop_space

  /// - Precondition: `codes` has `count·blocks·width.blockByteCount` readable bytes, under `.split` `lower`
  ///   has as many, `terms` has `count·finish.termByteCount` aligned to 4, and all outlive the space.
  @unsafe
  package init(
    codes: UnsafeRawPointer, lower: UnsafeRawPointer? = nil, terms: UnsafeRawPointer?, count: Int,
    blocks: Int, finish: HopFinish, width: CodeWidth = .bytes
  ) {
    unsafe raw = ndl_hop_space(
      codes: codes.assumingMemoryBound(to: UInt8.self),
      lower: lower?.assumingMemoryBound(to: UInt8.self), terms: terms, count: UInt32(count),
      blocks: UInt32(blocks), finish: finish.raw, width: width.raw, degree: 0)
  }

  /// Rows that hold the bits of their neighbours beside their own code.
  ///
  /// - Precondition: `rows` has `count` rows of the layout, which outlive the space.
  @unsafe
  package init(turbo rows: UnsafeRawPointer, _ layout: TurboLayout, count: Int) {
    unsafe raw = ndl_hop_space(
      codes: rows.assumingMemoryBound(to: UInt8.self), lower: nil, terms: nil,
      count: UInt32(count), blocks: UInt32(layout.blocks), finish: NDL_FINISH_FACTOR,
      width: NDL_WIDTH_BYTES, degree: UInt32(layout.degree))
  }
}

/// What rows are scored against: an int8 code and the constants of one query.
@safe
package struct HopQuery {
  var raw: ndl_hop_query

  /// - Precondition: `code` has `blocks·64` readable components and outlives the query.
  @unsafe
  package init(
    code: UnsafePointer<Int8>, zero: Int32, offset: Int32 = 0, scale: Float = 0,
    normScale: Float = 0, factor: Float = 0, norm: Float = 0, delta: Float = 0
  ) {
    unsafe raw = ndl_hop_query(
      code: code, zero: zero, offset: offset, scale: scale, norm_scale: normScale, factor: factor,
      norm: norm, delta: delta, table: nil, table_scale: 0, table_base: 0)
  }

  /// A query of rows that hold their neighbours' bits.
  ///
  /// - Precondition: `code` has `blocks·64` readable components, `table` was filled by
  ///   `fillTurboTable`; both outlive the query.
  @unsafe
  package init(
    turbo code: UnsafePointer<Int8>, zero: Int32, scale: Float, norm: Float,
    table: UnsafePointer<UInt8>, tableScale: Float, tableBase: Float
  ) {
    unsafe raw = ndl_hop_query(
      code: code, zero: zero, offset: 0, scale: scale, norm_scale: 0, factor: 0, norm: norm,
      delta: 0, table: table, table_scale: tableScale, table_base: tableBase)
  }
}

/// The kernels that a walk calls, one call a hop, resolved once for an instruction set.
@safe
package struct HopKernel: @unchecked Sendable {
  // SAFETY: points to a constant table of functions.
  let kernels: UnsafePointer<ndl_hop_kernels>
  let turbo: UnsafePointer<ndl_turbo_kernels>

  /// Entries that ordinal and key buffers need beyond the longest list.
  package static let slack = Int(NDL_HOP_SLACK)
  /// The most candidates that one round of a walk expands.
  package static let breadth = Int(NDL_BREADTH)
  /// The same of a walk that passes rows outside a set.
  package static let passingBreadth = Int(NDL_PASSING_BREADTH)
  /// Rows per 64-bit word of a visited set.
  package static let rowsPerVisitedWord = Int(NDL_ROWS_PER_VISITED_WORD)

  /// The kernels of the level in force.
  package init() { self.init(level: .current) }

  package init(level: KernelLevel) {
    unsafe kernels = ndl_hop_kernels_for(Int32(level.native.rawValue))
    unsafe turbo = ndl_turbo_kernels_for(Int32(level.native.rawValue))
  }

  /// Scores rows by ordinal.
  ///
  /// - Precondition: every ordinal is in the space; both buffers have room for `n + slack` entries.
  /// - Complexity: O(n·d) byte products; no allocation.
  @unsafe @inline(__always)
  package func score(
    _ space: HopSpace, _ query: HopQuery, ordinals: UnsafeMutablePointer<UInt32>, count: Int,
    keys: UnsafeMutablePointer<CandidateKey>
  ) {
    var space = unsafe space.raw
    var query = unsafe query.raw
    unsafe kernels.pointee.score(&space, &query, ordinals, UInt32(truncatingIfNeeded: count), keys)
  }

  /// Scores the unvisited rows of a list of links, marks them visited and keeps the near ones.
  ///
  /// A link at or over `count`, which must not exceed the space's, ends the list. Both buffers have room
  /// for `degree + slack` entries.
  ///
  /// - Returns: the rows scored, and the keys below `threshold` now at the start of `keys`.
  @unsafe @inline(__always)
  package func expand(
    _ space: HopSpace, _ query: HopQuery, links: UnsafePointer<UInt32>, degree: Int, count: Int,
    visited: UnsafeMutablePointer<UInt64>, epoch: UInt64, threshold: CandidateKey,
    ordinals: UnsafeMutablePointer<UInt32>, keys: UnsafeMutablePointer<CandidateKey>
  ) -> (scored: Int, kept: Int) {
    var space = unsafe space.raw
    unsafe space.count = UInt32(truncatingIfNeeded: count)
    var query = unsafe query.raw
    let both = unsafe kernels.pointee.expand(
      &space, &query, links, UInt32(truncatingIfNeeded: degree), visited, epoch, threshold,
      ordinals,
      keys)
    return (Int(truncatingIfNeeded: both &>> 32), Int(truncatingIfNeeded: both & 0xffff_ffff))
  }
}

/// A walk on codes under way: what is scored, what is followed, its pool and its buffers.
@safe
package struct HopWalk {
  var space: ndl_hop_space
  var query: ndl_hop_query
  private var links: ndl_hop_links
  var raw: ndl_hop_walk
  var gatherStep: ndl_hop_gather_fn
  var settleStep: ndl_hop_settle_fn
  /// Candidates expanded.
  package var hops: Int { unsafe Int(raw.hops) }
  /// Rows scored.
  package private(set) var scored = 0
  var isDone = false
  /// Whether a deadline ended the walk.
  package internal(set) var isLate = false
  /// Whether a limit ended the walk, or made its rounds shorter: it is another one than without it.
  package internal(set) var isShortened = false
  var wasNarrowed = false
  /// Links of a row.
  var degree: Int { unsafe Int(links.degree) }

  /// The walk ends when the nearest `window` candidates were expanded and the pool holds `least`.
  ///
  /// - Precondition: the pool holds `size` ascending keys and has room for
  ///   `capacity + breadth·degree + slack`; `links` are `count` rows of `degree` ordinals; `visited` covers
  ///   every ordinal below `count`; the buffers have room for `breadth·degree + slack` entries; all outlive
  ///   the walk.
  @unsafe
  package init(
    _ kernel: HopKernel, _ space: HopSpace, _ query: HopQuery, links: UnsafePointer<UInt32>,
    degree: Int, count: Int, pool: UnsafeMutablePointer<CandidateKey>, size: Int, capacity: Int,
    window: Int, least: Int, visited: UnsafeMutablePointer<UInt64>, epoch: UInt64,
    ordinals: UnsafeMutablePointer<UInt32>, keys: UnsafeMutablePointer<CandidateKey>,
    breadth: Int = HopKernel.breadth
  ) {
    unsafe self.space = space.raw
    unsafe self.query = query.raw
    let isTurbo = unsafe space.raw.degree != 0
    unsafe gatherStep =
      isTurbo ? kernel.turbo.pointee.gather : kernel.kernels.pointee.gather
    unsafe settleStep =
      isTurbo ? kernel.turbo.pointee.settle : kernel.kernels.pointee.settle
    unsafe self.links = ndl_hop_links(rows: links, degree: UInt32(degree), count: UInt32(count))
    unsafe raw = ndl_hop_walk(
      pool: pool, capacity: UInt32(capacity), window: UInt32(window),
      least: UInt32(least), stop: 0, floor: 0, base: 0, blur: 0, noise: 0, end: .max, edge: .max,
      size: UInt32(size), cursor: 0, visited: visited, epoch: epoch, ordinals: ordinals, keys: keys,
      gathered: 0, breadth: UInt32(breadth), rounds: 0, hops: 0, best: nil, best_capacity: 0,
      best_size: 0, row: 0, set: nil, rank: 0, found: nil, found_capacity: 0, found_size: 0)
  }

  /// Gives a walk over rows with their neighbours' bits the memory for what it expanded.
  ///
  /// - Precondition: `best` has room for `capacity` ≥ 1 keys and outlives the walk. Without it no walk over
  ///   such rows may begin.
  @unsafe
  package mutating func keepBest(
    _ best: UnsafeMutablePointer<CandidateKey>, capacity: Int
  ) {
    unsafe raw.best = best
    unsafe raw.best_capacity = UInt32(capacity)
  }

  /// Puts the nearest expanded rows in the place of the pool, by their own codes.
  ///
  /// As long as they are fewer than `least`, what else is nearest in the pool follows, by their own codes too.
  ///
  /// - Returns: how many keys there are, and whether they ascend; those of rows that were not expanded stand
  ///   last, in the order that their bits gave them.
  @unsafe
  package mutating func takeBest(_ kernel: HopKernel) -> (count: Int, isAscending: Bool) {
    guard let best = unsafe raw.best else { return (0, true) }
    let expanded = unsafe raw.best_size
    var count = expanded
    var place: UInt32 = 0
    while unsafe count < min(raw.least, raw.best_capacity), unsafe place < raw.size {
      let key = unsafe raw.pool[Int(place)]
      if key & 1 == 0 {
        unsafe best[Int(count)] = key
        count &+= 1
      }
      place &+= 1
    }
    if count > expanded {
      unsafe kernel.turbo.pointee.rescore(
        &space, &query, best + Int(expanded), count &- expanded)
    }
    unsafe raw.pool.update(from: best, count: Int(count))
    return (Int(count), count == expanded)
  }

  /// Ends the walk, too, once the next candidate is farther than the `least`-th by more than `ratio` times the
  /// distance of that one, its estimate plus `base`, and by more than `floor`; what is that far, and farther than
  /// `sqrt(blur·distance + noise)`, is not kept either.
  ///
  /// - Source: Al-Jazzazi et al., distance adaptive beam search (2025).
  package mutating func stop(
    beyond ratio: Float, floor: Float, base: Float, blur: Float, noise: Float
  ) {
    unsafe raw.stop = ratio
    unsafe raw.floor = floor
    unsafe raw.base = base
    unsafe raw.blur = blur
    unsafe raw.noise = noise
  }

  /// Widens the window of a walk, and raises the number of candidates without which it does not end, for one
  /// in whose pool not all count; `run` then goes on.
  ///
  /// - Precondition: neither is above the walk's capacity.
  package mutating func widen(window: Int, least: Int) {
    unsafe raw.window = UInt32(window)
    unsafe raw.least = UInt32(least)
    isDone = false
  }

  /// Keys in the pool.
  package var size: Int { unsafe Int(raw.size) }

  /// Whether a candidate is left to expand.
  package var isOpen: Bool {
    var raw = unsafe raw
    return unsafe !isDone && raw.cursor < ndl_hop_end(&raw)
  }

  /// Begins a round: takes the nearest candidates that were not expanded, and asks for the codes behind their
  /// unvisited links.
  ///
  /// - Returns: `false` when nothing is left to expand.
  @inline(__always)
  package mutating func gather() -> Bool {
    // SAFETY: what the pointers lead to is promised by whoever made the walk.
    let rows = unsafe gatherStep(&space, &links, &raw)
    guard rows >= 0 else {
      isDone = true
      return false
    }
    scored &+= Int(rows)
    return true
  }

  /// Ends a round: scores what was gathered and merges what is near enough into the pool.
  @inline(__always)
  package mutating func settle() {
    // SAFETY: as above.
    unsafe settleStep(&space, &query, &links, &raw)
  }

  /// Does rounds until nothing is left to expand or `limit` rows were scored.
  package mutating func run(limit: Int = .max) {
    while scored < limit, gather() { settle() }
  }
}

extension HopKernel {
  /// The nearest of the first `count` rows of a space.
  ///
  /// - Parameters:
  ///   - space: the rows.
  ///   - query: what they are compared with.
  ///   - count: how many of them.
  ///   - except: an ordinal that is left out, unless it is the only one.
  /// - Precondition: `count` is from 1 to the rows of the space.
  /// - Returns: the key of the nearest.
  @unsafe
  package func nearest(
    _ space: HopSpace, _ query: HopQuery, ofFirst count: Int, except: UInt32?
  ) -> CandidateKey {
    var space = unsafe space.raw
    var query = unsafe query.raw
    return unsafe space.degree == 0
      ? kernels.pointee.nearest(&space, &query, UInt32(count), except ?? .max)
      : turbo.pointee.nearest(&space, &query, UInt32(count), except ?? .max)
  }

  /// Turns a row's code into a query's; returns the sum of its components.
  ///
  /// - Precondition: both hold `blocks·64` components.
  @unsafe
  package func flip(
    _ row: UnsafePointer<UInt8>, into query: UnsafeMutablePointer<Int8>, blocks: Int
  ) -> Int32 {
    unsafe kernels.pointee.flip(row, query, UInt32(blocks))
  }
}

/// Asks for a cache line, and the one behind it, that will be read soon.
@unsafe @inline(__always)
package func prefetchLines(_ address: UnsafeRawPointer) { unsafe ndl_prefetch_lines(address) }

/// Asks for all cache lines of rows of `stride` bytes that will be read soon.
///
/// - Precondition: `ordinals` has `count` entries; nothing is read of the rows.
@unsafe
package func prefetchRows(
  _ rows: UnsafeRawPointer, stride: Int, ordinals: UnsafePointer<UInt32>, count: Int
) {
  unsafe ndl_prefetch_rows(rows, stride, ordinals, count)
}

/// Collects the unvisited among `links` and marks them; for walks on other rows than codes.
@unsafe
package func collectUnvisited(
  links: UnsafePointer<UInt32>, degree: Int, count: Int, visited: UnsafeMutablePointer<UInt64>,
  epoch: UInt64, ordinals: UnsafeMutablePointer<UInt32>
) -> Int {
  unsafe Int(
    ndl_hop_collect(links, UInt32(degree), UInt32(count), visited, epoch, ordinals))
}

/// Packs float estimates into keys and keeps those below `threshold`; returns how many.
@unsafe
package func packKeys(
  estimates: UnsafePointer<Float>, ordinals: UnsafePointer<UInt32>, count: Int,
  threshold: CandidateKey, keys: UnsafeMutablePointer<CandidateKey>
) -> Int {
  unsafe Int(ndl_hop_pack(estimates, ordinals, UInt32(count), threshold, keys))
}

/// Merges unsorted keys into an ascending pool, keeping the lowest `capacity`.
///
/// - Returns: the new size, and the first position that changed.
/// - Complexity: O(n²) comparisons over the few new keys, then one pass over the part of the pool behind
///   the lowest of them.
@unsafe
package func mergeIntoPool(
  _ pool: UnsafeMutablePointer<CandidateKey>, size: Int, capacity: Int,
  keys: UnsafeMutablePointer<CandidateKey>, count: Int
) -> (size: Int, lowest: Int) {
  var lowest: UInt32 = 0
  let size = unsafe ndl_pool_merge(
    pool, UInt32(size), UInt32(capacity), keys, UInt32(count), &lowest)
  return (Int(size), Int(lowest))
}
