internal import CNeedletailKernels

/// How a row lies in memory that holds, beside its own code, the bits of its neighbours.
///
/// See `ndl_turbo.h` for the parts.
package struct TurboLayout: Sendable, Hashable {
  /// Links come in groups of so many.
  package static let lanes = Int(NDL_TURBO_LANES)
  /// Sum and factor of a place without a link: nothing is near enough to be farther away.
  package static let noNeighbor: UInt32 = 0x7f80_0000
  /// Bytes of a row's terms: factor and squared norm of its code, two `Float`, and zeros.
  package static let termByteCount = 64

  /// Blocks of 64 components.
  package let blocks: Int
  /// Links of a row.
  package let degree: Int

  /// - Precondition: `degree` is a multiple of `lanes`.
  package init(blocks: Int, degree: Int) {
    precondition(degree > 0 && degree % Self.lanes == 0, "links come in groups")
    self.blocks = blocks
    self.degree = degree
  }

  package var codeByteCount: Int { blocks * 64 }
  /// Bytes of the bits of `lanes` links.
  package var bitByteCount: Int { blocks * 256 }
  /// Where the neighbours' bits begin.
  package var bitsOffset: Int { blocks * 64 }
  /// Where their factors and sums begin, 4 bytes each.
  package var factorsOffset: Int { ndl_turbo_factors_at(UInt32(blocks), UInt32(degree)) }
  /// Where the ordinals of the links begin.
  package var linksOffset: Int { ndl_turbo_links_at(UInt32(blocks), UInt32(degree)) }
  /// Where the row's own terms begin.
  package var termsOffset: Int { ndl_turbo_terms_at(UInt32(blocks), UInt32(degree)) }
  /// Bytes of a row.
  package var stride: Int { ndl_turbo_stride(UInt32(blocks), UInt32(degree)) }
  /// Bytes of a query's table.
  package var tableByteCount: Int { blocks * 256 }

  /// Writes one neighbour into a row that has zeros in its place.
  ///
  /// - Parameters:
  ///   - code: the row's own code.
  ///   - neighbor: the neighbour's code.
  ///   - factors: what a component of either stands for.
  ///   - place: below `degree`.
  ///   - row: the row; its bits and factors are written.
  /// - Source: the residual form of RaBitQ (Gao & Long, 2024), one bit a component.
  @unsafe
  package func link(
    _ code: UnsafePointer<UInt8>, _ neighbor: UnsafePointer<UInt8>,
    factors: (own: Float, neighbor: Float), at place: Int, of row: UnsafeMutableRawPointer
  ) {
    let part = place / Self.lanes
    let bits = unsafe (row + bitsOffset + part * bitByteCount).assumingMemoryBound(to: UInt8.self)
    let packed = unsafe ndl_turbo_link(
      code, factors.own, neighbor, factors.neighbor, UInt32(blocks),
      UInt32(place % Self.lanes), bits)
    unsafe row.storeBytes(of: packed, toByteOffset: factorsOffset + place * 4, as: UInt32.self)
  }
}

extension HopKernel {
  /// Fills a query's table from its components.
  ///
  /// - Precondition: `x` has `dimensions` ≤ `blocks·64` components; `table` has room for `blocks·256` bytes.
  /// - Returns: what turns a sum of entries into the product of the query with signs: `base + scale·sum`.
  @unsafe
  package func fillTurboTable(
    _ x: UnsafePointer<Float>, dimensions: Int, blocks: Int, table: UnsafeMutablePointer<UInt8>
  ) -> (scale: Float, base: Float) {
    var (scale, base): (Float, Float) = (0, 0)
    unsafe turbo.pointee.table(x, UInt32(dimensions), UInt32(blocks), table, &scale, &base)
    return (scale, base)
  }
}
