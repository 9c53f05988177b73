import Foundation
import NeedletailCore
import NeedletailFormats
import NeedletailStorage
import Testing
import _NeedletailTestSupport

/// Builds the bytes of a file, little-endian.
struct FileBytes: Sendable {
  var bytes: [UInt8] = []

  static func u32(_ numbers: UInt32...) -> FileBytes { FileBytes().u32(numbers) }
  static func i32(_ numbers: Int32...) -> FileBytes {
    FileBytes().u32(numbers.map { UInt32(bitPattern: $0) })
  }
  static func raw(_ bytes: [UInt8]) -> FileBytes { FileBytes(bytes: bytes) }

  func u32(_ numbers: [UInt32]) -> FileBytes {
    var copy = self
    for number in numbers {
      for shift in [0, 8, 16, 24] as [UInt32] { copy.bytes.append(UInt8((number >> shift) & 0xff)) }
    }
    return copy
  }
  func i32(_ numbers: Int32...) -> FileBytes { u32(numbers.map { UInt32(bitPattern: $0) }) }
  func raw(_ more: [UInt8]) -> FileBytes { FileBytes(bytes: bytes + more) }
  /// So many bytes that are no zeros.
  func fill(_ count: Int) -> FileBytes { raw((0..<count).map { UInt8($0 % 251 + 1) }) }
  func droppingLast(_ count: Int = 1) -> FileBytes { FileBytes(bytes: bytes.dropLast(count)) }

  /// A row of a format whose rows carry their length.
  func row(_ width: Int32, of byteCount: Int) -> FileBytes {
    i32(width).fill(Int(width) * byteCount)
  }

  /// A NumPy file from the text of its dictionary, padded and closed as NumPy does.
  static func npy(_ text: String, version: UInt8 = 1, data: Int = 0) -> FileBytes {
    let prefix = version == 1 ? 10 : 12
    var text = Array(text.utf8)
    while (text.count + prefix + 1) % 64 != 0 { text.append(0x20) }
    text.append(0x0a)
    let magic = FileBytes.raw([0x93] + Array("NUMPY".utf8) + [version, 0])
    let sized =
      version == 1
      ? magic.raw([UInt8(text.count & 0xff), UInt8(text.count >> 8 & 0xff)])
      : magic.u32([UInt32(text.count)])
    return sized.raw(text).fill(data)
  }

  /// The text of a NumPy dictionary.
  static func header(
    _ descriptor: String = "'<f4'", order: String = "False", shape: String = "(2, 3)"
  ) -> String {
    "{'descr': \(descriptor), 'fortran_order': \(order), 'shape': \(shape), }"
  }

  /// The bytes as a file of this name, in memory.
  func region(_ name: String) throws -> MappedRegion {
    try unsafe bytes.withUnsafeBytes { unsafe try MappedRegion(copying: $0, path: name) }
  }
}

extension TemporaryDirectory {
  /// The names in the directory, in order.
  var names: [String] { (try? LocalFileSystem().list(path)) ?? [] }

  /// The bytes of a file in it.
  func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: self(name))))
  }

  /// Writes a file into it; the file's path.
  func write(_ bytes: [UInt8], _ name: String) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: self(name)))
    return self(name)
  }
}

/// A stream that gives its bytes in small pieces, and may hide how many there are.
final class DribblingStream: ByteStream {
  let path: String
  let byteCount: Int?
  private let bytes: [UInt8]
  private var position = 0
  private let step: Int

  init(_ bytes: [UInt8], name: String, step: Int = 3, tellsLength: Bool = false) {
    path = name
    self.bytes = bytes
    self.step = step
    byteCount = tellsLength ? bytes.count : nil
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(NeedletailError) -> Int {
    let count = min(step, buffer.count, bytes.count - position)
    for j in 0..<count { unsafe buffer[j] = bytes[position + j] }
    position += count
    return count
  }
}

extension VectorMatrix {
  /// All components, row after row.
  var components: [Float] { (0..<count).flatMap { self[$0] } }

  /// Bytes of each row, without what lies between rows.
  var rowBytes: [[UInt8]] {
    (0..<count).map { row in
      unsafe [UInt8](
        UnsafeRawBufferPointer(start: rowAddress(row), count: dimensions * element.byteCount))
    }
  }

  /// A matrix of random bytes in the element's own form; any bit pattern, NaN among them.
  static func random(
    _ count: Int, _ dimensions: Int, _ element: Element, seed: UInt64
  ) throws -> VectorMatrix {
    var generator = SplitMix64(seed: seed)
    let stride = dimensions * element.byteCount
    let block = try MemoryBlock(count: count, stride: stride)
    for j in 0..<(count * stride) {
      unsafe block.mutableBytes[j] = UInt8(truncatingIfNeeded: generator.next())
    }
    let start = try unsafe #require(block.bytes.baseAddress)
    return unsafe VectorMatrix(
      owner: block, baseAddress: start, count: count, dimensions: dimensions, element: element,
      rowByteStride: stride)
  }

  /// Rows read from a stream in blocks.
  static func collect(
    _ stream: consuming VectorStream, maxRows: Int
  ) throws(NeedletailError) -> [[UInt8]] {
    var rows: [[UInt8]] = []
    while let block = try stream.next(maxRows: maxRows) { rows += block.rowBytes }
    return rows
  }
}
