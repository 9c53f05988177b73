import NeedletailCore
import NeedletailKernels
import NeedletailStorage

/// Codes rows in the order of their ordinals, with the terms for searching and for linking.
@safe
final class RowEncoder: @unchecked Sendable {
  // SAFETY: threads write the codes and terms of different ordinals, and their own row buffer.

  let codes: MemoryBlock
  let searchTerms: MemoryBlock
  let linkTerms: MemoryBlock
  private let rows: RowSource
  private let order: [UInt32]
  private let quantizer: Quantizer
  private let linkFinish: HopFinish
  private let squaredNorms: [Double]
  private let lift: Double?
  private let isPlain: Bool
  private let buffers: MemoryBlock
  private let clampings: MemoryBlock
  private let threads: Int

  init(
    rows: RowSource, order: [UInt32], quantizer: Quantizer, linkFinish: HopFinish,
    squaredNorms: [Double], lift: Double?, isPlain: Bool, threads: Int
  ) throws(NeedletailError) {
    self.rows = rows
    self.order = order
    self.quantizer = quantizer
    self.linkFinish = linkFinish
    self.squaredNorms = squaredNorms
    self.lift = lift
    self.isPlain = isPlain
    self.threads = max(1, threads)
    codes = try MemoryBlock(count: rows.count, stride: quantizer.codeByteCount)
    searchTerms = try MemoryBlock(
      count: rows.count, stride: quantizer.searchFinish.termByteCount)
    linkTerms = try MemoryBlock(count: rows.count, stride: linkFinish.termByteCount)
    buffers = try MemoryBlock(count: self.threads, stride: (rows.dimensions * 4 + 63) & ~63)
    clampings = try MemoryBlock(count: self.threads, stride: 64)
  }

  /// The largest share of a row's components that were cut, over all rows.
  var worstClamping: Double {
    (0..<threads).map { unsafe clampings.bytes.load(fromByteOffset: $0 * 64, as: Double.self) }
      .max() ?? 0
  }

  /// Codes a range of ordinals.
  @unsafe
  func encode(_ range: Range<Int>, thread: Int) {
    let width = (rows.dimensions * 4 + 63) & ~63
    let row = unsafe (buffers.mutableBytes.baseAddress.unsafelyUnwrapped + thread * width)
      .assumingMemoryBound(to: Float.self)
    let first = unsafe codes.mutableBytes.baseAddress.unsafelyUnwrapped
      .assumingMemoryBound(to: UInt8.self)
    let worst = unsafe (clampings.mutableBytes.baseAddress.unsafelyUnwrapped + thread * 64)
      .assumingMemoryBound(to: Double.self)
    for ordinal in range {
      let source = Int(order[ordinal])
      unsafe rows.copy(source, into: row)
      unsafe quantizer.project(row)
      let terms = unsafe quantizer.encode(row, into: first + ordinal * quantizer.codeByteCount)
      unsafe worst.pointee = max(
        worst.pointee, Double(terms.clamped) / Double(rows.dimensions))
      unsafe writeSearchTerms(terms, ordinal)
      unsafe writeLinkTerms(terms, ordinal, squaredNorm: squaredNorms[source])
    }
  }

  @unsafe
  private func writeSearchTerms(_ terms: Quantizer.RowTerms, _ ordinal: Int) {
    let bytes = unsafe searchTerms.mutableBytes
    switch quantizer.searchFinish {
    case .norm:
      unsafe bytes.storeBytes(of: terms.codeNorm, toByteOffset: ordinal * 4, as: Int32.self)
    case .factor:
      let bias =
        quantizer.metric == .squaredEuclidean
        ? terms.factor * terms.factor * Float(terms.codeNorm) : 0
      unsafe bytes.storeBytes(of: terms.factor, toByteOffset: ordinal * 8, as: Float.self)
      unsafe bytes.storeBytes(of: bias, toByteOffset: ordinal * 8 + 4, as: Float.self)
    case .product, .scaledNorm, .reduced: break
    }
  }

  @unsafe
  private func writeLinkTerms(
    _ terms: Quantizer.RowTerms, _ ordinal: Int, squaredNorm: Double
  ) {
    let bytes = unsafe linkTerms.mutableBytes
    guard linkFinish == .reduced else {
      unsafe bytes.storeBytes(of: terms.codeNorm, toByteOffset: ordinal * 4, as: Int32.self)
      return
    }
    let norm = isPlain ? 0 : terms.factor * terms.factor * Float(terms.codeNorm)
    var delta: Float = 0
    if let lift, lift > 0 {
      let last = max(0, lift * lift - squaredNorm).squareRoot()
      delta = Float(squaredNorm / (lift + last))
    }
    let offset = ordinal * 16
    unsafe bytes.storeBytes(of: terms.factor, toByteOffset: offset, as: Float.self)
    unsafe bytes.storeBytes(of: norm, toByteOffset: offset + 4, as: Float.self)
    unsafe bytes.storeBytes(of: delta, toByteOffset: offset + 8, as: Float.self)
    unsafe bytes.storeBytes(of: Float(0), toByteOffset: offset + 12, as: Float.self)
  }
}
