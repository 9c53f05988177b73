/// Reads JSON (RFC 8259) into nodes that know where they stand.
///
/// Strict, and bounded by `DocumentLimits` whatever the bytes: a fault ends the reading, with its place.
package struct JSONReader {
  private let bytes: [UInt8]
  private var offset = 0
  private var line = 1
  private var lineStart = 0
  private var nodes = 0

  /// The document of a text.
  ///
  /// - Throws: the one fault at which reading ended.
  package static func read(_ bytes: [UInt8]) throws(InvalidBudget) -> DocumentNode {
    guard bytes.count <= DocumentLimits.bytes else {
      throw InvalidBudget([
        BudgetFault(
          path: "", problem: "The document has \(bytes.count) bytes",
          advice: "A budget has at most \(DocumentLimits.bytes).")
      ])
    }
    var reader = JSONReader(bytes: bytes)
    if let invalid = invalidUTF8(bytes) {
      reader.advanceLines(to: invalid)
      throw reader.fault("Byte \(invalid) is not UTF-8", "Save the file as UTF-8.")
    }
    // A mark at the start, which editors leave.
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) {
      reader.offset = 3
      reader.lineStart = 3
    }
    let node = try reader.value(depth: 0)
    reader.skipSpace()
    guard reader.offset == bytes.count else {
      throw reader.fault("Something follows the document", "Remove it, or mend the braces before.")
    }
    return node
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private var position: TextPosition {
    TextPosition(line: line, column: offset - lineStart + 1)
  }

  private func fault(_ problem: String, _ advice: String) -> InvalidBudget {
    InvalidBudget([
      BudgetFault(path: "", position: position, problem: problem, advice: advice)
    ])
  }

  private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private mutating func skipSpace() {
    while let byte = next {
      switch byte {
      case 0x20, 0x09, 0x0d: offset += 1
      case 0x0a:
        offset += 1
        line += 1
        lineStart = offset
      default: return
      }
    }
  }

  private mutating func advanceLines(to end: Int) {
    while offset < end {
      if bytes[offset] == 0x0a {
        line += 1
        lineStart = offset + 1
      }
      offset += 1
    }
  }

  private mutating func value(depth: Int) throws(InvalidBudget) -> DocumentNode {
    skipSpace()
    guard depth <= DocumentLimits.depth else {
      throw fault(
        "More than \(DocumentLimits.depth) values stand inside one another", "A budget needs 5.")
    }
    nodes += 1
    guard nodes <= DocumentLimits.nodes else {
      throw fault("The document has more than \(DocumentLimits.nodes) values", "Split it up.")
    }
    let start = position
    guard let byte = next else {
      throw fault("The document ends where a value should be", "Write the value.")
    }
    switch byte {
    case UInt8(ascii: "{"): return DocumentNode(.object(try object(depth)), at: start)
    case UInt8(ascii: "["): return DocumentNode(.list(try list(depth)), at: start)
    case UInt8(ascii: "\""): return DocumentNode(.text(try string()), at: start)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      return DocumentNode(.number(try number()), at: start)
    default:
      for (word, value) in [
        ("null", DocumentNode.Value.null), ("true", .flag(true)), ("false", .flag(false)),
      ] where bytes[offset...].starts(with: word.utf8) {
        offset += word.utf8.count
        return DocumentNode(value, at: start)
      }
      throw fault(
        "No value begins with \(shown(byte))",
        "Write a number, a text in double quotes, true, false, null, a list or an object.")
    }
  }

  private mutating func object(_ depth: Int) throws(InvalidBudget) -> [DocumentNode.Entry] {
    offset += 1
    var entries: [DocumentNode.Entry] = []
    skipSpace()
    if next == UInt8(ascii: "}") {
      offset += 1
      return entries
    }
    while true {
      skipSpace()
      let place = position
      guard next == UInt8(ascii: "\"") else {
        throw fault(
          "A key is missing", "Write it in double quotes, and no comma after the last entry.")
      }
      let key = try string()
      skipSpace()
      guard next == UInt8(ascii: ":") else {
        throw fault("A colon is missing after the key \(quoted(key))", "Write one.")
      }
      offset += 1
      entries.append(DocumentNode.Entry(key, at: place, try value(depth: depth + 1)))
      if try isEnd(UInt8(ascii: "}"), "object") { return entries }
    }
  }

  private mutating func list(_ depth: Int) throws(InvalidBudget) -> [DocumentNode] {
    offset += 1
    var items: [DocumentNode] = []
    skipSpace()
    if next == UInt8(ascii: "]") {
      offset += 1
      return items
    }
    while true {
      items.append(try value(depth: depth + 1))
      if try isEnd(UInt8(ascii: "]"), "list") { return items }
    }
  }

  private mutating func isEnd(_ end: UInt8, _ what: String) throws(InvalidBudget) -> Bool {
    skipSpace()
    if next == end {
      offset += 1
      return true
    }
    guard next == UInt8(ascii: ",") else {
      throw fault(
        "The \(what) is not closed here", "Write a comma, or \(shown(end)) at its end.")
    }
    offset += 1
    return false
  }

  private mutating func number() throws(InvalidBudget) -> String {
    let start = offset
    if next == UInt8(ascii: "-") { offset += 1 }
    let whole = digits()
    var isGood = whole > 0 && (whole == 1 || bytes[offset - whole] != UInt8(ascii: "0"))
    if next == UInt8(ascii: ".") {
      offset += 1
      isGood = digits() > 0 && isGood
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      offset += 1
      if next == UInt8(ascii: "-") || next == UInt8(ascii: "+") { offset += 1 }
      isGood = digits() > 0 && isGood
    }
    let text = String(decoding: bytes[start..<offset], as: UTF8.self)
    guard isGood else {
      throw fault("\(shortened(text)) is no number of JSON", "Write it like 0.95 or 1e6.")
    }
    return text
  }

  private mutating func digits() -> Int {
    let start = offset
    while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { offset += 1 }
    return offset - start
  }

  private mutating func string() throws(InvalidBudget) -> String {
    offset += 1
    var text: [UInt8] = []
    while true {
      guard let byte = next, byte != 0x0a else {
        throw fault("A text is not closed", "Write a double quote at its end.")
      }
      offset += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): try escape(into: &text)
      case 0..<0x20:
        offset -= 1
        throw fault("A text holds the control character \(byte)", "Write it as an escape.")
      default: text.append(byte)
      }
    }
  }

  private mutating func escape(into text: inout [UInt8]) throws(InvalidBudget) {
    let simple: [UInt8: UInt8] = [
      0x22: 0x22, 0x5c: 0x5c, 0x2f: 0x2f, 0x62: 0x08, 0x66: 0x0c, 0x6e: 0x0a, 0x72: 0x0d,
      0x74: 0x09,
    ]
    guard let byte = next else { throw fault("A text is not closed", "Write a double quote.") }
    if let plain = simple[byte] {
      offset += 1
      text.append(plain)
      return
    }
    guard byte == UInt8(ascii: "u") else {
      throw fault("\\\(shown(byte)) is no escape", "Write \\\\ for a backslash.")
    }
    offset += 1
    var units = [try codeUnit()]
    if UTF16.isLeadSurrogate(units[0]), bytes[offset...].starts(with: [0x5c, 0x75]) {
      offset += 2
      units.append(try codeUnit())
    }
    // Half of a pair comes out as U+FFFD.
    text.append(contentsOf: Array(String(decoding: units, as: UTF16.self).utf8))
  }

  private mutating func codeUnit() throws(InvalidBudget) -> UInt16 {
    let end = min(offset + 4, bytes.count)
    let text = String(decoding: bytes[offset..<end], as: UTF8.self)
    guard end - offset == 4, text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") }),
      let unit = UInt16(text, radix: 16)
    else { throw fault("An escape has no four hexadecimal digits", "Write them after \\u.") }
    offset = end
    return unit
  }

  private func shown(_ byte: UInt8) -> String {
    (0x21...0x7e).contains(byte) ? String(UnicodeScalar(byte)) : "byte \(byte)"
  }

  /// The first byte that is not part of UTF-8.
  private static func invalidUTF8(_ bytes: [UInt8]) -> Int? {
    guard String(validating: bytes, as: UTF8.self) == nil else { return nil }
    var decoder = UTF8()
    var iterator = CountingIterator(bytes: bytes)
    var start = 0
    while true {
      switch decoder.decode(&iterator) {
      case .scalarValue(let scalar): start += UTF8.width(scalar)
      case .emptyInput, .error: return start
      }
    }
  }

  private struct CountingIterator: IteratorProtocol {
    let bytes: [UInt8]
    var offset = 0

    mutating func next() -> UInt8? {
      guard offset < bytes.count else { return nil }
      defer { offset += 1 }
      return bytes[offset]
    }
  }
}
