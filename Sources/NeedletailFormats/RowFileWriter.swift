import NeedletailCore
import NeedletailStorage

/// Writes rows under a temporary name; the file gets its own name when it is whole.
///
/// Whatever fails, and a writer that is dropped, leaves nothing behind.
final class RowFileWriter {
  private enum State { case rows, tail, done }

  let path: String
  let format: VectorFileFormat
  let component: StoredComponent
  let width: Int
  /// Rows appended so far.
  private(set) var count = 0
  private let replacing: Bool
  private let fileSystem: any FileSystem
  private let temporaryPath: String
  private var file: (any WritableFile)?
  private let buffer: MemoryBlock
  private var filled = 0
  private var state = State.rows

  init(
    path: String, format: VectorFileFormat, component: StoredComponent, width: Int,
    replacing: Bool, fileSystem: any FileSystem
  ) throws(NeedletailError) {
    try Self.check(format, component, width, path: path)
    try Self.checkFree(path, replacing: replacing, fileSystem)
    self.path = path
    self.format = format
    self.component = component
    self.width = width
    self.replacing = replacing
    self.fileSystem = fileSystem
    var random = SystemRandomNumberGenerator()
    temporaryPath = "\(path).partial-\(String(random.next(), radix: 36))"
    buffer = try MemoryBlock(byteCount: max(1 << 20, width * component.byteCount + 4))
    file = try fileSystem.create(temporaryPath)
    try guarding { () throws(NeedletailError) in
      // The place of the header; the number of rows is known at the end.
      for byte in try header() { try put(byte) }
    }
  }

  deinit { discard() }

  /// Appends vectors; those of another element are converted where nothing is lost.
  func append(_ matrix: VectorMatrix) throws(NeedletailError) {
    try checkUsable(width: matrix.dimensions, adding: matrix.count)
    try guarding { () throws(NeedletailError) in
      for row in 0..<matrix.count {
        let place = unsafe try beginRow()
        if StoredComponent(matrix.element) == component {
          // SAFETY: `beginRow` made room for a row, and the matrix keeps its own.
          unsafe place.copyMemory(
            from: matrix.rowAddress(row), byteCount: width * component.byteCount)
        } else {
          for j in 0..<width {
            let value = matrix[row, j]
            guard unsafe store(value, at: place, j) else { throw inexact(value, j) }
          }
        }
        endRow()
      }
    }
  }

  /// Appends one vector, converted where nothing is lost.
  func append(_ vector: Span<Float>) throws(NeedletailError) {
    try checkUsable(width: vector.count, adding: 1)
    do throws(NeedletailError) {
      let place = unsafe try beginRow()
      for j in 0..<width {
        guard unsafe store(vector[j], at: place, j) else { throw inexact(vector[j], j) }
      }
      endRow()
    } catch {
      discard()
      throw error
    }
  }

  /// Appends rows of integers.
  func append(_ matrix: IntegerMatrix) throws(NeedletailError) {
    precondition(component == .int32, "integers go into files of integers")
    try checkUsable(width: matrix.width, adding: matrix.count)
    try guarding { () throws(NeedletailError) in
      for row in 0..<matrix.count {
        let place = unsafe try beginRow()
        // SAFETY: `beginRow` made room for a row; the matrix keeps its own, checked by the loop.
        unsafe place.copyMemory(
          from: matrix.baseAddress + row * matrix.rowByteStride, byteCount: width * 4)
        endRow()
      }
    }
  }

  /// Ends the rows that the header counts.
  func endRows() throws(NeedletailError) {
    try checkUsable(width: width, adding: 0)
    state = .tail
  }

  /// Appends the distances of a ground truth, which the header doesn't count.
  func appendTail(_ distances: VectorMatrix) throws(NeedletailError) {
    precondition(state == .tail, "the rows must have ended")
    try guarding { () throws(NeedletailError) in
      for row in 0..<distances.count {
        let place = unsafe try reserve(width * 4)
        // SAFETY: the room is reserved, and a row of Float is that long.
        unsafe place.copyMemory(from: distances.rowAddress(row), byteCount: width * 4)
        filled += width * 4
      }
    }
  }

  /// Writes the header, makes the file durable, and gives it its name.
  func finish() throws(NeedletailError) {
    if state == .rows { try endRows() }
    guard state == .tail, let file else { throw unusable() }
    try guarding { () throws(NeedletailError) in
      if format.rowsCarryLength, count == 0 {
        throw NeedletailError(
          .invalidConfiguration,
          "A .\(format.rawValue) file without rows would not say its dimensions; append at least "
            + "one row, or write .fbin or .npy.", at: .init(path: path))
      }
      try flush()
      let header = try header()
      if !header.isEmpty {
        let block = try MemoryBlock(byteCount: header.count)
        for (j, byte) in header.enumerated() { unsafe block.mutableBytes[j] = byte }
        unsafe try file.write(block.bytes, at: 0)
      }
      try file.synchronize()
      try file.close()
      // Looked at again: the name was free when writing began, perhaps long ago.
      try Self.checkFree(path, replacing: replacing, fileSystem)
      try fileSystem.rename(temporaryPath, to: path)
      // From here on the file has its name; there is nothing to take back.
      self.file = nil
      state = .done
      try fileSystem.synchronizeDirectory(Self.directory(of: path))
    }
  }

  // MARK: Rows

  private func beginRow() throws(NeedletailError) -> UnsafeMutableRawPointer {
    let headerByteCount = format.rowsCarryLength ? 4 : 0
    let place = unsafe try reserve(headerByteCount + width * component.byteCount)
    guard headerByteCount > 0 else { return unsafe place }
    // SAFETY: room for the length and the row is reserved.
    unsafe place.storeBytes(of: Int32(truncatingIfNeeded: width).littleEndian, as: Int32.self)
    return unsafe place + headerByteCount
  }

  private func endRow() {
    filled += (format.rowsCarryLength ? 4 : 0) + width * component.byteCount
    count += 1
  }

  /// The place of the next bytes, with room for as many; the buffer holds at least one row.
  private func reserve(_ byteCount: Int) throws(NeedletailError) -> UnsafeMutableRawPointer {
    if filled + byteCount > buffer.byteCount { try flush() }
    guard filled + byteCount <= buffer.byteCount, let start = unsafe buffer.mutableBytes.baseAddress
    else { throw unusable() }
    return unsafe start + filled
  }

  private func put(_ byte: UInt8) throws(NeedletailError) {
    unsafe try reserve(1).storeBytes(of: byte, as: UInt8.self)
    filled += 1
  }

  private func flush() throws(NeedletailError) {
    guard let file else { throw unusable() }
    unsafe try file.write(UnsafeRawBufferPointer(rebasing: buffer.bytes[..<filled]))
    filled = 0
  }

  /// Stores a value if the component holds it exactly; whether it does.
  private func store(_ value: Float, at place: UnsafeMutableRawPointer, _ j: Int) -> Bool {
    // SAFETY: `place` has room for `width` components, and `j` is one of them.
    switch component {
    case .float32:
      unsafe place.storeBytes(
        of: value.bitPattern.littleEndian, toByteOffset: j * 4, as: UInt32.self)
    case .float16:
      let bits = value.halfBitPattern
      guard Float(halfBitPattern: bits) == value || value.isNaN else { return false }
      unsafe place.storeBytes(of: bits.littleEndian, toByteOffset: j * 2, as: UInt16.self)
    case .uint8:
      guard let byte = UInt8(exactly: value) else { return false }
      unsafe place.storeBytes(of: byte, toByteOffset: j, as: UInt8.self)
    case .int8:
      guard let byte = Int8(exactly: value) else { return false }
      unsafe place.storeBytes(of: byte, toByteOffset: j, as: Int8.self)
    case .int32: return false
    }
    return true
  }

  // MARK: States

  /// Runs a step; when it fails, the temporary file goes and nothing more can be appended.
  private func guarding(
    _ step: () throws(NeedletailError) -> Void
  ) throws(NeedletailError) {
    do throws(NeedletailError) { try step() } catch {
      discard()
      throw error
    }
  }

  private func discard() {
    state = .done
    guard let file else { return }
    self.file = nil
    try? file.close()
    try? fileSystem.remove(temporaryPath)
  }

  private func header() throws(NeedletailError) -> [UInt8] {
    switch format {
    case .npy: return NpyHeader.bytes(component: component, count: count, width: width)
    case .fbin, .u8bin, .i8bin, .ibin:
      return [UInt32(truncatingIfNeeded: count), UInt32(truncatingIfNeeded: width)].flatMap {
        (number: UInt32) in (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
      }
    case .fvecs, .bvecs, .ivecs, .hdf5: return []
    }
  }
}

extension RowFileWriter {
  private func checkUsable(width: Int, adding rows: Int) throws(NeedletailError) {
    guard state == .rows else { throw unusable() }
    guard width == self.width else {
      throw NeedletailError(
        .dimensionMismatch, "A row has \(width) components; those of this file have \(self.width).",
        at: .init(path: path))
    }
    let limit = format.countsRowsIn32Bits ? Int(UInt32.max) : Int.max
    guard rows <= limit - count else {
      throw NeedletailError(
        .capacityExceeded,
        "\(count) and \(rows) more rows are over the \(limit) that a .\(format.rawValue) file "
          + "counts; write .npy.", at: .init(path: path))
    }
  }

  private func unusable() -> NeedletailError {
    NeedletailError(
      .io, "The writer is finished, or failed before; make a new one.", at: .init(path: path))
  }

  private func inexact(_ value: Float, _ column: Int) -> NeedletailError {
    NeedletailError(
      .invalidConfiguration,
      "Row \(count), component \(column) is \(value), which \(component) does not hold exactly; "
        + "write a file of float32.", at: .init(path: path))
  }

  private static func check(
    _ format: VectorFileFormat, _ component: StoredComponent, _ width: Int, path: String
  ) throws(NeedletailError) {
    let location = NeedletailError.Location(path: path)
    guard format != .hdf5 else {
      throw NeedletailError(
        .unsupportedFormat, "HDF5 files are read only; write .fbin or .npy.", at: location)
    }
    if let fixed = format.fixedComponent, fixed != component {
      throw NeedletailError(
        .invalidConfiguration,
        "A .\(format.rawValue) file holds \(fixed), not \(component); name it .npy, or give "
          + "another element.", at: location)
    }
    guard width > 0 else {
      throw NeedletailError(
        .invalidConfiguration, "dimensions is \(width); a row needs at least 1 component.",
        at: location)
    }
    guard width <= component.widthLimit else {
      throw NeedletailError(
        .capacityExceeded,
        "\(width) components in a row are more than the \(component.widthLimit) supported.",
        at: location)
    }
  }

  private static func checkFree(
    _ path: String, replacing: Bool, _ fileSystem: any FileSystem
  ) throws(NeedletailError) {
    guard let kind = try fileSystem.kind(of: path), kind != .file || !replacing else { return }
    throw NeedletailError(
      .alreadyExists,
      kind == .file
        ? "The file exists already; give another name, or say that it may be replaced."
        : "Something that is not a file has this name; give another.", at: .init(path: path))
  }

  /// The directory that holds the name.
  private static func directory(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.utf8.startIndex ? "/" : String(path[..<slash])
  }
}

extension VectorFileFormat {
  /// Whether each row begins with its length, and there is no header.
  var rowsCarryLength: Bool { self == .fvecs || self == .bvecs || self == .ivecs }
  /// Whether the number of rows is a `UInt32`.
  var countsRowsIn32Bits: Bool {
    self == .fbin || self == .u8bin || self == .i8bin || self == .ibin
  }
}
