package import NeedletailCore
package import NeedletailKernels
import NeedletailStorage

/// How vectors become int8 codes, and what a code says about its vector.
///
/// A code is `dimensions` components from −128 to 127, stored as bytes with 128 added and padded to
/// blocks of 64. What the components stand for depends on the form:
///
/// | Form               | Vector                       | When                                              |
/// |--------------------|------------------------------|---------------------------------------------------|
/// | `losslessUnsigned` | `x = code + 128`             | whole numbers 0…255 under squared L2              |
/// | `losslessSigned`   | `x = code`                   | whole numbers −128…127 under squared L2 or ip     |
/// | `globalScale`      | `R(x − centre) ≈ scale·code` | squared L2 with norms alike, and cosine           |
/// | `rowScale`         | `R(x − centre) ≈ factor·code` | norms apart, and ip: the code keeps the direction |
///
/// `R` is the random rotation: it spreads what one component holds over all of them, so that eight bits
/// serve every component equally well. The centre is zero for the inner product.
@safe
package final class Quantizer: @unchecked Sendable {
  // SAFETY: every property is constant; the memory blocks are written before they are stored here.

  /// What the components of a code stand for.
  package enum Form: UInt32, Sendable, Hashable, CaseIterable {
    case losslessUnsigned = 1
    case losslessSigned = 2
    case globalScale = 3
    case rowScale = 4

    package var isLossless: Bool { self == .losslessUnsigned || self == .losslessSigned }
  }

  package let dimensions: Int
  package let metric: Metric
  package let form: Form
  /// The unit of a code's component under `globalScale`; 1 for the lossless forms, 0 for `rowScale`.
  package let scale: Float
  /// Mean of `‖x − x̂‖ / ‖x − centre‖` over the training sample.
  package let relativeError: Double
  /// `[dimensions]` floats, subtracted before the rotation.
  let centre: MemoryBlock
  /// `4·⌈dimensions/8⌉` bytes: the signs of the rotation.
  let signs: MemoryBlock

  init(
    dimensions: Int, metric: Metric, form: Form, scale: Float, relativeError: Double,
    centre: MemoryBlock, signs: MemoryBlock
  ) {
    self.dimensions = dimensions
    self.metric = metric
    self.form = form
    self.scale = scale
    self.relativeError = relativeError
    self.centre = centre
    self.signs = signs
  }

  /// What rounds the components of a row, in units of its code: 1 when nothing was cut.
  ///
  /// Rounding alone moves a component by `1/√12` of a unit; the training measured how far it is in truth.
  func step(norm: Float, factor: Float) -> Float {
    guard factor > 0 else { return 1 }
    let error = Float(relativeError) * norm / factor
    return max(1, error * (12 / Float(dimensions)).squareRoot())
  }

  /// 64-byte blocks per code.
  package var blocks: Int { Self.blocks(dimensions) }
  /// Bytes per code, padding included.
  package var codeByteCount: Int { blocks * 64 }

  package static func blocks(_ dimensions: Int) -> Int { (dimensions + 63) / 64 }
  /// Bytes that a quantizer takes.
  static func byteCount(_ dimensions: Int) -> Int { 4 * dimensions + signByteCount(dimensions) }
  static func signByteCount(_ dimensions: Int) -> Int { 4 * ((dimensions + 7) / 8) }

  /// What a search needs of a row beside its code.
  package var searchFinish: HopFinish { Self.searchFinish(form, metric) }

  static func searchFinish(_ form: Form, _ metric: Metric) -> HopFinish {
    switch (form, metric) {
    case (.rowScale, _): .factor
    case (_, .innerProduct): .product
    // Cosine too is estimated as the distance of unit vectors: what rounding does to a distance shrinks
    // with the distance, what it does to a product does not, and near rows are what is looked for.
    case (_, .squaredEuclidean), (_, .cosine): .norm
    }
  }

  /// Brings a row into the space of the codes: centred and rotated, or shifted when lossless.
  ///
  /// - Precondition: `x` holds `dimensions` components; for cosine of a unit row.
  @unsafe
  func project(_ x: UnsafeMutablePointer<Float>) {
    switch form {
    case .losslessUnsigned:
      for j in 0..<dimensions { unsafe x[j] -= 128 }
    case .losslessSigned: break
    case .globalScale, .rowScale:
      let centre = unsafe centre.bytes.assumingMemoryBound(to: Float.self)
      for j in 0..<dimensions { unsafe x[j] -= centre[j] }
      unsafe rotate(x)
    }
  }

  /// Rotates a vector in place.
  @unsafe @inline(__always)
  func rotate(_ x: UnsafeMutablePointer<Float>) {
    guard let signs = unsafe signs.bytes.assumingMemoryBound(to: UInt8.self).baseAddress else {
      return
    }
    unsafe NeedletailKernels.rotate(x, dimensions: dimensions, signs: signs)
  }

  /// The terms of one coded row.
  struct RowTerms {
    /// Real units of one code component.
    var factor: Float
    /// The squared norm of the int8 code.
    var codeNorm: Int32
    /// Components cut to the range.
    var clamped: Int
  }

  /// Codes one projected row.
  ///
  /// - Precondition: `x` is projected; `code` has room for `codeByteCount` bytes.
  @unsafe
  func encode(_ x: UnsafePointer<Float>, into code: UnsafeMutablePointer<UInt8>) -> RowTerms {
    for j in dimensions..<codeByteCount { unsafe code[j] = 128 }
    switch form {
    case .losslessUnsigned, .losslessSigned:
      // Rows were checked to be whole; a file that changed since must not trap here.
      for j in 0..<dimensions {
        unsafe code[j] = UInt8(truncatingIfNeeded: Int(max(-128, min(127, x[j]))) + 128)
      }
      return unsafe RowTerms(factor: 1, codeNorm: Self.norm(code, codeByteCount), clamped: 0)
    case .globalScale:
      let clamped = unsafe NeedletailKernels.encode(
        x, dimensions: dimensions, inverse: 1 / scale, codes: code)
      return unsafe RowTerms(
        factor: scale, codeNorm: Self.norm(code, codeByteCount), clamped: clamped)
    case .rowScale:
      return unsafe encodeDirection(x, into: code)
    }
  }

  private func encodeDirection(
    _ x: UnsafePointer<Float>, into code: UnsafeMutablePointer<UInt8>
  ) -> RowTerms {
    var largest: Float = 0
    for j in 0..<dimensions { unsafe largest = max(largest, abs(x[j])) }
    // Below this the inverse would overflow; such a row is as good as zero in Float.
    guard largest > 0x1p-119 else {
      for j in 0..<dimensions { unsafe code[j] = 128 }
      return RowTerms(factor: 0, codeNorm: 0, clamped: 0)
    }
    unsafe NeedletailKernels.encode(
      x, dimensions: dimensions, inverse: 127 / largest, codes: code)
    var product = 0.0
    var norm = 0.0
    for j in 0..<dimensions {
      let component = unsafe Double(Int(code[j]) - 128)
      unsafe product += Double(x[j]) * component
      norm += component * component
    }
    return RowTerms(factor: Float(product / norm), codeNorm: Int32(norm), clamped: 0)
  }

  private static func norm(_ code: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    var sum: Int32 = 0
    for j in 0..<count {
      let component = unsafe Int32(code[j]) &- 128
      sum &+= component &* component
    }
    return sum
  }

  /// Gives back what a code stands for, in the space of the codes.
  @unsafe
  func decode(
    _ code: UnsafePointer<UInt8>, factor: Float, into x: UnsafeMutablePointer<Float>
  ) {
    let shift: Float = form == .losslessUnsigned ? 0 : 128
    let unit: Float = form.isLossless ? 1 : factor
    for j in 0..<dimensions { unsafe x[j] = unit * (Float(code[j]) - shift) }
  }
}
