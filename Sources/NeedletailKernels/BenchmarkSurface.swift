public import NeedletailCore

/// One kernel over random rows of its own, for this repository's benchmarks.
///
/// Public because benchmarks are a package of their own. It promises nothing to anyone else, and may change or
/// go at any time.
@safe
public final class _KernelBenchmark {
  /// What is timed.
  public enum Work: String, CaseIterable {
    /// Squared distances to `Float` rows that follow one another.
    case l2Block = "l2 f32, block"
    /// Squared distances to `Float` rows in random order, as a re-rank reads them.
    case l2Gather = "l2 f32, gather"
    /// Products with half-precision rows in random order.
    case halfGather = "ip f16, gather"
    /// Products with bfloat16 rows in random order.
    case bfloatGather = "ip bf16, gather"
    /// Estimates from int8 codes in random order, as a hop computes them.
    case codeGather = "int8 codes, gather"
  }

  // SAFETY: the buffers are made here, with these sizes, and freed with the object.

  /// Rows scored by one call of `run`.
  public let rowCount: Int
  private let work: Work
  private let kernel: DistanceKernel
  private let hop = HopKernel()
  private let blocks: Int
  private let rowByteCount: Int
  private let rows: UnsafeMutableRawPointer
  private let query: UnsafeMutablePointer<Float>
  private let code: UnsafeMutablePointer<Int8>
  private let ordinals: UnsafeMutablePointer<UInt32>
  private let results: UnsafeMutablePointer<Float>
  private let keys: UnsafeMutablePointer<CandidateKey>

  /// Makes rows for one kernel.
  ///
  /// - Parameters:
  ///   - work: what is timed.
  ///   - dimensions: components per row, 1 to `Limits.dimensions`.
  ///   - rowCount: how many rows, at least 1.
  /// - Throws: `invalidConfiguration` or `capacityExceeded` for numbers outside their range.
  public init(_ work: Work, dimensions: Int, rows rowCount: Int) throws(NeedletailError) {
    let element: DistanceKernel.RowElement =
      switch work {
      case .l2Block, .l2Gather, .codeGather: .float32
      case .halfGather: .float16
      case .bfloatGather: .bfloat16
      }
    let isL2 = work == .l2Block || work == .l2Gather
    kernel = try DistanceKernel(
      isL2 ? .squaredEuclidean : .innerProduct, rows: element, dimensions: dimensions)
    guard (1...1 << 24).contains(rowCount) else {
      throw NeedletailError(.invalidConfiguration, "There are \(rowCount) rows; give 1 to 2²⁴.")
    }
    self.work = work
    self.rowCount = rowCount
    blocks = (dimensions + 63) / 64
    rowByteCount = work == .codeGather ? blocks * 64 : dimensions * element.byteCount
    unsafe rows = .allocate(byteCount: rowCount * rowByteCount, alignment: 64)
    unsafe query = .allocate(capacity: dimensions)
    unsafe code = .allocate(capacity: blocks * 64)
    unsafe ordinals = .allocate(capacity: rowCount + 2 * HopKernel.slack)
    unsafe results = .allocate(capacity: rowCount)
    unsafe keys = .allocate(capacity: rowCount + 2 * HopKernel.slack)
    fill(dimensions: dimensions)
  }

  private func fill(dimensions: Int) {
    var random = SplitMix64(seed: 1)
    for j in 0..<dimensions { unsafe query[j] = Float(random.nextUnit() - 0.5) }
    for j in 0..<(blocks * 64) { unsafe code[j] = Int8(truncatingIfNeeded: random.next()) }
    var numbers = (0..<UInt32(rowCount)).map { $0 }
    numbers.shuffle(using: &random)
    for i in 0..<(rowCount + 2 * HopKernel.slack) {
      unsafe ordinals[i] = i < rowCount ? numbers[i] : 0
      unsafe keys[i] = 0
    }
    unsafe results.initialize(repeating: 0, count: rowCount)
    for i in 0..<rowCount {
      let row = unsafe rows + i * rowByteCount
      for j in 0..<(work == .codeGather ? rowByteCount : dimensions) {
        let value = Float(random.nextUnit() - 0.5)
        switch (work, kernel.rows) {
        case (.codeGather, _):
          unsafe row.storeBytes(
            of: UInt8(truncatingIfNeeded: random.next()), toByteOffset: j, as: UInt8.self)
        case (_, .float32): unsafe row.storeBytes(of: value, toByteOffset: j * 4, as: Float.self)
        case (_, .float16):
          unsafe row.storeBytes(of: value.halfBitPattern, toByteOffset: j * 2, as: UInt16.self)
        case (_, .bfloat16):
          unsafe row.storeBytes(
            of: UInt16(value.bitPattern >> 16), toByteOffset: j * 2, as: UInt16.self)
        }
      }
    }
  }

  deinit {
    unsafe rows.deallocate()
    unsafe query.deallocate()
    unsafe code.deallocate()
    unsafe ordinals.deallocate()
    unsafe results.deallocate()
    unsafe keys.deallocate()
  }

  /// Scores every row once; returns something that depends on the results.
  public func run() -> UInt64 {
    switch work {
    case .l2Block:
      unsafe kernel.block(
        query: query, rows: rows, rowStride: rowByteCount, count: rowCount, into: results)
    case .l2Gather, .halfGather, .bfloatGather:
      unsafe kernel.gather(
        query: query, rows: rows, rowStride: rowByteCount, ordinals: ordinals, count: rowCount,
        into: results)
    case .codeGather:
      let space = unsafe HopSpace(
        codes: rows, terms: nil, count: rowCount, blocks: blocks, finish: .product)
      let zero = unsafe 128 &* codeSum(code, count: blocks * 64)
      // A hop has a few dozen links; so has a call here.
      var start = 0
      while start < rowCount {
        let part = min(32, rowCount - start)
        unsafe hop.score(
          space, HopQuery(code: code, zero: zero), ordinals: ordinals + start, count: part,
          keys: keys)
        start += part
      }
      return unsafe keys[0]
    }
    return unsafe UInt64(results[0].bitPattern)
  }
}
