import NeedletailCore
import NeedletailKernels
import Synchronization
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

@Suite("Attributes of a live segment")
struct LiveAttributeTests {
  private func world(_ count: Int) -> World {
    World(
      .cosine, RandomVectors.clusters(count: count, dimensions: 8, clusters: 9, seed: 2),
      dimensions: 8, m: 4, ef: 20)
  }

  /// The row of an id that a view shows.
  private static func ordinals(
    _ segment: LiveSegment, _ view: LiveView
  ) -> [VectorID: UInt32] {
    Dictionary(
      uniqueKeysWithValues: segment.ordinals(view).map { (segment.id(of: $0, view), $0) })
  }

  @Test("Every view shows its own versions, and filters mean what they say")
  func model() throws {
    let world = self.world(1_200)
    let live = try LiveWorld(world)
    var random = SplitMix64(seed: 6)
    var items: [VectorID: Attributes] = [:]
    var views: [(view: LiveView, items: [VectorID: Attributes])] = []
    var next = 0
    while next < 1_100 {
      let count = Int(1 + random.next(below: 120))
      let rows = Array(next..<min(1_200, next + count))
      // Some ids anew, some again, some twice.
      let ids = rows.map { $0 % 5 == 0 ? world.ids[$0 / 3] : world.ids[$0] }
      let given = random.next(below: 4) == 0 ? [] : rows.map { _ in RandomAttributes.item(&random) }
      _ = try live.segment.upsert(live.matrix(rows), ids: ids, attributes: given)
      for (i, id) in ids.enumerated() { items[id] = given.isEmpty ? [:] : given[i] }
      if random.next(below: 3) == 0 {
        let gone = ids.filter { _ in random.next(below: 3) == 0 }
        _ = try live.segment.remove(gone)
        for id in gone { items[id] = nil }
      }
      views.append((live.segment.view(), items))
      next += count
    }
    for (number, (view, items)) in views.enumerated() {
      let ordinals = Self.ordinals(live.segment, view)
      #expect(ordinals.count == items.count)
      for (id, item) in items {
        #expect(live.segment.attributes(of: try #require(ordinals[id]), view) == item)
      }
      try AttributeColumnTests.check(
        40, seed: UInt64(number) * 1_000, items, { try live.segment.rows(matching: $0, view) },
        ordinal: { ordinals[$0] })
    }
  }

  @Test("Ids, bitmaps and predicates together; what a view does not show never matches")
  func joined() throws {
    let world = self.world(400)
    let live = try LiveWorld(world)
    let ids = (0..<400).map { VectorID($0) }
    let items = RandomAttributes.items(400, seed: 1)
    _ = try live.segment.insert(live.matrix(Array(0..<400)), ids: ids, attributes: items)
    let before = live.segment.view()
    _ = try live.segment.remove(Array(ids[100..<200]))
    let view = live.segment.view()
    let seen: [VectorID] = [0, 7, 7, 399, 5_000, .max]
    let words = [UInt64](repeating: 0x5555_5555_5555_5555, count: 6)
    func matches(_ id: VectorID) -> Bool {
      var isNew = false
      if case .tags(let tags) = items[Int(id)]["tags"] { isNew = tags.contains("new") }
      return !seen.contains(id) && (isNew || (id >= 10 && id < 394 && id % 2 == 0))
    }
    let filter = !Filter.allow(seen) && (tag("new") || .bitmap(words, first: 10))
    for (view, ids) in [(before, ids), (view, ids.filter { !(100..<200).contains($0) })] {
      let set = try live.segment.rows(matching: filter, view)
      #expect(
        (0..<UInt32(400)).filter { set.contains($0) } == ids.filter(matches).map { UInt32($0) })
      #expect(try live.segment.rows(matching: .all, view).count == ids.count)
      #expect(try live.segment.rows(matching: !.allow([]), view).count == ids.count)
    }
    var deep = Filter.all
    for _ in 0..<1_000 { deep = !deep }
    #expect(throws: NeedletailError.self) { try live.segment.rows(matching: deep, view) }
  }

  @Test("What is not kept is refused before anything changes, and the next write is whole")
  func refused() throws {
    let world = self.world(40)
    let live = try LiveWorld(world)
    let good = RandomAttributes.items(20, seed: 1)
    var bad = good
    bad[3]["price"] = .real(.nan)
    let matrix = try live.matrix(Array(0..<20))
    let ids = Array(world.ids[0..<20])
    for items in [bad, Array(good.dropLast())] {
      #expect(throws: NeedletailError.self) {
        try live.segment.insert(matrix, ids: ids, attributes: items)
      }
      #expect(live.segment.view().count == 0)
    }
    // Too many names.
    let many = (0..<20).map { row in
      Attributes(
        Dictionary(
          uniqueKeysWithValues: (0..<60).map { ("\(row) \($0)", AttributeValue.integer(1)) })
      )
    }
    #expect(throws: NeedletailError.self) {
      try live.segment.insert(matrix, ids: ids, attributes: many)
    }
    #expect(live.segment.view().count == 0)
    _ = try live.segment.insert(
      matrix, ids: ids, attributes: [Attributes](repeating: ["0 0": 2], count: 20))
    let view = live.segment.view()
    for row in 0..<UInt32(20) { #expect(live.segment.attributes(of: row, view) == ["0 0": 2]) }
  }

  @Test("Memory is counted, and where its limit ends, nothing changes")
  func memory() throws {
    let world = self.world(4_000)
    let texts = (0..<4_000).map { Attributes(["text": .category("\($0) of a long kind of text")]) }
    let free = try LiveWorld(world)
    let empty = free.segment.byteCount
    _ = try free.segment.insert(free.matrix(Array(0..<256)), ids: Array(world.ids[0..<256]))
    let bare = free.segment.byteCount
    let plain = try LiveWorld(world)
    _ = try plain.segment.insert(
      plain.matrix(Array(0..<256)), ids: Array(world.ids[0..<256]),
      attributes: Array(texts[0..<256]))
    #expect(empty == 0 && plain.segment.byteCount > bare)
    let limited = try LiveWorld(world) { $0.memoryLimit = bare + 500_000 }
    var written = 0
    var failure: NeedletailError?
    while written + 100 <= 4_000, failure == nil {
      let rows = Array(written..<(written + 100))
      do throws(NeedletailError) {
        _ = try limited.segment.insert(
          VectorMatrix(rows.flatMap { world.row($0) }, dimensions: 8),
          ids: rows.map { world.ids[$0] }, attributes: rows.map { texts[$0] })
        written += 100
      } catch {
        failure = error
      }
      #expect(limited.segment.byteCount <= bare + 500_000)
    }
    #expect(failure?.code == .overBudget)
    let view = limited.segment.view()
    #expect(view.count == written && written > 0)
    for row in stride(from: 0, to: written, by: 7) {
      #expect(limited.segment.attributes(of: UInt32(row), view) == texts[row])
    }
  }

  @Test("Readers beside a writer see whole rows")
  func concurrent() throws {
    let world = self.world(3_000)
    let live = try LiveWorld(world)
    let segment = live.segment
    let items = (0..<3_000).map { row -> Attributes in
      [
        "number": .integer(Int64(row)), "text": .category("text \(row % 70)"),
        "tags": .tags(["t\(row % 7)", "u\(row % 11)"]), "kind \(row / 100)": 1,
      ]
    }
    let isDone = Atomic<Bool>(false)
    let looks = Atomic<Int>(0)
    let matrices = try (0..<60).map { try live.matrix(Array(($0 * 50)..<($0 * 50 + 50))) }
    try parallelFor(threads: 2, count: 2) { (_, part) throws(NeedletailError) in
      if part == 0 {
        for batch in 0..<60 {
          let rows = (batch * 50)..<(batch * 50 + 50)
          _ = try segment.insert(
            matrices[batch], ids: rows.map { VectorID($0) }, attributes: Array(items[rows]))
        }
        isDone.store(true, ordering: .releasing)
        return
      }
      var isLast = false
      while !isLast {
        isLast = isDone.load(ordering: .acquiring)
        let view = segment.view()
        guard view.count > 0 else { continue }
        let row = UInt32(view.count - 1)
        #expect(segment.attributes(of: row, view) == items[Int(row)])
        let seventh = try segment.rows(matching: attribute("text") == "text 3", view)
        #expect(seventh.count == (view.count + 66) / 70)
        let tagged = try segment.rows(matching: tag("t2"), view)
        #expect(tagged.count == (view.count + 4) / 7)
        let low = try segment.rows(matching: attribute("number") < 40, view)
        #expect(low.count == min(40, view.count))
        looks.wrappingAdd(1, ordering: .relaxed)
      }
    }
    #expect(looks.load(ordering: .relaxed) > 0)
  }
}
