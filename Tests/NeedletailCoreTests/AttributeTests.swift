import NeedletailCore
import Testing
import _NeedletailTestSupport

@Suite("Attributes")
struct AttributeTests {
  @Test("Literals, names in order, and values that come and go")
  func values() {
    var item: Attributes = [
      "price": 19.5, "year": 2024, "brand": "acme", "tags": ["new", "in_stock"],
    ]
    #expect(item.names == ["brand", "price", "tags", "year"])
    #expect(item["price"] == .real(19.5) && item["year"] == .integer(2024))
    #expect(item["brand"] == .category("acme") && item["tags"] == .tags(["in_stock", "new"]))
    #expect(item["colour"] == nil && item.count == 4)
    item["price"] = 20
    item["colour"] = "red"
    item["year"] = nil
    item["nothing"] = nil
    #expect(item.names == ["brand", "colour", "price", "tags"])
    #expect(item["price"] == .integer(20))
    let same = Attributes([
      "tags": ["in_stock", "new"], "colour": "red", "brand": "acme", "price": 20,
    ])
    #expect(item == same && Set([item, same]).count == 1)
    item["colour"] = "blue"
    #expect(item != same)
    #expect(Attributes().isEmpty && (["a": 1, "a": 2] as Attributes)["a"] == .integer(2))
  }

  @Test("What an index does not keep is refused, with the attribute and the numbers")
  func limits() {
    func refusal(_ item: Attributes) -> NeedletailError.Code? {
      do { try item.validate() } catch { return error.code }
      return nil
    }
    let name = String(repeating: "n", count: Limits.attributeNameBytes)
    let text = String(repeating: "t", count: Limits.attributeTextBytes)
    let tags = Set((0..<Limits.tagsPerAttribute).map { "\($0)" })
    let many = Attributes(
      Dictionary(uniqueKeysWithValues: (0..<Limits.attributesPerItem).map { ("\($0)", 1) }))
    #expect(refusal([name: .category(text), "t": .tags(tags), "i": .real(.infinity)]) == nil)
    #expect(refusal(many) == nil)
    var more = many
    more["more"] = 1
    #expect(refusal(more) == .capacityExceeded)
    #expect(refusal([name + "n": 1]) == .capacityExceeded)
    #expect(refusal(["a": .category(text + "t")]) == .capacityExceeded)
    #expect(refusal(["a": .tags(tags.union(["more"]))]) == .capacityExceeded)
    #expect(refusal(["a": .tags([text + "t"])]) == .capacityExceeded)
    #expect(refusal(["": 1]) == .invalidConfiguration)
    #expect(refusal(["a": .real(.nan)]) == .invalidConfiguration)
    let large = Attributes(
      Dictionary(uniqueKeysWithValues: (0..<20).map { ("\($0)", .category(text)) }))
    #expect(refusal(large) == .capacityExceeded)
    #expect(throws: NeedletailError.self) { try Attributes.validate([[:]], rows: 2) }
    #expect(throws: NeedletailError.self) { try Attributes.validate([[:], ["": 1]], rows: 2) }
    #expect(throws: Never.self) { try Attributes.validate([], rows: 2) }
  }

  /// The order of two numbers, exactly.
  private static func order(_ a: AttributeValue, _ b: AttributeValue) -> Int {
    func parts(_ value: AttributeValue) -> (whole: Int128, rest: Double) {
      switch value {
      case .integer(let number): return (Int128(number), 0)
      case .real(let number):
        let bounded = min(max(number, -0x1p100), 0x1p100)
        let whole = bounded.rounded(.down)
        return (Int128(whole), bounded - whole)
      default: return (0, 0)
      }
    }
    let (a, b) = (parts(a), parts(b))
    return a.whole != b.whole
      ? (a.whole < b.whole ? -1 : 1) : a.rest < b.rest ? -1 : a.rest > b.rest ? 1 : 0
  }

  @Test("Whole and real numbers compare exactly, at every size")
  func numbers() {
    var values: [AttributeValue] = []
    for exponent in [0, 1, 52, 53, 54, 62] {
      let power = Int64(1) << Int64(exponent)
      for near in [power - 1, power, power + 1, power + 2] {
        values += [.integer(near), .integer(-near), .real(Double(near)), .real(-Double(near))]
        values += [.real(Double(near).nextUp), .real(Double(near).nextDown)]
      }
    }
    values += [.integer(.max), .integer(.min), .integer(.max - 1), .integer(.min + 1)]
    values += [0x1p63, -0x1p63, (-0x1p63).nextDown, 0.5, -0.5, -0.0, 1e20].map { .real($0) }
    values += [.real(.infinity), .real(-.infinity), .real(.leastNonzeroMagnitude)]
    func contains(_ range: NumberRange, _ value: AttributeValue) -> Bool {
      switch value {
      case .integer(let number): range.integers?.contains(number) ?? false
      case .real(let number): range.reals?.contains(number) ?? false
      default: false
      }
    }
    for bound in values {
      let equal = NumberRange(bound)
      let above = NumberRange(from: .init(bound, isIncluded: false), to: nil)
      let from = NumberRange(from: .init(bound, isIncluded: true), to: nil)
      let below = NumberRange(from: nil, to: .init(bound, isIncluded: false))
      let upTo = NumberRange(from: nil, to: .init(bound, isIncluded: true))
      for value in values {
        let order = Self.order(value, bound)
        #expect(contains(equal, value) == (order == 0), "\(value) == \(bound)")
        #expect(contains(above, value) == (order > 0), "\(value) > \(bound)")
        #expect(contains(from, value) == (order >= 0), "\(value) >= \(bound)")
        #expect(contains(below, value) == (order < 0), "\(value) < \(bound)")
        #expect(contains(upTo, value) == (order <= 0), "\(value) <= \(bound)")
      }
    }
    for bound in [AttributeValue.real(.nan), "a", ["a"]] {
      for range in [
        NumberRange(bound), NumberRange(from: .init(bound, isIncluded: false), to: nil),
        NumberRange(from: nil, to: .init(bound, isIncluded: true)),
      ] {
        #expect(range.integers == nil && range.reals == nil)
      }
    }
  }

  @Test("Filters are written as they are read")
  func syntax() {
    let issue = attribute("price") < 20 && tag("in_stock")
    #expect(issue == ((attribute("price") < 20) & tag("in_stock", in: "tags")))
    let year = 2010
    #expect((attribute("year") >= year) == (attribute("year") >= Int64(2010)))
    #expect((attribute("year") == 1) != (attribute("year") == "1"))
    let other = attribute("brand") != "acme" || !attribute("brand").isOne(of: ["a", "b"])
    #expect(other == ((attribute("brand") != "acme") | !attribute("brand").isOne(of: ["a", "b"])))
    #expect(attribute("price").isIn(1.5..<2) != attribute("price").isIn(1.5...2))
    #expect(attribute("price").isIn(1..<3) != attribute("price").exists)
    #expect(throws: Never.self) { try issue.validate() }
    var many = attribute("n").isOne(of: 0..<(1 << 12))
    for _ in 0..<9 { many = many || many }
    #expect(throws: Never.self) { try many.validate() }
    #expect(throws: NeedletailError.self) {
      try (attribute("n").isOne(of: 0..<(1 << 24)) || tag("a")).validate()
    }
  }
}
