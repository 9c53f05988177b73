import NeedletailCore
import NeedletailKernels

/// What the link terms of all rows are measured in; see `RowEncoder.linkingTerm`.
struct LiveScale {
  /// Rows are lifted as if the longest were this much longer: enough that it rarely has to be done anew.
  private static let headRoom = 1.5

  /// The length to which rows are lifted.
  private(set) var longest = 0.0
  var unit: Double {
    longest > 0 ? Double(sign: .plus, exponent: -longest.exponent, significand: 1) : 1
  }
  var lift: Double { longest * unit }

  /// Takes note of the squared norms of new rows; returns whether all terms have to be made anew.
  mutating func admit(_ squaredNorms: [Double]) -> Bool {
    let norm = (squaredNorms.max() ?? 0).squareRoot()
    guard norm > longest else { return false }
    longest = norm * Self.headRoom
    return true
  }
}

extension LiveTables {
  /// Writes everything of a row but its links, of which it has none yet.
  ///
  /// - Parameters:
  ///   - ordinal: the row; nobody reads it yet.
  ///   - index: its number in the source.
  ///   - source: gives the rows as they came.
  ///   - id: whose version it is.
  ///   - squaredNorm: the norm of the row as it was given.
  ///   - x: room for one row.
  /// - Throws: `corrupted` when the source is a file that changed.
  /// - Returns: whether its code says less about it than the quantizer's training promised.
  @unsafe
  func write(
    _ ordinal: Int, _ index: Int, of source: RowSource, id: VectorID, squaredNorm: Double,
    _ x: UnsafeMutablePointer<Float>
  ) throws(NeedletailError) -> Bool {
    let row = unsafe rows + ordinal * dimensions
    unsafe try source.copyGiven(index, into: row)
    if quantizer.metric == .cosine {
      let norm = squaredNorm.squareRoot()
      for j in 0..<dimensions { unsafe x[j] = Float(Double(row[j]) / norm) }
    } else {
      unsafe x.update(from: row, count: dimensions)
    }
    unsafe quantizer.project(x)
    let isLost = unsafe quantizer.form.isLossless && !SealedSegment.isWhole(x, dimensions)
    let terms = unsafe quantizer.encode(x, into: codes + ordinal * quantizer.codeByteCount)
    unsafe codeNorms[ordinal] = terms.codeNorm
    unsafe ids[ordinal] = id
    unsafe norms[ordinal] =
      quantizer.metric == .cosine ? squaredNorm.squareRoot() : squaredNorm
    unsafe writeSearchTerms(terms, ordinal)
    unsafe parents[ordinal] = LinkTable.none
    unsafe childCounts[ordinal] = 0
    let links = unsafe self.row(UInt32(ordinal))
    for place in 0..<degree { unsafe store(LinkTable.none, links, place) }
    setEnd(of: UInt32(ordinal), Self.endless)
    return isLost || terms.clamped * 20 > dimensions
  }

  @unsafe
  private func writeSearchTerms(_ terms: Quantizer.RowTerms, _ ordinal: Int) {
    switch quantizer.searchFinish {
    case .norm:
      unsafe searchTerms.storeBytes(
        of: terms.codeNorm, toByteOffset: ordinal * 4, as: Int32.self)
    case .factor:
      // As in `RowEncoder`: the norm about the centre may lie beyond `Float`.
      let bias =
        quantizer.metric == .innerProduct
        ? 0
        : min(terms.factor * terms.factor * Float(terms.codeNorm), .greatestFiniteMagnitude)
      unsafe searchTerms.storeBytes(of: terms.factor, toByteOffset: ordinal * 8, as: Float.self)
      unsafe searchTerms.storeBytes(of: bias, toByteOffset: ordinal * 8 + 4, as: Float.self)
    case .product, .scaledNorm, .reduced: break
    }
  }

  /// Writes what a rule needs of a row beside its code.
  @unsafe
  func writeLinkTerms(
    _ ordinal: Int, _ rule: RowEncoder.LinkingRule, _ scale: LiveScale,
    into terms: UnsafeMutablePointer<Float>
  ) {
    let factor =
      quantizer.searchFinish == .factor
      ? unsafe searchTerms.load(fromByteOffset: ordinal * 8, as: Float.self) : quantizer.scale
    let term = unsafe RowEncoder.linkingTerm(
      rule, factor: factor, codeNorm: Float(codeNorms[ordinal]), squaredNorm: norms[ordinal],
      unit: scale.unit, lift: scale.lift)
    unsafe terms[ordinal * 4] = term.factor
    unsafe terms[ordinal * 4 + 1] = term.norm
    unsafe terms[ordinal * 4 + 2] = term.delta
  }
}
