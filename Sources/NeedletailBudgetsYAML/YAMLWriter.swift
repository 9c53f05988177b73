#if YAML
  import NeedletailBudgets

  /// Writes nodes as YAML: keys in the order of the nodes, lists of single values on one line.
  enum YAMLWriter {
    static func text(_ node: DocumentNode) -> String {
      var text = ""
      write(node, indent: 0, to: &text)
      return text
    }

    /// Writes lines that end with a line's end.
    private static func write(_ node: DocumentNode, indent: Int, to text: inout String) {
      let space = String(repeating: " ", count: indent)
      switch node.value {
      case .object(let entries) where !entries.isEmpty:
        for entry in entries {
          text += space + word(entry.key) + ":"
          writeValue(entry.node, indent: indent + 2, to: &text)
        }
      case .list(let items) where items.contains { !isFlat($0) }:
        for item in items {
          var lines = ""
          write(item, indent: indent + 2, to: &lines)
          text += space + "- " + lines.dropFirst(indent + 2)
        }
      default: text += space + flat(node) + "\n"
      }
    }

    private static func writeValue(_ node: DocumentNode, indent: Int, to text: inout String) {
      let isBlock = !isFlat(node) && !(node.items?.allSatisfy(isFlat) ?? false)
      if isBlock {
        text += "\n"
        write(node, indent: indent, to: &text)
      } else {
        text += " " + flat(node) + "\n"
      }
    }

    private static func isFlat(_ node: DocumentNode) -> Bool {
      (node.items?.isEmpty ?? true) && (node.entries?.isEmpty ?? true)
    }

    private static func flat(_ node: DocumentNode) -> String {
      switch node.value {
      case .text(let string): word(string)
      case .list(let items): "[" + items.map(flat).joined(separator: ", ") + "]"
      default: JSONWriter.compact(node)
      }
    }

    /// Without quotes where nothing could take it for anything but this text.
    private static func word(_ string: String) -> String {
      let isPlain = string.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
          || [0x25, 0x2b, 0x2e, 0x2f, 0x5f, 0x2d, 0x40].contains($0)
      }
      let first = string.unicodeScalars.first?.properties.isAlphabetic ?? false
      let isQuantity = Units.duration(string) != nil || Units.share(string) != nil
      let isSize = Units.bytes(string) != nil
      let isNumber = (try? JSONReader.read(Array(string.utf8))) != nil
      let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
      if isPlain, first || ((isQuantity || isSize) && !isNumber),
        !reserved.contains(string.lowercased())
      {
        return string
      }
      return JSONWriter.compact(.text(string))
    }
  }
#endif
