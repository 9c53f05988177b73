package import NeedletailCore

/// A block whose bytes do not give the checksum that was kept of them.
package struct DamagedBlock: Sendable, Hashable, CustomStringConvertible {
  /// The bytes of the file.
  package let range: Range<Int>
  /// The parts of the file that it touches: `header`, section names, `padding`, `checksum table`.
  package let parts: [String]

  package var description: String {
    "bytes \(range.lowerBound) to \(range.upperBound - 1) (\(parts.joined(separator: ", ")))"
  }
}

extension SectionedFile {
  /// The number of blocks that have a checksum: 64 KiB each, the last one shorter.
  package var blockCount: Int {
    (checkedByteCount + FileLayout.blockByteCount - 1) / FileLayout.blockByteCount
  }

  /// Finds the damaged ones among some blocks; different threads may check different ranges.
  ///
  /// - Precondition: the range lies in `0..<blockCount`.
  /// - Complexity: reads every byte of the blocks, about 2 GB/s once they are in memory.
  package func damagedBlocks(in blocks: Range<Int>) -> [DamagedBlock] {
    precondition(blocks.lowerBound >= 0 && blocks.upperBound <= blockCount, "blocks \(blocks)")
    var damaged: [DamagedBlock] = []
    for block in blocks {
      let start = block * FileLayout.blockByteCount
      let range = start..<min(start + FileLayout.blockByteCount, checkedByteCount)
      // SAFETY: the table has 4 bytes for each block, checked when the file was opened.
      let (computed, stored) = unsafe (
        CRC32C.checksum(of: UnsafeRawBufferPointer(rebasing: region.bytes[range])),
        UInt32(
          littleEndian: region.bytes.loadUnaligned(
            fromByteOffset: checkedByteCount + 4 * block, as: UInt32.self))
      )
      if computed != stored { damaged.append(DamagedBlock(range: range, parts: parts(of: range))) }
    }
    return damaged
  }

  /// Finds all damaged blocks, and a damaged checksum table; empty when every byte is sound.
  ///
  /// - Throws: `cancelled`, when the monitor says so.
  package func damagedBlocks(
    monitor: WorkMonitor? = nil
  ) throws(NeedletailError) -> [DamagedBlock] {
    var damaged: [DamagedBlock] = []
    if !isChecksumTableSound {
      damaged.append(DamagedBlock(range: tableRange, parts: ["checksum table"]))
    }
    for first in stride(from: 0, to: blockCount, by: 64) {
      let blocks = first..<min(first + 64, blockCount)
      damaged += damagedBlocks(in: blocks)
      try monitor?.advance(by: blocks.count)
    }
    return damaged
  }

  /// Checks every byte, and that the contents have the identity that the footer says.
  ///
  /// - Throws: `corrupted` with the first damaged place, `cancelled` when the monitor says so.
  package func verify(monitor: WorkMonitor? = nil) throws(NeedletailError) {
    let damaged = try damagedBlocks(monitor: monitor)
    if let first = damaged.first {
      throw damage(
        "\(damaged.count) of \(blockCount) blocks are damaged, the first one: \(first)", first)
    }
    try verifyHash()
  }

  /// Checks what the checksums of blocks lean on: header, footer, checksum table and identity, as they are now and as
  /// they were when the file was opened.
  ///
  /// - Throws: `corrupted`, with the place.
  /// - Complexity: O(blocks).
  package func verifyFrame() throws(NeedletailError) {
    let now: SectionedFile
    do throws(NeedletailError) {
      now = try SectionedFile(region, format, verification: .structure)
    } catch {
      throw NeedletailError(
        .corrupted, "The file is not what it was when it was opened: \(error.message)",
        at: error.location ?? .init(path: region.path, section: "header"), cause: error)
    }
    guard now.contentHash == contentHash, now.tableChecksum == tableChecksum else {
      throw NeedletailError(
        .corrupted, "The footer is not the one that the file was opened with.",
        at: .init(path: region.path, section: "footer"))
    }
    guard isChecksumTableSound else {
      let damaged = DamagedBlock(range: tableRange, parts: ["checksum table"])
      throw damage("A part of the file is damaged: \(damaged)", damaged)
    }
    try verifyHash()
  }

  /// Checks some blocks.
  ///
  /// - Precondition: the range lies in `0..<blockCount`.
  /// - Throws: `corrupted` with the first damaged place.
  package func verify(blocks: Range<Int>) throws(NeedletailError) {
    guard let first = damagedBlocks(in: blocks).first else { return }
    throw damage("A block of the file is damaged: \(first)", first)
  }

  private func damage(_ message: String, _ block: DamagedBlock) -> NeedletailError {
    NeedletailError(
      .corrupted, message + ". Restore the file from a copy or build the index again.",
      at: .init(
        path: region.path, section: block.parts.first, byteOffset: UInt64(block.range.lowerBound)))
  }

  private func verifyHash() throws(NeedletailError) {
    let computed = computedHash()
    guard computed == contentHash else {
      throw NeedletailError(
        .corrupted, "The file says its contents are \(contentHash), they are \(computed).",
        at: .init(path: region.path, section: "footer"))
    }
  }

  /// The identity of the contents, from the header and the checksum table: not read from the
  /// footer.
  package func computedHash() -> ContentHash {
    var digest = SHA256()
    // SAFETY: both ranges were checked when the file was opened.
    unsafe digest.update(
      UnsafeRawBufferPointer(rebasing: region.bytes[0..<format.headerByteCount]))
    unsafe digest.update(UnsafeRawBufferPointer(rebasing: region.bytes[tableRange]))
    return ContentHash(digest.digest())
  }

  /// Whether the checksums of the blocks are those that were written.
  package var isChecksumTableSound: Bool {
    unsafe CRC32C.checksum(of: UnsafeRawBufferPointer(rebasing: region.bytes[tableRange]))
      == tableChecksum
  }

  private func parts(of range: Range<Int>) -> [String] {
    var parts: [String] = []
    if range.lowerBound < format.headerByteCount { parts.append("header") }
    for section in sections where section.range.overlaps(range) {
      parts.append(section.kind.description)
    }
    return parts.isEmpty ? ["padding"] : parts
  }
}
