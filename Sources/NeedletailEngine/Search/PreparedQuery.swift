import NeedletailCore
import NeedletailKernels
import NeedletailStorage

/// A query ready for a walk on codes: its own code, and how keys turn into estimates of a distance.
struct PreparedQuery {
  var rows: CodedRows
  /// `distance ≈ base + unit·estimate`.
  var base: Float
  var unit: Float
  /// Whether estimates are whole numbers.
  var isInteger: Bool
  /// Whether an estimate *is* the distance, so that nothing is left to re-rank.
  var isExact: Bool

  /// The distance that a key stands for.
  @inline(__always)
  func distance(_ key: CandidateKey) -> Float {
    base + unit * (isInteger ? Float(key.integerEstimate) : key.floatEstimate)
  }
}

extension SealedSegment {
  /// Checks a query and brings it into the form that distances are computed on.
  ///
  /// - Throws: `nonFiniteComponent`, `zeroVector`.
  @unsafe
  func admit(_ query: UnsafePointer<Float>, _ scratch: SearchScratch) throws(NeedletailError) {
    let dimensions = parameters.options.dimensions
    let norm = unsafe FixedOrder.squaredNorm(query, count: dimensions)
    let isCosine = parameters.options.metric == .cosine
    guard norm.isFinite, isCosine ? norm > 0 : norm <= Double(Float.greatestFiniteMagnitude) else {
      throw unsafe Self.refusal(query, dimensions, norm)
    }
    if isCosine {
      let inverse = 1 / norm.squareRoot()
      for j in 0..<dimensions { unsafe scratch.query[j] = Float(Double(query[j]) * inverse) }
    } else {
      unsafe scratch.query.update(from: query, count: dimensions)
    }
  }

  @unsafe
  private static func refusal(
    _ query: UnsafePointer<Float>, _ dimensions: Int, _ norm: Double
  ) -> NeedletailError {
    for j in 0..<dimensions where unsafe !query[j].isFinite {
      return NeedletailError(
        .nonFiniteComponent, unsafe "The query's component \(j) is \(query[j]).")
    }
    if norm == 0 {
      return NeedletailError(
        .zeroVector, "The query is all zeros; it has no direction, so no cosine.")
    }
    return NeedletailError(
      .nonFiniteComponent,
      "The query's squared norm is \(norm), beyond Float; scale the vectors down.")
  }

  /// Codes an admitted query.
  @unsafe
  func prepare(_ quantizer: Quantizer, _ scratch: SearchScratch) -> PreparedQuery {
    let dimensions = quantizer.dimensions
    let x = unsafe scratch.projected
    unsafe x.update(from: scratch.query, count: dimensions)
    let metric = quantizer.metric
    if metric == .squaredEuclidean {
      unsafe quantizer.project(x)
    } else if !quantizer.form.isLossless {
      // The centre only adds a constant to every product, so the query is not shifted.
      unsafe quantizer.rotate(x)
    }
    let isWhole = unsafe quantizer.form.isLossless && Self.isWhole(x, dimensions)
    var largest: Float = 0
    for j in 0..<dimensions { unsafe largest = max(largest, abs(x[j])) }
    // With the rows' own scale an L2 estimate is a whole number; a query that sticks out gets its own.
    let sharesScale =
      isWhole
      || (metric == .squaredEuclidean && quantizer.form == .globalScale
        && largest <= 127 * quantizer.scale)
    let scale = sharesScale ? quantizer.scale : max(largest / 127, 0x1p-119)
    unsafe encode(x, quantizer, inverse: isWhole ? nil : 1 / scale, scratch)
    let zero = unsafe 128 &* codeSum(scratch.code, count: quantizer.codeByteCount)
    switch quantizer.searchFinish {
    case .product:
      let unit = quantizer.scale * scale
      return unsafe PreparedQuery(
        rows: coded(.product, HopQuery(code: scratch.code, zero: zero), quantizer),
        base: unit * Float(zero) + constant(quantizer, scratch), unit: unit, isInteger: true,
        isExact: isWhole)
    case .norm where sharesScale:
      let norm = unsafe codeSquaredNorm(scratch.code, count: quantizer.codeByteCount)
      let query = unsafe HopQuery(code: scratch.code, zero: zero, offset: norm &+ 2 &* zero)
      return unsafe PreparedQuery(
        rows: coded(.norm, query, quantizer), base: 0, unit: scale * scale, isInteger: true,
        isExact: isWhole)
    case .norm, .scaledNorm:
      let query = unsafe HopQuery(
        code: scratch.code, zero: zero, scale: 2 * quantizer.scale * scale,
        normScale: quantizer.scale * quantizer.scale)
      return unsafe PreparedQuery(
        rows: coded(.scaledNorm, query, quantizer),
        base: Float(FixedOrder.squaredNorm(x, count: dimensions)), unit: 1, isInteger: false,
        isExact: false)
    case .factor, .reduced:
      let isL2 = metric == .squaredEuclidean
      let query = unsafe HopQuery(
        code: scratch.code, zero: zero, scale: isL2 ? 2 * scale : scale)
      return unsafe PreparedQuery(
        rows: coded(.factor, query, quantizer),
        base: isL2 ? Float(FixedOrder.squaredNorm(x, count: dimensions)) : 0, unit: 1,
        isInteger: false, isExact: false)
    }
  }

  @unsafe
  private func coded(_ finish: HopFinish, _ query: HopQuery, _ quantizer: Quantizer) -> CodedRows {
    unsafe CodedRows(
      space: HopSpace(
        codes: codes.start, terms: terms.start, count: count, blocks: quantizer.blocks,
        finish: finish),
      query: query)
  }

  /// Writes the query's code, padded with zeros; without an inverse the components are whole already.
  @unsafe
  private func encode(
    _ x: UnsafePointer<Float>, _ quantizer: Quantizer, inverse: Float?, _ scratch: SearchScratch
  ) {
    let bytes = unsafe UnsafeMutableRawPointer(scratch.code).assumingMemoryBound(to: UInt8.self)
    if let inverse {
      unsafe NeedletailKernels.encode(
        x, dimensions: quantizer.dimensions, inverse: inverse, codes: bytes)
      for j in 0..<quantizer.dimensions { unsafe bytes[j] ^= 0x80 }
    } else {
      for j in 0..<quantizer.dimensions { unsafe scratch.code[j] = Int8(x[j]) }
    }
    for j in quantizer.dimensions..<quantizer.codeByteCount { unsafe bytes[j] = 0 }
  }

  /// What every product lacks because rows were centred: `1 − q·centre` under cosine.
  @unsafe
  private func constant(_ quantizer: Quantizer, _ scratch: SearchScratch) -> Float {
    guard quantizer.metric == .cosine else { return 0 }
    let centre = unsafe quantizer.centre.bytes.baseAddress.unsafelyUnwrapped
      .assumingMemoryBound(to: Float.self)
    var sum: Float = 0
    for j in 0..<quantizer.dimensions { unsafe sum += scratch.query[j] * centre[j] }
    return 1 - sum
  }

  /// Whether every component of a shifted query is a whole number that a code can hold.
  @unsafe
  private static func isWhole(_ x: UnsafePointer<Float>, _ dimensions: Int) -> Bool {
    for j in 0..<dimensions {
      let value = unsafe x[j]
      guard value == value.rounded(.towardZero), value >= -128, value <= 127 else { return false }
    }
    return true
  }
}
