import NeedletailCore
import NeedletailKernels
import NeedletailStorage

/// The rows of a build as points of a metric space: codes, the terms that links are chosen by, and the
/// squared distance between any two of them.
///
/// | Rows                  | Distance between rows                                              |
/// |-----------------------|--------------------------------------------------------------------|
/// | L2 and cosine, one scale | squared L2 of the codes, an exact integer                       |
/// | L2, a factor per row  | squared L2 of what the codes stand for, fixed-order Float           |
/// | inner product         | squared L2 after the reduction: one more component `√(M²−‖x‖²)`     |
///
/// The reduction (Bachrach et al. 2014; Neyshabur & Srebro 2015) makes a nearest-neighbour problem of
/// the search for the largest product, so that *near* means something between rows too. The last component is
/// kept as its distance from `M`: for short rows the two would cancel.
@safe
package struct LinkingSpace: @unchecked Sendable {
  // SAFETY: a row is written before it is scored, and only read afterwards; the owners keep the memory.

  let count: Int
  let blocks: Int
  let finish: HopFinish
  /// Whether a distance is a negated product, which is no distance at all.
  let isProduct: Bool
  /// `[count, codeByteCount]` codes, and the terms that the finish asks for.
  private let codes: UnsafeRawPointer
  let terms: UnsafeRawPointer
  private let owners: [any AnyObject & Sendable]

  /// Rows in blocks that are written no more.
  init(
    count: Int, blocks: Int, finish: HopFinish, isProduct: Bool = false, codes: MemoryBlock,
    terms: MemoryBlock
  ) {
    // SAFETY: a block always has an address, and the space keeps both.
    unsafe self.init(
      count: count, blocks: blocks, finish: finish, isProduct: isProduct,
      codes: codes.bytes.baseAddress.unsafelyUnwrapped,
      terms: terms.bytes.baseAddress.unsafelyUnwrapped, owners: [codes, terms])
  }

  /// Rows of a segment that grows.
  ///
  /// - Precondition: `codes` and `terms` have room for `count` rows while the owners live, and a row is
  ///   written before it is scored.
  @unsafe
  init(
    count: Int, blocks: Int, finish: HopFinish, isProduct: Bool, codes: UnsafeRawPointer,
    terms: UnsafeRawPointer, owners: [any AnyObject & Sendable]
  ) {
    self.count = count
    self.blocks = blocks
    self.finish = finish
    self.isProduct = isProduct
    unsafe self.codes = codes
    unsafe self.terms = terms
    self.owners = owners
  }

  var codeByteCount: Int { blocks * 64 }

  /// The space restricted to the first `count` rows.
  @unsafe
  func space(first count: Int) -> HopSpace {
    unsafe HopSpace(
      codes: codes, terms: terms, count: count, blocks: blocks, finish: finish)
  }

  /// Turns a row into a query: `code` receives its components.
  ///
  /// - Precondition: `code` has room for `codeByteCount` components and outlives the query.
  @unsafe
  func query(
    _ ordinal: UInt32, code: UnsafeMutablePointer<Int8>, _ kernel: HopKernel
  ) -> HopQuery {
    let row = unsafe codes.advanced(by: Int(ordinal) &* codeByteCount)
      .assumingMemoryBound(to: UInt8.self)
    let zero = unsafe 128 &* kernel.flip(row, into: code, blocks: blocks)
    if finish == .norm {
      let norm = unsafe terms.load(fromByteOffset: Int(ordinal) &* 4, as: Int32.self)
      return unsafe HopQuery(code: code, zero: zero, offset: norm &+ 2 &* zero)
    }
    let term = unsafe (terms + Int(ordinal) &* 16).assumingMemoryBound(to: Float.self)
    return unsafe HopQuery(
      code: code, zero: zero, factor: term[0], norm: term[1], delta: term[2])
  }
}
