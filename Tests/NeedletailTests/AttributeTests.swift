import Needletail
import Testing
import _NeedletailTestSupport

// The examples of the guide "Filters and caps", as they stand there: when this file compiles, the guide does.

// swift-format-ignore
private func cheapItems(_ snapshot: Snapshot, _ query: [Float]) throws(NeedletailError) {
  let item: Attributes = ["price": 19.5, "year": 2024, "brand": "acme", "tags": ["in_stock", "new"]]
  print(item)

  let cheap = attribute("price") < 20 && tag("in_stock")
  let recent = attribute("year").isIn(2020...2024) || attribute("year").isOne(of: [1999, 2000])
  let brands = attribute("brand").isOne(of: ["acme", "bolt"]) && attribute("brand") != "bolt"
  let known = attribute("price").exists && !tag("used", in: "condition")
  print(recent, brands, known)

  let seen: [VectorID] = [3, 17, 29]
  let compiled = try snapshot.compile(cheap && .deny(seen))
  print(compiled.count, compiled.selectivity)
  let result = try snapshot.search(query, k: 10, filter: compiled)
  print(result)

  var options = SearchOptions()
  options.cap = GroupCap("seller", limit: 3)
  let mixed = try snapshot.search(query, k: 10, options: options)
  print(mixed)
}

@Suite("Attributes of an index")
struct AttributeTests {
  private static let dimensions = 16

  /// An index of items whose sellers have clusters of their own.
  private static func index(
    count: Int
  ) throws -> (
    directory: TemporaryDirectory, snapshot: Snapshot, items: [Attributes], rows: [[Float]]
  ) {
    let components = RandomVectors.clusters(
      count: count, dimensions: dimensions, clusters: 6, spread: 0.3, seed: 5)
    let rows = (0..<count).map {
      Array(components[($0 * dimensions)..<(($0 + 1) * dimensions)])
    }
    let items = rows.enumerated().map { number, row -> Attributes in
      [
        "price": .real(Double(number % 100)), "tags": number % 3 == 0 ? ["in_stock"] : [],
        "seller": .category("seller \(Int(abs(row[0]) * 2)) \(Int(abs(row[1]) * 2))"),
      ]
    }
    let directory = try TemporaryDirectory()
    let index = try VectorIndex.create(
      at: directory("index"),
      configuration: VectorIndex.Configuration(dimensions: dimensions, metric: .squaredEuclidean))
    var writer = try index.makeWriter()
    try writer.add(
      VectorMatrix(components, dimensions: dimensions), ids: (0..<count).map { VectorID($0) },
      attributes: items)
    return (directory, try writer.commit(), items, rows)
  }

  @Test("Filters of attributes, through the face")
  func filters() throws {
    let (_, snapshot, items, rows) = try Self.index(count: 600)
    let compiled = try snapshot.compile(attribute("price") < 20 && tag("in_stock"))
    let matching = items.indices.filter { $0 % 100 < 20 && $0 % 3 == 0 }
    #expect(compiled.count == matching.count)
    let result = try snapshot.search(rows[7], k: 600, filter: compiled)
    #expect(result.neighbors.map { Int($0.id) }.sorted() == matching)
  }

  @Test("Caps, in every form of a search")
  func caps() throws {
    let (_, snapshot, items, rows) = try Self.index(count: 600)
    var options = SearchOptions(efSearch: 200)
    options.cap = GroupCap("seller", limit: 2)
    let queries = try VectorMatrix(rows[0..<20].flatMap { $0 }, dimensions: Self.dimensions)
    let batch = try snapshot.search(batch: queries, k: 8, options: options, threads: 2)
    var flat: [Neighbor] = []
    var counts: [Int] = []
    _ = try snapshot.search(
      batch: queries, k: 8, options: options, threads: 1, into: &flat, counts: &counts)
    for number in 0..<20 {
      let query = rows[number]
      let found = try snapshot.search(query, k: 8, options: options).neighbors
      #expect(found.count == 8 && found[0].id == VectorID(number))
      let sellers = Dictionary(grouping: found) { items[Int($0.id)]["seller"] }
      #expect(sellers.values.allSatisfy { $0.count <= 2 })
      #expect(batch[number].neighbors == found)
      #expect(Array(flat[(number * 8)..<(number * 8 + counts[number])]) == found)
      var buffer = [Neighbor](repeating: Neighbor(id: 0, distance: 0), count: 8)
      var span = buffer.mutableSpan
      let outcome = try snapshot.search(query.span, k: 8, options: options, into: &span)
      #expect(outcome.count == 8 && buffer == found)
      // Without the cap the nearest are all of few sellers.
      let plain = try snapshot.search(rows[number], k: 8, options: SearchOptions(efSearch: 200))
      #expect(plain.neighbors != found || sellers.count >= 4)
    }
    // A filter and a cap together.
    let compiled = try snapshot.compile(tag("in_stock"))
    let filtered = try snapshot.search(
      batch: queries, k: 8, filter: compiled, options: options, threads: 2)
    for number in 0..<20 {
      let found = try snapshot.search(rows[number], k: 8, filter: compiled, options: options)
        .neighbors
      #expect(found.count == 8 && found.allSatisfy { $0.id % 3 == 0 })
      let sellers = Dictionary(grouping: found) { items[Int($0.id)]["seller"] }
      #expect(sellers.values.allSatisfy { $0.count <= 2 })
      #expect(filtered[number].neighbors == found)
    }
    options.cap = GroupCap("seller", limit: 0)
    #expect(
      failure { _ = try snapshot.search(rows[0], k: 8, options: options) }?.code
        == .invalidConfiguration)
  }

  @Test("Every Swift example of the guide stands in this file, line by line")
  func guide() throws {
    let examples = try DocumentedExamples(
      of: "Sources/Needletail/Documentation.docc/Guides/Filters.md")
    #expect(examples.blocks.count >= 4)
    #expect(try examples.missing() == [])
  }
}
