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

/// Coded rows that a walk can score.
///
/// Codes are int8 components stored as bytes with 128 added, in blocks of 64 bytes, row after row.
@safe
package struct HopSpace {
  fileprivate var raw: ndl_hop_space

  /// - Precondition: `codes` has `count·blocks·64` readable bytes, `terms` has `count·finish.termByteCount`
  ///   aligned to 4, and both outlive the space.
  @unsafe
  package init(
    codes: UnsafeRawPointer, terms: UnsafeRawPointer?, count: Int, blocks: Int, finish: HopFinish
  ) {
    unsafe raw = ndl_hop_space(
      codes: codes.assumingMemoryBound(to: UInt8.self), terms: terms, count: UInt32(count),
      blocks: UInt32(blocks), finish: finish.raw)
  }
}

/// What rows are scored against: an int8 code and the constants of one query.
@safe
package struct HopQuery {
  fileprivate var raw: ndl_hop_query

  /// - Precondition: `code` has `blocks·64` readable components and outlives the query.
  @unsafe
  package init(
    code: UnsafePointer<Int8>, zero: Int32, offset: Int32 = 0, scale: Float = 0,
    normScale: Float = 0, factor: Float = 0, norm: Float = 0, delta: Float = 0
  ) {
    unsafe raw = ndl_hop_query(
      code: code, zero: zero, offset: offset, scale: scale, norm_scale: normScale, factor: factor,
      norm: norm, delta: delta)
  }
}

/// The kernels that a walk calls, one call a hop, resolved once for an instruction set.
@safe
package struct HopKernel: @unchecked Sendable {
  // SAFETY: points to a constant table of functions.
  private let kernels: UnsafePointer<ndl_hop_kernels>

  /// Entries that ordinal and key buffers need beyond the longest list.
  package static let slack = Int(NDL_HOP_SLACK)
  /// Rows per 64-bit word of a visited set.
  package static let rowsPerVisitedWord = Int(NDL_ROWS_PER_VISITED_WORD)

  /// The kernels of the level in force.
  package init() { self.init(level: .current) }

  package init(level: KernelLevel) {
    unsafe kernels = ndl_hop_kernels_for(Int32(level.native.rawValue))
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

/// A walk under way: its pool and its buffers.
@safe
package struct HopWalk {
  fileprivate var raw: ndl_hop_walk

  /// - Precondition: the pool holds `size` ascending keys and has room for `capacity`; `visited` covers every
  ///   ordinal of the links; the buffers have room for `degree + slack` entries; all outlive the walk.
  @unsafe
  package init(
    pool: UnsafeMutablePointer<CandidateKey>, size: Int, capacity: Int,
    visited: UnsafeMutablePointer<UInt64>, epoch: UInt64, ordinals: UnsafeMutablePointer<UInt32>,
    keys: UnsafeMutablePointer<CandidateKey>
  ) {
    unsafe raw = ndl_hop_walk(
      pool: pool, capacity: UInt32(capacity), size: UInt32(size), cursor: 0, visited: visited,
      epoch: epoch, ordinals: ordinals, keys: keys)
  }

  /// Keys in the pool.
  package var size: Int { unsafe Int(raw.size) }
}

extension HopKernel {
  /// Does hops until nothing is left to expand or `limit` rows were scored.
  ///
  /// Each hop expands the nearest candidate that was not expanded yet, and merges what is near enough into
  /// the pool.
  ///
  /// - Precondition: `links` holds rows of `degree` ordinals for every row of the pool.
  /// - Returns: hops done, rows scored, and whether the limit ended the walk.
  @unsafe
  package func walk(
    _ space: HopSpace, _ query: HopQuery, links: UnsafePointer<UInt32>, degree: Int, count: Int,
    limit: Int, _ walk: inout HopWalk
  ) -> (hops: Int, scored: Int, isLimited: Bool) {
    var space = unsafe space.raw
    var query = unsafe query.raw
    var links = unsafe ndl_hop_links(
      rows: links, degree: UInt32(degree), count: UInt32(count))
    let step = unsafe kernels.pointee.step
    var hops = 0
    var scored = 0
    while true {
      if scored >= limit { return (hops, scored, unsafe walk.raw.cursor < walk.raw.size) }
      let rows = unsafe step(&space, &query, &links, &walk.raw)
      if rows < 0 { return (hops, scored, false) }
      hops &+= 1
      scored &+= Int(rows)
    }
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

/// Rotates a vector in place by four rounds of sign flips, fast Hadamard transforms and Kac steps.
///
/// Orthogonal up to rounding, and the same bits on every machine.
///
/// - Precondition: `x` has `dimensions` components, `signs` has `4·⌈dimensions/8⌉` bytes.
/// - Complexity: O(d log d), no allocation.
/// - Source: the FHT-Kac rotation that the RaBitQ authors describe for dimensions that are no power of two.
@unsafe
package func rotate(
  _ x: UnsafeMutablePointer<Float>, dimensions: Int, signs: UnsafePointer<UInt8>
) {
  unsafe ndl_rotate_f32(x, dimensions, signs)
}

/// Rounds `x·inverse` to int8, half away from zero, and stores it with 128 added.
///
/// - Returns: how many components were cut to ±127.
@unsafe @discardableResult
package func encode(
  _ x: UnsafePointer<Float>, dimensions: Int, inverse: Float, codes: UnsafeMutablePointer<UInt8>
) -> Int {
  unsafe ndl_encode_f32(x, dimensions, inverse, codes)
}

/// The sum of int8 components.
@unsafe
package func codeSum(_ code: UnsafePointer<Int8>, count: Int) -> Int32 {
  unsafe ndl_code_sum(code, count)
}

/// The sum of squares of int8 components.
@unsafe
package func codeSquaredNorm(_ code: UnsafePointer<Int8>, count: Int) -> Int32 {
  unsafe ndl_code_squared_norm(code, count)
}
