/// Writes nodes as JSON: keys in the order of the nodes, so the same nodes give the same bytes.
///
/// Controls are escapes, also those that JSON would let stand: what is written may be shown.
package enum JSONWriter {
  /// With line ends and two spaces a level; lists of single values stay on one line.
  package static func pretty(_ node: DocumentNode) -> String {
    var text = ""
    write(node, level: 0, isPretty: true, to: &text)
    return text + "\n"
  }

  /// On one line, without spaces.
  package static func compact(_ node: DocumentNode) -> String {
    var text = ""
    write(node, level: 0, isPretty: false, to: &text)
    return text
  }

  private static func write(
    _ node: DocumentNode, level: Int, isPretty: Bool, to text: inout String
  ) {
    switch node.value {
    case .null: text += "null"
    case .flag(let flag): text += flag ? "true" : "false"
    case .number(let number): text += number
    case .text(let string): write(string, to: &text)
    case .list(let items):
      let breaks = isPretty && items.contains { $0.items != nil || $0.entries != nil }
      text += "["
      for (index, item) in items.enumerated() {
        if index > 0 { text += isPretty && !breaks ? ", " : "," }
        if breaks { newLine(level + 1, &text) }
        write(item, level: level + 1, isPretty: isPretty, to: &text)
      }
      if breaks { newLine(level, &text) }
      text += "]"
    case .object(let entries):
      text += "{"
      for (index, entry) in entries.enumerated() {
        if index > 0 { text += "," }
        if isPretty { newLine(level + 1, &text) }
        write(entry.key, to: &text)
        text += isPretty ? ": " : ":"
        write(entry.node, level: level + 1, isPretty: isPretty, to: &text)
      }
      if isPretty, !entries.isEmpty { newLine(level, &text) }
      text += "}"
    }
  }

  private static func newLine(_ level: Int, _ text: inout String) {
    text += "\n" + String(repeating: "  ", count: level)
  }

  private static func write(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\t": text += "\\t"
      case "\r": text += "\\r"
      case _ where isControl(scalar):
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
