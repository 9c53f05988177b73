extension Filter {
  /// Whether one item matches, by its id and its attributes: what a compiled filter says of its row.
  ///
  /// For a single item; whole indexes compile the filter.
  ///
  /// - Complexity: O(parts + ids listed).
  package func matches(_ id: VectorID, _ attributes: Attributes) -> Bool {
    switch node {
    case .everything: return true
    case .ids(let ids): return ids.contains(id)
    case .bitmap(let words, let first):
      guard id >= first, (id - first) / 64 < UInt64(words.count) else { return false }
      return words[Int((id - first) / 64)] >> ((id - first) % 64) & 1 == 1
    case .attribute(let predicate): return predicate.matches(attributes)
    case .both(let left, let right):
      return left.matches(id, attributes) && right.matches(id, attributes)
    case .either(let left, let right):
      return left.matches(id, attributes) || right.matches(id, attributes)
    case .complement(let filter): return !filter.matches(id, attributes)
    case .refused: return false
    }
  }
}

extension AttributePredicate {
  /// Whether an item's attributes are as is asked for.
  package func matches(_ attributes: Attributes) -> Bool {
    guard let value = attributes[name] else { return false }
    switch (test, value) {
    case (.exists, _): return true
    case (.number(let range, let isInverted), .integer),
      (.number(let range, let isInverted), .real):
      return range.contains(value) != isInverted
    case (.numbers(let ranges), .integer), (.numbers(let ranges), .real):
      return ranges.contains { $0.contains(value) }
    case (.category(let texts, let isInverted), .category(let text)):
      return texts.contains { ExactText($0) == ExactText(text) } != isInverted
    case (.tag(let tag), .tags(let tags)):
      return tags.contains { ExactText($0) == ExactText(tag) }
    default: return false
    }
  }
}

extension NumberRange {
  /// Whether a number is within the range; what is no number is not.
  func contains(_ value: AttributeValue) -> Bool {
    switch value {
    case .integer(let number): integers?.contains(number) ?? false
    case .real(let number): reals?.contains(number) ?? false
    case .category, .tags: false
    }
  }
}

extension Filter {
  /// Bytes that are the same for filters that are written the same way, and for no others.
  ///
  /// What means the same and is written in another way may have other bytes.
  ///
  /// - Complexity: O(parts + ids listed + words of bitmaps).
  package var identity: [UInt8] {
    var bytes = IdentityBytes()
    bytes.add(self)
    return bytes.bytes
  }
}

/// A filter as bytes: each part begins with its kind, and each list with its length, so that no two filters share them.
private struct IdentityBytes {
  private(set) var bytes: [UInt8] = []

  mutating func add(_ filter: Filter) {
    switch filter.node {
    case .everything: bytes.append(0)
    case .ids(let ids):
      bytes.append(1)
      add(UInt64(ids.count))
      for id in ids { add(id) }
    case .bitmap(let words, let first):
      bytes.append(2)
      add(first)
      add(UInt64(words.count))
      for word in words { add(word) }
    case .attribute(let predicate):
      bytes.append(3)
      add(predicate)
    case .both(let left, let right):
      bytes.append(4)
      add(left)
      add(right)
    case .either(let left, let right):
      bytes.append(5)
      add(left)
      add(right)
    case .complement(let filter):
      bytes.append(6)
      add(filter)
    case .refused: bytes.append(7)
    }
  }

  private mutating func add(_ predicate: AttributePredicate) {
    add(predicate.name)
    switch predicate.test {
    case .exists: bytes.append(0)
    case .number(let range, let isInverted):
      bytes.append(isInverted ? 2 : 1)
      add(range)
    case .numbers(let ranges):
      bytes.append(3)
      add(UInt64(ranges.count))
      for range in ranges { add(range) }
    case .category(let texts, let isInverted):
      bytes.append(isInverted ? 5 : 4)
      add(UInt64(texts.count))
      for text in texts { add(text) }
    case .tag(let tag):
      bytes.append(6)
      add(tag)
    }
  }

  private mutating func add(_ range: NumberRange) {
    bytes.append((range.integers == nil ? 0 : 1) | (range.reals == nil ? 0 : 2))
    if let integers = range.integers {
      add(UInt64(bitPattern: integers.lowerBound))
      add(UInt64(bitPattern: integers.upperBound))
    }
    if let reals = range.reals {
      add(reals.lowerBound.bitPattern)
      add(reals.upperBound.bitPattern)
    }
  }

  private mutating func add(_ text: String) {
    let text = text.utf8
    add(UInt64(text.count))
    bytes.append(contentsOf: text)
  }

  private mutating func add(_ word: UInt64) {
    for shift in stride(from: 0, to: 64, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: word >> shift))
    }
  }
}
