/// Bytes being put together: little-endian integers, floats by bit pattern, strings with their
/// length.
package struct ByteWriter: Sendable {
  /// What was written so far.
  package private(set) var bytes: [UInt8] = []

  package init() {}

  /// Appends an integer, lowest byte first.
  package mutating func append<Value: FixedWidthInteger>(_ value: Value) {
    var rest = value
    for _ in 0..<(Value.bitWidth / 8) {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      // Shifting a byte by 8 would be all of it; smart shifts give 0 there.
      rest = rest >> 8
    }
  }

  /// Appends the bit pattern of a single-precision number, 4 bytes.
  package mutating func append(_ value: Float) { append(value.bitPattern) }

  /// Appends the bit pattern of a double-precision number, 8 bytes.
  package mutating func append(_ value: Double) { append(value.bitPattern) }

  /// Appends bytes as they are.
  package mutating func append(contentsOf more: some Sequence<UInt8>) {
    bytes.append(contentsOf: more)
  }

  /// Appends the number of UTF-8 bytes, as 4 bytes, and then these.
  ///
  /// - Precondition: the string has fewer than 2³² bytes.
  package mutating func append(_ text: String) {
    precondition(text.utf8.count <= UInt32.max, "a string of this length has no place in a header")
    append(UInt32(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  /// Appends zeros up to a length, if it is not reached yet.
  package mutating func pad(to byteCount: Int) {
    if bytes.count < byteCount {
      bytes.append(contentsOf: repeatElement(0, count: byteCount - bytes.count))
    }
  }

  /// Puts an integer over four bytes written before.
  ///
  /// - Precondition: the four bytes exist.
  package mutating func replace(at offset: Int, with value: UInt32) {
    for index in 0..<4 {
      bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt32(index * 8))
    }
  }
}
