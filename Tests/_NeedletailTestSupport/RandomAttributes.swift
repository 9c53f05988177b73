package import NeedletailCore

/// Items with attributes drawn by seed, of few names and few values, so that filters match some of them.
package enum RandomAttributes {
  package static let brands = [
    "acme", "bolt", "crane", "ü", "", "acme corporation of somewhere else",
  ]
  package static let labels = [
    "in_stock", "new", "used", "ß", "a label of more than fifteen bytes",
  ]

  /// One item: any of its attributes may be missing, and `odd` is of another kind in each item.
  package static func item(_ random: inout SplitMix64) -> Attributes {
    var item = Attributes()
    if random.next(below: 4) > 0 { item["price"] = .real(Double(random.next(below: 40)) / 2) }
    if random.next(below: 4) > 0 { item["year"] = .integer(1990 + Int64(random.next(below: 30))) }
    if random.next(below: 5) > 0 {
      item["brand"] = .category(brands[Int(random.next(below: UInt64(brands.count)))])
    }
    if random.next(below: 3) > 0 {
      item["tags"] = .tags(Set(labels.filter { _ in random.next(below: 3) == 0 }))
    }
    switch random.next(below: 5) {
    case 0: item["odd"] = .integer([.min, -1, 0, 1, .max][Int(random.next(below: 5))])
    case 1: item["odd"] = .real([-.infinity, -0.5, 0, 1, 0x1p63][Int(random.next(below: 5))])
    case 2: item["odd"] = .category(brands[Int(random.next(below: 3))])
    case 3: item["odd"] = .tags([labels[0]])
    default: break
    }
    return item
  }

  package static func items(_ count: Int, seed: UInt64) -> [Attributes] {
    var random = SplitMix64(seed: seed)
    return (0..<count).map { _ in item(&random) }
  }
}

/// What a filter on attributes means, and a filter that should mean it.
package struct DrawnPredicate {
  package let filter: Filter
  package let matches: (Attributes) -> Bool

  /// Draws a filter by seed: a predicate, or several joined.
  package init(_ random: inout SplitMix64, depth: Int) {
    guard depth > 0, random.next(below: 3) > 0 else {
      self = Self.predicate(&random)
      return
    }
    let left = DrawnPredicate(&random, depth: depth - 1)
    let right = DrawnPredicate(&random, depth: depth - 1)
    switch random.next(below: 3) {
    case 0: self.init(!left.filter) { !left.matches($0) }
    case 1: self.init(left.filter && right.filter) { left.matches($0) && right.matches($0) }
    default: self.init(left.filter || right.filter) { left.matches($0) || right.matches($0) }
    }
  }

  private init(_ filter: Filter, _ matches: @escaping (Attributes) -> Bool) {
    self.filter = filter
    self.matches = matches
  }

  private static func predicate(_ random: inout SplitMix64) -> DrawnPredicate {
    let name = ["price", "year", "brand", "tags", "odd", "absent"][Int(random.next(below: 6))]
    let named = attribute(name)
    switch random.next(below: 7) {
    case 0: return DrawnPredicate(named.exists) { $0[name] != nil }
    case 1:
      let label = RandomAttributes.labels[Int(random.next(below: 5))]
      return DrawnPredicate(tag(label, in: name)) { item in
        if case .tags(let tags) = item[name] { tags.contains(label) } else { false }
      }
    case 2:
      let brand = (RandomAttributes.brands + ["none"])[Int(random.next(below: 7))]
      let isEqual = random.next(below: 2) == 0
      return DrawnPredicate(isEqual ? named == brand : named != brand) { item in
        if case .category(let text) = item[name] { (text == brand) == isEqual } else { false }
      }
    case 3:
      let brands = RandomAttributes.brands.filter { _ in random.next(below: 2) == 0 }
      return DrawnPredicate(named.isOne(of: brands)) { item in
        if case .category(let text) = item[name] { brands.contains(text) } else { false }
      }
    case 4:
      let numbers = (0..<3).map { _ in Double(random.next(below: 40)) / 2 }
      return DrawnPredicate(named.isOne(of: numbers)) { item in
        Self.number(item[name]).map { number in numbers.contains { number == $0 } } ?? false
      }
    case 5:
      let low = 1980 + Int(random.next(below: 30))
      return DrawnPredicate(named.isIn(low...(low + 9))) { item in
        Self.number(item[name]).map { $0 >= Double(low) && $0 <= Double(low + 9) } ?? false
      }
    default: return comparison(name, &random)
    }
  }

  private static func comparison(_ name: String, _ random: inout SplitMix64) -> DrawnPredicate {
    let bound = [-1, 0, 0.5, 7, 10, 1999, 2010.5, .infinity][Int(random.next(below: 8))]
    let named = attribute(name)
    let (filter, test): (Filter, (Double) -> Bool) =
      switch random.next(below: 6) {
      case 0: (named < bound, { $0 < bound })
      case 1: (named <= bound, { $0 <= bound })
      case 2: (named > bound, { $0 > bound })
      case 3: (named >= bound, { $0 >= bound })
      case 4: (named == bound, { $0 == bound })
      default: (named != bound, { $0 != bound })
      }
    return DrawnPredicate(filter) { Self.number($0[name]).map(test) ?? false }
  }

  /// The values drawn here are exact in double, but for the largest integer, which no bound comes near.
  private static func number(_ value: AttributeValue?) -> Double? {
    switch value {
    case .integer(let number): Double(number)
    case .real(let number): number
    default: nil
    }
  }
}
