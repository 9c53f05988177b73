import NeedletailCore

/// Where the rows of a file lie, as its header says it, checked against the file's length.
struct RowLayout: Sendable, Hashable {
  var format: VectorFileFormat
  var component: StoredComponent
  /// The number of rows; `nil` when they go on to the end of a stream whose length is not known.
  var count: Int?
  /// Numbers per row.
  var width: Int
  /// Bytes before the first row.
  var headerByteCount: Int
  /// Bytes before each row: 4 where rows carry their own length.
  var rowHeaderByteCount: Int

  /// Bytes of one row's numbers; can't overflow, as the width is limited.
  var rowByteCount: Int { width * component.byteCount }
  /// Bytes from one row to the next.
  var rowByteStride: Int { rowHeaderByteCount + rowByteCount }
  /// The offset of the first row's first number.
  var dataOffset: Int { headerByteCount + rowHeaderByteCount }

  /// The shape in words.
  var described: String { "\(count.map { "\($0)" } ?? "some") rows of \(width) \(component)" }

  /// The length of a file of `count` rows; `nil` when that overflows.
  var byteCount: Int? {
    guard let count else { return nil }
    let (rows, overflow) = count.multipliedReportingOverflow(by: rowByteStride)
    let (sum, overflows) = rows.addingReportingOverflow(headerByteCount)
    return overflow || overflows ? nil : sum
  }

  /// How many bytes of the file `parse` must see; they may be more than the file has.
  ///
  /// `prefix` is at least 12 bytes, or the whole file.
  static func prefixByteCount(
    of format: VectorFileFormat, prefix: RawSpan, fault: FileFault
  ) throws(NeedletailError) -> Int {
    switch format {
    case .fvecs, .bvecs, .ivecs: 4
    case .fbin, .u8bin, .i8bin, .ibin: 8
    case .npy: try NpyHeader.textRange(prefix, fault: fault).upperBound
    case .hdf5: throw hdf5Error(fault.path)
    }
  }

  /// Reads a file's header.
  ///
  /// - Parameters:
  ///   - prefix: the file's first bytes, as many as `prefixByteCount` says or the whole file.
  ///   - length: the file's length, or `nil` when it can't be told (a pipe).
  ///   - format: the format, from `VectorFileFormat.detect`.
  ///   - fault: makes the errors.
  /// - Returns: the layout; its rows fill `length` exactly.
  /// - Throws: `corrupted`, `capacityExceeded` or `unsupportedFormat`.
  static func parse(
    _ prefix: RawSpan, length: Int?, format: VectorFileFormat, fault: FileFault
  ) throws(NeedletailError) -> RowLayout {
    let layout: RowLayout
    switch format {
    case .fvecs, .bvecs, .ivecs:
      return try parseRowHeaders(prefix, length: length, format: format, fault: fault)
    case .fbin, .u8bin, .i8bin, .ibin:
      layout = try parseMatrixHeader(prefix, format: format, fault: fault)
    case .npy: layout = try NpyHeader.parse(prefix, fault: fault)
    case .hdf5: throw hdf5Error(fault.path)
    }
    try layout.checkLength(length, fault: fault)
    return layout
  }

  /// Checks that the file is exactly as long as its header says.
  func checkLength(_ length: Int?, fault: FileFault) throws(NeedletailError) {
    guard let byteCount else {
      throw fault.corrupted(
        "The header says \(described), more than any file holds. Check that it is a "
          + ".\(format.rawValue) file.", in: "header", at: 0)
    }
    if let length, length != byteCount {
      throw fault.wrongLength(self, expected: byteCount, found: length)
    }
  }

  /// Reads the two lengths before a matrix; the file's own length is not looked at.
  static func parseMatrixHeader(
    _ prefix: RawSpan, format: VectorFileFormat, fault: FileFault
  ) throws(NeedletailError) -> RowLayout {
    guard prefix.byteCount >= 8 else {
      throw fault.shortHeader(8, found: prefix.byteCount)
    }
    let component = format.fixedComponent ?? .float32
    let width = Int(prefix.littleEndianUInt32(at: 4))
    try fault.checkWidth(width, of: component, in: "dimensions", at: 4)
    return RowLayout(
      format: format, component: component, count: Int(prefix.littleEndianUInt32(at: 0)),
      width: width, headerByteCount: 8, rowHeaderByteCount: 0)
  }

  /// Reads the length that begins the first row; `checkRowHeaders` looks at the others.
  private static func parseRowHeaders(
    _ prefix: RawSpan, length: Int?, format: VectorFileFormat, fault: FileFault
  ) throws(NeedletailError) -> RowLayout {
    guard prefix.byteCount >= 4 else {
      throw fault.shortHeader(4, found: prefix.byteCount)
    }
    let component = format.fixedComponent ?? .float32
    let width = Int(Int32(bitPattern: prefix.littleEndianUInt32(at: 0)))
    try fault.checkWidth(width, of: component, in: "row 0", at: 0)
    var layout = RowLayout(
      format: format, component: component, count: nil, width: width, headerByteCount: 0,
      rowHeaderByteCount: 4)
    // Whether the last row is whole is told after the rows' own lengths, which say more.
    layout.count = length.map { $0 / layout.rowByteStride }
    return layout
  }

  /// Checks that each row says the same length as the first, and that the last one is whole.
  ///
  /// `bytes` begins with row `firstRow`; the cost is one load for each row.
  func checkRowHeaders(
    _ bytes: RawSpan, firstRow: Int, fault: FileFault
  ) throws(NeedletailError) {
    guard rowHeaderByteCount > 0 else { return }
    let stride = rowByteStride
    let expected = UInt32(truncatingIfNeeded: width)
    var offset = 0
    while bytes.byteCount &- offset >= 4 {
      let found = bytes.littleEndianUInt32(at: offset)
      let row = firstRow + offset / stride
      let place = headerByteCount + row * stride
      guard found == expected else {
        throw fault.corrupted(
          "Row \(row) says \(Int32(bitPattern: found)) components, row 0 says \(width); all rows need "
            + "the same. The file is damaged, or not a .\(format.rawValue) file.",
          in: "row \(row)", at: place)
      }
      guard bytes.byteCount &- offset >= stride else { break }
      offset &+= stride
    }
    let rest = bytes.byteCount - offset
    if rest > 0 {
      let row = firstRow + offset / stride
      throw fault.corrupted(
        "Row \(row) has only \(rest) of its \(stride) bytes. The file was cut short: copy or write "
          + "it again.", in: "row \(row)", at: headerByteCount + row * stride + rest)
    }
  }

  /// The error for a file of many arrays where one matrix is asked for.
  static func hdf5Error(_ path: String) -> NeedletailError {
    #if HDF5
      NeedletailError(
        .unsupportedFormat,
        "An HDF5 file holds several matrices; convert it first: needletail convert \(path)",
        at: .init(path: path))
    #else
      AnnBenchmarksFile.missingSupport(path)
    #endif
  }
}
