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
  // SAFETY: the blocks are written before the space is made, and only read afterwards.

  let count: Int
  let blocks: Int
  let finish: HopFinish
  /// Whether a distance is a negated product, which is no distance at all.
  var isProduct = false
  let codes: MemoryBlock
  let terms: MemoryBlock

  var codeByteCount: Int { blocks * 64 }

  /// The space restricted to the first `count` rows.
  @unsafe
  func space(first count: Int) -> HopSpace {
    unsafe HopSpace(
      codes: codes.bytes.baseAddress.unsafelyUnwrapped, terms: terms.bytes.baseAddress,
      count: count, blocks: blocks, finish: finish)
  }

  /// Turns a row into a query: `code` receives its components.
  ///
  /// - Precondition: `code` has room for `codeByteCount` components and outlives the query.
  @unsafe
  func query(
    _ ordinal: UInt32, code: UnsafeMutablePointer<Int8>, _ kernel: HopKernel
  ) -> HopQuery {
    let row = unsafe codes.bytes.baseAddress.unsafelyUnwrapped
      .advanced(by: Int(ordinal) &* codeByteCount).assumingMemoryBound(to: UInt8.self)
    let zero = unsafe 128 &* kernel.flip(row, into: code, blocks: blocks)
    let base = unsafe terms.bytes.baseAddress.unsafelyUnwrapped
    if finish == .norm {
      let norm = unsafe base.load(fromByteOffset: Int(ordinal) &* 4, as: Int32.self)
      return unsafe HopQuery(code: code, zero: zero, offset: norm &+ 2 &* zero)
    }
    let term = unsafe (base + Int(ordinal) &* 16).assumingMemoryBound(to: Float.self)
    return unsafe HopQuery(
      code: code, zero: zero, factor: term[0], norm: term[1], delta: term[2])
  }
}
