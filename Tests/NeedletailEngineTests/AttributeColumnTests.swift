import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

@Suite("Columns of attributes")
struct AttributeColumnTests {
  static func world(_ count: Int, _ items: [Attributes]) -> World {
    var world = World(
      .squaredEuclidean, RandomVectors.gaussian(count: count, dimensions: 4, seed: 3),
      dimensions: 4)
    world.attributes = items
    return world
  }

  /// What filters leave of a segment, against what they mean of the items that it was made of.
  static func check(
    _ filters: Int, seed: UInt64, _ items: [VectorID: Attributes],
    _ compile: (Filter) throws -> RowSet, ordinal: (VectorID) -> UInt32?
  ) throws {
    for number in 0..<filters {
      var random = SplitMix64(seed: seed &+ UInt64(number))
      let drawn = DrawnPredicate(&random, depth: 3)
      let set = try compile(drawn.filter)
      var expected = 0
      for (id, item) in items {
        let row = try #require(ordinal(id))
        let matches = drawn.matches(item)
        expected += matches ? 1 : 0
        if set.contains(row) != matches || drawn.filter.matches(id, item) != matches {
          Issue.record("seed \(seed &+ UInt64(number)): \(drawn.filter.node), \(item)")
          return
        }
      }
      #expect(set.count == expected)
    }
  }

  @Test("What was sealed comes back, and filters mean what they say", arguments: [1, 63, 64, 700])
  func sealed(count: Int) throws {
    for kind in [Placement.resident, .mapped] {
      let world = Self.world(count, RandomAttributes.items(count, seed: UInt64(count)))
      var placements = Placements()
      placements.ids = kind
      let segment = try world.opened(placements, .full)
      #expect(segment.inspect(limit: 5).isEmpty)
      for (id, item) in zip(world.ids, world.attributes) {
        let ordinal = try #require(segment.ordinal(of: id))
        #expect(segment.attributes(of: ordinal) == item)
      }
      try Self.check(
        400, seed: 5, Dictionary(uniqueKeysWithValues: zip(world.ids, world.attributes)),
        segment.rows(matching:), ordinal: segment.ordinal(of:))
    }
  }

  @Test("Predicates and ids together")
  func joined() throws {
    let world = Self.world(300, RandomAttributes.items(300, seed: 8))
    let segment = try world.opened()
    let seen = Set(world.ids.prefix(150))
    let set = try segment.rows(matching: attribute("year") >= 2000 && .deny(seen))
    for (id, item) in zip(world.ids, world.attributes) {
      let ordinal = try #require(segment.ordinal(of: id))
      var matches = false
      if case .integer(let year) = item["year"] { matches = year >= 2000 && !seen.contains(id) }
      #expect(set.contains(ordinal) == matches)
    }
  }

  @Test("Without attributes nothing is written, and no predicate matches")
  func without() throws {
    let bare = Self.world(70, [])
    let empty = Self.world(70, [Attributes](repeating: [:], count: 70))
    let fileSystems = [InMemoryFileSystem(), InMemoryFileSystem()]
    try bare.publish(in: fileSystems[0])
    try empty.publish(in: fileSystems[1])
    let segments = fileSystems.map { fileSystem in
      fileSystem.allFiles().first { $0.hasSuffix(".segment") }
    }
    #expect(segments[0] == segments[1])
    let segment = try bare.opened()
    #expect(segment.attributes(of: 69).isEmpty && segment.attributeByteCount == 0)
    #expect(try segment.rows(matching: attribute("price") < 20).count == 0)
    #expect(try segment.rows(matching: !(attribute("price") < 20)).count == 70)
    #expect(try segment.rows(matching: attribute("price").exists || tag("new")).count == 0)
  }

  @Test("The same items give the same bytes, in whatever order their attributes came")
  func determinism() throws {
    let items = RandomAttributes.items(200, seed: 2)
    let other = items.map { item in
      var anew = Attributes()
      for name in item.names.reversed() { anew[name] = item[name] }
      return anew
    }
    var names: [Set<String>] = []
    for items in [items, other] {
      let fileSystem = InMemoryFileSystem()
      try Self.world(200, items).publish(in: fileSystem)
      names.append(Set(fileSystem.allFiles().filter { $0.hasSuffix(".segment") }))
    }
    #expect(names[0] == names[1])
  }

  @Test("Attributes that are not kept stop the build, naming the row")
  func refused() throws {
    var items = RandomAttributes.items(20, seed: 2)
    items[7]["price"] = .real(.nan)
    for (items, code) in [
      (items, NeedletailError.Code.invalidConfiguration),
      (RandomAttributes.items(19, seed: 2), .invalidConfiguration),
    ] {
      let error = #expect(throws: NeedletailError.self) {
        try Self.world(20, items).publish(in: InMemoryFileSystem())
      }
      #expect(error?.code == code)
    }
  }

  @Test("Extreme numbers, texts and lists")
  func extremes() throws {
    let long = String(repeating: "ß", count: 2_048)
    var items: [Attributes] = [
      ["n": .integer(.min)], ["n": .integer(.max)], ["n": .real(.infinity)],
      ["n": .real(-.infinity)], ["n": .real(-0.0)], ["n": .integer(1 << 53 + 1)],
      ["n": .category(long)], ["n": .tags([])], ["n": .category("")], ["n": .tags(["", long])], [:],
    ]
    items.append(["n": .tags(Set((0..<256).map { "\($0)" }))])
    let world = Self.world(items.count, items)
    let segment = try world.opened(Placements(), .full)
    func rows(_ filter: Filter) throws -> [Int] {
      let set = try segment.rows(matching: filter)
      return try world.ids.indices.filter {
        set.contains(try #require(segment.ordinal(of: world.ids[$0])))
      }
    }
    for (id, item) in zip(world.ids, items) {
      #expect(segment.attributes(of: try #require(segment.ordinal(of: id))) == item)
    }
    let n = attribute("n")
    #expect(try rows(n.exists) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11])
    #expect(try rows(n <= Int.min) == [0, 3])
    #expect(try rows(n >= Int.max) == [1, 2])
    #expect(try rows(n > Double(Int.max)) == [2])
    #expect(try rows(n == 0) == [4] && rows(n == -0.0) == [4])
    // The nearest real number is another one.
    #expect(try rows(n == Double(1 << 53 + 1)) == [] && rows(n > Double(1 << 53)) == [1, 2, 5])
    #expect(try rows(n < Double.nan) == [] && rows(n != Double.nan) == [0, 1, 2, 3, 4, 5])
    #expect(try rows(n == long) == [6] && rows(n == "") == [8] && rows(n != "") == [6])
    #expect(try rows(tag("", in: "n")) == [9] && rows(tag("255", in: "n")) == [11])
    #expect(try rows(n.isOne(of: [0, Int.max, 7])) == [1, 4])
    #expect(try rows(n.isOne(of: [String]())) == [] && rows(!n.exists) == [10])
  }

  @Test("Several segments, each with columns of its own")
  func several() throws {
    let parts: [[Attributes]] = [
      [["a": 1], ["a": 2]], [["a": 1.0], ["b": "x"]], [[:], [:]],
    ]
    var found: [Int] = []
    for part in parts {
      let segment = try Self.world(2, part).opened()
      found.append(try segment.rows(matching: attribute("a") == 1).count)
    }
    #expect(found == [1, 1, 0])
  }
}
