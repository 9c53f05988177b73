import NeedletailCore
import NeedletailKernels
import NeedletailStorage

extension Quantizer {
  /// Rows that training looks at; more change the result by less than the rounding of a code.
  static let sampleCount = 4096
  /// Clip points tried for a global scale, in root-mean-square components of the sample.
  private static let clips: [Double] = [2.5, 2.75, 3, 3.25, 3.5, 4, 4.5, 5, 6, 8, 12]

  /// Chooses the form and its constants from a sample of the rows.
  ///
  /// Everything is computed in a fixed order, so that the same rows and seed give the same quantizer on
  /// every machine.
  ///
  /// - Parameters:
  ///   - rows: the rows, unit rows under cosine.
  ///   - metric: what near means.
  ///   - lossless: the lossless form that *all* rows allow, if any.
  ///   - seed: where the signs of the rotation come from.
  ///   - forcesRowScale: leaves the global scale out; for data whose tail a sample did not show.
  ///   - mayBeParted: whether a walk may read the upper nibbles only; they ask for a smaller scale.
  /// - Returns: the quantizer.
  /// - Throws: `io` when there is no memory for the sample.
  static func train(
    rows: RowSource, metric: Metric, lossless: Form?, seed: UInt64, forcesRowScale: Bool = false,
    mayBeParted: Bool = false
  ) throws(NeedletailError) -> Quantizer {
    let dimensions = rows.dimensions
    let centre = try MemoryBlock(count: dimensions, stride: 4)
    let signs = try MemoryBlock(byteCount: signByteCount(dimensions))
    if let lossless {
      return Quantizer(
        dimensions: dimensions, metric: metric, form: lossless, scale: 1, relativeError: 0,
        centre: centre, signs: signs)
    }
    var random = SplitMix64(seed: seed ^ 0x726f_7461_7465)
    // SAFETY: the block was just made with this many bytes, and nobody else has it.
    for j in 0..<signs.byteCount {
      unsafe signs.mutableBytes[j] = UInt8(truncatingIfNeeded: random.next())
    }
    let count = min(rows.count, sampleCount)
    let sample = try MemoryBlock(count: count * dimensions, stride: 4)
    let x = unsafe sample.mutableBytes.assumingMemoryBound(to: Float.self)
    guard let start = x.baseAddress else {
      throw NeedletailError(.invalidConfiguration, "There is nothing to train a quantizer on.")
    }
    for i in 0..<count {
      unsafe try rows.copy(i * rows.count / count, into: start + i * dimensions)
    }
    unsafe findCentre(of: start, count: count, metric, centre)
    let draft = Quantizer(
      dimensions: dimensions, metric: metric, form: .rowScale, scale: 0, relativeError: 0,
      centre: centre, signs: signs)
    for i in 0..<count { unsafe draft.project(start + i * dimensions) }
    let perRow = unsafe draft.error(start, count: count)
    var best: (scale: Float, error: SampleError, cost: Double)?
    if !forcesRowScale, metric != .innerProduct {
      let unit = unsafe rootMeanSquare(start, count: count * dimensions)
      for clip in clips {
        let scale = Float(unit * clip / 127)
        guard scale > 0x1p-119, scale.isFinite else { continue }
        let error = unsafe draft.with(form: .globalScale, scale: scale, error: 0).error(
          start, count: count)
        // Rounding to sixteen values weighs sixteen squared times as much as rounding to 256, what is cut
        // weighs the same in both; of all bits, the walk's order needs an eighth of their precision.
        let cost = mayBeParted ? error.coarse + 8 * error.total : error.total
        if best.map({ cost < $0.cost }) ?? true { best = (scale, error, cost) }
      }
    }
    // Unit rows share one scale by construction; elsewhere it must not cost much against a scale per
    // row, nor leave a part of the rows with codes that say nothing.
    if let best,
      metric == .cosine
        || (best.error.mean <= 2 * perRow.mean && best.error.worst <= 6 * perRow.mean)
    {
      return draft.with(form: .globalScale, scale: best.scale, error: best.error.mean)
    }
    return draft.with(form: .rowScale, scale: 0, error: perRow.mean)
  }

  /// Finds the point that the codes are about: zero under inner product, the mean under cosine, under
  /// squared L2 the median of each component.
  ///
  /// A mean would follow the few longest rows, and leave the many short ones as far from it as it is from
  /// zero, all in one direction.
  private static func findCentre(
    of x: UnsafePointer<Float>, count: Int, _ metric: Metric, _ centre: MemoryBlock
  ) {
    guard metric != .innerProduct, count > 0 else { return }
    let dimensions = centre.byteCount / 4
    // SAFETY: the centre's block is still being made, and nobody else has it.
    let middle = unsafe centre.mutableBytes.assumingMemoryBound(to: Float.self)
    var column: [Float] = []
    column.reserveCapacity(count)
    for j in 0..<dimensions {
      if metric == .cosine {
        var sum = 0.0
        for i in 0..<count { unsafe sum += Double(x[i * dimensions + j]) }
        unsafe middle[j] = Float(sum / Double(count))
      } else {
        column.removeAll(keepingCapacity: true)
        for i in 0..<count { unsafe column.append(x[i * dimensions + j]) }
        column.sort()
        unsafe middle[j] = column[(count - 1) / 2]
      }
    }
  }

  private func with(form: Form, scale: Float, error: Double) -> Quantizer {
    Quantizer(
      dimensions: dimensions, metric: metric, form: form, scale: scale, relativeError: error,
      centre: centre, signs: signs)
  }

  /// How well a sample comes back from its codes.
  struct SampleError {
    /// Sum of squared distances between rows and what their codes stand for.
    var total = 0.0
    /// The same for the upper nibbles of their codes.
    var coarse = 0.0
    /// Mean of the error's share of the row's norm.
    var mean = 0.0
    /// The 99th percentile of that share.
    var worst = 0.0
  }

  private func error(_ x: UnsafePointer<Float>, count: Int) -> SampleError {
    var result = SampleError()
    var shares: [Double] = []
    shares.reserveCapacity(count)
    unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: codeByteCount) { buffer in
      guard let code = buffer.baseAddress else { return }
      for i in 0..<count {
        let row = unsafe x + i * dimensions
        let terms = unsafe encode(row, into: code)
        let (error, norm) = unsafe squaredError(row, code, factor: terms.factor)
        result.total += error
        for j in 0..<codeByteCount { unsafe code[j] = code[j] & 0xf0 | 8 }
        result.coarse += unsafe squaredError(row, code, factor: terms.factor).error
        if norm > 0 { shares.append((error / norm).squareRoot()) }
      }
    }
    guard !shares.isEmpty else { return result }
    result.mean = shares.reduce(0, +) / Double(shares.count)
    shares.sort()
    result.worst = shares[(shares.count - 1) * 99 / 100]
    return result
  }

  /// The squared distance between a projected row and what its code stands for, and its squared norm.
  @unsafe
  func squaredError(
    _ row: UnsafePointer<Float>, _ code: UnsafePointer<UInt8>, factor: Float
  ) -> (error: Double, norm: Double) {
    var error = 0.0
    var norm = 0.0
    for j in 0..<dimensions {
      let component = unsafe Double(row[j])
      let difference = unsafe component - Double(factor) * Double(Int(code[j]) - 128)
      error += difference * difference
      norm += component * component
    }
    return (error, norm)
  }

  private static func rootMeanSquare(_ x: UnsafePointer<Float>, count: Int) -> Double {
    var sum = 0.0
    for j in 0..<count { unsafe sum += Double(x[j]) * Double(x[j]) }
    return (sum / Double(max(1, count))).squareRoot()
  }
}
