import NeedletailCore
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

@Suite("Attributes that do not fit")
struct LiveAdmissionTests {
  private let world: World
  private let live: LiveWorld

  init() throws { (world, live) = try Self.made() }

  /// A segment with room for 256 rows, of which 20 are there, with one attribute.
  private static func made(
    _ change: (inout LiveOptions) -> Void = { _ in }
  ) throws -> (World, LiveWorld) {
    let world = World(
      .cosine, RandomVectors.clusters(count: 100, dimensions: 8, clusters: 9, seed: 2),
      dimensions: 8, m: 4, ef: 20)
    let live = try LiveWorld(world, change: change)
    _ = try live.segment.insert(
      live.matrix(Array(0..<20)), ids: Array(world.ids[0..<20]),
      attributes: [Attributes](repeating: ["first": .category("a")], count: 20))
    return (world, live)
  }

  /// Writes rows from 20 on; gives the error.
  private func write(_ items: [Attributes], _ live: LiveWorld) -> NeedletailError? {
    do throws(NeedletailError) {
      let rows = 20..<(20 + items.count)
      let matrix = try VectorMatrix(rows.flatMap { world.row($0) }, dimensions: 8)
      _ = try live.segment.insert(matrix, ids: Array(world.ids[rows]), attributes: items)
      return nil
    } catch { return error }
  }

  private func names(_ range: Range<Int>) -> [Attributes] {
    stride(from: range.lowerBound, to: range.upperBound, by: 60).map { first in
      let names = first..<min(range.upperBound, first + 60)
      return Attributes(
        Dictionary(uniqueKeysWithValues: names.map { ("n\($0)", AttributeValue.integer(1)) }))
    }
  }

  @Test("A batch with too many names leaves no column, and other names fit afterwards")
  func columns() throws {
    let before = live.segment.byteCount
    #expect(write(names(0..<1_024), live)?.code == .capacityExceeded)
    #expect(live.segment.byteCount == before)
    #expect(try live.segment.rows(matching: attribute("n0") == 1, live.segment.view()).count == 0)
    // One name of another kind counts too.
    #expect(write(names(0..<1_022) + [["first": 1]], live) == nil)
    let view = live.segment.view()
    #expect(live.segment.attributes(of: 19, view) == ["first": .category("a")])
    #expect(live.segment.attributes(of: UInt32(view.count - 1), view) == ["first": 1])
  }

  @Test("A batch whose texts do not fit leaves none of them")
  func texts() throws {
    let texts = live.segment.tables.attributes.texts
    let before = live.segment.byteCount
    // More than the 16 MiB that there are addresses for.
    let many = (0..<80).map { row in
      Attributes(["t": .tags(Set((0..<14).map { "\(row) \($0) " + long(4_080) }))])
    }
    var rows: [Attributes] = []
    for first in 0..<5 {
      rows += many.map { item in
        guard case .tags(let tags)? = item["t"] else { return item }
        return ["t": .tags(Set(tags.map { "\(first) " + $0 }))]
      }
    }
    let matrix = try VectorMatrix(
      (0..<rows.count).flatMap { world.row($0 % 100) }, dimensions: 8)
    let ids = (0..<rows.count).map { VectorID($0) + 1 << 60 }
    let error = #expect(throws: NeedletailError.self) {
      try live.segment.insert(matrix, ids: ids, attributes: rows)
    }
    #expect(error?.code == .capacityExceeded)
    #expect(texts.count == 1)
    let grown = live.segment.byteCount
    // Room for the rows themselves was made, and nothing else.
    #expect(grown - before < 400 * 1_024)
    #expect(write([["t": .tags(["x", "y"])]], live) == nil)
    #expect(texts.count == 3)
  }

  @Test("A batch beyond the limit on memory takes none of it")
  func memory() throws {
    let free = try Self.made().1
    let limit = free.segment.byteCount + 3 << 20
    let limited = try Self.made { $0.memoryLimit = limit }.1
    let before = limited.segment.byteCount
    // Two columns fit, and the texts do not.
    let items = (0..<70).map { row in
      Attributes(
        [
          "n\(row)": .integer(1), "text": .category("\(row) " + long(4_000)),
          "tags": .tags(Set((0..<14).map { "\(row) \($0) " + long(4_000) })),
        ])
    }
    #expect(write(items, limited)?.code == .overBudget)
    #expect(limited.segment.byteCount == before)
    #expect(limited.segment.tables.attributes.texts.count == 1)
    #expect(write(Array(items[0..<3]), limited) == nil)
    #expect(limited.segment.byteCount <= limit)
    let view = limited.segment.view()
    try #require(view.count == 23)
    for row in 0..<3 {
      #expect(limited.segment.attributes(of: UInt32(20 + row), view) == items[row])
    }
  }

  private func long(_ count: Int) -> String { String(repeating: "x", count: count) }
}
