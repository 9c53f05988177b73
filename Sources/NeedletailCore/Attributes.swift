/// The attributes of one item: named values beside its vector.
///
/// ```swift
/// let item: Attributes = ["price": 19.5, "brand": "acme", "tags": ["in_stock", "new"]]
/// ```
///
/// The same name should mean the same kind of value in every item, but need not: a filter passes over values
/// of another kind than it asks for.
///
/// Names, categories and tags are the same when their UTF-8 bytes are: letters and marks that only look the
/// same are not. Bring texts of several origins into one normal form before they are written.
public struct Attributes: Sendable, Hashable {
  /// Names and values, by ascending bytes of the names; each name once.
  package private(set) var entries: [(name: String, value: AttributeValue)] = []

  /// No attributes.
  public init() {}

  /// Takes names with their values.
  ///
  /// Sizes are checked when the attributes are written.
  public init(_ values: [String: AttributeValue]) {
    entries = values.map { ($0.key, $0.value) }.sorted { $0.name.precedesByBytes($1.name) }
  }

  /// Takes entries that are in order already.
  ///
  /// - Precondition: names ascend by their bytes.
  package init(ascending entries: [(name: String, value: AttributeValue)]) {
    self.entries = entries
  }

  /// The value of an attribute; `nil`: there is none.
  ///
  /// - Complexity: O(log attributes).
  public subscript(name: String) -> AttributeValue? {
    get {
      let place = place(of: name)
      return isPresent(name, at: place) ? entries[place].value : nil
    }
    set {
      let place = place(of: name)
      switch (isPresent(name, at: place), newValue) {
      case (true, .some(let value)): entries[place].value = value
      case (false, .some(let value)): entries.insert((name, value), at: place)
      case (true, nil): entries.remove(at: place)
      case (false, nil): break
      }
    }
  }

  /// How many there are.
  public var count: Int { entries.count }
  /// Whether there are none.
  public var isEmpty: Bool { entries.isEmpty }
  /// The names, by ascending bytes.
  public var names: [String] { entries.map(\.name) }

  /// Whether both have the same names with equal values.
  public static func == (left: Attributes, right: Attributes) -> Bool {
    left.entries.elementsEqual(right.entries) { $0.name == $1.name && $0.value == $1.value }
  }

  /// Feeds names and values to a hasher.
  public func hash(into hasher: inout Hasher) {
    for (name, value) in entries {
      hasher.combine(name)
      hasher.combine(value)
    }
  }

  /// The first entry whose name does not stand before `name`.
  private func place(of name: String) -> Int {
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].name.precedesByBytes(name) { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private func isPresent(_ name: String, at place: Int) -> Bool {
    place < entries.count && !name.precedesByBytes(entries[place].name)
  }
}

extension Attributes: ExpressibleByDictionaryLiteral {
  /// Takes names with their values; of a name that stands there twice, the last value counts.
  public init(dictionaryLiteral elements: (String, AttributeValue)...) {
    for (name, value) in elements { self[name] = value }
  }
}

/// A text that is the same as another one only when all bytes are.
package struct ExactText: Sendable, Hashable {
  package let text: String

  package init(_ text: String) { self.text = text }

  package static func == (left: ExactText, right: ExactText) -> Bool {
    left.text.utf8.elementsEqual(right.text.utf8)
  }

  /// Texts of equal bytes are equal strings, whose hashes are the same.
  package func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

extension String {
  /// Whether its UTF-8 bytes stand before those of another one, compared from the first on.
  package func precedesByBytes(_ other: String) -> Bool {
    utf8.lexicographicallyPrecedes(other.utf8)
  }
}
