import NeedletailCore

/// The last 48 bytes of a sectioned file.
struct FileFooter {
  var byteCount: UInt64
  var tableOffset: UInt64
  var hash: ContentHash
  var tableChecksum: UInt32

  func encoded(magic: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(byteCount)
    writer.append(tableOffset)
    writer.append(contentsOf: hash.bytes)
    writer.append(tableChecksum)
    writer.append(CRC32C.checksum(of: writer.bytes))
    writer.append(contentsOf: magic)
    return writer.bytes
  }

  /// Takes a footer apart, and checks what can be checked without the rest of the file.
  ///
  /// - Precondition: the region holds at least a footer.
  init(of region: MappedRegion, magic: [UInt8]) throws(NeedletailError) {
    let start = region.count - FileLayout.footerByteCount
    var reader = ByteReader(
      region.span.extracting(start..<region.count), path: region.path, section: "footer",
      start: UInt64(start))
    byteCount = try reader.read()
    tableOffset = try reader.read()
    hash = ContentHash(try reader.readBytes(ContentHash.byteCount))
    tableChecksum = try reader.read()
    let computed = unsafe CRC32C.checksum(
      of: UnsafeRawBufferPointer(rebasing: region.bytes[start..<(start + reader.offset)]))
    let stored = try reader.read(UInt32.self)
    let found = try reader.readBytes(8)
    guard found == magic else {
      throw reader.corrupted(
        "The file does not end as it should: it is cut short, or its end is damaged.")
    }
    guard stored == computed else {
      throw reader.corrupted(
        "The footer's checksum is \(stored), its bytes give \(computed); the file is damaged.")
    }
    guard byteCount == UInt64(region.count) else {
      throw reader.corrupted(
        "The footer says \(byteCount) bytes, the file has \(region.count): it is cut short or"
          + " damaged."
      )
    }
  }

  init(byteCount: UInt64, tableOffset: UInt64, hash: ContentHash, tableChecksum: UInt32) {
    self.byteCount = byteCount
    self.tableOffset = tableOffset
    self.hash = hash
    self.tableChecksum = tableChecksum
  }
}
