import NeedletailCore
import NeedletailKernels
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

@Suite("Search")
struct SearchTests {
  /// Base and queries from the same clusters.
  private static func world(
    _ metric: Metric, count: Int = 1_500, dimensions: Int = 32, seed: UInt64 = 4
  ) -> (world: World, queries: [[Float]]) {
    let all = RandomVectors.clusters(
      count: count + 30, dimensions: dimensions, clusters: 24, spread: 0.5, seed: seed)
    let world = World(metric, Array(all.prefix(count * dimensions)), dimensions: dimensions, m: 12)
    let queries = (0..<30).map { q in
      Array(all[((count + q) * dimensions)..<((count + q + 1) * dimensions)])
    }
    return (world, queries)
  }

  struct Way: Sendable, CustomTestStringConvertible {
    var codes: CodeKind
    var precise: PreciseKind
    var recall: Double
    var testDescription: String { "\(codes), \(precise)" }
  }

  static let ways: [Way] = [
    Way(codes: .int8, precise: .float32, recall: 0.97),
    Way(codes: .int8, precise: .float16, recall: 0.95),
    // Eight bits of a row's own precision swap near neighbours.
    Way(codes: .int8, precise: .bfloat16, recall: 0.9),
    Way(codes: .int8, precise: .none, recall: 0.8),
    Way(codes: .none, precise: .float32, recall: 0.97),
    Way(codes: .none, precise: .float16, recall: 0.95),
    Way(codes: .none, precise: .bfloat16, recall: 0.9),
  ]

  @Test("Finds nearly all of the nearest at a modest width", arguments: Metric.allCases, ways)
  func recall(metric: Metric, way: Way) throws {
    var (world, queries) = Self.world(metric)
    world.options.codes = way.codes
    world.options.precise = way.precise
    let segment = try world.opened()
    let recall = try world.recall(segment, queries, .init(k: 10, efSearch: 80))
    #expect(recall >= way.recall, "\(recall)")
  }

  @Test("A width of all rows finds what a scan finds", arguments: Metric.allCases)
  func exhaustive(metric: Metric) throws {
    let (world, queries) = Self.world(metric, count: 500)
    let segment = try world.opened()
    for query in queries {
      let expected = world.exact(query, k: 10).map(\.id)
      let (scanned, scan) = try segment.answers(query, .init(k: 10, efSearch: 500))
      #expect(scanned.map(\.id) == expected)
      #expect(scan.evaluations == 500 && scan.hops == 0)
      // One evaluation fewer than rows would do it: the graph is walked to its end.
      let (walked, walk) = try segment.answers(
        query, .init(k: 10, efSearch: 500, rerankCandidates: 500, evaluationLimit: 499))
      #expect(walk.hops > 0)
      if !walk.isLimited { #expect(walked == scanned) }
    }
  }

  @Test("Every row finds itself", arguments: Metric.allCases)
  func itself(metric: Metric) throws {
    let (world, _) = Self.world(metric, count: 1_000)
    let segment = try world.opened()
    var found = 0
    for row in stride(from: 0, to: 1_000, by: 5) {
      let best = world.exact(world.row(row), k: 1)[0].id
      found +=
        try segment.answers(world.row(row), .init(k: 1, efSearch: 40)).neighbors[0].id == best
        ? 1 : 0
    }
    #expect(found >= 198, "\(found) of 200")
  }

  @Test("Answers are sorted, distinct and of the right distance", arguments: Metric.allCases)
  func shape(metric: Metric) throws {
    let (world, queries) = Self.world(metric)
    let segment = try world.opened()
    let place = Dictionary(uniqueKeysWithValues: world.ids.enumerated().map { ($1, $0) })
    for k in [1, 2, 10, 100] {
      for query in queries.prefix(10) {
        let (neighbors, outcome) = try segment.answers(query, .init(k: k, efSearch: 30))
        #expect(neighbors.count == k && outcome.count == k)
        #expect(outcome.efSearch == 30)
        #expect(Set(neighbors.map(\.id)).count == k)
        #expect(zip(neighbors, neighbors.dropFirst()).allSatisfy { Neighbor.precedes($0, $1) })
        for neighbor in neighbors {
          let exact = world.distance(query, try #require(place[neighbor.id]))
          #expect(abs(Double(neighbor.distance) - exact) < 1e-5 * max(1, abs(exact)))
        }
        #expect(outcome.hops >= 1 && outcome.evaluations >= k)
        #expect(outcome.rerankedRows >= k && outcome.rerankedRows <= max(30, k))
        #expect(outcome.prepareNanoseconds == 0 && outcome.walkNanoseconds == 0)
      }
    }
  }

  @Test("Ties are broken by id, on the scan and on the walk")
  func ties() throws {
    for count in [200, 600] {
      let components = (0..<count).flatMap { i -> [Float] in [Float(i % 3), 1, 0, 0] }
      var world = World(.squaredEuclidean, components, dimensions: 4, m: 8)
      world.ids = (0..<UInt64(count)).map { ($0 * 7_919) % 1_009 }
      let segment = try world.opened()
      #expect(segment.quantizer?.form.isLossless == true)
      let (neighbors, _) = try segment.answers([0, 1, 0, 0], .init(k: 50, efSearch: count))
      #expect(neighbors.map(\.id) == world.exact([0, 1, 0, 0], k: 50).map(\.id))
    }
  }

  @Test("Whole numbers have exact distances, from whole and from other queries")
  func lossless() throws {
    var random = SplitMix64(seed: 8)
    let d = 100
    for (metric, low) in [
      (Metric.squaredEuclidean, 0), (.squaredEuclidean, -128), (.innerProduct, -128),
    ] {
      let components = (0..<(800 * d)).map { _ in Float(low + Int(random.next(below: 256))) }
      let world = World(metric, components, dimensions: d)
      let segment = try world.opened()
      #expect(segment.quantizer?.form == (low == 0 ? .losslessUnsigned : .losslessSigned))
      #expect(segment.rows == nil, "the codes are the rows")
      let place = Dictionary(uniqueKeysWithValues: world.ids.enumerated().map { ($1, $0) })
      for isWhole in [true, false] {
        let query = (0..<d).map { _ in
          Float(low + Int(random.next(below: 256))) + (isWhole ? 0 : 0.25)
        }
        let (neighbors, outcome) = try segment.answers(query, .init(k: 10, efSearch: 200))
        for neighbor in neighbors {
          let exact = world.distance(query, try #require(place[neighbor.id]))
          #expect(Double(neighbor.distance) == exact || !isWhole)
          #expect(abs(Double(neighbor.distance) - exact) <= 1e-6 * abs(exact) + 1e-6 * 1.6e6)
        }
        #expect(
          (outcome.rerankedRows == 0) == isWhole, "an exact estimate leaves nothing to re-rank")
      }
      // A query beyond the range of the codes.
      let far = [Float](repeating: 300, count: d)
      #expect(try world.recall(segment, [far], .init(k: 10, efSearch: 300)) >= 0.8)
    }
  }

  @Test("Whole products beyond what Float counts are not rounded twice")
  func largeProducts() throws {
    let d = 4_096
    var random = SplitMix64(seed: 9)
    let components = (0..<(300 * d)).map { _ in Float(Int(random.next(below: 128))) }
    var world = World(.innerProduct, components, dimensions: d, m: 4, ef: 20)
    world.options.precise = .none
    let segment = try world.opened()
    let query = (0..<d).map { j in Float(j % 2 == 0 ? 127 : -128) }
    let place = Dictionary(uniqueKeysWithValues: world.ids.enumerated().map { ($1, $0) })
    let (neighbors, _) = try segment.answers(
      query, .init(k: 20, efSearch: 40, evaluationLimit: 299))
    for neighbor in neighbors {
      #expect(neighbor.distance == Float(world.distance(query, try #require(place[neighbor.id]))))
    }
  }

  @Test("Queries at the ends of the range of Float are answered")
  func extremes() throws {
    for metric in Metric.allCases {
      for precise: PreciseKind in [.float32, .none] {
        var (world, queries) = Self.world(metric, count: 600)
        world.options.precise = precise
        let segment = try world.opened()
        for scale: Float in [0x1p-140, 1e-30, 1e-10, 1e10, 1e17] {
          let query = queries[0].map { $0 * scale }
          let (neighbors, _) = try segment.answers(query, .init(k: 5, efSearch: 50))
          #expect(neighbors.count == 5)
          #expect(neighbors.allSatisfy { !$0.distance.isNaN }, "\(metric), \(precise), \(scale)")
          if metric == .cosine, scale > 1e-35 {
            let plain = try segment.answers(queries[0], .init(k: 5, efSearch: 50)).neighbors
            #expect(neighbors.map(\.id) == plain.map(\.id), "length does not count: \(scale)")
          }
        }
        if metric != .cosine {
          let zero = [Float](repeating: 0, count: 32)
          #expect(try segment.answers(zero, .init(k: 5, efSearch: 50)).neighbors.count == 5)
        }
      }
    }
  }

  @Test("Rows near the end of the range of Float make a sound index")
  func hugeRows() throws {
    for metric in Metric.allCases {
      for count in [20, 400] {
        let d = 6
        let components = RandomVectors.gaussian(count: count, dimensions: d, seed: 9).map {
          max(-3, min(3, $0)) * 2.4e18
        }
        let world = World(metric, components, dimensions: d)
        let segment = try world.opened(Placements(), .full)
        #expect(try segment.answers(world.row(3), .init(k: 3, efSearch: 60)).neighbors.count == 3)
      }
    }
  }

  @Test("Norms over nine orders of magnitude", arguments: Metric.allCases)
  func heavyTail(metric: Metric) throws {
    var (world, queries) = Self.world(metric)
    for i in 0..<world.count {
      let length = Float.pow10(Double(i % 91) / 10 - 6)
      for j in 0..<32 { world.components[i * 32 + j] *= length }
    }
    let segment = try world.opened()
    let recall = try world.recall(segment, queries, .init(k: 10, efSearch: 100))
    #expect(recall >= 0.95, "\(recall)")
    #expect(
      try world.recall(segment, (0..<30).map { world.row($0 * 40) }, .init(k: 10, efSearch: 100))
        >= 0.9)
  }

  @Test("A limit on evaluations ends the walk and is told")
  func limit() throws {
    let (world, queries) = Self.world(.squaredEuclidean)
    let segment = try world.opened()
    for query in queries.prefix(5) {
      let (_, free) = try segment.answers(query, .init(k: 5, efSearch: 60))
      #expect(!free.isLimited)
      for limit in [1, 50, free.evaluations / 2] {
        let (neighbors, outcome) = try segment.answers(
          query, .init(k: 5, efSearch: 60, evaluationLimit: limit))
        #expect(outcome.isLimited, "\(limit)")
        // The hop under way is finished: at most one row of links more, and the way down.
        #expect(outcome.evaluations < limit + 2 * 12 + 80, "\(limit): \(outcome.evaluations)")
        #expect(neighbors.count >= 1)
      }
      // Near the limit rounds are shorter, which is told; with room for a round more they are not.
      for spare in [1, 2 * 12, HopKernel.breadth * 2 * 12] {
        let (_, enough) = try segment.answers(
          query, .init(k: 5, efSearch: 60, evaluationLimit: free.evaluations + spare))
        if spare == HopKernel.breadth * 2 * 12 { #expect(!enough.isLimited) }
        if !enough.isLimited { #expect(enough.evaluations == free.evaluations) }
      }
    }
  }

  @Test("Stages are timed when asked")
  func time() throws {
    let (world, queries) = Self.world(.cosine)
    let segment = try world.opened()
    var parameters = SearchParameters(k: 5, efSearch: 60)
    parameters.measuresTime = true
    let (_, outcome) = try segment.answers(queries[0], parameters)
    #expect(outcome.walkNanoseconds > 0)
    #expect(outcome.prepareNanoseconds >= 0 && outcome.rerankNanoseconds >= 0)
  }

  @Test("The width of the re-rank is the caller's")
  func rerank() throws {
    let (world, queries) = Self.world(.innerProduct)
    let segment = try world.opened()
    for candidates in [0, 5, 10, 40, 60, 1_000] {
      let (_, outcome) = try segment.answers(
        queries[0], .init(k: 10, efSearch: 60, rerankCandidates: candidates))
      let expected = candidates == 0 ? 0 : min(60, max(10, candidates))
      #expect(outcome.rerankedRows == expected, "\(candidates)")
    }
  }

  @Test(
    "Copies of one direction under cosine have a distance of about 0",
    arguments: [1, 2, 300, 1_000])
  func copies(count: Int) throws {
    let row: [Float] = [3, -4, 12, 0.5, 1, 1, 2]
    let components = (0..<count).flatMap { i in row.map { $0 * Float(1 + i % 5) } }
    for precise: PreciseKind in [.none, .float32] {
      var world = World(.cosine, components, dimensions: 7)
      world.options.precise = precise
      let segment = try world.opened(Placements(), .full)
      let (neighbors, _) = try segment.answers(row, .init(k: 10, efSearch: 20))
      #expect(neighbors.count == min(10, count))
      #expect(neighbors.allSatisfy { abs($0.distance) < 0.001 }, "\(neighbors[0])")
      let (opposite, _) = try segment.answers(row.map { -$0 }, .init(k: 1, efSearch: 20))
      #expect(abs(opposite[0].distance - 2) < 0.02, "\(opposite[0])")
    }
  }

  @Test("Parameters out of range are refused, with the number and the range")
  func refusals() {
    let cases: [(SearchParameters, NeedletailError.Code, String)] = [
      (.init(k: 0, efSearch: 10), .invalidConfiguration, "k is 0"),
      (.init(k: -1, efSearch: 10), .invalidConfiguration, "k is -1"),
      (.init(k: 1 << 20 + 1, efSearch: 10), .capacityExceeded, "1048576"),
      (.init(k: 1, efSearch: 0), .invalidConfiguration, "efSearch is 0"),
      (.init(k: 1, efSearch: .max), .capacityExceeded, "efSearch"),
      (.init(k: 1, efSearch: 1, rerankCandidates: -1), .invalidConfiguration, "-1"),
      (.init(k: 1, efSearch: 1, evaluationLimit: 0), .invalidConfiguration, "evaluationLimit is 0"),
    ]
    for (parameters, code, text) in cases {
      let error = #expect(throws: NeedletailError.self) { try parameters.validate() }
      #expect(error?.code == code)
      #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
    }
  }

  @Test("Sorting agrees with the library at every length")
  func sorting() {
    var random = SplitMix64(seed: 6)
    for count in Array(0...130) + [500, 1_000] {
      var keys = (0..<count).map { _ in random.next(below: 50) }
      let sorted = keys.sorted()
      unsafe sortKeys(&keys, count: count)
      #expect(keys == sorted)
      var neighbors = (0..<count).map { _ in
        Neighbor(
          id: random.next(below: 9),
          distance: [.nan, 1, 2, -1, .infinity][Int(random.next(below: 5))])
      }
      let expected = neighbors.sorted(by: Neighbor.precedes)
      unsafe sortNeighbors(&neighbors, count: count)
      #expect(neighbors.map(\.id) == expected.map(\.id))
    }
  }
}
