import NeedletailCore
import NeedletailKernels
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

@Suite("Several segments")
struct SegmentStackTests {
  /// A world in parts, each added to those before.
  private func generation(
    _ world: World, parts: [Range<Int>], in fileSystem: any FileSystem
  ) throws -> OpenGeneration {
    var generation: OpenGeneration?
    for part in parts {
      var piece = world
      let d = world.dimensions
      piece.components = Array(world.components[(part.lowerBound * d)..<(part.upperBound * d)])
      piece.ids = Array(world.ids[part])
      if let before = generation {
        generation = try before.adding(piece.order(), at: "index", in: fileSystem)
      } else {
        try piece.publish(in: fileSystem)
        generation = try OpenGeneration.open(
          "index", in: fileSystem, placements: Placements(), verification: .full)
      }
    }
    return try #require(generation)
  }

  private func answers(
    _ stack: SegmentStack, _ query: [Float], _ parameters: SearchParameters
  ) throws -> [Neighbor] {
    var answers = [Neighbor](repeating: Neighbor(id: 7, distance: -77), count: parameters.k + 1)
    let outcome = unsafe try stack.search(query, parameters, into: &answers)
    #expect(answers[parameters.k] == Neighbor(id: 7, distance: -77), "written over the end")
    return Array(answers.prefix(outcome.count))
  }

  @Test("Found as if they were one", arguments: Metric.allCases)
  func found(metric: Metric) throws {
    let d = 24
    let world = World(
      metric, RandomVectors.clusters(count: 3_000, dimensions: d, seed: 31), dimensions: d, m: 12,
      ef: 80)
    let fileSystem = InMemoryFileSystem()
    let generation = try generation(
      world, parts: [0..<1_500, 1_500..<1_501, 1_501..<2_400, 2_400..<3_000], in: fileSystem)
    #expect(generation.manifest.generation == 4)
    #expect(generation.stack.count == 3_000 && generation.segments.count == 4)
    // What was opened piece by piece is what a reader finds.
    let opened = try OpenGeneration.open(
      "index", in: fileSystem, placements: Placements(), verification: .full)
    #expect(opened.manifest == generation.manifest)
    for generation in [generation, opened] {
      var hits = 0
      for row in stride(from: 0, to: 3_000, by: 50) {
        let query = world.row(row)
        let found = try answers(generation.stack, query, .init(k: 10, efSearch: 64))
        #expect(found.count == 10)
        #expect(Set(found.map(\.id)).count == 10)
        for (near, far) in zip(found, found.dropFirst()) {
          #expect(
            near.distance < far.distance || (near.distance == far.distance && near.id < far.id))
        }
        let exact = Set(world.exact(query, k: 10).map(\.id))
        hits += found.count { exact.contains($0.id) }
      }
      #expect(hits >= 585, "\(metric): \(hits) of 600")
    }
  }

  @Test("Walks over several parts share one end", arguments: [CodeKind.int8, .int4])
  func joint(codes: CodeKind) throws {
    let d = 24
    var world = World(
      .squaredEuclidean, RandomVectors.clusters(count: 6_000, dimensions: d, seed: 36),
      dimensions: d, m: 12, ef: 80)
    world.options.codes = codes
    let whole = try generation(world, parts: [0..<6_000], in: InMemoryFileSystem())
    let parts = try generation(
      world, parts: (0..<4).map { ($0 * 1_500)..<(($0 + 1) * 1_500) }, in: InMemoryFileSystem())
    func measure(_ stack: SegmentStack) throws -> (hits: Int, evaluations: Int, reranked: Int) {
      var (hits, evaluations, reranked) = (0, 0, 0)
      for row in stride(from: 0, to: 6_000, by: 60) {
        let query = zip(world.row(row), world.row((row + 1_000) % 6_000)).map {
          0.7 * $0 + 0.3 * $1
        }
        var found = [Neighbor](repeating: Neighbor(id: 0, distance: 0), count: 10)
        let outcome = unsafe try stack.search(query, .init(k: 10, efSearch: 40), into: &found)
        let exact = Set(world.exact(query, k: 10).map(\.id))
        hits += found.prefix(outcome.count).count { exact.contains($0.id) }
        evaluations += outcome.evaluations
        reranked += outcome.rerankedRows
      }
      return (hits, evaluations, reranked)
    }
    let one = try measure(whole.stack)
    let four = try measure(parts.stack)
    #expect(four.hits >= one.hits - 20, "\(four.hits), by one segment \(one.hits)")
    #expect(four.evaluations < 3 * one.evaluations, "\(four), by one segment \(one)")
    // Only what may be among the nearest of all is ranked.
    #expect(four.reranked < 3 * one.reranked, "\(four), by one segment \(one)")
  }

  @Test("A batch finds what single searches find")
  func batch() throws {
    let d = 16
    let world = World(
      .squaredEuclidean, RandomVectors.clusters(count: 2_000, dimensions: d, seed: 32),
      dimensions: d)
    let stack = try generation(
      world, parts: [0..<900, 900..<1_900, 1_900..<2_000], in: InMemoryFileSystem()
    ).stack
    let queries = try VectorMatrix(Array(world.components[0..<(60 * d)]), dimensions: d)
    for k in [1, 10, 1_950, 2_100] {
      let parameters = SearchParameters(k: k, efSearch: max(20, k))
      let batch = try stack.search(batch: queries, parameters, threads: 2)
      #expect(batch.answersPerQuery == min(k, 2_000))
      for query in 0..<60 {
        let single = try answers(stack, world.row(query), parameters)
        let start = query * batch.answersPerQuery
        #expect(batch.outcomes[query].count == single.count)
        #expect(Array(batch.answers[start..<(start + single.count)]) == single)
      }
    }
  }

  @Test("Segments share a quantizer where it fits, and have their own where not")
  func quantizers() throws {
    let d = 16
    let whole = (0..<(400 * d)).map { Float(($0 * 37) % 120) }
    let others = RandomVectors.clusters(count: 800, dimensions: d, seed: 33)
    let world = World(.squaredEuclidean, whole + others, dimensions: d)
    let fileSystem = InMemoryFileSystem()
    let generation = try generation(
      world, parts: [0..<200, 200..<400, 400..<800, 800..<1_200], in: fileSystem)
    let hashes = generation.segments.map(\.parameters.quantizer)
    #expect(hashes[0] == hashes[1] && hashes[1] != hashes[2] && hashes[2] == hashes[3])
    #expect(generation.manifest.quantizers.map(\.hash) == [hashes[0], hashes[2]])
    for row in [0, 250, 500, 1_100] {
      let found = try answers(generation.stack, world.row(row), .init(k: 1, efSearch: 40))
      // Of the whole numbers some rows are the same.
      #expect(found[0].id == world.ids[row] || found[0].distance == 0)
    }
  }

  @Test("A limit on evaluations holds for all segments together")
  func limited() throws {
    let d = 16
    let world = World(
      .cosine, RandomVectors.clusters(count: 3_000, dimensions: d, seed: 34), dimensions: d)
    let stack = try generation(
      world, parts: [0..<1_000, 1_000..<2_000, 2_000..<3_000], in: InMemoryFileSystem()
    ).stack
    var parameters = SearchParameters(k: 10, efSearch: 200)
    parameters.evaluationLimit = 400
    var answers = [Neighbor](repeating: Neighbor(id: 0, distance: 0), count: 10)
    let outcome = unsafe try stack.search(world.row(5), parameters, into: &answers)
    #expect(outcome.isLimited)
    // Each segment may go on for the one round it has begun.
    #expect(outcome.evaluations <= 400 + 3 * 2 * 8)
  }

  @Test("A generation that others made is not built upon")
  func overtaken() throws {
    let d = 8
    let world = World(
      .cosine, RandomVectors.clusters(count: 300, dimensions: d, seed: 35), dimensions: d)
    let fileSystem = InMemoryFileSystem()
    let first = try generation(world, parts: [0..<200], in: fileSystem)
    var piece = world
    piece.components = Array(world.components[(200 * d)..<(250 * d)])
    piece.ids = Array(world.ids[200..<250])
    let directory = IndexDirectory("index", in: fileSystem)
    let slow = try LiveIndex.open(
      directory, options: UpdateOptions(), present: first.view(in: directory)
    ).index
    _ = try first.adding(piece.order(), at: "index", in: fileSystem)
    let error = #expect(throws: NeedletailError.self) { try slow.add(piece.order()) }
    #expect(error?.code == .locked)
  }
}
