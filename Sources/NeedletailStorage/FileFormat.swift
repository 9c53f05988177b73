/// A kind of sectioned file: how it begins, and what this program can read of it.
package struct FileFormat: Sendable, Hashable {
  /// What the file is called in messages.
  package let name: String
  /// The first 8 bytes, and the last 8.
  ///
  /// The first one is no ASCII, the last one is a line feed: a transfer in text mode is seen at
  /// once.
  package let magic: [UInt8]
  /// The newest format version that is read; the one that is written.
  package let version: UInt32
  /// The bytes before the first section.
  package let headerByteCount: Int
  /// The required feature bits that are understood; a file with any other one is refused.
  package let knownFeatures: UInt64
  /// The end of a file's name, without the dot.
  package var fileExtension: String { name }

  /// Describes a kind of file.
  ///
  /// - Precondition: `tag` has 6 ASCII characters; `headerByteCount` is a multiple of 64, from 128
  ///   to 4096.
  package init(
    name: String, tag: String, version: UInt32, headerByteCount: Int, knownFeatures: UInt64 = 0
  ) {
    precondition(tag.utf8.count == 6, "a tag has 6 characters")
    precondition(
      headerByteCount.isMultiple(of: 64) && (128...4096).contains(headerByteCount),
      "a header holds whole lines and fits into the first block")
    self.name = name
    magic = [0x89] + tag.utf8 + [0x0a]
    self.version = version
    self.headerByteCount = headerByteCount
    self.knownFeatures = knownFeatures
  }

  /// The sections that the header's table has room for.
  package var sectionLimit: Int {
    (headerByteCount - FileLayout.sectionTableOffset - 4) / FileLayout.sectionEntryByteCount
  }

  /// A sealed segment: codes, graph, precise rows and ids.
  package static let segment = FileFormat(
    name: "segment", tag: "NDLSEG", version: 1, headerByteCount: 4096)
  /// A trained quantizer.
  package static let quantizer = FileFormat(
    name: "quantizer", tag: "NDLQNT", version: 1, headerByteCount: 512)
  /// One generation of an index.
  package static let manifest = FileFormat(
    name: "manifest", tag: "NDLMAN", version: 1, headerByteCount: 512,
    knownFeatures: Manifest.changesFeature)
}

/// The offsets that every sectioned file shares; drawn in `Design/FileFormat.md`.
enum FileLayout {
  static let blockByteCount = 64 << 10
  static let alignment = 64
  static let sectionTableOffset = 64
  static let sectionEntryByteCount = 32
  static let footerByteCount = 48

  /// The next multiple of `alignment`, or `nil` when there is none.
  static func aligned(_ offset: UInt64) -> UInt64? {
    let (sum, overflow) = offset.addingReportingOverflow(UInt64(alignment - 1))
    return overflow ? nil : sum & ~UInt64(alignment - 1)
  }
}

/// Which data a section holds: four ASCII characters.
package struct SectionKind: Sendable, Hashable, CustomStringConvertible {
  /// The characters, the first one in the lowest byte.
  package let rawValue: UInt32

  /// Takes a kind as it stands in a file, known or not.
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Names a kind.
  ///
  /// - Precondition: the name has four ASCII characters.
  package init(_ name: StaticString) {
    let characters = Array(name.description.utf8)
    precondition(characters.count == 4, "a section's name has four characters")
    rawValue = characters.reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// The four characters, or the number when they do not print.
  package var description: String {
    let characters = (0..<4).map { UInt8(truncatingIfNeeded: rawValue >> UInt32(8 * $0)) }
    guard characters.allSatisfy({ (0x20..<0x7f).contains($0) }) else {
      return "section \(rawValue)"
    }
    return String(decoding: characters, as: UTF8.self)
  }
}

/// One section of a file: where it is and how many elements it says it has.
package struct Section: Sendable, Hashable {
  /// What it holds.
  package let kind: SectionKind
  /// Where it begins in the file; a multiple of 64.
  package let byteOffset: Int
  /// Its length without padding.
  package let byteCount: Int
  /// The number of elements; what an element is depends on the kind.
  package let count: Int

  /// The bytes of the file that it covers.
  package var range: Range<Int> { byteOffset..<(byteOffset + byteCount) }
}
