/// Rows of equal length: `count` × `dimensions` components, owned in memory or mapped from a file.
///
/// A value over shared, immutable bytes: copying it copies no components, and any thread may read it.
@safe
public struct VectorMatrix: @unchecked Sendable {
  // SAFETY: the bytes are immutable and `owner` keeps them; every access below is checked.

  /// How a component is stored.
  public enum Element: String, Sendable, Hashable, CaseIterable {
    /// IEEE 754 single precision, 4 bytes.
    case float32
    /// IEEE 754 half precision, 2 bytes.
    case float16
    /// Unsigned bytes.
    case uint8
    /// Signed bytes.
    case int8

    /// The size of one component, in bytes.
    public var byteCount: Int {
      switch self {
      case .float32: 4
      case .float16: 2
      case .uint8, .int8: 1
      }
    }
  }

  /// The number of rows.
  public let count: Int
  /// Components per row.
  public let dimensions: Int
  /// How the components are stored.
  ///
  /// Reading always gives `Float`.
  public let element: Element
  /// Bytes from one row's first component to the next row's.
  package let rowByteStride: Int
  /// The first row's first component.
  ///
  /// Little-endian, aligned to the component's size.
  package let baseAddress: UnsafeRawPointer
  /// Keeps the bytes alive: an owned buffer or a mapped region.
  private let owner: any AnyObject & Sendable

  /// Wraps rows that `owner` keeps alive and unchanged.
  ///
  /// - Precondition: `baseAddress` is aligned to the component and readable for
  ///   `(count − 1)·rowByteStride + dimensions·element.byteCount` bytes while `owner` lives.
  package init(
    owner: any AnyObject & Sendable, baseAddress: UnsafeRawPointer, count: Int, dimensions: Int,
    element: Element, rowByteStride: Int
  ) {
    precondition(count >= 0 && dimensions > 0, "a matrix needs rows of at least one component")
    precondition(rowByteStride >= dimensions * element.byteCount, "rows may not overlap")
    self.owner = owner
    unsafe self.baseAddress = baseAddress
    self.count = count
    self.dimensions = dimensions
    self.element = element
    self.rowByteStride = rowByteStride
  }

  /// Makes a matrix that owns a copy of `components`, row after row.
  ///
  /// - Throws: `invalidConfiguration` when `dimensions` is not positive, `capacityExceeded` when it is
  ///   over `Limits.dimensions`, `dimensionMismatch` when the components do not fill whole rows.
  public init(_ components: [Float], dimensions: Int) throws(NeedletailError) {
    guard dimensions > 0 else {
      throw NeedletailError(
        .invalidConfiguration, "dimensions is \(dimensions); a row needs at least 1 component.")
    }
    guard dimensions <= Limits.dimensions else {
      throw NeedletailError(
        .capacityExceeded,
        "\(dimensions) dimensions are more than the \(Limits.dimensions) that are supported.")
    }
    guard components.count.isMultiple(of: dimensions) else {
      throw NeedletailError(
        .dimensionMismatch,
        "\(components.count) components do not fill whole rows of \(dimensions).")
    }
    let owned = OwnedComponents(components)
    unsafe self.init(
      owner: owned, baseAddress: UnsafeRawPointer(owned.start),
      count: components.count / dimensions, dimensions: dimensions, element: .float32,
      rowByteStride: dimensions * 4)
  }

  /// The components of one row, converted to `Float`.
  ///
  /// - Precondition: `0 ≤ row < count`.
  public subscript(row: Int) -> [Float] {
    unsafe [Float](unsafeUninitializedCapacity: dimensions) { buffer, count in
      for j in 0..<dimensions { unsafe buffer.initializeElement(at: j, to: self[row, j]) }
      count = dimensions
    }
  }

  /// One component, converted to `Float`.
  ///
  /// - Precondition: `0 ≤ row < count` and `0 ≤ component < dimensions`.
  public subscript(row: Int, component: Int) -> Float {
    precondition(row >= 0 && row < count, "row \(row) of \(count)")
    precondition(component >= 0 && component < dimensions, "component \(component)")
    // SAFETY: the row and the component are in range, and `owner` keeps the bytes.
    let start = unsafe baseAddress + row * rowByteStride
    switch element {
    case .float32:
      return unsafe Float(bitPattern: start.load(fromByteOffset: component * 4, as: UInt32.self))
    case .float16:
      return Float(
        halfBitPattern: unsafe start.load(fromByteOffset: component * 2, as: UInt16.self))
    case .uint8: return unsafe Float(start.load(fromByteOffset: component, as: UInt8.self))
    case .int8: return unsafe Float(start.load(fromByteOffset: component, as: Int8.self))
    }
  }

  /// The first byte of one row.
  ///
  /// - Precondition: `0 ≤ row < count`.
  package func rowAddress(_ row: Int) -> UnsafeRawPointer {
    precondition(row >= 0 && row < count, "row \(row) of \(count)")
    return unsafe baseAddress + row * rowByteStride
  }

  /// The rows of a range, over the same bytes.
  ///
  /// - Precondition: the range lies in `0..<count`.
  public subscript(rows: Range<Int>) -> VectorMatrix {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= count, "rows \(rows) of \(count)")
    // SAFETY: the range lies inside the rows that `owner` keeps.
    return unsafe VectorMatrix(
      owner: owner, baseAddress: baseAddress + rows.lowerBound * rowByteStride, count: rows.count,
      dimensions: dimensions, element: element, rowByteStride: rowByteStride)
  }
}

/// A heap block of components that is freed with its last matrix.
@safe
private final class OwnedComponents: @unchecked Sendable {
  // SAFETY: written once here, only read afterwards.
  let start: UnsafeMutablePointer<Float>

  init(_ components: [Float]) {
    unsafe start = .allocate(capacity: max(1, components.count))
    for j in components.indices { unsafe (start + j).initialize(to: components[j]) }
  }

  deinit { unsafe start.deallocate() }
}
