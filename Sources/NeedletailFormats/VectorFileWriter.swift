public import NeedletailCore
package import NeedletailStorage

/// Writes vectors to a file, block by block, without knowing how many there will be.
///
/// ```swift
/// var writer = try VectorFileWriter(path: "base.npy", dimensions: 384, element: .float16)
/// try writer.append(block)
/// try writer.finish()
/// ```
///
/// The rows go to a temporary file beside `path`, which gets the name in `finish`, durably. A writer
/// that is dropped before, and one whose disk is full, leaves nothing behind. The format is told by
/// the ending: see `VectorFileFormat`.
///
/// An element that differs from the file's is converted where that loses nothing (bytes to floats;
/// floats to halves or bytes that hold them exactly) and refused otherwise.
public struct VectorFileWriter: ~Copyable {
  private let file: RowFileWriter

  /// The rows appended so far.
  public var count: Int { file.count }

  /// Makes a writer for a new file.
  ///
  /// - Parameters:
  ///   - path: the file; its ending tells the format.
  ///   - dimensions: components per row, up to `Limits.dimensions`.
  ///   - element: how components are stored; by default what the format holds, `float32` for `.npy`.
  ///   - replacing: whether a file of this name may be replaced; false by default.
  /// - Throws: `alreadyExists`; `unsupportedFormat` for an unknown ending; `invalidConfiguration`
  ///   when the format doesn't hold the element; `capacityExceeded`; `io`.
  public init(
    path: String, dimensions: Int, element: VectorMatrix.Element? = nil, replacing: Bool = false
  ) throws(NeedletailError) {
    try self.init(
      path: path, dimensions: dimensions, element: element, replacing: replacing,
      fileSystem: LocalFileSystem())
  }

  /// Makes a writer for a new file of any file system.
  package init(
    path: String, dimensions: Int, element: VectorMatrix.Element? = nil, replacing: Bool = false,
    fileSystem: any FileSystem
  ) throws(NeedletailError) {
    guard let format = VectorFileFormat(pathExtension: path) else {
      throw VectorFileFormat.unknown(path)
    }
    guard format.fixedComponent != .int32 else {
      throw NeedletailError(
        .invalidConfiguration,
        "A .\(format.rawValue) file holds row numbers, not vectors; name it .fbin or .npy.",
        at: .init(path: path))
    }
    let component = element.map { StoredComponent($0) } ?? format.fixedComponent ?? .float32
    file = try RowFileWriter(
      path: path, format: format, component: component, width: dimensions, replacing: replacing,
      fileSystem: fileSystem)
  }

  /// Appends the rows of a matrix.
  ///
  /// - Throws: `dimensionMismatch`, after which the writer goes on; `invalidConfiguration` when a
  ///   component can't be stored exactly (row and component are named) and `io`, after which nothing
  ///   remains of the file.
  public mutating func append(_ matrix: VectorMatrix) throws(NeedletailError) {
    try file.append(matrix)
  }

  /// Appends one row.
  ///
  /// - Throws: as `append(_:)` of a matrix.
  public mutating func append(_ vector: Span<Float>) throws(NeedletailError) {
    try file.append(vector)
  }

  /// Makes the file durable and gives it its name.
  ///
  /// - Throws: `alreadyExists` when the name was taken meanwhile; `invalidConfiguration` for no rows
  ///   in a format whose rows carry their length; `io`. Nothing remains of the file then.
  public consuming func finish() throws(NeedletailError) {
    try file.finish()
  }
}

extension VectorMatrix {
  /// Writes all rows to a new file; see `VectorFileWriter`.
  ///
  /// - Parameters:
  ///   - path: the file; its ending tells the format.
  ///   - element: how components are stored; by default what the format holds, for `.npy` this
  ///     matrix's element.
  ///   - replacing: whether a file of this name may be replaced.
  /// - Throws: as `VectorFileWriter`.
  public func write(
    to path: String, element: Element? = nil, replacing: Bool = false
  ) throws(NeedletailError) {
    let isArray = VectorFileFormat(pathExtension: path) == .npy
    var writer = try VectorFileWriter(
      path: path, dimensions: dimensions, element: element ?? (isArray ? self.element : nil),
      replacing: replacing)
    try writer.append(self)
    try writer.finish()
  }
}

extension IntegerMatrix {
  /// Writes all rows to a new `.ivecs`, `.ibin` or `.npy` file.
  ///
  /// - Throws: as `VectorFileWriter`.
  package func write(
    to path: String, replacing: Bool = false, fileSystem: any FileSystem = LocalFileSystem()
  ) throws(NeedletailError) {
    guard let format = VectorFileFormat(pathExtension: path) else {
      throw VectorFileFormat.unknown(path)
    }
    let file = try RowFileWriter(
      path: path, format: format, component: .int32, width: width, replacing: replacing,
      fileSystem: fileSystem)
    try file.append(self)
    try file.finish()
  }
}
