/// What a filter asks of one attribute of an item.
///
/// An item without the attribute, or with a value of another kind than is asked for, does not match.
package struct AttributePredicate: Sendable, Hashable {
  package enum Test: Sendable, Hashable {
    /// There is a value of any kind.
    case exists
    /// There is a number, and it is within the range; outside it when inverted.
    case number(NumberRange, isInverted: Bool)
    /// There is a number, and it is one of these.
    case numbers([NumberRange])
    /// There is a category, and it is one of these; none of them when inverted.
    case category([String], isInverted: Bool)
    /// There are tags, and this is one of them.
    case tag(String)
  }

  package let name: String
  package let test: Test

  package init(_ name: String, _ test: Test) {
    self.name = name
    self.test = test
  }

  /// Values that it lists.
  package var valueCount: Int {
    switch test {
    case .exists, .number, .tag: 1
    case .numbers(let ranges): ranges.count
    case .category(let texts, _): texts.count
    }
  }
}

/// A number that an attribute may be compared with.
public protocol AttributeNumber: Sendable, Comparable {
  /// The number as a value: `.integer` or `.real`.
  var attributeValue: AttributeValue { get }
}

extension Int: AttributeNumber {
  /// The number as `.integer`.
  public var attributeValue: AttributeValue { .integer(Int64(self)) }
}

extension Int64: AttributeNumber {
  /// The number as `.integer`.
  public var attributeValue: AttributeValue { .integer(self) }
}

extension Double: AttributeNumber {
  /// The number as `.real`.
  public var attributeValue: AttributeValue { .real(self) }
}

/// The attribute of a name, to make filters of.
///
/// ```swift
/// let filter = attribute("price") < 20 && attribute("brand").isOne(of: ["acme", "bolt"]) && tag("in_stock")
/// ```
///
/// Whole and real numbers compare with one another, exactly.
///
/// - An item that has no such attribute matches no comparison, `!=` neither; `!` of a comparison matches it.
/// - So it is with an item whose value is of another kind: a category is neither above, below, equal to nor
///   unequal to a number.
public func attribute(_ name: String) -> NamedAttribute { NamedAttribute(name: name) }

/// Matches the items that have a tag.
///
/// - Parameters:
///   - tag: the tag, byte for byte.
///   - attribute: the attribute whose tags are looked at. Default `tags`.
/// - Returns: the filter.
public func tag(_ tag: String, in attribute: String = "tags") -> Filter {
  .attribute(AttributePredicate(attribute, .tag(tag)))
}

/// An attribute by its name, which comparisons make filters of; see `attribute(_:)`.
public struct NamedAttribute: Sendable {
  let name: String

  /// Matches the items that have the attribute, whatever its kind.
  public var exists: Filter { .attribute(AttributePredicate(name, .exists)) }

  /// Matches numbers below another one.
  public static func < (left: NamedAttribute, right: some AttributeNumber) -> Filter {
    left.within(nil, .init(right.attributeValue, isIncluded: false))
  }

  /// Matches numbers not above another one.
  public static func <= (left: NamedAttribute, right: some AttributeNumber) -> Filter {
    left.within(nil, .init(right.attributeValue, isIncluded: true))
  }

  /// Matches numbers above another one.
  public static func > (left: NamedAttribute, right: some AttributeNumber) -> Filter {
    left.within(.init(right.attributeValue, isIncluded: false), nil)
  }

  /// Matches numbers not below another one.
  public static func >= (left: NamedAttribute, right: some AttributeNumber) -> Filter {
    left.within(.init(right.attributeValue, isIncluded: true), nil)
  }

  /// Matches numbers that equal another one.
  public static func == (left: NamedAttribute, right: some AttributeNumber) -> Filter {
    left.number(NumberRange(right.attributeValue))
  }

  /// Matches numbers other than one; what is no number does not match.
  public static func != (left: NamedAttribute, right: some AttributeNumber) -> Filter {
    left.number(NumberRange(right.attributeValue), isInverted: true)
  }

  /// Matches a category.
  public static func == (left: NamedAttribute, right: String) -> Filter {
    .attribute(AttributePredicate(left.name, .category([right], isInverted: false)))
  }

  /// Matches categories other than one; what is no category does not match.
  public static func != (left: NamedAttribute, right: String) -> Filter {
    .attribute(AttributePredicate(left.name, .category([right], isInverted: true)))
  }

  /// Matches numbers from the lower bound on, below the upper bound.
  public func isIn(_ range: Range<some AttributeNumber>) -> Filter {
    within(
      .init(range.lowerBound.attributeValue, isIncluded: true),
      .init(range.upperBound.attributeValue, isIncluded: false))
  }

  /// Matches numbers from the lower bound to the upper bound, both included.
  public func isIn(_ range: ClosedRange<some AttributeNumber>) -> Filter {
    within(
      .init(range.lowerBound.attributeValue, isIncluded: true),
      .init(range.upperBound.attributeValue, isIncluded: true))
  }

  /// Matches any of several categories.
  public func isOne(of texts: some Sequence<String>) -> Filter {
    .attribute(AttributePredicate(name, .category(Array(texts), isInverted: false)))
  }

  /// Matches any of several numbers.
  public func isOne(of numbers: some Sequence<some AttributeNumber>) -> Filter {
    .attribute(
      AttributePredicate(name, .numbers(numbers.map { NumberRange($0.attributeValue) })))
  }

  private func within(_ lower: NumberRange.Bound?, _ upper: NumberRange.Bound?) -> Filter {
    number(NumberRange(from: lower, to: upper))
  }

  private func number(_ range: NumberRange, isInverted: Bool = false) -> Filter {
    .attribute(AttributePredicate(name, .number(range, isInverted: isInverted)))
  }
}
