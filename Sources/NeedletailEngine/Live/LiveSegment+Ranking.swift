import NeedletailCore
import NeedletailKernels
import Synchronization

extension LiveSegment {
  /// Checks a query and brings it into the form that distances are computed on.
  ///
  /// - Throws: `nonFiniteComponent`, `zeroVector`.
  @unsafe
  func admit(_ query: UnsafePointer<Float>, _ buffers: SearchBuffers) throws(NeedletailError) {
    let dimensions = tables.dimensions
    let norm = unsafe FixedOrder.squaredNorm(query, count: dimensions)
    let isCosine = options.build.metric == .cosine
    guard norm.isFinite, isCosine ? norm > 0 : norm <= RowFindings.largestSquaredNorm else {
      throw unsafe SealedSegment.refusal(query, dimensions, norm)
    }
    if isCosine {
      let inverse = 1 / norm.squareRoot()
      for j in 0..<dimensions { unsafe buffers.query[j] = Float(Double(query[j]) * inverse) }
    } else {
      unsafe buffers.query.update(from: query, count: dimensions)
    }
  }

  /// Codes an admitted query: what `SealedSegment.prepare` does, for whole codes alone.
  @unsafe
  func prepare(_ buffers: SearchBuffers, below written: Int) -> PreparedQuery {
    let (dimensions, metric) = (quantizer.dimensions, quantizer.metric)
    let x = unsafe buffers.projected
    unsafe x.update(from: buffers.query, count: dimensions)
    unsafe quantizer.project(x)
    let isWhole = unsafe quantizer.form.isLossless && SealedSegment.isWhole(x, dimensions)
    let largest = unsafe largestMagnitude(x, count: dimensions)
    // On the rows' own scale an estimate is a whole number; a query that sticks out gets its own.
    let sharesScale =
      isWhole || (quantizer.form == .globalScale && largest <= 127 * quantizer.scale)
    let scale = sharesScale ? quantizer.scale : max(largest / 127, 0x1p-119)
    unsafe encode(x, inverse: isWhole ? nil : 1 / scale, buffers)
    let sum = unsafe codeSum(buffers.code, count: quantizer.codeByteCount)
    let zero = 128 &* sum
    // Unit vectors: half the squared distance is one minus the cosine.
    let half: Float = metric == .cosine ? 0.5 : 1
    let isExact = isWhole && !isRough.load(ordering: .relaxed)
    if sharesScale, quantizer.searchFinish == .norm {
      let norm = unsafe codeSquaredNorm(buffers.code, count: quantizer.codeByteCount)
      let query = unsafe HopQuery(code: buffers.code, zero: zero, offset: norm &+ 2 &* zero)
      return unsafe PreparedQuery(
        rows: coded(.norm, query, written), base: 0, unit: half * scale * scale, isInteger: true,
        isExact: isExact, spread: .shared(dimensions: Float(dimensions)))
    }
    let isProduct = metric == .innerProduct
    let squaredNorm = unsafe Float(FixedOrder.squaredNorm(x, count: dimensions))
    let spread = EstimateSpread.product(
      weight: isProduct ? 1 : 2, queryNorm: squaredNorm.squareRoot(), queryScale: scale)
    switch quantizer.searchFinish {
    case .product:
      let query = unsafe HopQuery(code: buffers.code, zero: zero)
      return unsafe PreparedQuery(
        rows: coded(.product, query, written), base: 0, unit: scale, isInteger: true,
        shift: zero, isExact: isExact, spread: .unknown)
    case .norm, .scaledNorm:
      let query = unsafe HopQuery(
        code: buffers.code, zero: zero, scale: 2 * quantizer.scale * scale,
        normScale: quantizer.scale * quantizer.scale)
      return unsafe PreparedQuery(
        rows: coded(.scaledNorm, query, written), base: half * squaredNorm, unit: half,
        isInteger: false, isExact: false, spread: spread)
    case .factor, .reduced:
      let query = unsafe HopQuery(
        code: buffers.code, zero: zero, scale: isProduct ? scale : 2 * scale)
      return unsafe PreparedQuery(
        rows: coded(.factor, query, written), base: isProduct ? 0 : half * squaredNorm,
        unit: half, isInteger: false, isExact: false, spread: spread)
    }
  }

  @unsafe
  private func coded(_ finish: HopFinish, _ query: HopQuery, _ written: Int) -> CodedRows {
    unsafe CodedRows(
      space: HopSpace(
        codes: tables.codes, terms: tables.searchTerms, count: written,
        blocks: quantizer.blocks, finish: finish),
      query: query)
  }

  /// Writes the query's code, padded with zeros; without an inverse the components are whole already.
  @unsafe
  private func encode(_ x: UnsafePointer<Float>, inverse: Float?, _ buffers: SearchBuffers) {
    let bytes = unsafe UnsafeMutableRawPointer(buffers.code).assumingMemoryBound(to: UInt8.self)
    let dimensions = quantizer.dimensions
    if let inverse {
      unsafe NeedletailKernels.encode(x, dimensions: dimensions, inverse: inverse, codes: bytes)
      for j in 0..<dimensions { unsafe bytes[j] ^= 0x80 }
    } else {
      for j in 0..<dimensions { unsafe buffers.code[j] = Int8(x[j]) }
    }
    for j in dimensions..<quantizer.codeByteCount { unsafe bytes[j] = 0 }
  }

  /// Turns the pool into answers, by re-ranking where that says more than the estimates do.
  ///
  /// - Precondition: the pool holds `size` keys of rows to be answered, ascending.
  @unsafe
  func finish(
    _ prepared: PreparedQuery, _ size: Int, _ parameters: SearchParameters,
    _ buffers: SearchBuffers, _ outcome: inout SearchOutcome,
    _ answers: UnsafeMutablePointer<Neighbor>
  ) {
    if prepared.isExact || parameters.rerankCandidates == 0 {
      let taken = min(size, parameters.k)
      for i in 0..<taken {
        let key = unsafe buffers.pool[i]
        unsafe answers[i] = Neighbor(
          id: tables.ids[Int(key.ordinal)], distance: prepared.distance(key))
      }
      unsafe sortNeighbors(answers, count: taken)
      outcome.count = taken
      return
    }
    var count =
      if let asked = parameters.rerankCandidates {
        min(size, max(asked, parameters.k))
      } else {
        unsafe openCandidates(prepared, size, k: parameters.k, buffers)
      }
    if let rows = parameters.rowsInTime(searchCosts), rows < count {
      count = rows
      outcome.cuts.insert(.rerank)
    }
    for i in 0..<count { unsafe buffers.ordinals[i] = buffers.pool[i].ordinal }
    unsafe prefetchRows(
      tables.rows, stride: tables.dimensions * 4, ordinals: buffers.ordinals,
      count: min(count, 8))
    unsafe rerank(count, parameters.k, buffers, &outcome, answers)
  }

  /// How many of the pool's first candidates may be among the `k` nearest; see `SealedSegment.openCandidates`.
  @unsafe
  private func openCandidates(
    _ prepared: PreparedQuery, _ size: Int, k: Int, _ buffers: SearchBuffers
  ) -> Int {
    guard size > k else { return size }
    // Rows whose codes say little may lie anywhere.
    if isRough.load(ordering: .relaxed) { return size }
    let key = unsafe buffers.pool[k - 1]
    let (factor, norm) = unsafe unitAndNorm(key.ordinal)
    let estimate = prepared.estimate(key)
    let limit =
      estimate
      + prepared.spread.margin(
        estimate: estimate, factor: factor, norm: norm,
        step: quantizer.step(norm: norm, factor: factor))
    guard limit.isFinite else { return min(size, max(2 * k, 16)) }
    var open = k
    while open < size, unsafe prepared.estimate(buffers.pool[open]) <= limit { open &+= 1 }
    return open
  }

  /// The unit of a row's code, and its norm as far as its terms tell.
  @unsafe
  private func unitAndNorm(_ ordinal: UInt32) -> (Float, Float) {
    let at = Int(truncatingIfNeeded: ordinal)
    switch quantizer.searchFinish {
    case .norm:
      let norm = unsafe tables.searchTerms.load(fromByteOffset: at &* 4, as: Int32.self)
      return (quantizer.scale, quantizer.scale * Float(norm).squareRoot())
    case .factor:
      let factor = unsafe tables.searchTerms.load(fromByteOffset: at &* 8, as: Float.self)
      return (factor, factor * 42 * Float(quantizer.dimensions).squareRoot())
    case .product, .scaledNorm, .reduced: return (0, 0)
    }
  }

  /// Ranks `buffers.ordinals[0..<candidates]` by their precise rows and writes the best.
  @unsafe
  func rerank(
    _ candidates: Int, _ k: Int, _ buffers: SearchBuffers, _ outcome: inout SearchOutcome,
    _ answers: UnsafeMutablePointer<Neighbor>
  ) {
    let distances = unsafe buffers.distances
    unsafe rowKernel.gather(
      query: buffers.query, rows: UnsafeRawPointer(tables.rows),
      rowStride: tables.dimensions * 4, ordinals: buffers.ordinals, count: candidates,
      into: distances)
    let metric = options.build.metric
    for i in 0..<candidates {
      let value = unsafe distances[i]
      let distance =
        switch metric {
        case .squaredEuclidean: value
        case .innerProduct: -value
        case .cosine: unsafe cosineDistance(value, buffers.ordinals[i], buffers.query)
        }
      unsafe buffers.ranked[i] = Neighbor(
        id: tables.ids[Int(buffers.ordinals[i])], distance: distance)
    }
    unsafe sortNeighbors(buffers.ranked, count: candidates)
    let taken = min(candidates, k)
    unsafe answers.update(from: buffers.ranked, count: taken)
    outcome.count = taken
    outcome.rerankedRows = candidates
  }

  /// Norms of rows whose products with a unit query neither leave the range of `Float` nor lose bits at its
  /// lower end.
  private static let plainNorms = 1e-30...1e30

  /// The distance of a row from a query under cosine.
  ///
  /// Rows are kept as they were given, so that a seal loses nothing of them.
  ///
  /// - Parameters:
  ///   - product: that of the query and the row, summed in `Float`.
  ///   - ordinal: the row.
  ///   - query: a unit query.
  /// - Returns: a finite number.
  @unsafe @inline(__always)
  private func cosineDistance(
    _ product: Float, _ ordinal: UInt32, _ query: UnsafePointer<Float>
  ) -> Float {
    let at = Int(truncatingIfNeeded: ordinal)
    let norm = unsafe tables.norms[at]
    guard Self.plainNorms.contains(norm) else {
      let row = unsafe tables.rows + at * tables.dimensions
      return 1 - Float(unsafe FixedOrder.dot(query, row, count: tables.dimensions) / norm)
    }
    return 1 - Float(Double(product) / norm)
  }
}
