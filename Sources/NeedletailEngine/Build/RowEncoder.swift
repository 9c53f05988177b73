import NeedletailCore
import NeedletailKernels
import NeedletailStorage

/// Codes rows in the order of their ordinals, with the terms for searching and for linking.
@safe
final class RowEncoder: @unchecked Sendable {
  // SAFETY: threads write the codes and terms of different ordinals, and their own row buffer.

  let codes: MemoryBlock
  let searchTerms: MemoryBlock
  /// Factor and norm of every code, from which the terms for linking are made.
  private let factors: MemoryBlock
  private let codeNorms: MemoryBlock
  private let rows: RowSource
  private let order: [UInt32]
  private let quantizer: Quantizer
  private let options: BuildOptions
  private let squaredNorms: [Double]
  private let buffers: MemoryBlock
  private let clampings: MemoryBlock
  private let threads: Int

  init(
    rows: RowSource, order: [UInt32], quantizer: Quantizer, options: BuildOptions,
    squaredNorms: [Double], threads: Int
  ) throws(NeedletailError) {
    self.rows = rows
    self.order = order
    self.quantizer = quantizer
    self.options = options
    self.squaredNorms = squaredNorms
    self.threads = max(1, threads)
    codes = try MemoryBlock(count: rows.count, stride: quantizer.codeByteCount)
    searchTerms = try MemoryBlock(
      count: rows.count, stride: quantizer.searchFinish.termByteCount)
    factors = try MemoryBlock(count: rows.count, stride: 4)
    codeNorms = try MemoryBlock(count: rows.count, stride: 4)
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
  func encode(_ range: Range<Int>, thread: Int) throws(NeedletailError) {
    let width = (rows.dimensions * 4 + 63) & ~63
    let row = unsafe (buffers.mutableBytes.baseAddress.unsafelyUnwrapped + thread * width)
      .assumingMemoryBound(to: Float.self)
    let first = unsafe codes.mutableBytes.baseAddress.unsafelyUnwrapped
      .assumingMemoryBound(to: UInt8.self)
    let worst = unsafe (clampings.mutableBytes.baseAddress.unsafelyUnwrapped + thread * 64)
      .assumingMemoryBound(to: Double.self)
    for ordinal in range {
      unsafe try rows.copy(Int(order[ordinal]), into: row)
      unsafe quantizer.project(row)
      let terms = unsafe quantizer.encode(row, into: first + ordinal * quantizer.codeByteCount)
      unsafe worst.pointee = max(
        worst.pointee, Double(terms.clamped) / Double(rows.dimensions))
      unsafe factors.mutableBytes.storeBytes(
        of: terms.factor, toByteOffset: ordinal * 4, as: Float.self)
      unsafe codeNorms.mutableBytes.storeBytes(
        of: terms.codeNorm, toByteOffset: ordinal * 4, as: Int32.self)
      unsafe writeSearchTerms(terms, ordinal)
    }
  }

  @unsafe
  private func writeSearchTerms(_ terms: Quantizer.RowTerms, _ ordinal: Int) {
    let bytes = unsafe searchTerms.mutableBytes
    switch quantizer.searchFinish {
    case .norm:
      unsafe bytes.storeBytes(of: terms.codeNorm, toByteOffset: ordinal * 4, as: Int32.self)
    case .factor:
      // The squared norm of a row about the centre may lie beyond `Float` though the row's own does not.
      let bias =
        quantizer.metric == .innerProduct
        ? 0
        : min(terms.factor * terms.factor * Float(terms.codeNorm), .greatestFiniteMagnitude)
      unsafe bytes.storeBytes(of: terms.factor, toByteOffset: ordinal * 8, as: Float.self)
      unsafe bytes.storeBytes(of: bias, toByteOffset: ordinal * 8 + 4, as: Float.self)
    case .product, .scaledNorm, .reduced: break
    }
  }
}

extension RowEncoder {
  /// What near means when the coded rows are linked.
  enum LinkingRule: Sendable, Hashable {
    /// Squared L2 between what the codes stand for.
    case distance
    /// One of the rules for inner products.
    case product(ProductLinks)
  }

  /// Rows are lifted as if the longest were this much longer, so that the longest rows keep a last
  /// component too.
  private static let headRoom = 1.05

  /// The rules by which links are chosen, each for an equal share of them.
  var linkingRules: [LinkingRule] {
    guard options.metric == .innerProduct else { return [.distance] }
    return options.graph.productLinks.parts.map { .product($0) }
  }

  /// The coded rows as points between which links are chosen.
  func linkingSpace(_ rule: LinkingRule) throws(NeedletailError) -> LinkingSpace {
    if rule == .distance, quantizer.form != .rowScale {
      return LinkingSpace(
        count: rows.count, blocks: quantizer.blocks, finish: .norm, codes: codes,
        terms: codeNorms)
    }
    let longest = (squaredNorms.max() ?? 0).squareRoot() * Self.headRoom
    // Rows are brought to the middle of Float by a power of two, which rounds nothing: sums of squares
    // of very long or very short rows would otherwise leave its range.
    let unit = longest > 0 ? Double(sign: .plus, exponent: -longest.exponent, significand: 1) : 1
    let lift = longest * unit
    let terms = try MemoryBlock(count: rows.count, stride: HopFinish.reduced.termByteCount)
    for ordinal in 0..<rows.count {
      let (stored, codeNorm) = unsafe (
        factors.bytes.load(fromByteOffset: ordinal * 4, as: Float.self),
        Float(codeNorms.bytes.load(fromByteOffset: ordinal * 4, as: Int32.self))
      )
      let term = Self.linkingTerm(
        rule, factor: stored, codeNorm: codeNorm, squaredNorm: squaredNorms[Int(order[ordinal])],
        unit: unit, lift: lift)
      let offset = ordinal * 16
      unsafe terms.mutableBytes.storeBytes(of: term.factor, toByteOffset: offset, as: Float.self)
      unsafe terms.mutableBytes.storeBytes(of: term.norm, toByteOffset: offset + 4, as: Float.self)
      unsafe terms.mutableBytes.storeBytes(
        of: term.delta, toByteOffset: offset + 8, as: Float.self)
    }
    return LinkingSpace(
      count: rows.count, blocks: quantizer.blocks, finish: .reduced,
      isProduct: rule == .product(.product), codes: codes, terms: terms)
  }
  /// What a row is to a rule, beside its code.
  ///
  /// - Parameters:
  ///   - rule: what near means.
  ///   - factor: the unit of the row's code.
  ///   - codeNorm: the squared norm of its code.
  ///   - squaredNorm: the row's own.
  ///   - unit: what brings rows to the middle of Float, a power of two.
  ///   - lift: the length to which rows are lifted, in that unit.
  /// - Returns: the terms of `HopFinish.reduced`.
  static func linkingTerm(
    _ rule: LinkingRule, factor: Float, codeNorm: Float, squaredNorm: Double, unit: Double,
    lift: Double
  ) -> (factor: Float, norm: Float, delta: Float) {
    let factor = Float(Double(factor) * unit)
    var term = (factor: factor, norm: factor * factor * codeNorm, delta: Float(0))
    switch rule {
    case .distance: break
    case .product(.lifted):
      let squared = squaredNorm * unit * unit
      let last = max(0, lift * lift - squared).squareRoot()
      if lift > 0 { term.delta = Float(squared / (lift + last)) }
    case .product(.angle):
      term = codeNorm > 0 ? (1 / codeNorm.squareRoot(), 1, 0) : (0, 0, 0)
    case .product: term.norm = 0
    }
    return term
  }
}
