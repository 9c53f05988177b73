import NeedletailCore
import NeedletailStorage

/// Reads a file's rows block by block, in bounded memory.
final class RowStream {
  /// The most bytes of one block, however many rows are asked for.
  static let blockByteCount = 64 << 20

  let layout: RowLayout
  private let stream: any ByteStream
  private let fault: FileFault
  /// Rows handed out so far.
  private(set) var position = 0
  /// Bytes that the header's reading took from the first row: rows carry their own length.
  private var pending: [UInt8]
  private var isAtEnd = false
  /// What went wrong, so that a second call doesn't look like a clean end.
  private var failure: NeedletailError?

  init(_ stream: any ByteStream) throws(NeedletailError) {
    self.stream = stream
    let fault = FileFault(path: stream.path)
    var prefix: [UInt8] = []
    try Self.extend(&prefix, to: 12, from: stream)
    // SAFETY: bytes have no padding.
    let format = unsafe try VectorFileFormat.detect(stream.path, prefix: prefix.span.bytes)
    let needed = unsafe try RowLayout.prefixByteCount(
      of: format, prefix: prefix.span.bytes, fault: fault)
    if let length = stream.byteCount, length < needed {
      throw fault.shortHeader(needed, found: length)
    }
    try Self.extend(&prefix, to: needed, from: stream)
    let layout = unsafe try RowLayout.parse(
      prefix.span.bytes, length: stream.byteCount, format: format, fault: fault)
    self.layout = layout
    self.fault = fault
    pending = Array(prefix.dropFirst(layout.headerByteCount))
  }

  /// Reads on until `bytes` has `count`, or the stream ends.
  private static func extend(
    _ bytes: inout [UInt8], to count: Int, from stream: any ByteStream
  ) throws(NeedletailError) {
    guard bytes.count < count else { return }
    let block = try MemoryBlock(byteCount: count - bytes.count)
    let filled = unsafe try stream.fill(block.mutableBytes)
    for j in 0..<filled { bytes.append(block.span.byte(at: j)) }
  }

  /// The next rows, with their own headers where the format has them; `nil` after the last.
  ///
  /// - Throws: `corrupted` when the stream ends early, goes on after the last row, or a row says
  ///   another length; `invalidConfiguration` when `maxRows` is not positive.
  func next(maxRows: Int) throws(NeedletailError) -> (block: MemoryBlock, count: Int)? {
    guard maxRows > 0 else {
      throw NeedletailError(
        .invalidConfiguration, "maxRows is \(maxRows); a block needs at least 1 row.")
    }
    if let failure { throw failure }
    guard !isAtEnd else { return nil }
    do throws(NeedletailError) { return try readBlock(maxRows: maxRows) } catch {
      failure = error
      throw error
    }
  }

  private func readBlock(
    maxRows: Int
  ) throws(NeedletailError) -> (block: MemoryBlock, count: Int)? {
    let stride = layout.rowByteStride
    var rows = min(maxRows, max(1, Self.blockByteCount / stride))
    if let count = layout.count { rows = min(rows, count - position) }
    guard rows > 0 else {
      try checkEnd()
      return nil
    }
    let block = try MemoryBlock(count: rows, stride: stride)
    let filled = try fill(block)
    guard filled > 0 || layout.count != nil else {
      isAtEnd = true
      return nil
    }
    guard filled == rows * stride || layout.count == nil else { throw cutShort(filled) }
    // A row of another length, or one cut short, is found here.
    try layout.checkRowHeaders(
      block.span.extracting(0..<filled), firstRow: position, fault: fault)
    if filled < rows * stride { isAtEnd = true }
    position += filled / stride
    return (block, filled / stride)
  }

  private func fill(_ block: MemoryBlock) throws(NeedletailError) -> Int {
    let taken = min(pending.count, block.byteCount)
    for j in 0..<taken { unsafe block.mutableBytes[j] = pending[j] }
    pending.removeFirst(taken)
    let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: block.mutableBytes[taken...])
    return taken + (unsafe try stream.fill(rest))
  }

  /// Checks that nothing follows the last row.
  private func checkEnd() throws(NeedletailError) {
    let block = try MemoryBlock(byteCount: 1)
    let extra = pending.count + (unsafe try stream.fill(block.mutableBytes))
    guard extra == 0 else {
      throw fault.corrupted(
        "The header says \(layout.described), but the stream goes on after them. Check that it is a "
          + ".\(layout.format.rawValue) file.", in: "rows", at: layout.byteCount)
    }
    isAtEnd = true
  }

  private func cutShort(_ filled: Int) -> NeedletailError {
    let place = layout.headerByteCount + position * layout.rowByteStride + filled
    return fault.corrupted(
      "The header says \(layout.described), \(layout.byteCount ?? 0) bytes in all, but the stream "
        + "ends after \(place). It was cut short: copy or write it again.", in: "rows", at: place)
  }
}
