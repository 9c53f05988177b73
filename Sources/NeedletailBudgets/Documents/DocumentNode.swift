/// A place in a text: both numbers count from 1, columns count bytes of UTF-8 in JSON and characters in YAML.
public struct TextPosition: Sendable, Hashable, CustomStringConvertible {
  /// The line, from 1.
  public var line: Int
  /// The column, from 1.
  public var column: Int

  /// Makes a place.
  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  /// `12:7`.
  public var description: String { "\(line):\(column)" }
}

/// A value of a document with the place where it stands: what JSON and YAML are both read into.
package struct DocumentNode: Sendable {
  package var value: Value
  /// `nil` for what was made in code.
  package var position: TextPosition?

  /// What a node holds.
  package indirect enum Value: Sendable {
    case null
    case flag(Bool)
    /// A number as it was written: nothing is rounded before somebody says what is wanted.
    case number(String)
    case text(String)
    case list([DocumentNode])
    /// Entries in the order of the document; keys may repeat, which the reader finds.
    case object([Entry])
  }

  /// One key of an object, and what it stands for.
  package struct Entry: Sendable {
    package var key: String
    package var keyPosition: TextPosition?
    package var node: DocumentNode

    package init(_ key: String, at keyPosition: TextPosition? = nil, _ node: DocumentNode) {
      self.key = key
      self.keyPosition = keyPosition
      self.node = node
    }
  }

  package init(_ value: Value, at position: TextPosition? = nil) {
    self.value = value
    self.position = position
  }

  package static func text(_ text: String) -> DocumentNode { DocumentNode(.text(text)) }
  package static func number(_ number: Int) -> DocumentNode { DocumentNode(.number("\(number)")) }
  package static func list(_ items: [DocumentNode]) -> DocumentNode { DocumentNode(.list(items)) }

  /// An object made in code; keys without a value are left out.
  package static func object(_ entries: [(String, DocumentNode?)]) -> DocumentNode {
    DocumentNode(.object(entries.compactMap { key, node in node.map { Entry(key, $0) } }))
  }

  package var entries: [Entry]? {
    if case .object(let entries) = value { return entries }
    return nil
  }

  package var items: [DocumentNode]? {
    if case .list(let items) = value { return items }
    return nil
  }

  package var string: String? {
    if case .text(let text) = value { return text }
    return nil
  }

  /// The value of a key; the first one where it repeats.
  package subscript(_ key: String) -> DocumentNode? {
    entries?.first { $0.key == key }?.node
  }

  /// What the value is, in words: `a list`.
  package var kind: String {
    switch value {
    case .null: "null"
    case .flag: "true or false"
    case .number(let text): "the number \(shortened(text))"
    case .text(let text): quoted(text)
    case .list: "a list"
    case .object: "an object"
    }
  }

  /// Where a path ends, or the last step of it that exists.
  package func position(of path: DocumentPath) -> TextPosition? {
    var node = self
    for step in path.steps {
      switch step {
      case .key(let key):
        guard let next = node[key] else { return node.position }
        node = next
      case .index(let index):
        guard let items = node.items, items.indices.contains(index) else { return node.position }
        node = items[index]
      }
    }
    return node.position
  }
}

/// The sizes beyond which a document is refused, so that no text can make reading it long.
package enum DocumentLimits {
  /// Bytes of a document.
  package static let bytes = 1 << 20
  /// Values that stand inside one another.
  package static let depth = 32
  /// Values of a document, those counted again that an alias repeats.
  package static let nodes = 200_000
}
