package import NeedletailCore

/// Writes a sectioned file in one pass: sections one after another, then the checksums and the
/// footer.
///
/// The same sections with the same bytes give the same file, however the bytes are cut into calls.
/// Used by one thread. A writer that is dropped before `finish` leaves a file that no reader opens;
/// who made the writer removes it.
///
/// - Complexity: one pass over the bytes; keeps 128 KiB and 4 bytes for each 64 KiB written.
package final class SectionedFileWriter {
  private let format: FileFormat
  private let file: any WritableFile
  private let path: String
  private let requiredFeatures: UInt64
  private let optionalFeatures: UInt64
  private var sections: [Section] = []
  private var open: (kind: SectionKind, count: Int, offset: Int)?
  private var position = 0
  /// The first block is kept: the header in it is known at the end only.
  private var firstBlock: [UInt8] = []
  private var block: [UInt8] = []
  private var checksums: [UInt32] = []

  /// Creates the file, which must not exist.
  ///
  /// - Precondition: `requiredFeatures` are bits that the format knows.
  package init(
    _ format: FileFormat, at path: String, in fileSystem: some FileSystem,
    requiredFeatures: UInt64 = 0, optionalFeatures: UInt64 = 0
  ) throws(NeedletailError) {
    precondition(requiredFeatures & ~format.knownFeatures == 0, "a feature that nobody could read")
    self.format = format
    self.path = path
    self.requiredFeatures = requiredFeatures
    self.optionalFeatures = optionalFeatures
    file = try fileSystem.create(path)
    block.reserveCapacity(FileLayout.blockByteCount)
    try appendZeros(format.headerByteCount)
  }

  /// Begins a section of `count` elements.
  ///
  /// - Precondition: no section is open, the kind is new to the file, and the header has room for
  ///   it.
  package func beginSection(_ kind: SectionKind, count: Int) throws(NeedletailError) {
    precondition(open == nil, "a section is still open")
    precondition(count >= 0, "a section cannot have a negative number of elements")
    precondition(!sections.contains { $0.kind == kind }, "a file has one section of a kind")
    precondition(sections.count < format.sectionLimit, "the header has no room for more sections")
    try align()
    open = (kind, count, position)
  }

  /// Appends bytes to the open section.
  ///
  /// - Precondition: a section is open.
  package func append(_ bytes: UnsafeRawBufferPointer) throws(NeedletailError) {
    precondition(open != nil, "bytes belong to a section")
    unsafe try put(bytes)
  }

  /// Appends an array to the open section.
  ///
  /// - Precondition: a section is open.
  package func append(_ bytes: [UInt8]) throws(NeedletailError) {
    precondition(open != nil, "bytes belong to a section")
    try put(bytes)
  }

  /// Appends everything that a `ByteWriter` holds to the open section.
  ///
  /// - Precondition: a section is open.
  package func append(_ writer: ByteWriter) throws(NeedletailError) { try append(writer.bytes) }

  /// Ends the open section.
  ///
  /// - Precondition: a section is open.
  package func endSection() {
    guard let section = open else { preconditionFailure("no section is open") }
    sections.append(
      Section(
        kind: section.kind, byteOffset: section.offset, byteCount: position - section.offset,
        count: section.count))
    open = nil
  }

  /// Writes a whole section of bytes.
  package func write(
    _ kind: SectionKind, count: Int, bytes: [UInt8]
  ) throws(NeedletailError) {
    try beginSection(kind, count: count)
    try append(bytes)
    endSection()
  }

  /// Writes checksums, footer and header, makes the file durable and closes it.
  ///
  /// - Precondition: no section is open.
  /// - Returns: the identity of the contents, and the file's length.
  package func finish() throws(NeedletailError) -> (hash: ContentHash, byteCount: Int) {
    precondition(open == nil, "a section is still open")
    try align()
    let tableOffset = position
    let blockCount = (tableOffset + FileLayout.blockByteCount - 1) / FileLayout.blockByteCount
    let byteCount = tableOffset + 4 * blockCount + FileLayout.footerByteCount
    let header = header(tableOffset: tableOffset, byteCount: byteCount)
    let bodyFitsIntoOneBlock = checksums.isEmpty
    if bodyFitsIntoOneBlock {
      block.replaceSubrange(0..<header.count, with: header)
    } else {
      firstBlock.replaceSubrange(0..<header.count, with: header)
      checksums[0] = CRC32C.checksum(of: firstBlock)
    }
    if !block.isEmpty { try flushBlock() }

    var table = ByteWriter()
    for checksum in checksums { table.append(checksum) }
    var digest = SHA256()
    digest.update(header)
    digest.update(table.bytes)
    let hash = ContentHash(digest.digest())
    let footer = FileFooter(
      byteCount: UInt64(byteCount), tableOffset: UInt64(tableOffset), hash: hash,
      tableChecksum: CRC32C.checksum(of: table.bytes))
    try writeOut(table.bytes + footer.encoded(magic: format.magic))
    if !bodyFitsIntoOneBlock { try writeOut(header, at: 0) }
    try file.synchronize()
    try file.close()
    return (hash, byteCount)
  }

  private func header(tableOffset: Int, byteCount: Int) -> [UInt8] {
    var header = ByteWriter()
    header.append(contentsOf: format.magic)
    header.append(format.version)
    header.append(UInt32(format.headerByteCount))
    header.append(requiredFeatures)
    header.append(optionalFeatures)
    header.append(UInt64(byteCount))
    header.append(UInt64(tableOffset))
    header.append(UInt32(sections.count))
    header.append(UInt32(FileLayout.blockByteCount))
    header.pad(to: FileLayout.sectionTableOffset)
    for section in sections {
      header.append(section.kind.rawValue)
      header.append(UInt32(0))
      header.append(UInt64(section.byteOffset))
      header.append(UInt64(section.byteCount))
      header.append(UInt64(section.count))
    }
    header.pad(to: format.headerByteCount - 4)
    header.append(CRC32C.checksum(of: header.bytes))
    return header.bytes
  }

  private func align() throws(NeedletailError) {
    let excess = position % FileLayout.alignment
    if excess > 0 { try appendZeros(FileLayout.alignment - excess) }
  }

  private func appendZeros(_ count: Int) throws(NeedletailError) {
    try put([UInt8](repeating: 0, count: count))
  }

  private func put(_ bytes: [UInt8]) throws(NeedletailError) {
    let result: Result<Void, NeedletailError> = unsafe bytes.withUnsafeBytes { bytes in
      Result { () throws(NeedletailError) in unsafe try put(bytes) }
    }
    try result.get()
  }

  private func put(_ bytes: UnsafeRawBufferPointer) throws(NeedletailError) {
    let (end, overflow) = position.addingReportingOverflow(bytes.count)
    guard !overflow, end <= 1 << 56 else {
      throw NeedletailError(
        .capacityExceeded, "The file would be longer than 2^56 bytes.", at: .init(path: path))
    }
    var rest = unsafe bytes[...]
    while unsafe !rest.isEmpty {
      // A block is flushed when more comes, so that the last one is still at hand in `finish`.
      if block.count == FileLayout.blockByteCount { try flushBlock() }
      let taken = unsafe min(FileLayout.blockByteCount - block.count, rest.count)
      unsafe block.append(contentsOf: UnsafeRawBufferPointer(rebasing: rest.prefix(taken)))
      unsafe rest = rest.dropFirst(taken)
    }
    position = end
  }

  private func flushBlock() throws(NeedletailError) {
    if checksums.isEmpty { firstBlock = block }
    checksums.append(CRC32C.checksum(of: block))
    try writeOut(block)
    block.removeAll(keepingCapacity: true)
  }

  private func writeOut(_ bytes: [UInt8], at offset: UInt64? = nil) throws(NeedletailError) {
    let result: Result<Void, NeedletailError> = unsafe bytes.withUnsafeBytes { bytes in
      Result { () throws(NeedletailError) in
        if let offset {
          unsafe try file.write(bytes, at: offset)
        } else {
          unsafe try file.write(bytes)
        }
      }
    }
    try result.get()
  }
}
