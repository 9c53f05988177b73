import NeedletailCore
import NeedletailKernels
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

/// Worlds that a graph may break on.
enum Shape: String, CaseIterable, CustomTestStringConvertible {
  case cloud, identical, heaps, heapsAmongOthers, line, twoFarClusters, lattice

  var testDescription: String { rawValue }

  /// Rows of 8 components, none of them zero.
  var components: [Float] {
    let d = 8
    var random = SplitMix64(seed: 21)
    func noise() -> [Float] { (0..<d).map { _ in random.nextGaussian() } }
    switch self {
    case .cloud: return RandomVectors.clusters(count: 1_500, dimensions: d, seed: 1)
    case .identical: return (0..<1_000).flatMap { _ in [Float](repeating: 0.3, count: d) }
    case .heaps:
      let centres = (0..<4).map { _ in noise() }
      return (0..<2_000).flatMap { centres[$0 % 4] }
    case .heapsAmongOthers:
      let centres = (0..<3).map { _ in noise() }
      return (0..<2_000).flatMap { $0 % 4 == 3 ? noise() : centres[$0 % 4] }
    case .line: return (0..<1_200).flatMap { i in (0..<d).map { Float(i) * Float($0 + 1) + 1 } }
    case .twoFarClusters:
      return (0..<1_200).flatMap { i in noise().map { $0 + (i < 600 ? 1_000 : -1_000) } }
    case .lattice:
      return (0..<1_024).flatMap { i in (0..<d).map { Float(i >> ($0 * 2) & 3) + 0.5 } }
    }
  }
}

@Suite("Graph")
struct GraphTests {
  /// What every graph must be: links in range, in bounds, not to itself, not twice, all rows reachable.
  private func check(_ built: BuiltSegment, _ name: String) {
    let m = built.options.graph.m
    #expect(built.tables.map(\.count) == built.levelCounts, "\(name)")
    for (level, table) in built.tables.enumerated() {
      #expect(table.degree == (level == 0 ? 2 * m : m), "\(name)")
      for ordinal in 0..<UInt32(table.count) {
        let links = table.links(of: ordinal)
        #expect(!links.contains(ordinal), "\(name): \(ordinal) links to itself")
        #expect(Set(links).count == links.count, "\(name): \(ordinal) links twice, level \(level)")
        for j in links.count..<table.degree {
          #expect(
            unsafe table.row(ordinal)[j] == LinkTable.none, "\(name): garbage behind the links")
        }
      }
    }
    #expect(built.unreachableNodes == 0, "\(name)")
    if built.count > 0 { #expect(Reachability(built.tables[0]).unreachedCount == 0, "\(name)") }
  }

  @Test("Every row can be reached", arguments: Shape.allCases, Metric.allCases)
  func reachable(shape: Shape, metric: Metric) throws {
    for m in [2, 5, 16] {
      let world = World(metric, shape.components, dimensions: 8, m: m, ef: 40)
      check(try world.built(threads: 2), "\(shape), \(metric), m \(m)")
    }
  }

  @Test("Small counts", arguments: Metric.allCases)
  func small(metric: Metric) throws {
    for count in [0, 1, 2, 3, 4, 5, 17, 33] {
      for codes: CodeKind in [.int8, .none] {
        let components = RandomVectors.gaussian(count: count, dimensions: 6, seed: 3)
        var world = World(metric, components, dimensions: 6, m: 4)
        world.options.codes = codes
        check(try world.built(threads: 3), "\(metric), \(count) rows")
        let segment = try world.opened()
        #expect(segment.count == count)
        #expect(segment.inspect(limit: 10).isEmpty)
        let query = [Float](repeating: 1, count: 6)
        let found = try segment.answers(query, .init(k: 40, efSearch: 50)).neighbors.map(\.id)
        #expect(found == world.exact(query, k: 40).map(\.id), "\(metric), \(count), \(codes)")
      }
    }
  }

  @Test(
    "The options of Algorithm 4 give sound graphs",
    arguments: [(true, false), (false, true), (true, true)])
  func options(extends: Bool, keeps: Bool) throws {
    for shape: Shape in [.cloud, .heapsAmongOthers] {
      var world = World(.squaredEuclidean, shape.components, dimensions: 8, m: 6, ef: 30)
      let plain = try world.built()
      world.options.graph.extendsCandidates = extends
      world.options.graph.keepsPruned = keeps
      let built = try world.built(threads: 2)
      check(built, "extends \(extends), keeps \(keeps)")
      #expect(built.allBytes == (try world.built(threads: 1)).allBytes)
      #expect(built.allBytes != plain.allBytes, "an option that changes nothing is none")
      if keeps {
        func links(_ built: BuiltSegment) -> Int {
          (0..<UInt32(built.count)).reduce(0) { $0 + built.tables[0].degree(of: $1) }
        }
        #expect(links(built) > links(plain))
      }
    }
  }

  @Test("Every way to link inner products is sound", arguments: ProductLinks.allCases)
  func products(links: ProductLinks) throws {
    for shape: Shape in [.cloud, .heaps, .line] {
      var world = World(.innerProduct, shape.components, dimensions: 8, m: 6, ef: 40)
      world.options.graph.productLinks = links
      let built = try world.built(threads: 2)
      check(built, "\(links), \(shape)")
      #expect(built.allBytes == (try world.built(threads: 1)).allBytes)
    }
  }

  @Test("Links go to near rows and in different directions")
  func links() throws {
    let world = World(.squaredEuclidean, Shape.cloud.components, dimensions: 8, m: 8, ef: 100)
    let built = try world.built()
    var nearest = 0
    for ordinal in 0..<UInt32(300) {
      let row = Int(built.order[Int(ordinal)])
      let others = world.exact(world.row(row), k: 4).map(\.id).filter { $0 != world.ids[row] }
      let links = built.tables[0].links(of: ordinal).map { world.ids[Int(built.order[Int($0)])] }
      if links.contains(others[0]) { nearest += 1 }
    }
    #expect(nearest > 270, "nearly every row links to the nearest other one: \(nearest) of 300")
  }
}

@Suite("Determinism")
struct DeterminismTests {
  static let worlds: [(name: String, world: World)] = {
    var list: [(String, World)] = []
    let d = 40
    let plain = RandomVectors.clusters(count: 700, dimensions: d, seed: 2)
    var apart = plain
    for i in 0..<700 {
      let length = Float.pow10(Double(i % 9) - 5)
      for j in 0..<d { apart[i * d + j] *= length }
    }
    for metric in Metric.allCases {
      list.append(("\(metric)", World(metric, plain, dimensions: d, ef: 50)))
      list.append(("\(metric), norms apart", World(metric, apart, dimensions: d, ef: 50)))
    }
    let whole = plain.map { min(255, max(0, ($0 * 40 + 128).rounded())) }
    list.append(("lossless", World(.squaredEuclidean, whole, dimensions: d, ef: 50)))
    var without = World(.cosine, plain, dimensions: d, ef: 50)
    without.options.codes = .none
    without.options.precise = .bfloat16
    list.append(("without codes", without))
    var half = World(.squaredEuclidean, plain, dimensions: d, ef: 50)
    half.options.precise = .float16
    list.append(("f16", half))
    return list
  }()

  @Test("Every thread count and every level give the same codes, terms and links")
  func bytes() throws {
    for (name, world) in Self.worlds {
      let expected = try world.built(threads: 1, level: .scalar).allBytes
      for level in KernelLevel.available {
        for threads in [1, 2, 3] {
          #expect(
            try world.built(threads: threads, level: level).allBytes == expected,
            "\(name), \(level), \(threads) threads")
        }
      }
    }
  }

  @Test("Every thread count gives the same files")
  func files() throws {
    for (name, world) in Self.worlds {
      let first = InMemoryFileSystem()
      try world.publish(in: first, threads: 1)
      let names = first.allFiles()
      #expect(names.count == (world.options.codes == .none ? 3 : 4))
      for threads in [2, 3] {
        let other = InMemoryFileSystem()
        try world.publish(in: other, threads: threads)
        #expect(other.allFiles() == names, "\(name): the names are hashes of the contents")
        for file in names {
          #expect(other.contents(file) == first.contents(file), "\(name): \(file)")
        }
      }
    }
  }

  @Test func anotherSeedGivesAnotherGraph() throws {
    var world = Self.worlds[0].world
    let first = try world.built().allBytes
    #expect(try world.built().allBytes == first)
    world.options.graph.seed = 2
    #expect(try world.built().allBytes != first)
  }

  @Test func howRowsAreSplitIntoMatricesDoesNotMatter() throws {
    let world = Self.worlds[0].world
    let whole = InMemoryFileSystem()
    try world.publish(in: whole)
    let matrix = try world.matrix()
    let parts = InMemoryFileSystem()
    try OpenGeneration.create(
      "index", in: parts,
      SegmentOrder(
        options: world.options,
        rows: [matrix[0..<0], matrix[0..<1], matrix[1..<300], matrix[300..<700]], ids: world.ids,
        findings: world.findings(), threads: 2, monitor: nil), identity: Array(0..<16))
    #expect(parts.allFiles() == whole.allFiles())
  }
}
