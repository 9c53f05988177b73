package import NeedletailCore

/// How much of a file is checked when it is opened.
package enum Verification: Sendable, Hashable {
  /// Header, section table and footer: afterwards no section reaches outside the file. The time
  /// does not depend on the file's size; damaged contents are not seen.
  case structure
  /// Every byte besides: afterwards the contents are those that were written.
  case full
}

/// An open sectioned file: named ranges of immutable bytes.
package final class SectionedFile: Sendable {
  /// The bytes of the whole file.
  package let region: MappedRegion
  /// The kind of file.
  package let format: FileFormat
  /// The format version that it was written with.
  package let version: UInt32
  /// The required feature bits that it has; all of them known.
  package let requiredFeatures: UInt64
  /// The optional feature bits that it has, known or not.
  package let optionalFeatures: UInt64
  /// The identity that the footer says it has; checked against the contents by `.full` only.
  package let contentHash: ContentHash
  /// All sections, in the order of the file.
  package let sections: [Section]
  /// The bytes that have checksums: everything before the checksum table.
  let checkedByteCount: Int
  let tableChecksum: UInt32

  /// The bytes of the checksum table.
  var tableRange: Range<Int> {
    checkedByteCount..<(region.count - FileLayout.footerByteCount)
  }

  /// Opens a file that is in memory.
  ///
  /// - Throws: `unsupportedFormat` for another kind of file, a newer version or an unknown required
  ///   feature; `corrupted`, with the place, for everything else that is wrong.
  package init(
    _ region: MappedRegion, _ format: FileFormat, verification: Verification
  ) throws(NeedletailError) {
    let header = try FileHeader(of: region, format)
    let footer = try FileFooter(of: region, magic: format.magic)
    guard footer.tableOffset == UInt64(header.tableOffset) else {
      throw NeedletailError(
        .corrupted,
        "Header and footer disagree on the place of the checksum table (\(header.tableOffset) and"
          + " \(footer.tableOffset)).",
        at: .init(
          path: region.path, section: "footer",
          byteOffset: UInt64(region.count - FileLayout.footerByteCount)))
    }
    self.region = region
    self.format = format
    version = header.version
    requiredFeatures = header.requiredFeatures
    optionalFeatures = header.optionalFeatures
    sections = header.sections
    checkedByteCount = header.tableOffset
    contentHash = footer.hash
    tableChecksum = footer.tableChecksum
    if verification == .full { try verify() }
  }

  /// Whether the file has a section.
  package func hasSection(_ kind: SectionKind) -> Bool { sections.contains { $0.kind == kind } }

  /// Finds a section.
  ///
  /// - Throws: `corrupted` when the file has none of that kind.
  package func section(_ kind: SectionKind) throws(NeedletailError) -> Section {
    for section in sections where section.kind == kind { return section }
    throw NeedletailError(
      .corrupted, "The \(format.name) has no section \(kind).",
      at: .init(path: region.path, section: kind.description))
  }

  /// Finds a section that must hold exactly `count` elements of `stride` bytes.
  ///
  /// - Throws: `corrupted` when it is missing, or its length or its own count is another one.
  package func section(
    _ kind: SectionKind, count: Int, stride: Int
  ) throws(NeedletailError) -> Section {
    let section = try section(kind)
    let (expected, overflow) = count.multipliedReportingOverflow(by: stride)
    guard !overflow, section.count == count, section.byteCount == expected else {
      throw NeedletailError(
        .corrupted,
        "\(kind) has \(section.count) elements in \(section.byteCount) bytes; \(count) elements of"
          + " \(stride) bytes belong there.",
        at: .init(
          path: region.path, section: kind.description, byteOffset: UInt64(section.byteOffset)))
    }
    return section
  }

  /// The bytes of a section of this file, valid while the region lives; aligned to 64 bytes.
  ///
  /// - Precondition: the section is one of this file's.
  package func bytes(_ section: Section) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(rebasing: region.bytes[section.range])
  }

  /// The bytes of a section of this file, with their lifetime checked by the compiler.
  ///
  /// - Precondition: the section is one of this file's.
  @_lifetime(borrow self)
  package func span(_ section: Section) -> RawSpan {
    // SAFETY: the file keeps the region, and the region its bytes.
    unsafe _overrideLifetime(RawSpan(_unsafeBytes: bytes(section)), borrowing: self)
  }

  /// A checked reader over a section of this file.
  ///
  /// - Precondition: the section is one of this file's.
  @_lifetime(borrow self)
  package func reader(_ section: Section) -> ByteReader {
    ByteReader(
      span(section), path: region.path, section: section.kind.description,
      start: UInt64(section.byteOffset))
  }

  /// An error about a section, at a byte of it.
  package func corrupted(
    _ message: String, in section: Section, at offset: Int = 0
  ) -> NeedletailError {
    NeedletailError(
      .corrupted, message,
      at: .init(
        path: region.path, section: section.kind.description,
        byteOffset: UInt64(section.byteOffset + offset)))
  }
}
