import NeedletailCore

/// The decoded header of a sectioned file: what a reader may rely on once it is checked.
struct FileHeader {
  let version: UInt32
  let requiredFeatures: UInt64
  let optionalFeatures: UInt64
  let byteCount: UInt64
  let tableOffset: Int
  let sections: [Section]

  /// Takes the header of a region apart and checks it all: the time does not depend on the file's
  /// size.
  ///
  /// - Throws: `unsupportedFormat` for another magic, a newer version or an unknown required
  ///   feature,
  ///   `corrupted` for everything that contradicts itself.
  init(of region: MappedRegion, _ format: FileFormat) throws(NeedletailError) {
    let size = format.headerByteCount
    let found = unsafe [UInt8](region.bytes.prefix(8))
    guard found == format.magic else {
      throw NeedletailError(
        region.count < 8 ? .corrupted : .unsupportedFormat,
        "It is not a \(format.name) file: it begins with \(hexadecimal(found)),"
          + " not \(hexadecimal(format.magic)).",
        at: .init(path: region.path, section: "header", byteOffset: 0))
    }
    guard region.count >= size + FileLayout.footerByteCount else {
      throw NeedletailError(
        .corrupted,
        "The file has \(region.count) bytes, a \(format.name) has at least"
          + " \(size + FileLayout.footerByteCount): it is cut short.",
        at: .init(path: region.path, section: "header", byteOffset: UInt64(region.count)))
    }
    var reader = ByteReader(
      region.span.extracting(0..<size), path: region.path, section: "header")
    _ = try reader.readBytes(8)
    // The version comes before the checksum: a newer version may have a header of another size.
    version = try reader.read()
    guard (1...format.version).contains(version) else {
      throw NeedletailError(
        .unsupportedFormat,
        "The \(format.name) has format version \(version); this program reads 1 to"
          + " \(format.version). Use a newer program, or build the index again.",
        at: .init(path: region.path, section: "header", byteOffset: 8))
    }
    try Self.checkChecksum(of: region, size: size)
    let headerByteCount = try reader.read(UInt32.self)
    guard headerByteCount == UInt32(size) else {
      throw reader.corrupted("The header says it has \(headerByteCount) bytes, not \(size).")
    }
    requiredFeatures = try reader.read()
    optionalFeatures = try reader.read()
    let unknown = requiredFeatures & ~format.knownFeatures
    guard unknown == 0 else {
      throw NeedletailError(
        .unsupportedFormat,
        "The \(format.name) needs the features 0x\(String(unknown, radix: 16)), which this program"
          + " does not have. Use a newer program, or build the index again.",
        at: .init(path: region.path, section: "header", byteOffset: 16))
    }
    byteCount = try reader.read()
    guard byteCount == UInt64(region.count) else {
      throw reader.corrupted(
        "The header says \(byteCount) bytes, the file has \(region.count): it is cut short or"
          + " damaged."
      )
    }
    let tableOffset = try reader.read(UInt64.self)
    let sectionCount = try reader.read(UInt32.self)
    let blockByteCount = try reader.read(UInt32.self)
    guard blockByteCount == UInt32(FileLayout.blockByteCount) else {
      throw reader.corrupted(
        "Blocks of \(blockByteCount) bytes are not those of this format (65536).")
    }
    self.tableOffset = try Self.checkTable(tableOffset, region: region, size: size)
    guard sectionCount <= UInt32(format.sectionLimit) else {
      throw reader.corrupted(
        "\(sectionCount) sections do not fit into the header, which has room for"
          + " \(format.sectionLimit).")
    }
    _ = try reader.readBytes(FileLayout.sectionTableOffset - reader.offset)
    sections = try Self.readSections(
      Int(sectionCount), from: &reader, after: size, before: self.tableOffset)
  }

  private static func checkChecksum(
    of region: MappedRegion, size: Int
  ) throws(NeedletailError) {
    let computed = unsafe CRC32C.checksum(
      of: UnsafeRawBufferPointer(rebasing: region.bytes[0..<(size - 4)]))
    // SAFETY: the region has at least `size` bytes.
    let stored = unsafe UInt32(
      littleEndian: region.bytes.loadUnaligned(fromByteOffset: size - 4, as: UInt32.self))
    guard stored == computed else {
      throw NeedletailError(
        .corrupted,
        "The header's checksum is \(stored), its bytes give \(computed); the file is damaged.",
        at: .init(path: region.path, section: "header", byteOffset: UInt64(size - 4)))
    }
  }

  /// The checksum table lies between the sections and the footer, and has 4 bytes for each block.
  private static func checkTable(
    _ offset: UInt64, region: MappedRegion, size: Int
  ) throws(NeedletailError) -> Int {
    let end = region.count - FileLayout.footerByteCount
    guard offset >= UInt64(size), offset <= UInt64(end), offset.isMultiple(of: 64) else {
      throw NeedletailError(
        .corrupted, "The checksum table is said to be at byte \(offset), outside its place.",
        at: .init(path: region.path, section: "header", byteOffset: 40))
    }
    let start = Int(offset)
    let blocks = (start + FileLayout.blockByteCount - 1) / FileLayout.blockByteCount
    guard end - start == 4 * blocks else {
      throw NeedletailError(
        .corrupted,
        "The checksum table has \(end - start) bytes; \(blocks) blocks need \(4 * blocks).",
        at: .init(path: region.path, section: "header", byteOffset: 40))
    }
    return start
  }

  private static func readSections(
    _ count: Int, from reader: inout ByteReader, after first: Int, before limit: Int
  ) throws(NeedletailError) -> [Section] {
    var sections: [Section] = []
    var end = UInt64(first)
    for _ in 0..<count {
      let kind = SectionKind(rawValue: try reader.read())
      _ = try reader.read(UInt32.self)
      let offset = try reader.read(UInt64.self)
      let byteCount = try reader.read(UInt64.self)
      let elements = try reader.read(UInt64.self)
      guard offset.isMultiple(of: UInt64(FileLayout.alignment)) else {
        throw reader.corrupted("\(kind) begins at byte \(offset), which is no multiple of 64.")
      }
      guard offset >= end else {
        throw reader.corrupted("\(kind) begins at byte \(offset), inside what lies before it.")
      }
      guard offset <= UInt64(limit), byteCount <= UInt64(limit) - offset else {
        throw reader.corrupted(
          "\(kind) of \(byteCount) bytes at \(offset) ends after the sections' end at \(limit).")
      }
      guard let elementCount = Int(exactly: elements) else {
        throw reader.corrupted("\(kind) cannot have \(elements) elements.")
      }
      guard !sections.contains(where: { $0.kind == kind }) else {
        throw reader.corrupted("\(kind) is there twice.")
      }
      end = offset + byteCount
      sections.append(
        Section(
          kind: kind, byteOffset: Int(offset), byteCount: Int(byteCount), count: elementCount))
    }
    return sections
  }
}
