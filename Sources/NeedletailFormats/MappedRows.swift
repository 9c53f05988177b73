import NeedletailCore
import NeedletailStorage

/// The rows of a whole file in memory, checked: from here on they are only addresses.
struct MappedRows {
  let region: MappedRegion
  let layout: RowLayout
  let count: Int

  /// Maps and checks a file.
  init(contentsOf path: String, fileSystem: any FileSystem) throws(NeedletailError) {
    // The name is judged before the disk is touched.
    if VectorFileFormat(pathExtension: path) == .hdf5 { throw RowLayout.hdf5Error(path) }
    try self.init(try fileSystem.map(path))
  }

  /// Checks the bytes of a file, whose name is the region's path.
  init(_ region: MappedRegion) throws(NeedletailError) {
    let fault = FileFault(path: region.path)
    let bytes = region.span
    let format = try VectorFileFormat.detect(region.path, prefix: bytes)
    let layout = try RowLayout.parse(
      bytes, length: region.count, format: format, fault: fault)
    try layout.checkRowHeaders(bytes, firstRow: 0, fault: fault)
    self.region = region
    self.layout = layout
    count = layout.count ?? 0
  }

  /// The rows as vectors; no copy is made where the components are aligned.
  func vectors() throws(NeedletailError) -> VectorMatrix {
    guard let element = layout.component.element else {
      throw FileFault(path: region.path).unsupported(
        "The file holds 32-bit integers (row numbers, ground truth), not vectors; give a file of "
          + "floats or bytes.", in: "type")
    }
    if let copy = try alignedCopy() {
      return unsafe try VectorMatrix(
        owner: copy, baseAddress: address(in: copy.bytes, 0), count: count,
        dimensions: layout.width, element: element, rowByteStride: layout.rowByteCount)
    }
    return unsafe try VectorMatrix(
      owner: region, baseAddress: address(in: region.bytes, layout.dataOffset), count: count,
      dimensions: layout.width, element: element, rowByteStride: layout.rowByteStride)
  }

  /// The rows as integers; no copy is made where they are aligned.
  func integers() throws(NeedletailError) -> IntegerMatrix {
    guard layout.component == .int32 else {
      throw FileFault(path: region.path).unsupported(
        "The file holds \(layout.component) components, not 32-bit integers (row numbers); give an "
          + ".ivecs, .ibin or .npy file of <i4.", in: "type")
    }
    if let copy = try alignedCopy() {
      return unsafe try IntegerMatrix(
        owner: copy, baseAddress: address(in: copy.bytes, 0), count: count, width: layout.width,
        rowByteStride: layout.rowByteCount)
    }
    return unsafe try IntegerMatrix(
      owner: region, baseAddress: address(in: region.bytes, layout.dataOffset), count: count,
      width: layout.width, rowByteStride: layout.rowByteStride)
  }

  /// The rows in memory of their own, when a header of odd length misaligns those of the file.
  private func alignedCopy() throws(NeedletailError) -> MemoryBlock? {
    // The region's start is aligned, and a row's header is 4 bytes: only `.npy` gets here.
    guard !layout.dataOffset.isMultiple(of: layout.component.byteCount) else { return nil }
    let block = try MemoryBlock(count: count, stride: layout.rowByteCount)
    unsafe block.mutableBytes.copyMemory(
      from: UnsafeRawBufferPointer(rebasing: region.bytes[layout.dataOffset...]))
    return block
  }

  /// An address inside bytes that a row begins at.
  private func address(
    in bytes: UnsafeRawBufferPointer, _ offset: Int
  ) throws(NeedletailError) -> UnsafeRawPointer {
    guard let start = bytes.baseAddress, offset <= bytes.count else {
      throw FileFault(path: region.path).corrupted("The rows have no place.", in: "rows")
    }
    // SAFETY: the offset lies inside the bytes or, when there are no rows, at their end.
    return unsafe start + offset
  }
}
