/// What one attribute of an item holds.
///
/// Literals may stand for values: `42`, `9.99`, `"acme"`, `["in_stock", "new"]`.
public enum AttributeValue: Sendable, Hashable {
  /// A whole number.
  case integer(Int64)
  /// A number; anything but NaN.
  ///
  /// Zero has one sign only: −0 is kept as 0.
  case real(Double)
  /// One of several values that an item can have: a brand, a seller, a language.
  ///
  /// At most `Limits.attributeTextBytes` bytes of UTF-8.
  case category(String)
  /// Any number of labels, up to `Limits.tagsPerAttribute`, each as long as a category at the most.
  case tags(Set<String>)
}

extension AttributeValue: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByStringLiteral, ExpressibleByArrayLiteral
{
  /// Makes an integer.
  public init(integerLiteral value: Int64) { self = .integer(value) }
  /// Makes a real number.
  public init(floatLiteral value: Double) { self = .real(value) }
  /// Makes a category.
  public init(stringLiteral value: String) { self = .category(value) }
  /// Makes a set of tags.
  public init(arrayLiteral elements: String...) { self = .tags(Set(elements)) }
}

/// What kind of value an attribute has; the numbers stand in files.
package enum AttributeKind: UInt8, Sendable, Hashable, CaseIterable {
  case integer = 1
  case real = 2
  case category = 3
  case tags = 4
}

extension AttributeValue {
  package var kind: AttributeKind {
    switch self {
    case .integer: .integer
    case .real: .real
    case .category: .category
    case .tags: .tags
    }
  }

  /// Tags in the order of their bytes.
  package static func sorted(_ tags: Set<String>) -> [String] {
    tags.sorted { $0.precedesByBytes($1) }
  }

  /// Bytes that the value counts for under `Limits.attributeBytesPerItem`.
  fileprivate var weight: Int {
    switch self {
    case .integer, .real: 8
    case .category(let text): text.utf8.count + 2
    case .tags(let tags): tags.reduce(2) { $0 + $1.utf8.count + 2 }
    }
  }

  /// Refuses a value that is not kept.
  fileprivate func validate(_ name: String) throws(NeedletailError) {
    switch self {
    case .integer: break
    case .real(let number):
      guard !number.isNaN else {
        throw NeedletailError(
          .invalidConfiguration, "The attribute \(name) is NaN; leave it out where it is not known."
        )
      }
    case .category(let text): try Self.check(text, name)
    case .tags(let tags):
      guard tags.count <= Limits.tagsPerAttribute else {
        throw NeedletailError(
          .capacityExceeded,
          "The attribute \(name) has \(tags.count) tags; the most is \(Limits.tagsPerAttribute).")
      }
      for tag in tags { try Self.check(tag, name) }
    }
  }

  private static func check(_ text: String, _ name: String) throws(NeedletailError) {
    guard text.utf8.count <= Limits.attributeTextBytes else {
      throw NeedletailError(
        .capacityExceeded,
        "A text of the attribute \(name) has \(text.utf8.count) bytes; the most is"
          + " \(Limits.attributeTextBytes).")
    }
  }
}

extension Attributes {
  /// Refuses attributes that an index does not keep.
  ///
  /// - Throws: `invalidConfiguration` for an empty name or NaN, `capacityExceeded` beyond `Limits`, with the
  ///   attribute, the number and the limit.
  /// - Complexity: O(bytes).
  package func validate() throws(NeedletailError) {
    guard count <= Limits.attributesPerItem else {
      throw NeedletailError(
        .capacityExceeded,
        "An item has \(count) attributes; the most is \(Limits.attributesPerItem).")
    }
    var weight = 0
    for (name, value) in entries {
      let length = name.utf8.count
      guard length > 0 else {
        throw NeedletailError(.invalidConfiguration, "An attribute has no name; give it one.")
      }
      guard length <= Limits.attributeNameBytes else {
        throw NeedletailError(
          .capacityExceeded,
          "The name of an attribute has \(length) bytes; the most is \(Limits.attributeNameBytes).")
      }
      try value.validate(name)
      weight += length + value.weight
    }
    guard weight <= Limits.attributeBytesPerItem else {
      throw NeedletailError(
        .capacityExceeded,
        "The attributes of an item have \(weight) bytes; the most is \(Limits.attributeBytesPerItem)."
      )
    }
  }

  /// Refuses the attributes of several items, naming the first row whose own are not kept.
  ///
  /// - Throws: as for one item; `invalidConfiguration` when there are neither none nor one for each row.
  package static func validate(
    _ items: [Attributes], rows: Int
  ) throws(NeedletailError) {
    guard items.isEmpty || items.count == rows else {
      throw NeedletailError(
        .invalidConfiguration,
        "There are attributes for \(items.count) rows of \(rows); give them for each row, or none.")
    }
    for (row, item) in items.enumerated() {
      do throws(NeedletailError) { try item.validate() } catch {
        throw NeedletailError(error.code, "Row \(row): \(error.message)")
      }
    }
  }
}
