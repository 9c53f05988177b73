package import NeedletailCore
import NeedletailKernels
import NeedletailStorage

/// What a look at every row found.
package struct RowFindings: Sendable {
  /// Squared norm of every row, summed in double in a fixed order.
  package var squaredNorms: [Double] = []
  /// Whether every component so far is a whole number from 0 to 255, or from −128 to 127.
  package var fitsUnsigned = true
  package var fitsSigned = true
  /// Whether every component so far is a half-precision number.
  package var fitsHalf = true
  /// The largest magnitude of a component.
  package var largestComponent: Float = 0

  /// The largest squared norm of a row or query, under L2 and ip.
  package static let largestSquaredNorm = Double(Float.greatestFiniteMagnitude)

  package init() {}

  /// Refuses rows that are all so short that their distances vanish in `Float`.
  ///
  /// - Throws: `invalidConfiguration`, under L2 and ip.
  package func checkScale(_ metric: Metric) throws(NeedletailError) {
    let longest = squaredNorms.max() ?? 0
    guard metric != .cosine, longest > 0, longest < Double(Float.leastNormalMagnitude) else {
      return
    }
    throw NeedletailError(
      .invalidConfiguration,
      "The longest row has a squared norm of \(longest), below \(Float.leastNormalMagnitude), where"
        + " distances vanish in Float; scale the vectors up.")
  }

  /// Refuses rows that the half precision that was asked for cannot hold.
  ///
  /// - Throws: `invalidConfiguration`.
  package func checkPrecision(_ options: BuildOptions) throws(NeedletailError) {
    guard options.precise == .float16, options.metric != .cosine, largestComponent >= 65_520,
      losslessForm(options.metric) == nil
    else { return }
    throw NeedletailError(
      .invalidConfiguration,
      "A component of \(largestComponent) does not fit into half precision, which ends at"
        + " 65504; keep precise rows as bf16 or f32.")
  }

  /// Looks at the rows of one more matrix; on an error nothing is taken over.
  ///
  /// - Throws: `dimensionMismatch`, `nonFiniteComponent` or `zeroVector`, naming row and component.
  package mutating func add(
    _ matrix: VectorMatrix, dimensions: Int, metric: Metric
  ) throws(NeedletailError) {
    guard matrix.dimensions == dimensions else {
      throw NeedletailError(
        .dimensionMismatch,
        "The rows have \(matrix.dimensions) components; the index has \(dimensions) dimensions.")
    }
    var norms: [Double] = []
    norms.reserveCapacity(matrix.count)
    var unsigned = fitsUnsigned
    var signed = fitsSigned
    var largest = largestComponent
    var half = fitsHalf
    let memory = try MemoryBlock(count: dimensions, stride: 4)
    let check = try MemoryBlock(count: dimensions, stride: 8)
    // SAFETY: each block holds one row, and this is its only user.
    let row = unsafe memory.mutableBytes.baseAddress.unsafelyUnwrapped
      .assumingMemoryBound(to: Float.self)
    for i in 0..<matrix.count {
      unsafe copyComponents(of: matrix, row: i, into: row)
      let norm = unsafe FixedOrder.squaredNorm(row, count: dimensions)
      if !norm.isFinite || norm > Self.largestSquaredNorm || norm == 0 {
        unsafe try Self.examine(row, i, dimensions, norm, metric)
      }
      norms.append(norm)
      for j in 0..<dimensions { unsafe largest = max(largest, abs(row[j])) }
      if unsigned || signed {
        unsafe Self.narrow(row, dimensions, &unsigned, &signed)
      }
      if half, matrix.element == .float32 {
        half = unsafe Self.isHalf(row, dimensions, check.mutableBytes)
      }
    }
    squaredNorms += norms
    largestComponent = largest
    fitsUnsigned = unsigned
    fitsSigned = signed
    fitsHalf = half
  }

  /// Whether half precision holds a row exactly.
  ///
  /// - Precondition: `scratch` has eight bytes a component.
  @unsafe
  private static func isHalf(
    _ row: UnsafePointer<Float>, _ dimensions: Int, _ scratch: UnsafeMutableRawBufferPointer
  ) -> Bool {
    guard let start = scratch.baseAddress else { return true }
    let halves = unsafe (start + dimensions * 4).assumingMemoryBound(to: UInt16.self)
    let widened = unsafe start.assumingMemoryBound(to: Float.self)
    unsafe Conversion.narrow(row, to: .float16, count: dimensions, into: halves)
    unsafe Conversion.widen(halves, as: .float16, count: dimensions, into: widened)
    for j in 0..<dimensions where unsafe widened[j].bitPattern != row[j].bitPattern {
      return false
    }
    return true
  }

  /// Refuses a row that cannot be indexed.
  @unsafe
  private static func examine(
    _ row: UnsafePointer<Float>, _ number: Int, _ dimensions: Int, _ norm: Double, _ metric: Metric
  ) throws(NeedletailError) {
    for j in 0..<dimensions where unsafe !row[j].isFinite {
      throw NeedletailError(
        .nonFiniteComponent,
        unsafe "Row \(number), component \(j) is \(row[j]); remove the row or mend its source.")
    }
    if metric == .cosine {
      guard norm > 0 else {
        throw NeedletailError(
          .zeroVector,
          "Row \(number) is all zeros; it has no direction, so no cosine. Leave it out.")
      }
    } else if norm > largestSquaredNorm {
      throw NeedletailError(
        .nonFiniteComponent,
        "Row \(number) has a squared norm of \(norm), beyond Float; scale the vectors down.")
    }
  }

  @unsafe
  private static func narrow(
    _ row: UnsafePointer<Float>, _ dimensions: Int, _ unsigned: inout Bool, _ signed: inout Bool
  ) {
    var low: Float = 0
    var high: Float = 0
    for j in 0..<dimensions {
      let value = unsafe row[j]
      guard value == value.rounded(.towardZero) else {
        unsigned = false
        signed = false
        return
      }
      low = min(low, value)
      high = max(high, value)
    }
    if low < 0 || high > 255 { unsigned = false }
    if low < -128 || high > 127 { signed = false }
  }

  /// The lossless form that all rows allow under a metric, if any.
  package func losslessForm(_ metric: Metric) -> Quantizer.Form? {
    switch metric {
    case .squaredEuclidean:
      fitsSigned ? .losslessSigned : fitsUnsigned ? .losslessUnsigned : nil
    case .innerProduct: fitsSigned ? .losslessSigned : nil
    case .cosine: nil
    }
  }

  /// Whether a lossless form holds all rows as they are.
  func fit(_ form: Quantizer.Form) -> Bool {
    switch form {
    case .losslessSigned: fitsSigned
    case .losslessUnsigned: fitsUnsigned
    case .globalScale, .rowScale: false
    }
  }
}
