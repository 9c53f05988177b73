#if YAML
  import NeedletailBudgets
  import Yams

  /// Reads YAML into the nodes that JSON is read into, with the places of the text.
  ///
  /// The parser resolves aliases, and compares keys by all that is below them, so a short text of aliases of aliases
  /// could keep it busy for ever. Therefore few of them are allowed, and none in a long text; depth and number of
  /// values are bounded as in JSON.
  enum YAMLReader {
    /// With so many aliases a text cannot repeat anything more than 3^(16/3), or 350, times.
    private static let aliases = 16
    /// Bytes of a text that has aliases.
    private static let bytesWithAliases = 1 << 16
    /// Documents of one text.
    private static let documents = 4_096

    /// The one document of a text.
    ///
    /// - Throws: the fault at which reading ended.
    static func read(_ bytes: [UInt8]) throws(InvalidBudget) -> DocumentNode {
      let all = try readAll(bytes)
      guard all.count == 1, let document = all.first else {
        throw fault(
          "The file holds \(all.count) documents", "A budget is one document; remove “---”.",
          all.dropFirst().first?.position)
      }
      return document
    }

    /// The documents of a text, those left out that are empty.
    static func readAll(_ bytes: [UInt8]) throws(InvalidBudget) -> [DocumentNode] {
      guard bytes.count <= DocumentLimits.bytes else {
        throw fault(
          "The document has \(bytes.count) bytes", "A budget has at most \(DocumentLimits.bytes).")
      }
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw fault("The file is not UTF-8", "Save it as UTF-8.")
      }
      let count = aliasCount(bytes)
      guard count == 0 || (count <= aliases && bytes.count <= bytesWithAliases) else {
        throw fault(
          "The file has \(count) aliases (*name) in \(bytes.count) bytes",
          "At most \(aliases) are read, in at most \(bytesWithAliases) bytes: write the values out."
        )
      }
      guard !hasCollectionAsKey(bytes) else {
        throw fault(
          "The file has “?” before a list, an object or an alias",
          "Keys are names: write “name: value”.")
      }
      var found: [DocumentNode] = []
      var converter = Converter()
      do {
        let parser = try Parser(yaml: text, encoding: .utf8)
        while let root = try parser.nextRoot() {
          let node = try converter.node(root, depth: 0)
          if case .null = node.value { continue }
          found.append(node)
          guard found.count <= documents else {
            throw fault("There are more than \(documents) documents", "Split the file up.")
          }
        }
      } catch let error as InvalidBudget {
        throw error
      } catch {
        throw refusal(error)
      }
      return found
    }

    /// What may begin an alias: a star before something, and not behind a letter or digit.
    private static func aliasCount(_ bytes: [UInt8]) -> Int {
      var count = 0
      var before: UInt8 = 0x20
      for (byte, next) in zip(bytes, bytes.dropFirst()) {
        if byte == UInt8(ascii: "*"), !isWord(before), next > 0x20 { count += 1 }
        before = byte
      }
      return count
    }

    /// Whether a key may be more than a text: the parser would hash all that is in it, once for each level.
    private static func hasCollectionAsKey(_ bytes: [UInt8]) -> Bool {
      var before: UInt8 = 0x20
      for (place, byte) in bytes.enumerated() {
        if byte == UInt8(ascii: "?"), !isWord(before) {
          let next = bytes[(place + 1)...].first { $0 != 0x20 && $0 != 0x09 } ?? 0x0a
          if next == 0x0a || next == 0x0d || "[{*&?!-|>".utf8.contains(next) { return true }
        }
        before = byte
      }
      return false
    }

    private static func isWord(_ byte: UInt8) -> Bool {
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"): true
      default: false
      }
    }

    static func fault(
      _ problem: String, _ advice: String, _ position: TextPosition? = nil
    ) -> InvalidBudget {
      InvalidBudget([
        BudgetFault(path: "", position: position, problem: problem, advice: advice)
      ])
    }

    /// What the parser says, in our words.
    private static func refusal(_ error: any Error) -> InvalidBudget {
      switch error as? YamlError {
      case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
        .composer(_, let problem, let mark, _):
        return fault(
          "This is no YAML: \(shortened(problem))",
          "Look at the indents, quotes and colons here and on the line before.",
          TextPosition(line: mark.line, column: mark.column))
      case .duplicatedKeysInMapping(let keys, let context):
        return fault(
          "A key stands in one object twice: \(keys.prefix(4).map(quoted).joined(separator: ", "))",
          "Keep one of them.", TextPosition(line: context.mark.line, column: context.mark.column))
      case .reader(let problem, _, _, _):
        return fault("This is no text: \(shortened(problem))", "Remove the control characters.")
      default:
        return fault("This is no YAML", "Compare it with a budget that is read.")
      }
    }

    /// Turns the parser's nodes into ours, counting them.
    private struct Converter {
      private var count = 0

      init() {}

      mutating func node(_ node: Node, depth: Int) throws(InvalidBudget) -> DocumentNode {
        let position = node.mark.map { TextPosition(line: $0.line, column: $0.column) }
        count += 1
        guard count <= DocumentLimits.nodes else {
          throw fault(
            "The document has more than \(DocumentLimits.nodes) values, repeated ones counted",
            "Split it up.", position)
        }
        guard depth <= DocumentLimits.depth else {
          throw fault(
            "More than \(DocumentLimits.depth) values stand inside one another",
            "A budget needs 5.", position)
        }
        switch node {
        case .scalar(let scalar):
          return DocumentNode(Self.value(scalar), at: position)
        case .sequence(let sequence):
          var items: [DocumentNode] = []
          for item in sequence { items.append(try self.node(item, depth: depth + 1)) }
          return DocumentNode(.list(items), at: position)
        case .mapping(let mapping):
          var entries: [DocumentNode.Entry] = []
          for (key, value) in mapping {
            let place = key.mark.map { TextPosition(line: $0.line, column: $0.column) }
            guard case .scalar(let name) = key else {
              throw fault("A key is no word", "Write a word as the key.", place)
            }
            entries.append(
              DocumentNode.Entry(name.string, at: place, try self.node(value, depth: depth + 1)))
          }
          return DocumentNode(.object(entries), at: position)
        case .alias:
          throw fault("An alias stands here that was not resolved", "Write the value.", position)
        }
      }

      /// What a word means that is not in quotes: as in JSON, anything else being text.
      private static func value(_ scalar: Node.Scalar) -> DocumentNode.Value {
        guard scalar.style == .plain || scalar.style == .any else { return .text(scalar.string) }
        switch scalar.string {
        case "", "~", "null": return .null
        case "true": return .flag(true)
        case "false": return .flag(false)
        case let word:
          guard word.utf8.count <= 64,
            case .number = (try? JSONReader.read(Array(word.utf8)))?.value
          else { return .text(word) }
          return .number(word)
        }
      }
    }
  }
#endif
