public import NeedletailCore
import NeedletailStorage

/// Reads the vectors of a file or pipe block by block, in bounded memory.
///
/// ```swift
/// var stream = try VectorStream(contentsOf: "base.fbin")
/// while let block = try stream.next(maxRows: 4096) { try writer.append(block) }
/// ```
///
/// The checks are those of `VectorMatrix.init(contentsOf:)`. Where the length can't be told, as with a
/// pipe, header and length are compared when the stream ends. A pipe needs a name that tells the
/// format, except for `.npy`, which its magic tells.
public struct VectorStream: ~Copyable {
  private let rows: RowStream
  /// Components per row.
  public let dimensions: Int
  /// How the components are stored.
  public let element: VectorMatrix.Element
  /// The number of rows; `nil` when only the end of the stream will tell it.
  public var count: Int? { rows.layout.count }
  /// The rows handed out so far.
  public var position: Int { rows.position }

  /// Opens a file or named pipe and reads its header.
  ///
  /// - Throws: as `VectorMatrix.init(contentsOf:)`.
  public init(contentsOf path: String) throws(NeedletailError) {
    if VectorFileFormat(pathExtension: path) == .hdf5 { throw RowLayout.hdf5Error(path) }
    try self.init(try FileByteStream(path))
  }

  /// Reads the header from a stream of bytes.
  package init(_ stream: any ByteStream) throws(NeedletailError) {
    let rows = try RowStream(stream)
    guard let element = rows.layout.component.element else {
      throw FileFault(path: stream.path).unsupported(
        "The file holds 32-bit integers (row numbers, ground truth), not vectors; give a file of "
          + "floats or bytes.", in: "type")
    }
    self.rows = rows
    self.element = element
    dimensions = rows.layout.width
  }

  /// Reads the next rows into memory of their own.
  ///
  /// - Parameter maxRows: the most rows to give; fewer are given at the end, and when they would
  ///   take over 64 MiB.
  /// - Returns: the rows, at least one; `nil` after the last.
  /// - Throws: `corrupted` when the stream ends early, goes on after the last row, or a row says
  ///   another length; `invalidConfiguration` when `maxRows` is not positive; `io`.
  public mutating func next(maxRows: Int) throws(NeedletailError) -> VectorMatrix? {
    guard let (block, count) = try rows.next(maxRows: maxRows) else { return nil }
    let layout = rows.layout
    guard let start = unsafe block.bytes.baseAddress else { return nil }
    // SAFETY: the block holds `count` whole rows, each after its header; it is 64-byte aligned.
    return unsafe VectorMatrix(
      owner: block, baseAddress: start + layout.rowHeaderByteCount, count: count,
      dimensions: dimensions, element: element, rowByteStride: layout.rowByteStride)
  }
}
