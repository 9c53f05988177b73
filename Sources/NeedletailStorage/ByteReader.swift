package import NeedletailCore

/// Takes apart bytes that may be damaged or hostile: every read is checked and throws, none traps.
///
/// Errors are `corrupted` and name the file, the section and the byte of the file.
package struct ByteReader: ~Escapable {
  private let bytes: RawSpan
  /// Bytes taken so far.
  package private(set) var offset = 0
  private let path: String
  private let section: String
  /// Where in the file the bytes begin.
  private let start: UInt64

  /// Reads `bytes`, which begin `start` bytes into a file.
  @_lifetime(copy bytes)
  package init(_ bytes: RawSpan, path: String, section: String, start: UInt64 = 0) {
    self.bytes = bytes
    self.path = path
    self.section = section
    self.start = start
  }

  /// Bytes not taken yet.
  package var remaining: Int { bytes.byteCount - offset }

  /// An error at the present place.
  package func corrupted(_ message: String) -> NeedletailError {
    NeedletailError(
      .corrupted, message,
      at: .init(path: path, section: section, byteOffset: start + UInt64(offset)))
  }

  /// Takes a little-endian integer.
  package mutating func read<Value: FixedWidthInteger & BitwiseCopyable>(
    _ type: Value.Type = Value.self
  ) throws(NeedletailError) -> Value {
    let size = Value.bitWidth / 8
    try require(size)
    // SAFETY: any bits are an integer, and the range was checked.
    let value = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Value.self)
    offset += size
    return Value(littleEndian: value)
  }

  /// Takes a single-precision number; any bits are accepted, NaN too.
  package mutating func readFloat() throws(NeedletailError) -> Float {
    Float(bitPattern: try read())
  }

  /// Takes a double-precision number; any bits are accepted, NaN too.
  package mutating func readDouble() throws(NeedletailError) -> Double {
    Double(bitPattern: try read())
  }

  /// Takes bytes as they are; the length is checked before anything is allocated.
  package mutating func readBytes(_ count: Int) throws(NeedletailError) -> [UInt8] {
    try require(count)
    let first = offset
    offset += count
    return unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0[first..<(first + count)]) }
  }

  /// Takes an array of little-endian elements that are any bits.
  mutating func readArray<Value: BitwiseCopyable>(
    _ count: Int
  ) throws(NeedletailError) -> [Value] {
    let stride = MemoryLayout<Value>.stride
    guard count <= remaining / stride else {
      throw corrupted(
        "\(count) elements of \(stride) bytes are more than the \(remaining) bytes that are left.")
    }
    let bytes = try readBytes(count * stride)
    // SAFETY: the buffer holds `count` elements, any bits are one, and all are initialised.
    return unsafe [Value](unsafeUninitializedCapacity: count) { buffer, initialized in
      unsafe UnsafeMutableRawBufferPointer(buffer).copyBytes(from: bytes)
      initialized = count
    }
  }

  /// Takes a string with its length; the bytes must be UTF-8.
  package mutating func readString() throws(NeedletailError) -> String {
    let count = Int(try read(UInt32.self))
    let before = offset
    guard let text = String(validating: try readBytes(count), as: UTF8.self) else {
      offset = before
      throw corrupted("A string of \(count) bytes is not UTF-8; the file is damaged.")
    }
    return text
  }

  /// Takes a 64-bit count of elements, and checks that so many can follow.
  ///
  /// - Throws: `corrupted` when `count · stride` bytes are more than remain.
  package mutating func readCount(stride: Int) throws(NeedletailError) -> Int {
    let before = offset
    let count = try read(UInt64.self)
    let room = UInt64(remaining / max(1, stride))
    guard count <= room else {
      offset = before
      throw corrupted(
        "A count of \(count) elements of \(stride) bytes is more than the \(remaining - 8) bytes"
          + " that follow hold; the file is damaged.")
    }
    return Int(count)
  }

  /// Checks that nothing is left.
  package func finish() throws(NeedletailError) {
    guard remaining == 0 else {
      throw corrupted("\(remaining) bytes are left over; the file is damaged.")
    }
  }

  private func require(_ count: Int) throws(NeedletailError) {
    guard count >= 0, count <= remaining else {
      throw corrupted(
        "\(count) bytes are needed and \(remaining) are left; the file is cut short or damaged.")
    }
  }
}
