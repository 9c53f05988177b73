import NeedletailCore
import NeedletailKernels
import NeedletailStorage

/// A query ready for a walk on codes: its own code, and how keys turn into estimates of a distance.
struct PreparedQuery {
  var rows: CodedRows
  /// The same rows with all bits of their codes, when the walk reads only the upper ones.
  var whole: CodedRows?
  /// `distance ≈ base + unit·estimate`.
  var base: Float
  var unit: Float
  /// Whether estimates are whole numbers.
  var isInteger: Bool
  /// Added to a whole estimate while it is an integer: both may be beyond what `Float` counts exactly.
  var shift: Int32 = 0
  /// Whether an estimate *is* the distance, so that nothing is left to re-rank.
  var isExact: Bool
  /// How far rounding may have moved an estimate.
  var spread: EstimateSpread

  /// The distance that a key stands for.
  @inline(__always)
  func distance(_ key: CandidateKey) -> Float { base + unit * estimate(key) }

  @inline(__always)
  func estimate(_ key: CandidateKey) -> Float {
    isInteger ? Float(key.integerEstimate &+ shift) : key.floatEstimate
  }
}

/// How far rounding to codes may move an estimate, so that the re-rank looks at every row that may be
/// among the nearest and at few others.
///
/// Rounding errors are taken as independent and uniform, ±½ of a code's unit: a variance of 1/12 each.
enum EstimateSpread {
  /// Both sides on one scale, in units of the code: `‖x̂ − q̂‖²` over `dimensions` components.
  case shared(dimensions: Float)
  /// `weight·⟨q̂, x̂⟩` with a scale for either side.
  case product(weight: Float, queryNorm: Float, queryScale: Float)
  /// Nothing is known about the rows' norms.
  case unknown

  /// Standard deviations that are allowed for: more where looking closer costs next to nothing.
  private static func deviations(_ step: Float) -> Float { step < 8 ? 2.5 : 4 }

  /// How far above the estimate of the k-th candidate a row may be estimated and yet be nearer.
  ///
  /// - Parameters:
  ///   - estimate: the k-th candidate's.
  ///   - factor: the unit of its code.
  ///   - norm: its norm.
  ///   - step: what rounds a row's components, in units of the code: 16 for upper nibbles, 1 for whole
  ///     codes, more where components were cut as well.
  ///   - known: standard deviations to allow for where the estimate stands for a distance that is known
  ///     precisely; `nil` where it is as uncertain as its rivals'.
  /// - Returns: the margin, in units of the estimate.
  func margin(
    estimate: Float, factor: Float, norm: Float, step: Float, known: Float? = nil
  ) -> Float {
    switch self {
    case .shared(let dimensions):
      // The error is 2⟨x − q, Δ⟩ + ‖Δ‖² with a variance of (step² + 1)/12 per component of Δ. ‖Δ‖² is the
      // same for all but near copies of the query, whose errors are the query's own.
      let square = step * step
      let variance = estimate * ((square + 1) / 3) + dimensions * ((square * square + 1) / 60)
      let margin = (known ?? Self.deviations(step)) * max(0, variance).squareRoot()
      return step < 2 ? margin + min(estimate, dimensions / 6) : margin
    case .product(let weight, let queryNorm, let queryScale):
      let ofRow = step * factor * queryNorm
      let ofQuery = queryScale * norm
      let variance = (ofRow * ofRow + ofQuery * ofQuery) * (1 / 12)
      // Both the k-th candidate and its rival are uncertain.
      return (known ?? Self.deviations(step) * 1.5) * weight * variance.squareRoot()
    case .unknown: return .infinity
    }
  }

  /// Whether anything is known of it.
  var isKnown: Bool {
    if case .unknown = self { return false }
    return true
  }

  /// What rounding a row's components by a unit of its code, and the query's by one of its own, moves a product
  /// of the two codes by, as the norms of the query's code and of a row's; `nil` where both sides share a scale.
  ///
  /// The largest of `d` rotated components is about three times their root mean square.
  func units(_ quantizer: Quantizer) -> (ofRow: Float, ofQuery: Float)? {
    guard case .product(_, let queryNorm, let queryScale) = self, queryScale > 0 else {
      return nil
    }
    return (queryNorm / queryScale, 42 * Float(quantizer.dimensions).squareRoot())
  }

  /// The square of the margin, as `blur·distance + noise`; without end where the rows' norms have a part
  /// in it.
  func square(step: Float) -> (blur: Float, noise: Float) {
    guard case .shared(let dimensions) = self else { return (.infinity, 0) }
    let square = step * step
    let deviations = Self.deviations(step) * Self.deviations(step)
    return (
      deviations * (square + 1) / 3, deviations * dimensions * (square * square + 1) / 60
    )
  }
}

extension SealedSegment {
  /// Checks a query and brings it into the form that distances are computed on.
  ///
  /// - Throws: `nonFiniteComponent`, `zeroVector`.
  @unsafe
  func admit(_ query: UnsafePointer<Float>, _ buffers: SearchBuffers) throws(NeedletailError) {
    let dimensions = parameters.options.dimensions
    let norm = unsafe FixedOrder.squaredNorm(query, count: dimensions)
    let isCosine = parameters.options.metric == .cosine
    guard norm.isFinite, isCosine ? norm > 0 : norm <= RowFindings.largestSquaredNorm else {
      throw unsafe Self.refusal(query, dimensions, norm)
    }
    if isCosine {
      let inverse = 1 / norm.squareRoot()
      for j in 0..<dimensions { unsafe buffers.query[j] = Float(Double(query[j]) * inverse) }
    } else {
      unsafe buffers.query.update(from: query, count: dimensions)
    }
  }

  @unsafe
  static func refusal(
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
  func prepare(_ quantizer: Quantizer, _ buffers: SearchBuffers) -> PreparedQuery {
    let dimensions = quantizer.dimensions
    let x = unsafe buffers.projected
    unsafe x.update(from: buffers.query, count: dimensions)
    let metric = quantizer.metric
    unsafe quantizer.project(x)
    let isWhole = unsafe quantizer.form.isLossless && Self.isWhole(x, dimensions)
    let largest = unsafe largestMagnitude(x, count: dimensions)
    // On the rows' own scale an estimate is a whole number; a query that sticks out gets its own.
    let sharesScale =
      isWhole || (quantizer.form == .globalScale && largest <= 127 * quantizer.scale)
    let scale = sharesScale ? quantizer.scale : max(largest / 127, 0x1p-119)
    unsafe encode(x, quantizer, inverse: isWhole ? nil : 1 / scale, buffers)
    let sum = unsafe codeSum(buffers.code, count: quantizer.codeByteCount)
    // Unit vectors: half the squared distance is one minus the cosine.
    let half: Float = metric == .cosine ? 0.5 : 1
    if let turbo {
      return unsafe prepareTurbo(
        turbo.rows, turbo.layout, quantizer, buffers, scale: scale, sum: sum, half: half)
    }
    if sharesScale, quantizer.searchFinish == .norm {
      let norm = unsafe codeSquaredNorm(buffers.code, count: quantizer.codeByteCount)
      return unsafe prepared(
        .norm, quantizer, sum, base: 0, unit: half * scale * scale, isInteger: true,
        isExact: isWhole, spread: .shared(dimensions: Float(dimensions))
      ) { zero in
        unsafe HopQuery(code: buffers.code, zero: zero, offset: norm &+ 2 &* zero)
      }
    }
    let isProduct = metric == .innerProduct
    let squaredNorm = unsafe Float(FixedOrder.squaredNorm(x, count: dimensions))
    let spread = EstimateSpread.product(
      weight: isProduct ? 1 : 2, queryNorm: squaredNorm.squareRoot(), queryScale: scale)
    switch quantizer.searchFinish {
    case .product:
      return unsafe prepared(
        .product, quantizer, sum, base: 0, unit: scale, isInteger: true, shift: 128 &* sum,
        isExact: isWhole, spread: .unknown
      ) { zero in unsafe HopQuery(code: buffers.code, zero: zero) }
    case .norm, .scaledNorm:
      return unsafe prepared(
        .scaledNorm, quantizer, sum, base: half * squaredNorm, unit: half, spread: spread
      ) { zero in
        unsafe HopQuery(
          code: buffers.code, zero: zero, scale: 2 * quantizer.scale * scale,
          normScale: quantizer.scale * quantizer.scale)
      }
    case .factor, .reduced:
      return unsafe prepared(
        .factor, quantizer, sum, base: isProduct ? 0 : half * squaredNorm, unit: half,
        spread: spread
      ) { zero in
        unsafe HopQuery(code: buffers.code, zero: zero, scale: isProduct ? scale : 2 * scale)
      }
    }
  }

  /// Prepares a query for rows that hold their neighbours' bits, in units of the common scale where there is
  /// one.
  @unsafe
  private func prepareTurbo(
    _ rows: Component, _ layout: TurboLayout, _ quantizer: Quantizer, _ buffers: SearchBuffers,
    scale: Float, sum: Int32, half: Float
  ) -> PreparedQuery {
    let dimensions = quantizer.dimensions
    let unit = quantizer.form == .globalScale ? quantizer.scale : 1
    let queryScale = scale / unit
    let isShared = queryScale == 1 && quantizer.form == .globalScale
    let (tableScale, tableBase) = unsafe kernel.fillTurboTable(
      buffers.projected, dimensions: dimensions, blocks: layout.blocks, table: buffers.table)
    let codeNorm = unsafe codeSquaredNorm(buffers.code, count: quantizer.codeByteCount)
    // On the common scale both sides are rounded alike, and near copies keep a distance of nothing.
    let norm =
      isShared
      ? Float(codeNorm)
      : unsafe Float(FixedOrder.squaredNorm(buffers.projected, count: dimensions)) / (unit * unit)
    let query = unsafe HopQuery(
      turbo: buffers.code, zero: 128 &* sum, scale: 2 * queryScale, norm: norm,
      table: buffers.table, tableScale: tableScale / unit, tableBase: tableBase / unit)
    return unsafe PreparedQuery(
      rows: CodedRows(space: HopSpace(turbo: rows.start, layout, count: count), query: query),
      base: 0, unit: half * unit * unit, isInteger: false, isExact: false,
      spread: isShared
        ? .shared(dimensions: Float(dimensions))
        : .product(weight: 2, queryNorm: norm.squareRoot(), queryScale: queryScale))
  }

  /// Puts a prepared query together, for as much of the codes as the walk reads and for all of them.
  @unsafe @inline(__always)
  private func prepared(
    _ finish: HopFinish, _ quantizer: Quantizer, _ sum: Int32, base: Float, unit: Float,
    isInteger: Bool = false, shift: Int32 = 0, isExact: Bool = false, spread: EstimateSpread,
    query: (_ zero: Int32) -> HopQuery
  ) -> PreparedQuery {
    let width: CodeWidth = lowerCodes == nil ? .bytes : .nibbles
    let rows = unsafe coded(finish, query(width.zero &* sum), quantizer, width)
    let whole =
      lowerCodes == nil
      ? nil : unsafe coded(finish, query(CodeWidth.split.zero &* sum), quantizer, .split)
    return PreparedQuery(
      rows: rows, whole: whole, base: base, unit: unit, isInteger: isInteger, shift: shift,
      isExact: isExact, spread: spread)
  }

  /// How many of the pool's first candidates may be among the `k` nearest.
  ///
  /// - Precondition: the pool holds `size` keys, ascending.
  @unsafe
  func openCandidates(
    _ prepared: PreparedQuery, _ size: Int, k: Int, _ buffers: SearchBuffers,
    step: Float? = nil
  ) -> Int {
    guard size > k, let quantizer else { return size }
    let key = unsafe buffers.pool[k - 1]
    let (factor, norm) = unsafe unitAndNorm(key.ordinal, quantizer)
    let estimate = prepared.estimate(key)
    let step = step ?? quantizer.step(norm: norm, factor: factor)
    let limit =
      estimate
      + prepared.spread.margin(estimate: estimate, factor: factor, norm: norm, step: step)
    // A product without norms says nothing of its error: twice as many as asked for.
    guard limit.isFinite else { return min(size, max(2 * k, 16)) }
    var open = k
    while open < size, unsafe prepared.estimate(buffers.pool[open]) <= limit { open &+= 1 }
    return open
  }

  /// How many of the pool's first candidates may be as near as a distance that is known precisely.
  ///
  /// Of many rows that are about as far, those with the lowest estimates are those that rounding brought
  /// nearest; measured from their distances, the margin of `openCandidates` reaches rows that it moved away.
  ///
  /// - Precondition: the pool holds `size` keys, ascending, of which the first `open` were ranked already.
  /// - Returns: `unknown` where nothing is known of the estimates' error.
  @unsafe
  func openCandidates(
    _ prepared: PreparedQuery, _ size: Int, upTo distance: Float, from open: Int, unknown: Int,
    _ buffers: SearchBuffers
  ) -> Int {
    guard open > 0, open < size, let quantizer else { return open }
    let (factor, norm) = unsafe unitAndNorm(buffers.pool[open - 1].ordinal, quantizer)
    let estimate = (distance - prepared.base) / prepared.unit
    let limit =
      estimate
      + prepared.spread.margin(
        estimate: estimate, factor: factor, norm: norm,
        step: quantizer.step(norm: norm, factor: factor))
    guard limit.isFinite else { return unknown }
    var open = open
    while open < size, unsafe prepared.estimate(buffers.pool[open]) <= limit { open &+= 1 }
    return open
  }

  /// The unit of a row's code, and the row's norm, as far as its terms tell.
  @unsafe
  func unitAndNorm(_ ordinal: UInt32, _ quantizer: Quantizer) -> (Float, Float) {
    let at = Int(truncatingIfNeeded: ordinal)
    if turbo != nil {
      let (factor, norm) = unsafe rowTerms(ordinal)
      return (factor, norm.squareRoot())
    }
    switch quantizer.searchFinish {
    case .norm:
      let norm = unsafe terms.start.load(fromByteOffset: at &* 4, as: Int32.self)
      return (quantizer.scale, quantizer.scale * Float(norm).squareRoot())
    case .factor:
      let factor = unsafe terms.start.load(fromByteOffset: at &* 8, as: Float.self)
      // The largest of d rotated components is about three times their root mean square.
      return (factor, factor * 42 * Float(quantizer.dimensions).squareRoot())
    case .product, .scaledNorm, .reduced: return (0, 0)
    }
  }

  @unsafe
  private func coded(
    _ finish: HopFinish, _ query: HopQuery, _ quantizer: Quantizer, _ width: CodeWidth
  ) -> CodedRows {
    unsafe CodedRows(
      space: HopSpace(
        codes: codes.start, lower: lowerCodes?.start, terms: terms.start, count: count,
        blocks: quantizer.blocks, finish: finish, width: width),
      query: query)
  }

  /// Writes the query's code, padded with zeros; without an inverse the components are whole already.
  @unsafe
  private func encode(
    _ x: UnsafePointer<Float>, _ quantizer: Quantizer, inverse: Float?, _ buffers: SearchBuffers
  ) {
    let bytes = unsafe UnsafeMutableRawPointer(buffers.code).assumingMemoryBound(to: UInt8.self)
    if let inverse {
      unsafe NeedletailKernels.encode(
        x, dimensions: quantizer.dimensions, inverse: inverse, codes: bytes)
      for j in 0..<quantizer.dimensions { unsafe bytes[j] ^= 0x80 }
    } else {
      for j in 0..<quantizer.dimensions { unsafe buffers.code[j] = Int8(x[j]) }
    }
    for j in quantizer.dimensions..<quantizer.codeByteCount { unsafe bytes[j] = 0 }
  }

  /// Whether every component of a shifted query is a whole number that a code can hold.
  @unsafe
  static func isWhole(_ x: UnsafePointer<Float>, _ dimensions: Int) -> Bool {
    for j in 0..<dimensions {
      let value = unsafe x[j]
      guard value == value.rounded(.towardZero), value >= -128, value <= 127 else { return false }
    }
    return true
  }
}
