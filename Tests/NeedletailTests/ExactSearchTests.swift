import Needletail
import Testing
import _NeedletailTestSupport

@Suite("Exact search in steps")
struct ExactSearchTests {
  private static let dimensions = 20

  /// An index of two segments and rows in memory, of which some were removed, replaced and withdrawn.
  private struct Mixed {
    let directory: TemporaryDirectory
    let index: VectorIndex
    var rows: [VectorID: [Float]] = [:]
    let queries: [[Float]]

    init(_ metric: Metric, _ precise: PreciseRows, codes: CodeKind = .int8) throws {
      let d = ExactSearchTests.dimensions
      let all = RandomVectors.clusters(count: 1_520, dimensions: d, spread: 0.5, seed: 8)
      directory = try TemporaryDirectory()
      var configuration = VectorIndex.Configuration(dimensions: d, metric: metric)
      configuration.graph.efConstruction = 40
      configuration.codes = codes
      configuration.preciseRows = precise
      index = try VectorIndex.create(at: directory("index"), configuration: configuration)
      func row(_ number: Int) -> [Float] { Array(all[(number * d)..<((number + 1) * d)]) }
      func matrix(_ range: Range<Int>) throws -> VectorMatrix {
        try VectorMatrix(range.flatMap { row($0) }, dimensions: d)
      }
      for range in [0..<700, 700..<1_000] {
        var writer = try index.makeWriter()
        try writer.add(matrix(range), ids: range.map { 3 * UInt64($0) })
        _ = try writer.commit()
      }
      for number in 0..<1_000 { rows[3 * UInt64(number)] = row(number) }
      // Some in the place of sealed ones, the others new.
      let ids = (1_000..<1_400).map { (number: Int) -> VectorID in
        VectorID(number % 4 == 0 ? 3 * (number - 1_000) : 3 * number)
      }
      try index.upsert(matrix(1_000..<1_400), ids: ids)
      for (number, id) in zip(1_000..<1_400, ids) { rows[id] = row(number) }
      let gone = rows.keys.filter { $0 % 7 == 0 }
      try index.remove(gone)
      let hidden = rows.keys.filter { $0 % 11 == 0 }
      try index.withdraw(hidden)
      for id in gone + hidden { rows[id] = nil }
      queries = (1_500..<1_520).map(row)
    }

    /// The distances of all rows, nearest first, by plain arithmetic.
    func truth(_ query: [Float], _ metric: Metric) -> [(id: VectorID, distance: Double)] {
      rows.map { ($0.key, ExactSearchTests.distance(query, $0.value, metric)) }
        .sorted { $0.distance < $1.distance }
    }
  }

  private static func distance(_ a: [Float], _ b: [Float], _ metric: Metric) -> Double {
    func dot(_ a: [Float], _ b: [Float]) -> Double {
      zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    switch metric {
    case .squaredEuclidean: return dot(a, a) - 2 * dot(a, b) + dot(b, b)
    case .innerProduct: return -dot(a, b)
    case .cosine: return 1 - dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
    }
  }

  @Test(
    "The nearest of all rows that are shown", arguments: Metric.allCases, PreciseRows.allCases)
  func nearest(metric: Metric, precise: PreciseRows) throws {
    let world = try Mixed(metric, precise)
    let snapshot = try world.index.snapshot()
    // Of what rows lose: a part of the scale.
    let loss =
      switch precise {
      case .float32: 1e-5
      case .float16: 0x1p-10
      case .bfloat16: 0x1p-7
      case .none: 0.02
      }
    for query in world.queries.prefix(8) {
      let truth = world.truth(query, metric)
      var search = try snapshot.exactSearch(query, k: 25)
      #expect(search.rowCount >= truth.count && search.comparedRows == 0)
      while search.advance() {}
      #expect(search.isDone && search.comparedRows == truth.count)
      let found = search.neighbors
      #expect(found.count == 25 && Set(found.map(\.id)).count == 25)
      #expect(zip(found, found.dropFirst()).allSatisfy { Neighbor.precedes($0, $1) })
      let scale = metric == .cosine ? 1 : abs(truth[24].distance) + abs(truth[0].distance) + 20
      for (place, neighbor) in found.enumerated() {
        let components = try #require(world.rows[neighbor.id], "id \(neighbor.id) is hidden")
        let own = Self.distance(query, components, metric)
        #expect(abs(own - Double(neighbor.distance)) <= loss * scale)
        #expect(abs(truth[place].distance - Double(neighbor.distance)) <= loss * scale)
      }
      if precise == .float32 { #expect(found.map(\.id) == truth.prefix(25).map(\.id)) }
      #expect(search.found(in: found) == 25 && search.recall(of: found) == 1)
      // A wide search finds them too, at the same distances.
      var options = SearchOptions(efSearch: 400)
      options.rerank = .precise(candidates: 400)
      let answer = try snapshot.search(query, k: 25, options: options).neighbors
      let recall = search.recall(of: answer)
      #expect(recall >= (precise == .none ? 0.7 : 0.96), "\(recall)")
      for (a, b) in zip(answer, found) where precise != .none && a.id == b.id {
        #expect(abs(a.distance - b.distance) <= 1e-5 * Float(scale))
      }
    }
  }

  @Test("Whatever the steps are", arguments: [CodeKind.int8, .int4, .none])
  func steps(codes: CodeKind) throws {
    let world = try Mixed(.innerProduct, .float32, codes: codes)
    let snapshot = try world.index.snapshot()
    var whole = try snapshot.exactSearch(world.queries[0], k: 30)
    while whole.advance(rows: .max) {}
    #expect(whole.isDone)
    for rows in [1, 7, 64, 699, 1_001, -3] {
      var search = try snapshot.exactSearch(world.queries[0], k: 30)
      var (steps, before) = (0, 0)
      while !search.isDone {
        let hasMore = search.advance(rows: rows)
        #expect(hasMore == !search.isDone)
        #expect(search.comparedRows - before <= max(1, rows))
        (steps, before) = (steps + 1, search.comparedRows)
      }
      #expect(steps * max(1, rows) >= search.rowCount)
      #expect(search.neighbors == whole.neighbors && search.comparedRows == whole.comparedRows)
      let hasMore = search.advance()
      #expect(!hasMore)
    }
    // A copy goes on by itself.
    var search = try snapshot.exactSearch(world.queries[0], k: 30)
    search.advance(rows: 500)
    var copy = search
    while search.advance(rows: 100) {}
    #expect(!copy.isDone)
    while copy.advance(rows: 3) {}
    #expect(copy.neighbors == search.neighbors)
  }

  @Test("Among the rows of a filter", arguments: Metric.allCases)
  func filter(metric: Metric) throws {
    let world = try Mixed(metric, .float32)
    let snapshot = try world.index.snapshot()
    let all = world.rows.keys.sorted()
    for ids in [Array(all.prefix(40)), all.filter { $0 % 5 == 1 }, [], [1]] {
      let filter = try snapshot.compile(.allow(ids))
      var search = try snapshot.exactSearch(world.queries[1], k: 10, filter: filter)
      while search.advance(rows: 100) {}
      let set = Set(ids)
      let truth = world.truth(world.queries[1], metric).filter { set.contains($0.id) }
      #expect(search.comparedRows == truth.count)
      #expect(search.neighbors.map(\.id) == truth.prefix(10).map(\.id))
      let answer = try snapshot.search(world.queries[1], k: 10, filter: filter).neighbors
      #expect(search.recall(of: answer) == 1)
      // What the filter does not let through is no answer.
      let outside = all.filter { !set.contains($0) }.prefix(10)
        .map { Neighbor(id: $0, distance: -1_000) }
      #expect(search.found(in: outside) == 0)
    }
    let other = try world.index.snapshot().compile(.allow([1]))
    try world.index.remove([3])
    #expect(
      failure {
        _ = try world.index.snapshot().exactSearch(world.queries[0], k: 1, filter: other)
      }?.code == .invalidConfiguration)
  }

  @Test("An answer is judged by distances computed anew")
  func judging() throws {
    let world = try Mixed(.squaredEuclidean, .float32)
    let snapshot = try world.index.snapshot()
    var search = try snapshot.exactSearch(world.queries[2], k: 10)
    while search.advance(rows: 333) {}
    let right = search.neighbors
    // What an answer says of its distances does not count.
    let lying = right.map { Neighbor(id: $0.id, distance: 1e9) }
    #expect(search.found(in: lying) == 10)
    let far = world.truth(world.queries[2], .squaredEuclidean).suffix(10)
      .map { Neighbor(id: $0.id, distance: 0) }
    #expect(search.found(in: far) == 0)
    #expect(search.found(in: right.prefix(4) + far) == 4)
    #expect(search.found(in: Array(repeating: right[0], count: 10)) == 1)
    #expect(search.found(in: far + right) == 0, "behind the k-th")
    #expect(search.found(in: [Neighbor(id: 1 << 60, distance: 0)]) == 0)
    #expect(search.recall(of: []) == 0 && search.recall(of: Array(right.prefix(9))) == 0.9)
    // Withdrawn since: the snapshot has it, and it was right.
    try world.index.withdraw([right[3].id])
    #expect(search.found(in: right) == 10)
    var later = try snapshot.exactSearch(world.queries[2], k: 10)
    while later.advance() {}
    #expect(!later.neighbors.contains { $0.id == right[3].id })
    #expect(later.found(in: right) == 10)
  }

  @Test("Fewer rows than are asked for, and none")
  func few() throws {
    let world = try Mixed(.cosine, .float32)
    let snapshot = try world.index.snapshot()
    var search = try snapshot.exactSearch(world.queries[0], k: 5_000)
    while search.advance() {}
    #expect(search.neighbors.count == world.rows.count)
    #expect(search.recall(of: search.neighbors) == 1)
    try world.index.remove(world.index.snapshot().ids)
    var empty = try world.index.snapshot().exactSearch(world.queries[0], k: 5)
    while empty.advance() {}
    #expect(empty.neighbors.isEmpty && empty.recall(of: []) == 1)
    #expect(empty.found(in: [Neighbor(id: 3, distance: 0)]) == 0)
    // The snapshot from before has them still.
    var before = try snapshot.exactSearch(world.queries[0], k: 5_000)
    while before.advance() {}
    #expect(before.neighbors.count == world.rows.count)
  }

  @Test("What no search can take is refused")
  func refusals() throws {
    let (index, _) = try IndexOnDisk.clusters(.cosine, count: 300)
    let good = [Float](repeating: 1, count: 24)
    func code(_ query: [Float], _ k: Int) -> NeedletailError.Code? {
      failure { _ = try index.snapshot.exactSearch(query, k: k) }?.code
    }
    #expect(code([1], 3) == .dimensionMismatch)
    #expect(code(good, 0) == .invalidConfiguration)
    #expect(code(good, .max) == .capacityExceeded)
    #expect(code(good.map { $0 * .infinity }, 3) == .nonFiniteComponent)
    #expect(code(good.map { $0 * 0 }, 3) == .zeroVector)
    #expect(code(good, 3) == nil)
  }
}
