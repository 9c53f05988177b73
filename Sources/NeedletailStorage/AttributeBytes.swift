package import NeedletailCore

/// The bytes of one item's attributes, as a batch of the log carries them; drawn in `Design/FileFormat.md`.
///
/// Equal attributes have equal bytes: names and tags ascend, zero has one sign, and no attributes are no bytes.
extension Attributes {
  /// The bytes.
  ///
  /// - Precondition: the attributes were validated.
  /// - Complexity: O(bytes).
  package var bytes: [UInt8] {
    guard !isEmpty else { return [] }
    var writer = ByteWriter()
    writer.append(UInt8(count))
    for (name, value) in entries {
      writer.append(UInt8(name.utf8.count))
      writer.append(contentsOf: name.utf8)
      writer.append(value.kind.rawValue)
      switch value {
      case .integer(let number): writer.append(number)
      // A sum with 0 has no sign where it is 0.
      case .real(let number): writer.append(number + 0)
      case .category(let text): Self.append(text, to: &writer)
      case .tags(let tags):
        writer.append(UInt16(tags.count))
        for tag in AttributeValue.sorted(tags) { Self.append(tag, to: &writer) }
      }
    }
    return writer.bytes
  }

  private static func append(_ text: String, to writer: inout ByteWriter) {
    writer.append(UInt16(text.utf8.count))
    writer.append(contentsOf: text.utf8)
  }

  /// Takes attributes from their bytes, which may be damaged or hostile.
  ///
  /// - Parameters:
  ///   - bytes: those of one item.
  ///   - path: the file that errors name.
  /// - Throws: `corrupted` for bytes that `bytes` does not give, with the place among them; nothing is
  ///   allocated that is larger than what is there.
  /// - Complexity: O(bytes).
  package init(bytes: [UInt8], path: String) throws(NeedletailError) {
    self.init()
    guard !bytes.isEmpty else { return }
    // SAFETY: a span of bytes, which are what they are.
    var reader = unsafe ByteReader(bytes.span.bytes, path: path, section: "attributes")
    let count = Int(try reader.read(UInt8.self))
    guard (1...Limits.attributesPerItem).contains(count) else {
      throw reader.corrupted("An item cannot have \(count) attributes in bytes.")
    }
    var entries: [(name: String, value: AttributeValue)] = []
    for _ in 0..<count {
      let length = Int(try reader.read(UInt8.self))
      let name = try Self.readText(&reader, length)
      guard length > 0, entries.last.map({ $0.name.precedesByBytes(name) }) ?? true else {
        throw reader.corrupted("The attribute \(name) stands out of order.")
      }
      entries.append((name, try Self.readValue(&reader)))
    }
    try reader.finish()
    self.init(ascending: entries)
    do throws(NeedletailError) { try validate() } catch {
      throw reader.corrupted(error.message)
    }
  }

  private static func readValue(
    _ reader: inout ByteReader
  ) throws(NeedletailError) -> AttributeValue {
    let number: UInt8 = try reader.read()
    switch AttributeKind(rawValue: number) {
    case .integer: return .integer(try reader.read())
    case .real:
      let real = try reader.readDouble()
      guard !real.isNaN, real != 0 || real.sign == .plus else {
        throw reader.corrupted("An attribute cannot be \(real).")
      }
      return .real(real)
    case .category: return .category(try readText(&reader, Int(try reader.read(UInt16.self))))
    case .tags: return .tags(try readTags(&reader))
    case nil: throw reader.corrupted("There are no attributes of kind \(number).")
    }
  }

  private static func readTags(
    _ reader: inout ByteReader
  ) throws(NeedletailError) -> Set<String> {
    let count = Int(try reader.read(UInt16.self))
    var tags: Set<String> = []
    var before: String?
    for _ in 0..<count {
      let tag = try readText(&reader, Int(try reader.read(UInt16.self)))
      // Other bytes of the same letters would be the same tag to a set.
      guard before.map({ $0.precedesByBytes(tag) }) ?? true, tags.insert(tag).inserted else {
        throw reader.corrupted("The tag \(tag) stands out of order, or twice.")
      }
      before = tag
    }
    return tags
  }

  private static func readText(
    _ reader: inout ByteReader, _ byteCount: Int
  ) throws(NeedletailError) -> String {
    guard let text = String(validating: try reader.readBytes(byteCount), as: UTF8.self) else {
      throw reader.corrupted("A text of \(byteCount) bytes is not UTF-8.")
    }
    return text
  }
}
