import NeedletailCore

/// The contents of `CURRENT`: one line that names the generation in use, and its own checksum.
///
/// ```text
/// needletail generation 7 crc32c 1a2b3c4d⏎
/// ```
enum CurrentGeneration {
  static func encode(_ generation: UInt64) -> [UInt8] {
    let text = "needletail generation \(generation)"
    let checksum = CRC32C.checksum(of: Array(text.utf8))
    let bytes = (0..<4).map { UInt8(truncatingIfNeeded: checksum >> UInt32(24 - 8 * $0)) }
    return Array("\(text) crc32c \(hexadecimal(bytes))\n".utf8)
  }

  /// Parses the line, and accepts nothing but what `encode` writes.
  static func decode(_ region: MappedRegion) throws(NeedletailError) -> UInt64 {
    let bytes = unsafe [UInt8](region.bytes.prefix(128))
    let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
    guard
      region.count <= 128, words.count == 5, let generation = UInt64(words[2]), generation > 0,
      encode(generation) == bytes
    else {
      throw NeedletailError(
        .corrupted,
        "CURRENT does not name a generation with its checksum. Restore it from a copy of the"
          + " index.",
        at: .init(path: region.path, byteOffset: 0))
    }
    return generation
  }
}
