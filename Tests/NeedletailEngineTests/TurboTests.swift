import NeedletailCore
import NeedletailKernels
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

/// The layout that keeps the bits of a row's neighbours beside the row.
@Suite("Turbo mode")
struct TurboTests {
  static func world(
    _ metric: Metric = .cosine, count: Int = 1_500, dimensions: Int = 48, m: Int = 16,
    seed: UInt64 = 3
  ) -> World {
    var world = World(
      metric,
      RandomVectors.clusters(count: count, dimensions: dimensions, clusters: 40, seed: seed),
      dimensions: dimensions, m: m)
    world.options.layout = .turbo
    return world
  }

  private static func queries(_ count: Int, _ dimensions: Int) -> [[Float]] {
    let all = RandomVectors.clusters(count: count, dimensions: dimensions, clusters: 40, seed: 3)
    var random = SplitMix64(seed: 11)
    return (0..<count).map { i in
      (0..<dimensions).map { all[i * dimensions + $0] + 0.05 * random.nextGaussian() }
    }
  }

  @Test(
    "Finds what is there, and answers with exact distances",
    arguments: [Metric.cosine, .squaredEuclidean])
  func recall(metric: Metric) throws {
    for dimensions in [7, 48, 130] {
      let world = Self.world(metric, dimensions: dimensions)
      let segment = try world.opened(Placements(), .full)
      #expect(segment.parameters.options.layout == .turbo)
      #expect(segment.quantizer?.form.isLossless == false)
      let queries = Self.queries(30, dimensions)
      #expect(try world.recall(segment, queries, .init(k: 10, efSearch: 80)) > 0.95)
      #expect(try world.recall(segment, queries, .init(k: 10, efSearch: 200)) > 0.98)
      let place = Dictionary(uniqueKeysWithValues: world.ids.enumerated().map { ($1, $0) })
      for query in queries.prefix(5) {
        let (found, outcome) = try segment.answers(query, .init(k: 10, efSearch: 40))
        #expect(found.count == 10 && outcome.rerankedRows >= 10)
        #expect(outcome.evaluations == 64 + outcome.hops * 33)
        for neighbor in found {
          let exact = world.distance(query, try #require(place[neighbor.id]))
          #expect(abs(Double(neighbor.distance) - exact) < 1e-5 * max(1, exact))
        }
      }
    }
  }

  @Test("Near copies that codes do not tell apart are all looked at")
  func copies() throws {
    var world = Self.world(.squaredEuclidean)
    var random = SplitMix64(seed: 21)
    for copy in 0..<150 {
      for j in 0..<48 {
        world.components[(copy * 10) * 48 + j] = world.components[j] + 1e-3 * random.nextGaussian()
      }
    }
    let segment = try world.opened(Placements(), .full)
    let queries = (0..<20).map { world.row($0 * 70) }
    #expect(try world.recall(segment, queries, .init(k: 10, efSearch: 200)) > 0.9)
  }

  @Test("Rows of very different norms keep a factor each")
  func factors() throws {
    var world = Self.world(.squaredEuclidean)
    for i in 0..<world.count {
      let scale = Float(1 << (i % 12))
      for j in 0..<48 { world.components[i * 48 + j] *= scale }
    }
    let segment = try world.opened(Placements(), .full)
    #expect(segment.quantizer?.form == .rowScale)
    let queries = stride(from: 0, to: 600, by: 25).map { world.row($0) }
    #expect(try world.recall(segment, queries, .init(k: 10, efSearch: 150)) > 0.9)
  }

  @Test("Rows farther apart than bfloat16 counts do not come before near ones")
  func farApart() throws {
    var world = Self.world(.squaredEuclidean)
    var random = SplitMix64(seed: 6)
    for i in 0..<world.count {
      // Directions about the origin; every other row has nearly the largest squared norm there is.
      let row = (0..<48).map { world.components[i * 48 + $0] + random.nextGaussian() * 0.2 }
      let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let length: Float = i % 2 == 0 ? 1.82e19 : 5e18
      for j in 0..<48 { world.components[i * 48 + j] = row[j] / norm * length }
    }
    let segment = try world.opened(Placements(), .full)
    #expect(segment.quantizer?.form == .rowScale)
    let queries = stride(from: 1, to: 1_000, by: 26).map { i in world.row(i).map { $0 * 0.98 } }
    #expect(try world.recall(segment, queries, .init(k: 10, efSearch: 40)) > 0.95)
  }

  @Test("Whole numbers are rotated too, so that a bit says something")
  func whole() throws {
    var world = Self.world(.squaredEuclidean)
    world.components = world.components.map { ($0 * 40).rounded() }
    let segment = try world.opened(Placements(), .full)
    #expect(segment.quantizer?.form == .globalScale && segment.rows != nil)
    let queries = (0..<20).map { world.row($0 * 31) }
    #expect(try world.recall(segment, queries, .init(k: 10, efSearch: 100)) > 0.95)
  }

  @Test("The same bytes for any number of threads and any level")
  func bytes() throws {
    for metric in [Metric.cosine, .squaredEuclidean] {
      let world = Self.world(metric, count: 700, m: metric == .cosine ? 16 : 32)
      let expected = try #require(try world.built().turboRows).array
      for threads in [2, 5] {
        #expect(try world.built(threads: threads).turboRows?.array == expected)
      }
      for level in KernelLevel.available {
        #expect(try world.built(level: level).turboRows?.array == expected, "\(level)")
      }
    }
  }

  @Test("Every place of a row is filled, first with the links that were chosen")
  func filled() throws {
    var world = Self.world(count: 600)
    let turbo = try world.built()
    #expect(turbo.codes.byteCount == 0 && turbo.terms.byteCount == 0, "they stand in the rows")
    world.options.layout = .compact
    let compact = try world.built()
    var full = 0
    for ordinal in 0..<UInt32(600) {
      let links = turbo.tables[0].links(of: ordinal)
      let chosen = compact.tables[0].links(of: ordinal)
      #expect(Set(links).count == links.count && !links.contains(ordinal))
      // A place stays free only where the links' own links are all there already.
      let around = Set(chosen.flatMap { compact.tables[0].links(of: $0) }).subtracting([ordinal])
      #expect(links.count == 32 || around.isSubset(of: links))
      full += links.count == 32 ? 1 : 0
      #expect(Array(links.prefix(chosen.count)) == chosen)
    }
    #expect(full > 300)
  }

  @Test("Filling rows reports how far it is, and stops when it is told to")
  func filling() throws {
    let codes = try MemoryBlock(count: 300, stride: 64)
    let terms = try MemoryBlock(count: 300, stride: 4)
    let builder = try GraphBuilder(
      space: LinkingSpace(count: 300, blocks: 1, finish: .norm, codes: codes, terms: terms),
      plan: LevelPlan(count: 300, m: 16, seed: 1), options: Self.world(count: 1).options.graph,
      m: 16, threads: 2)
    let monitor = WorkMonitor()
    let table = try builder.filled(threads: 2, monitor)
    #expect(table.count == 300 && table.degree == 32)
    let progress = monitor.progress
    #expect(progress.phase == "filling" && progress.done == 300 && progress.total == 300)
    monitor.cancel()
    let error = #expect(throws: NeedletailError.self) {
      try builder.filled(threads: 2, monitor)
    }
    #expect(error?.code == .cancelled && monitor.progress.done < 300)
  }

  @Test("A batch answers as single queries do; limits and rows left out are kept to")
  func batches() throws {
    let world = Self.world()
    let segment = try world.opened()
    let queries = Self.queries(40, 48)
    let matrix = try VectorMatrix(queries.flatMap { $0 }, dimensions: 48)
    for limit in [nil, 1, 65, 200, 700] as [Int?] {
      let parameters = SearchParameters(k: 10, efSearch: 50, evaluationLimit: limit)
      let batch = try segment.search(batch: matrix, parameters, threads: 2)
      for (i, query) in queries.enumerated() {
        let (found, outcome) = try segment.answers(query, parameters)
        #expect(batch.outcomes[i].hops == outcome.hops)
        #expect(outcome.evaluations < (limit ?? .max - 33) + 33)
        #expect(outcome.isLimited || limit == nil || limit == 700)
        #expect(Array(batch.answers[(i * 10)..<(i * 10 + outcome.count)]) == found)
        #expect(found.count == (limit == 1 ? 1 : 10))
      }
    }
    for (i, query) in queries.enumerated() {
      var parameters = SearchParameters(k: 5, efSearch: 30)
      let nearest = try #require(try segment.answers(query, parameters).neighbors.first)
      guard let ordinal = segment.ordinal(of: nearest.id), ordinal >= segment.tables[1].count
      else { continue }
      parameters.heldOut = ordinal
      let others = try segment.answers(query, parameters).neighbors
      #expect(others.count == 5 && !others.contains { $0.id == nearest.id }, "query \(i)")
    }
  }

  @Test("Without precise rows, the estimates answer")
  func estimates() throws {
    var world = Self.world(.squaredEuclidean)
    world.options.precise = .none
    let segment = try world.opened(Placements(), .full)
    #expect(!segment.hasPreciseRows)
    #expect(try world.recall(segment, Self.queries(20, 48), .init(k: 10, efSearch: 100)) > 0.85)
  }

  @Test("What a limit leaves unexpanded is answered by its own code too, in order")
  func limited() throws {
    var world = Self.world(.squaredEuclidean)
    world.options.precise = .none
    let segment = try world.opened(Placements(), .full)
    for query in Self.queries(20, 48) + [world.row(3), world.row(700)] {
      // A walk over all rows scores each by its own code.
      let all = try segment.answers(query, .init(k: 1_500, efSearch: 1_500)).neighbors
      let own = Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0.distance) })
      for limit in [65, 98, 131, 300] {
        let found = try segment.answers(
          query, .init(k: 10, efSearch: 50, evaluationLimit: limit)
        ).neighbors
        #expect(found.count == 10)
        #expect(found.map(\.distance) == found.map(\.distance).sorted())
        for neighbor in found { #expect(neighbor.distance == own[neighbor.id]) }
      }
    }
  }

  @Test("Of what a limit leaves, one answer is the first of many")
  func limitedRank() throws {
    for metric in [Metric.cosine, .squaredEuclidean] {
      let world = Self.world(metric)
      let segment = try world.opened(Placements(), .full)
      for (i, query) in Self.queries(60, 48).enumerated() {
        for limit in [65, 98, 131] {
          // As an index is searched that was tuned for ten.
          var parameters = SearchParameters(k: 1, efSearch: 50, evaluationLimit: limit)
          parameters.stopRank = 10
          let one = try segment.answers(query, parameters).neighbors
          parameters.k = 10
          let many = try segment.answers(query, parameters).neighbors
          #expect(one == Array(many.prefix(1)), "query \(i), limit \(limit)")
        }
      }
    }
  }

  @Test("Few rows and copies", arguments: [0, 1, 2, 5, 33, 257, 300])
  func few(count: Int) throws {
    var world = Self.world(.squaredEuclidean, count: count, dimensions: 5)
    let segment = try world.opened(Placements(), .full)
    #expect(segment.inspect(limit: 1).isEmpty)
    let query: [Float] = [0, 1, 0, 2, 0]
    #expect(try segment.answers(query, .init(k: 3, efSearch: 10)).neighbors.count == min(3, count))
    world.components = world.components.map { _ in 1 }
    world.options.precise = .none
    let copies = try world.opened(Placements(), .full)
    for k in [1, 3, 400] {
      let found = try copies.answers(query, .init(k: k, efSearch: 10)).neighbors
      #expect(found.count <= min(k, count) && (found.count >= 1 || count == 0))
    }
  }

  @Test("Random small worlds")
  func worlds() throws {
    for seed in 0..<UInt64(Effort.count(8, long: 500)) {
      var random = SplitMix64(seed: seed)
      let dimensions = 1 + Int(random.next(below: 150))
      let count = Int(random.next(below: 700))
      let metric = random.next(below: 2) == 0 ? Metric.cosine : .squaredEuclidean
      var world = Self.world(
        metric, count: count, dimensions: dimensions, m: 16 * (1 + Int(random.next(below: 3))),
        seed: seed)
      world.options.graph.efConstruction = 1 + Int(random.next(below: 80))
      world.options.precise = PreciseKind.allCases[Int(random.next(below: 4))]
      let segment = try world.opened(Placements(), .full)
      #expect(segment.graphShape().unreachable == 0, "seed \(seed)")
      guard count > 0 else { continue }
      let k = 1 + Int(random.next(below: 12))
      let query = world.row(Int(random.next(below: UInt64(count))))
      let found = try segment.answers(query, .init(k: k, efSearch: count)).neighbors
      #expect(found.count == min(k, count) && Set(found.map(\.id)).count == found.count)
      let scale = query.reduce(0) { $0 + Double($1) * Double($1) }
      #expect(Double(found[0].distance) <= 0.02 * max(1, scale), "seed \(seed), \(metric)")
    }
  }

  @Test("What turbo mode cannot be is refused, and says why")
  func refusals() throws {
    let cases: [(String, (inout BuildOptions) -> Void)] = [
      ("inner product", { $0.metric = .innerProduct }), ("codes", { $0.codes = .none }),
      ("int8", { $0.codes = .int4 }), ("m is 8", { $0.graph.m = 8 }),
      ("m is 17", { $0.graph.m = 17 }),
    ]
    for (reason, change) in cases {
      var options = Self.world().options
      change(&options)
      do {
        try options.validate()
        Issue.record("\(reason) was taken")
      } catch {
        #expect(error.code == .invalidConfiguration)
        #expect(error.message.contains(reason), "\(error.message)")
      }
    }
  }
}

/// Damaged and forged rows of turbo mode: no trap, and what is wrong is found.
@Suite("Turbo mode, damaged")
struct TurboDamageTests {
  private static let path = "index"

  private static func files() throws -> (fileSystem: InMemoryFileSystem, world: World) {
    var world = TurboTests.world(.squaredEuclidean, count: 400, dimensions: 9)
    world.options.precise = .none
    let fileSystem = InMemoryFileSystem()
    try world.publish(in: fileSystem, at: path)
    return (fileSystem, world)
  }

  /// Opens and searches; says whether a look at everything finds a fault.
  private static func isFound(_ fileSystem: InMemoryFileSystem, isMapped: Bool) throws -> Bool {
    var placements = Placements()
    if isMapped { (placements.codes, placements.graph) = (.mapped, .mapped) }
    do throws(NeedletailError) {
      let segment = try OpenGeneration.open(
        path, in: fileSystem, placements: placements, verification: .structure
      ).segment
      do { try SmallIndex.exercise(segment) } catch { #expect(error is NeedletailError) }
    } catch {
      #expect(error.code == .corrupted || error.code == .unsupportedFormat)
      return true
    }
    do throws(NeedletailError) {
      _ = try OpenGeneration.open(
        path, in: fileSystem, placements: placements, verification: .full)
      return false
    } catch { return true }
  }

  @Test("Flipped bytes")
  func flips() throws {
    let (fileSystem, _) = try Self.files()
    let path = try #require(fileSystem.allFiles().first { $0.hasSuffix(".segment") })
    let bytes = try #require(fileSystem.contents(path))
    var random = SplitMix64(seed: 2)
    for round in 0..<Effort.count(60, long: 5_000) {
      var damaged = bytes
      for _ in 0..<(1 + round % 40) {
        let at = 4_096 + Int(random.next(below: UInt64(bytes.count - 4_200)))
        damaged[at] ^= UInt8(1 + random.next(below: 255))
      }
      try fileSystem.setContents(path, damaged)
      if damaged != bytes { #expect(try Self.isFound(fileSystem, isMapped: round % 2 == 0)) }
    }
    try fileSystem.setContents(path, Array(bytes.dropLast(5_000)))
    #expect(try Self.isFound(fileSystem, isMapped: true))
  }

  @Test("Rows by somebody who knows the format")
  func forged() throws {
    let layout = TurboLayout(blocks: 1, degree: 32)
    let changes: [(String, @Sendable (inout [UInt8]) -> Void)] = [
      ("a code", { $0[3] ^= 1 }),
      ("padding", { $0[layout.codeByteCount - 1] = 7 }),
      ("a bit", { $0[layout.bitsOffset + 5] ^= 16 }),
      ("a factor", { $0.put(UInt16(0x7fc0), at: layout.factorsOffset + 8) }),
      ("a sum", { $0.put(UInt16(0xff80), at: layout.factorsOffset + 10) }),
      ("a link to itself", { $0.put(UInt32(0), at: layout.linksOffset) }),
      (
        "a link twice",
        {
          $0.put(UInt32(9), at: layout.linksOffset); $0.put(UInt32(9), at: layout.linksOffset + 4)
        }
      ),
      ("a link out of range", { $0.put(UInt32(400), at: layout.linksOffset + 64) }),
      ("a link far out of range", { $0.put(UInt32(0x7fff_ffff), at: layout.linksOffset) }),
      ("no links", { $0.put(UInt32.max, at: layout.linksOffset) }),
      ("factor NaN", { $0.put(Float.nan.bitPattern, at: layout.termsOffset) }),
      ("norm infinite", { $0.put(Float.infinity.bitPattern, at: layout.termsOffset + 4) }),
      ("behind the terms", { $0[layout.stride - 1] = 1 }),
      ("all bytes", { $0 = [UInt8](repeating: 0xff, count: $0.count) }),
      ("all zeros", { $0 = [UInt8](repeating: 0, count: $0.count) }),
      (
        "all links out of range",
        { bytes in
          for row in 0..<400 {
            for place in 0..<32 {
              bytes.put(
                UInt32(0x8000_0000), at: row * layout.stride + layout.linksOffset + place * 4)
            }
          }
        }
      ),
    ]
    for (name, change) in changes {
      let (fileSystem, _) = try Self.files()
      try Tampering.changeSegment(
        0, SegmentSection.turboRows, in: IndexDirectory(Self.path, in: fileSystem), change)
      #expect(try Self.isFound(fileSystem, isMapped: true), "\(name)")
    }
  }

  @Test("Parameters that do not fit the rows")
  func parameters() throws {
    let changes: [(String, @Sendable (inout [UInt8]) -> Void)] = [
      ("compact", { $0.put(UInt32(4), at: 28) }),
      ("m 32", { $0.put(UInt32(32), at: 20) }),
      ("m 8", { $0.put(UInt32(8), at: 20) }),
      ("int4", { $0.put(UInt32(2), at: 12) }),
      ("no codes", { $0.put(UInt32(0), at: 12) }),
      ("inner product", { $0.put(UInt32(1), at: 4) }),
      ("lossless", { $0.put(UInt32(1), at: 8) }),
      ("401 rows", { $0.put(UInt64(401), at: 40) }),
    ]
    for (name, change) in changes {
      let (fileSystem, _) = try Self.files()
      try Tampering.changeSegment(
        0, SegmentSection.parameters, in: IndexDirectory(Self.path, in: fileSystem), change)
      #expect(throws: NeedletailError.self, "\(name)") {
        _ = try OpenGeneration.open(
          Self.path, in: fileSystem, placements: Placements(), verification: .structure)
      }
    }
  }
}
