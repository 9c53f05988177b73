package import NeedletailCore
package import NeedletailStorage

/// Changes sealed files as somebody would who knows the format: every checksum fits afterwards.
///
/// What is opened then is sound to the container and hostile to the engine.
package enum Tampering {
  /// Gives header, blocks, footer and identity the checksums of the present bytes.
  ///
  /// - Precondition: the bytes have the length of a file of this format.
  /// - Returns: the identity that the file has now.
  @discardableResult
  package static func mend(_ bytes: inout [UInt8], _ format: FileFormat) -> ContentHash {
    let size = format.headerByteCount
    bytes.put(CRC32C.checksum(of: Array(bytes[..<(size - 4)])), at: size - 4)
    let footer = bytes.count - 48
    let blockCount = (footer + 65_539) / 65_540
    let table = footer - 4 * blockCount
    for block in 0..<blockCount {
      let range = (block * 65_536)..<min(table, (block + 1) * 65_536)
      bytes.put(CRC32C.checksum(of: Array(bytes[range])), at: table + 4 * block)
    }
    var digest = SHA256()
    digest.update(Array(bytes[..<size]))
    digest.update(Array(bytes[table..<footer]))
    let hash = ContentHash(digest.digest())
    bytes.replaceSubrange((footer + 16)..<(footer + 32), with: hash.bytes)
    bytes.put(CRC32C.checksum(of: Array(bytes[table..<footer])), at: footer + 32)
    bytes.put(CRC32C.checksum(of: Array(bytes[footer..<(footer + 36)])), at: footer + 36)
    return hash
  }

  /// Changes the bytes of one section; its length stays.
  ///
  /// - Returns: the identity that the file has now.
  @discardableResult
  package static func change(
    _ kind: SectionKind, of bytes: inout [UInt8], _ format: FileFormat,
    _ body: (inout [UInt8]) -> Void
  ) throws(NeedletailError) -> ContentHash {
    let file = try SectionedFile(
      MappedRegion(bytes, path: "tampered"), format, verification: .structure)
    let range = try file.section(kind).range
    var section = Array(bytes[range])
    body(&section)
    precondition(section.count == range.count, "tampering keeps the length")
    bytes.replaceSubrange(range, with: section)
    return mend(&bytes, format)
  }

  /// Publishes a generation whose `index`-th segment has one section changed.
  package static func changeSegment(
    _ index: Int = 0, _ kind: SectionKind, in directory: IndexDirectory,
    _ body: (inout [UInt8]) -> Void
  ) throws(NeedletailError) {
    try changeSegment(index, in: directory) { bytes throws(NeedletailError) in
      try change(kind, of: &bytes, .segment, body)
    }
  }

  /// Publishes a generation whose `index`-th segment is changed anywhere, and mended.
  package static func changeSegment(
    _ index: Int = 0, in directory: IndexDirectory,
    _ body: (inout [UInt8]) throws(NeedletailError) -> Void
  ) throws(NeedletailError) {
    var manifest = try directory.manifest()
    let old = directory.path(of: .segment, manifest.segments[index].hash)
    var bytes = try directory.fileSystem.map(old).array()
    try body(&bytes)
    let hash = mend(&bytes, .segment)
    let new = directory.path(of: .segment, hash)
    if try directory.fileSystem.kind(of: new) == nil {
      let file = try directory.fileSystem.create(new)
      try file.write(bytes)
      try file.close()
    }
    manifest.segments[index].hash = hash
    manifest.segments[index].byteCount = UInt64(bytes.count)
    manifest.generation += 1
    try directory.publish(manifest)
  }
}

extension [UInt8] {
  /// Puts a little-endian number over bytes that exist.
  package mutating func put<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
    for index in 0..<(Value.bitWidth / 8) {
      self[offset + index] = UInt8(truncatingIfNeeded: value >> Value(8 * index))
    }
  }
}
