import NeedletailCore

/// Takes bytes one after the other; every read is checked.
struct CacheReader {
  private let all: [UInt8]
  private var offset = 0
  private var end: Int

  init(_ bytes: [UInt8]) {
    all = bytes
    end = bytes.count
  }

  var remaining: Int { end - offset }

  /// Leaves the last bytes alone.
  mutating func leave(_ count: Int) { end = max(offset, end - count) }

  func fault(_ message: String) -> NeedletailError {
    NeedletailError(
      .corrupted, message,
      at: .init(path: "saved cache", byteOffset: UInt64(offset)))
  }

  mutating func take(_ count: Int) throws(NeedletailError) -> [UInt8] {
    guard count >= 0, count <= remaining else {
      throw fault("\(count) bytes are needed and \(remaining) are left.")
    }
    defer { offset += count }
    return Array(all[offset..<(offset + count)])
  }

  mutating func integer<Value: FixedWidthInteger & UnsignedInteger>() throws(NeedletailError)
    -> Value
  {
    let size = Value.bitWidth / 8
    guard size <= remaining else {
      throw fault("\(size) bytes are needed and \(remaining) are left.")
    }
    var value: Value = 0
    for place in 0..<size {
      value |=
        Value(truncatingIfNeeded: all[offset + place]) << Value(truncatingIfNeeded: 8 * place)
    }
    offset += size
    return value
  }

  mutating func bytes() throws(NeedletailError) -> [UInt8] {
    let count: UInt32 = try integer()
    return try take(Int(count))
  }
}
