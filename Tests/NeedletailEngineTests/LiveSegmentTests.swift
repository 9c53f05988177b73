import NeedletailCore
import NeedletailKernels
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

@Suite("A live segment")
struct LiveSegmentTests {
  /// The quantizer forms and metrics that ways through a segment differ in.
  enum Kind: String, CaseIterable, CustomTestStringConvertible {
    case cosine, squaredEuclidean, rowScale, innerProduct, lossless, losslessProduct
    var testDescription: String { rawValue }

    func world(_ count: Int, seed: UInt64) -> World {
      let d = 24
      var components = RandomVectors.clusters(
        count: count, dimensions: d, clusters: 12, spread: 0.5, seed: seed)
      if self == .lossless || self == .losslessProduct {
        components = components.map { max(-128, min(127, ($0 * 25).rounded())) }
      }
      if self == .rowScale {
        for i in 0..<count where i % 7 == 0 {
          for j in 0..<d { components[i * d + j] *= 40 }
        }
      }
      let metric: Metric =
        switch self {
        case .cosine: .cosine
        case .squaredEuclidean, .rowScale, .lossless: .squaredEuclidean
        case .innerProduct, .losslessProduct: .innerProduct
        }
      return World(metric, components, dimensions: d, m: 8, ef: 60)
    }
  }

  private func queries(_ world: World, _ count: Int, seed: UInt64) -> [[Float]] {
    var random = SplitMix64(seed: seed)
    return (0..<count).map { _ in
      world.row(Int(random.next(below: UInt64(world.count)))).map {
        $0 + 0.1 * random.nextGaussian()
      }
    }
  }

  @Test("Holds what an exact array holds, whatever is written", arguments: Kind.allCases)
  func model(kind: Kind) throws {
    let world = kind.world(4000, seed: 3)
    var live = try LiveWorld(world, threads: 2)
    var random = SplitMix64(seed: 17)
    let parameters = SearchParameters(k: 10, efSearch: 64)
    var next = 0
    for step in 0..<120 {
      let known = live.rows.keys.sorted()
      let share = 1 + Int(random.next(below: step % 10 == 0 ? 200 : 20))
      switch random.next(below: known.count < 300 ? 2 : 5) {
      case 0, 1:
        let end = min(world.count, next + share)
        try live.insert(next..<end)
        next = end
      case 2:
        // Other rows under ids that are there, some of them twice, and one that is not.
        let ids = (0..<share).map { _ in known[Int(random.next(below: UInt64(known.count)))] } + [7]
        let rows = ids.map { _ in Int(random.next(below: UInt64(world.count))) }
        try live.upsert(rows, ids: ids)
      case 3:
        try live.remove(
          (0..<share).map { _ in known[Int(random.next(below: UInt64(known.count)))] })
      default:
        // The same vectors once more: a version may be equal to the one before.
        let ids = Array(known.prefix(share))
        try live.upsert(ids.map { live.rows[$0] ?? 0 }, ids: ids)
      }
      if step % 20 == 19 {
        try live.checkGraph()
        #expect(try live.recall(queries(world, 10, seed: UInt64(step)), parameters) > 0.9)
      }
    }
    try live.segment.tidy()
    try live.checkGraph()
    let shape = try live.segment.inspectGraph()
    #expect(shape.ended <= 1, "only row 0 stays linked when it has ended")
    #expect(try live.selfRecall() >= 0.999)
    #expect(try live.recall(queries(world, 100, seed: 5), parameters) > 0.95)
  }

  @Test("Distances are those of the vectors", arguments: Kind.allCases)
  func distances(kind: Kind) throws {
    let world = kind.world(1500, seed: 4)
    var live = try LiveWorld(world)
    try live.insert(0..<1500)
    for query in queries(world, 20, seed: 6) {
      let found = try live.answers(query, SearchParameters(k: 10, efSearch: 50)).neighbors
      #expect(found.count == 10)
      #expect(found == found.sorted(by: Neighbor.precedes))
      for neighbor in found {
        let row = try #require(live.rows[neighbor.id])
        let exact = world.distance(query, row)
        #expect(abs(Double(neighbor.distance) - exact) <= 1e-4 * max(1, abs(exact)))
      }
    }
  }

  @Test("Finds as much as a graph built in a batch", arguments: Kind.allCases)
  func batch(kind: Kind) throws {
    let world = kind.world(4000, seed: 8)
    var live = try LiveWorld(world, threads: 2)
    var start = 0
    // One by one, in small batches, in large ones.
    for size in [1, 7, 500] {
      for _ in 0..<(size == 500 ? 6 : 500 / size) {
        let end = min(world.count, start + size)
        try live.insert(start..<end)
        start = end
      }
    }
    try live.insert(start..<world.count)
    let sealed = try world.opened()
    let queries = queries(world, 200, seed: 9)
    for width in [16, 40] {
      var parameters = SearchParameters(k: 10, efSearch: width)
      parameters.stopsByDistance = false
      let ours = try live.recall(queries, parameters)
      let theirs = try world.recall(sealed, queries, parameters)
      #expect(ours >= theirs - 0.01, "efSearch \(width): \(ours), sealed \(theirs)")
    }
    try live.checkGraph()
  }

  @Test("Finds as much after every row was replaced", arguments: [Kind.cosine, .innerProduct])
  func churn(kind: Kind) throws {
    let count = 2000
    let world = kind.world(2 * count, seed: 12)
    var live = try LiveWorld(world, threads: 2)
    try live.insert(0..<count)
    var fresh = try LiveWorld(world, threads: 2)
    try fresh.insert(Array(count..<2 * count), ids: Array(world.ids[0..<count]))
    let queries = queries(world, 200, seed: 13)
    var parameters = SearchParameters(k: 10, efSearch: 24)
    parameters.stopsByDistance = false
    for round in 0..<10 {
      let part = round * count / 10..<(round + 1) * count / 10
      try live.upsert(part.map { $0 + count }, ids: Array(world.ids[part]))
      try live.checkGraph()
    }
    try live.segment.tidy()
    #expect(try live.inspectEnded() <= 1)
    let after = try live.recall(queries, parameters)
    let new = try fresh.recall(queries, parameters)
    #expect(after >= new - 0.01, "\(after) after churn, \(new) in a new segment")
    let (own, newOwn) = (try live.selfRecall(), try fresh.selfRecall())
    #expect(own >= min(0.999, newOwn - 0.002), "\(own) after churn, \(newOwn) in a new segment")
  }

  @Test("Is empty when everything was removed, and can be filled again")
  func emptied() throws {
    let world = Kind.cosine.world(1200, seed: 14)
    var live = try LiveWorld(world)
    let query = world.row(3)
    let parameters = SearchParameters(k: 5, efSearch: 20)
    #expect(try live.answers(query, parameters).neighbors.isEmpty)
    try live.insert(0..<600)
    try live.remove(Array(world.ids[0..<600]))
    #expect(try live.answers(query, parameters).neighbors.isEmpty)
    try live.remove([1, 2, 3])
    try live.segment.tidy()
    try live.insert(600..<1200)
    try live.checkGraph()
    #expect(try live.selfRecall() >= 0.999)
    // An id may come back; k may be more than there is.
    try live.remove(Array(world.ids[605..<1200]))
    try live.insert([3], ids: [world.ids[3]])
    let answers = try live.answers(query, SearchParameters(k: 50, efSearch: 20)).neighbors
    #expect(answers.count == 6 && answers.first?.id == world.ids[3])
  }

  @Test("Heaps of copies stay reachable")
  func copies() throws {
    let distinct = RandomVectors.gaussian(count: 5, dimensions: 8, seed: 1)
    let components = (0..<600).flatMap { i in (0..<8).map { distinct[i % 5 * 8 + $0] } }
    let world = World(.squaredEuclidean, components, dimensions: 8, m: 4, ef: 20)
    var live = try LiveWorld(world)
    try live.insert(0..<300)
    for part in 0..<10 {
      try live.upsert(
        Array(300 + part * 30..<330 + part * 30), ids: Array(world.ids[part * 30..<part * 30 + 30]))
    }
    try live.segment.tidy()
    try live.checkGraph()
    let found = try live.answers(world.row(0), SearchParameters(k: 300, efSearch: 300)).neighbors
    #expect(Set(found.map { $0.id }) == Set(world.ids[0..<300]))
  }

  @Test("A view shows what was there, whatever comes after")
  func views() throws {
    let world = Kind.squaredEuclidean.world(3000, seed: 15)
    var live = try LiveWorld(world)
    try live.insert(0..<1000)
    let before = live.segment.view()
    let model = live
    try live.upsert(Array(1000..<1500), ids: Array(world.ids[0..<500]))
    try live.remove(Array(world.ids[500..<900]))
    try live.insert(1500..<3000)
    try live.segment.tidy()
    let parameters = SearchParameters(k: 10, efSearch: 40)
    #expect(before.count == 1000 && before.liveCount == 1000 && before.sequence == 1)
    var found = 0
    for row in stride(from: 0, to: 1000, by: 5) {
      let query = world.row(row)
      let answers = try live.answers(query, parameters, before).neighbors
      #expect(answers.allSatisfy { model.rows[$0.id] != nil })
      for answer in answers {
        let exact = world.distance(query, model.rows[answer.id] ?? 0)
        #expect(abs(Double(answer.distance) - exact) <= 1e-4 * max(1, exact), "the old version")
      }
      found += answers.first?.id == world.ids[row] ? 1 : 0
    }
    #expect(found >= 199)
    #expect(try live.selfRecall(every: 5) >= 0.999)
  }

  @Test("What ended stays linked as long as a view shows it")
  func held() throws {
    let world = Kind.cosine.world(2000, seed: 25)
    var live = try LiveWorld(world)
    try live.insert(0..<1000)
    var view: LiveView? = live.segment.view()
    // Many moments that nobody looks at, behind one that somebody does.
    for part in 0..<200 {
      let rows = part * 5..<part * 5 + 5
      try live.upsert(rows.map { $0 + 1000 }, ids: Array(world.ids[rows]))
    }
    try live.segment.tidy()
    #expect(try live.inspectEnded() == 1000)
    #expect(try live.selfRecall(efSearch: 16) >= 0.99, "the window grows by what it may not answer")
    if let view {
      #expect(live.segment.ordinals(view) == Array(0..<1000))
    }
    view = nil
    try live.segment.tidy()
    #expect(try live.inspectEnded() <= 1)
    try live.checkGraph()
    #expect(try live.selfRecall(efSearch: 16) >= 0.99)
  }

  @Test("Bad writes change nothing")
  func refusals() throws {
    let world = Kind.cosine.world(300, seed: 16)
    var live = try LiveWorld(world)
    try live.insert(0..<100)
    let view = live.segment.view()
    func expect(
      _ code: NeedletailError.Code, _ body: () throws(NeedletailError) -> Void
    ) {
      do throws(NeedletailError) {
        try body()
        Issue.record("\(code) was expected")
      } catch {
        #expect(error.code == code, "\(error)")
      }
    }
    let segment = live.segment
    let two = try live.matrix([100, 101])
    expect(.alreadyExists) { () throws(NeedletailError) in
      _ = try segment.insert(two, ids: [world.ids[100], world.ids[5]])
    }
    expect(.alreadyExists) { () throws(NeedletailError) in
      _ = try segment.insert(two, ids: [1, 1])
    }
    let short = try VectorMatrix([1, 2, 3], dimensions: 3)
    expect(.dimensionMismatch) { () throws(NeedletailError) in
      _ = try segment.upsert(short, ids: [1])
    }
    var row = world.row(0)
    row[3] = .nan
    let broken = try VectorMatrix(row, dimensions: 24)
    expect(.nonFiniteComponent) { () throws(NeedletailError) in
      _ = try segment.upsert(broken, ids: [1])
    }
    let zero = try VectorMatrix([Float](repeating: 0, count: 24), dimensions: 24)
    expect(.zeroVector) { () throws(NeedletailError) in _ = try segment.upsert(zero, ids: [1]) }
    let now = segment.view()
    #expect(now.count == view.count && now.sequence == view.sequence)
    try live.checkGraph()
  }

  @Test("Rows that a lossless quantizer cannot hold are found all the same")
  func rough() throws {
    let world = Kind.lossless.world(1500, seed: 18)
    var live = try LiveWorld(world)
    try live.insert(0..<1500)
    var row = world.row(77)
    row[2] += 0.25
    row[5] = 300.5
    #expect(try live.segment.insert(VectorMatrix(row, dimensions: 24), ids: [42]).inserted == 1)
    let found = try live.answers(row, SearchParameters(k: 3, efSearch: 64)).neighbors
    #expect(found.first == Neighbor(id: 42, distance: 0))
  }
}

extension LiveWorld {
  func inspectEnded() throws -> Int { try segment.inspectGraph().ended }
}
