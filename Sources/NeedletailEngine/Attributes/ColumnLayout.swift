import NeedletailCore
import NeedletailStorage

/// Where the parts of one column of a sealed segment are; drawn in `Design/FileFormat.md`.
struct ColumnLayout: Sendable, Hashable {
  let name: String
  let kind: AttributeKind
  let rows: Int
  /// Texts of a category or of tags.
  var textCount = 0
  /// Bytes of all texts.
  var textByteCount = 0
  /// Tags of all rows, those of one row counted each.
  var tagCount = 0

  /// Where each part begins in the section, in bytes.
  private(set) var presence = 0
  private(set) var values = 0
  private(set) var rowTags = 0
  private(set) var tagStarts = 0
  private(set) var tagRows = 0
  private(set) var textStarts = 0
  private(set) var texts = 0
  private(set) var end = 0

  /// The least bytes that a column takes in the directory.
  static let leastByteCount = 4 + 4 + 1 + 3 * 8

  init(_ name: String, _ kind: AttributeKind, rows: Int) {
    self.name = name
    self.kind = kind
    self.rows = rows
  }

  /// Puts the parts one behind the other, each at a multiple of 64.
  ///
  /// - Returns: whether all of that can be: no product or sum overflows.
  mutating func place(from start: Int) -> Bool {
    var position = start
    var fits = true
    func part(_ count: Int, _ stride: Int) -> Int {
      let place = position
      let (size, overflow) = count.multipliedReportingOverflow(by: stride)
      let (sum, tooLong) = position.addingReportingOverflow(size)
      guard !overflow, !tooLong, sum <= 1 << 56 else {
        fits = false
        return 0
      }
      position = (sum + 63) & ~63
      return place
    }
    if kind != .category { presence = part((rows + 63) / 64, 8) }
    switch kind {
    case .integer, .real: values = part(rows, 8)
    case .category: values = part(rows, 4)
    case .tags:
      values = part(rows + 1, 4)
      rowTags = part(tagCount, 4)
      tagStarts = part(textCount + 1, 4)
      tagRows = part(tagCount, 4)
    }
    if kind == .category || kind == .tags {
      textStarts = part(textCount + 1, 8)
      texts = part(textByteCount, 1)
    }
    end = position
    return fits
  }

  /// The column's entry of the directory.
  var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.append(UInt32(kind.rawValue))
    writer.append(name)
    writer.append(UInt64(textCount))
    writer.append(UInt64(textByteCount))
    writer.append(UInt64(tagCount))
    return writer.bytes
  }

  /// Reads one entry of the directory.
  ///
  /// - Throws: `corrupted`, naming what cannot be.
  init(_ reader: inout ByteReader, rows: Int) throws(NeedletailError) {
    let number: UInt32 = try reader.read()
    guard let kind = AttributeKind(rawValue: UInt8(truncatingIfNeeded: number)), number < 256
    else {
      throw reader.corrupted("There are no attributes of kind \(number).")
    }
    self.init(try reader.readString(), kind, rows: rows)
    guard (1...Limits.attributeNameBytes).contains(name.utf8.count) else {
      throw reader.corrupted("A name of \(name.utf8.count) bytes is no attribute's.")
    }
    let texts: UInt64 = try reader.read()
    let bytes: UInt64 = try reader.read()
    let tags: UInt64 = try reader.read()
    let hasTexts = kind == .category || kind == .tags
    // Numbers of texts and of tags fit into 32 bits, with one to spare.
    guard texts < UInt64(UInt32.max), tags <= UInt64(UInt32.max), bytes <= 1 << 56,
      hasTexts || (texts == 0 && bytes == 0), kind == .tags || tags == 0
    else {
      throw reader.corrupted(
        "The column \(name) of kind \(number) cannot have \(texts) texts in \(bytes) bytes and"
          + " \(tags) tags.")
    }
    textCount = Int(texts)
    textByteCount = Int(bytes)
    tagCount = Int(tags)
  }
}
