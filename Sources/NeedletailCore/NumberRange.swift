/// The numbers that a comparison lets through, as ranges of both kinds of number that attributes have.
///
/// Nothing is rounded: a whole number and a real one compare as the numbers they are, whatever their size.
package struct NumberRange: Sendable, Hashable {
  /// `nil`: none.
  package var integers: ClosedRange<Int64>?
  /// `nil`: none; else without NaN at either end.
  package var reals: ClosedRange<Double>?

  /// An end of a range.
  package struct Bound: Sendable, Hashable {
    package var number: AttributeValue
    package var isIncluded: Bool

    package init(_ number: AttributeValue, isIncluded: Bool) {
      self.number = number
      self.isIncluded = isIncluded
    }
  }

  /// Takes the numbers between two bounds; `nil`: no bound on that side.
  ///
  /// Nothing lies beyond NaN, or beyond what is no number.
  package init(from lower: Bound?, to upper: Bound?) {
    let firstInteger = lower.map { Self.leastInteger($0) } ?? Int64.min
    let lastInteger = upper.map { Self.greatestInteger($0) } ?? Int64.max
    if let first = firstInteger, let last = lastInteger, first <= last {
      integers = first...last
    }
    let firstReal = lower.map { Self.leastReal($0) } ?? -Double.infinity
    let lastReal = upper.map { Self.greatestReal($0) } ?? Double.infinity
    if let first = firstReal, let last = lastReal, first <= last { reals = first...last }
  }

  /// The number that equals `number`, where a kind has it.
  package init(_ number: AttributeValue) {
    let bound = Bound(number, isIncluded: true)
    self.init(from: bound, to: bound)
  }

  /// The least whole number within a lower bound.
  private static func leastInteger(_ bound: Bound) -> Int64? {
    switch bound.number {
    case .integer(let number):
      if bound.isIncluded { return number }
      return number == .max ? nil : number + 1
    case .real(let number):
      let up = number.rounded(.up)
      // Also NaN, which is below nothing.
      guard up < 0x1p63 else { return nil }
      guard up >= -0x1p63 else { return .min }
      return leastInteger(Bound(.integer(Int64(up)), isIncluded: bound.isIncluded || up != number))
    case .category, .tags: return nil
    }
  }

  private static func greatestInteger(_ bound: Bound) -> Int64? {
    switch bound.number {
    case .integer(let number):
      if bound.isIncluded { return number }
      return number == .min ? nil : number - 1
    case .real(let number):
      let down = number.rounded(.down)
      guard down >= -0x1p63 else { return nil }
      guard down < 0x1p63 else { return .max }
      return greatestInteger(
        Bound(.integer(Int64(down)), isIncluded: bound.isIncluded || down != number))
    case .category, .tags: return nil
    }
  }

  /// The least real number within a lower bound.
  private static func leastReal(_ bound: Bound) -> Double? {
    switch bound.number {
    case .integer(let number):
      let nearest = Double(number)
      let order = compare(nearest, number)
      return order < 0 || (order == 0 && !bound.isIncluded) ? nearest.nextUp : nearest
    case .real(let number):
      if bound.isIncluded { return number.isNaN ? nil : number }
      // Infinity, above which nothing is, and NaN.
      return number < .infinity ? number.nextUp : nil
    case .category, .tags: return nil
    }
  }

  private static func greatestReal(_ bound: Bound) -> Double? {
    switch bound.number {
    case .integer(let number):
      let nearest = Double(number)
      let order = compare(nearest, number)
      return order > 0 || (order == 0 && !bound.isIncluded) ? nearest.nextDown : nearest
    case .real(let number):
      if bound.isIncluded { return number.isNaN ? nil : number }
      return number > -.infinity ? number.nextDown : nil
    case .category, .tags: return nil
    }
  }

  /// The order of a whole number and the real one that is nearest to it: −1, 0 or 1.
  private static func compare(_ real: Double, _ integer: Int64) -> Int {
    guard real < 0x1p63 else { return 1 }
    let whole = Int64(real)
    return whole < integer ? -1 : whole > integer ? 1 : 0
  }
}
