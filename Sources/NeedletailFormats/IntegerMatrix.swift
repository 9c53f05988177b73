package import NeedletailCore
package import NeedletailStorage

/// Rows of 32-bit integers, mostly the row numbers of a ground truth: `count` × `width`.
///
/// A value over shared, immutable bytes: copying it copies no numbers, and any thread may read it.
@safe
package struct IntegerMatrix: @unchecked Sendable {
  // SAFETY: the bytes are immutable, and `owner`, which keeps them, is Sendable.

  /// The number of rows.
  package let count: Int
  /// Integers per row.
  package let width: Int
  /// Bytes from one row to the next.
  let rowByteStride: Int
  /// The first row, little-endian, aligned to 4 bytes.
  let baseAddress: UnsafeRawPointer
  /// Keeps the bytes alive.
  private let owner: any AnyObject & Sendable

  /// Wraps rows that `owner` keeps alive and unchanged.
  ///
  /// - Precondition: `baseAddress` is aligned to 4 bytes and readable for all rows.
  init(
    owner: any AnyObject & Sendable, baseAddress: UnsafeRawPointer, count: Int, width: Int,
    rowByteStride: Int
  ) {
    precondition(count >= 0 && width > 0, "a matrix needs rows of at least one integer")
    precondition(rowByteStride >= width * 4, "rows may not overlap")
    self.owner = owner
    unsafe self.baseAddress = baseAddress
    self.count = count
    self.width = width
    self.rowByteStride = rowByteStride
  }

  /// Makes a matrix that owns a copy of `values`, row after row.
  ///
  /// - Throws: `invalidConfiguration` when `width` is not positive, `capacityExceeded` when it is over
  ///   `Limits.neighborsPerQuery`, `dimensionMismatch` when the values do not fill whole rows.
  package init(_ values: [Int32], width: Int) throws(NeedletailError) {
    guard width > 0 else {
      throw NeedletailError(.invalidConfiguration, "width is \(width); a row needs at least 1.")
    }
    guard width <= Limits.neighborsPerQuery else {
      throw NeedletailError(
        .capacityExceeded,
        "\(width) integers in a row are more than the \(Limits.neighborsPerQuery) supported.")
    }
    guard values.count.isMultiple(of: width) else {
      throw NeedletailError(
        .dimensionMismatch, "\(values.count) integers do not fill whole rows of \(width).")
    }
    let block = try MemoryBlock(count: values.count, stride: 4)
    for (j, value) in values.enumerated() {
      unsafe block.mutableBytes.storeBytes(
        of: value.littleEndian, toByteOffset: j * 4, as: Int32.self)
    }
    try self.init(block, count: values.count / width, width: width)
  }

  /// Takes over rows that lie in memory without gaps.
  init(_ block: MemoryBlock, count: Int, width: Int) throws(NeedletailError) {
    guard let start = unsafe block.bytes.baseAddress else {
      throw NeedletailError(.io, "A block of memory has no address.")
    }
    unsafe self.init(
      owner: block, baseAddress: start, count: count, width: width, rowByteStride: width * 4)
  }

  /// Maps the integers of an `.ivecs`, `.ibin` or `.npy` file (`<i4`).
  ///
  /// - Throws: as `VectorMatrix.init(contentsOf:)`; `corrupted` for an `.ibin` file with distances,
  ///   which `GroundTruthFile` reads.
  package init(
    contentsOf path: String, fileSystem: any FileSystem = LocalFileSystem()
  ) throws(NeedletailError) {
    self = try MappedRows(contentsOf: path, fileSystem: fileSystem).integers()
  }

  /// The integers in the bytes of a file, whose name is the region's path.
  package init(_ region: MappedRegion) throws(NeedletailError) {
    self = try MappedRows(region).integers()
  }

  /// One integer.
  ///
  /// - Precondition: `0 ≤ row < count` and `0 ≤ column < width`.
  package subscript(row: Int, column: Int) -> Int32 {
    precondition(row >= 0 && row < count, "row \(row) of \(count)")
    precondition(column >= 0 && column < width, "column \(column) of \(width)")
    // SAFETY: row and column are in range, the rows are aligned, and `owner` keeps the bytes.
    return unsafe Int32(
      littleEndian: baseAddress.load(
        fromByteOffset: row * rowByteStride + column * 4, as: Int32.self))
  }

  /// The integers of one row.
  ///
  /// - Precondition: `0 ≤ row < count`.
  package subscript(row: Int) -> [Int32] { (0..<width).map { self[row, $0] } }

  /// The rows of a range, over the same bytes.
  ///
  /// - Precondition: the range lies in `0..<count`.
  package subscript(rows: Range<Int>) -> IntegerMatrix {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= count, "rows \(rows) of \(count)")
    // SAFETY: the range lies inside the rows that `owner` keeps.
    return unsafe IntegerMatrix(
      owner: owner, baseAddress: baseAddress + rows.lowerBound * rowByteStride, count: rows.count,
      width: width, rowByteStride: rowByteStride)
  }
}
