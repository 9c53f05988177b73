import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

@Suite("A sealed segment that is moved into memory")
struct TakingOverTests {
  private func queries(_ world: World, _ count: Int) -> [[Float]] {
    var random = SplitMix64(seed: 5)
    return (0..<count).map { _ in
      world.row(Int(random.next(below: UInt64(world.count)))).map {
        $0 + 0.1 * random.nextGaussian()
      }
    }
  }

  @Test(
    "Has the rows and a sound graph of them, and finds as much as before",
    arguments: LiveSegmentTests.Kind.allCases, [0, 700])
  func sound(kind: LiveSegmentTests.Kind, gone: Int) throws {
    let world = kind.world(3000, seed: 31)
    let sealed = try world.opened()
    var live = try LiveWorld(
      world, takingOver: sealed,
      except: Set((0..<gone).map { world.ids[(7 * $0) % world.count] }))
    try live.checkGraph()
    #expect(try live.segment.inspectGraph().ended <= (gone == 0 ? 0 : 1))
    #expect(live.segment.unsealedCount(live.segment.view()) == 0)
    let queries = queries(world, 100)
    let parameters = SearchParameters(k: 10, efSearch: 40)
    let before = try world.recall(sealed, queries, parameters)
    #expect(try live.recall(queries, parameters) >= before - 0.015)
    // Under inner product no row is its own nearest but by chance.
    let isProduct = kind == .innerProduct || kind == .losslessProduct
    #expect(try live.selfRecall(every: 7) >= (isProduct ? 0.95 : 0.99))
    // Writing goes on as in any live segment.
    let known = live.rows.keys.sorted()
    try live.remove(Array(known.prefix(300)))
    try live.upsert([1, 2, 3], ids: [world.ids[1], 77, 78])
    try live.checkGraph()
    #expect(live.segment.unsealedCount(live.segment.view()) == 3)
    for id in [world.ids[1], 77, 78] {
      let row = try #require(live.rows[id])
      let found = try live.answers(world.row(row), SearchParameters(k: 5, efSearch: 40)).neighbors
      if !isProduct { #expect(found.contains { $0.id == id }) }
    }
  }

  @Test("Layouts that walks do not share with live segments are taken over all the same")
  func layouts() throws {
    for codes in [CodeKind.int4, .int8] {
      for layout in [SegmentLayout.compact, .turbo] where codes == .int8 || layout == .compact {
        var world = LiveSegmentTests.Kind.cosine.world(1000, seed: 32)
        world.options.codes = codes
        world.options.layout = layout
        world.options.graph.m = 16
        let live = try LiveWorld(world, takingOver: try world.opened(), except: [])
        try live.checkGraph()
        #expect(try live.selfRecall(every: 5) >= 0.995)
      }
    }
  }

  @Test("Attributes come along")
  func attributes() throws {
    var world = LiveSegmentTests.Kind.cosine.world(200, seed: 33)
    world.attributes = (0..<200).map { ["place": .integer(Int64($0)), "kind": .category("k")] }
    let live = try LiveWorld(world, takingOver: try world.opened(), except: [world.ids[4]])
    let view = live.segment.view()
    for ordinal in live.segment.ordinals(view) {
      let row = try #require(world.ids.firstIndex(of: live.segment.id(of: ordinal, view)))
      #expect(live.segment.attributes(of: ordinal, view) == world.attributes[row])
    }
    #expect(view.liveCount == 199)
  }

  @Test("Links that lead nowhere, to themselves or in circles refuse the move, or are mended")
  func hostile() throws {
    let world = LiveSegmentTests.Kind.squaredEuclidean.world(600, seed: 34)
    let quantizer = try LiveWorld.quantizer(world)
    var random = SplitMix64(seed: 6)
    var taken = 0
    for round in 0..<40 {
      let table = try LinkTable(count: 600, degree: 16)
      for ordinal in 0..<UInt32(600) {
        let row = unsafe table.row(ordinal)
        for place in 0..<16 {
          let any = UInt32(truncatingIfNeeded: random.next())
          // From links that are any bytes to links that are rows.
          unsafe row[place] = round % 4 == 0 ? any : any % UInt32(round % 4 == 1 ? 4 : 620)
        }
      }
      var options = LiveOptions(world.options)
      options.rowLimit = 1 << 12
      let segment = try LiveSegment(options, quantizer: quantizer)
      _ = try segment.upsert(world.matrix(), ids: world.ids, isDeferred: true)
      let isTaken = try segment.write { (writer) throws(NeedletailError) -> Bool in
        let isTaken = writer.linker.takeOver(table, count: writer.count)
        writer.linked = isTaken ? writer.count : 0
        return isTaken
      }
      guard isTaken else { continue }
      taken += 1
      let shape = try segment.inspectGraph()
      #expect(shape.faults.isEmpty && shape.unreachable == 0, "\(shape.faults.prefix(3))")
    }
    #expect(taken > 0 && taken < 40)
  }
}

@Suite("Rows that suit one quantizer and not the next")
struct ChangingFormTests {
  @Test(
    "Whole numbers of different ranges by turns make few live segments, also when the log is read")
  func few() throws {
    let disk = InMemoryFileSystem()
    var build = BuildOptions(dimensions: 4, metric: .squaredEuclidean)
    build.graph.m = 4
    let empty = SegmentOrder(
      options: build, rows: [], ids: [], findings: RowFindings(), threads: 1, monitor: nil)
    try OpenGeneration.create("index", in: disk, empty, identity: Array(0..<16))
    let directory = IndexDirectory("index", in: disk)
    let index = try LiveIndex.open(directory, options: UpdateOptions()).index
    for turn in 0..<40 {
      let first: Float = [3, 200, -100, 0.5][turn % 4]
      try index.update(
        .upsert(
          ids: [UInt64(turn)],
          rows: try VectorMatrix([first, Float(turn), 1, 2], dimensions: 4)))
    }
    #expect(index.view.stack.live.count <= 3)
    #expect(index.view.ids == Array(0..<40))
    try index.close()
    let opened = try LiveIndex.open(directory, options: UpdateOptions()).index
    #expect(opened.view.stack.live.count <= 3)
    #expect(opened.view.ids == Array(0..<40))
  }
}
