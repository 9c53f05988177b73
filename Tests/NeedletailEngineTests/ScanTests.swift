import NeedletailCore
import NeedletailKernels
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

/// Sets that are scanned, large enough for a scan to pause.
@Suite("Scans of a set")
struct ScanTests {
  private static let dimensions = 16

  private static func answers(
    _ segment: SealedSegment, _ query: [Float], _ parameters: SearchParameters, _ rows: [Int],
    _ ids: [VectorID]
  ) throws(NeedletailError) -> (neighbors: [Neighbor], outcome: SearchOutcome) {
    let set = try segment.rows(matching: .allow(rows.map { ids[$0] }))
    let canary = Neighbor(id: 0xdead_beef, distance: -77)
    let room = min(parameters.k, max(1, rows.count))
    var answers = [Neighbor](repeating: canary, count: room + 1)
    let outcome = unsafe try segment.search(
      query, parameters, among: set, plan: .exact, into: &answers)
    #expect(answers.last == canary, "written over the end")
    #expect(outcome.plan == .exact && outcome.evaluations == rows.count)
    return (Array(answers.prefix(outcome.count)), outcome)
  }

  /// Directions of equal likelihood with lengths over several powers of ten, as a recommender's items have.
  private static func skewed(_ metric: Metric, count: Int, seed: UInt64) -> World {
    var random = SplitMix64(seed: seed)
    var components = RandomVectors.gaussian(count: count, dimensions: dimensions, seed: seed)
    for row in 0..<count {
      let length = Float(
        sign: .plus, exponent: Int(random.nextGaussian() * 2),
        significand: 1 + Float(random.nextUnit()))
      for j in 0..<dimensions { components[row * dimensions + j] *= length }
    }
    return World(metric, components, dimensions: dimensions)
  }

  @Test(
    "Finds the nearest of far sets where lengths differ, by seed",
    arguments: [Metric.innerProduct, .squaredEuclidean], 1...3)
  func skewedLengths(metric: Metric, seed: UInt64) throws {
    let world = Self.skewed(metric, count: 6_000, seed: seed)
    let segment = try world.opened()
    var (found, wanted) = (0, 0)
    for number in 0..<8 {
      let query = RandomVectors.gaussian(
        count: 1, dimensions: Self.dimensions, seed: 100 * seed + UInt64(number))
      let order = (0..<world.count).map { (world.distance(query, $0), $0) }
        .sorted { $0.0 < $1.0 }
      for matches in [5_000, 3_000, 600, 60] {
        let far = order.suffix(matches)
        let (neighbors, outcome) = try Self.answers(
          segment, query, .init(k: 10, efSearch: 64), far.map(\.1), world.ids)
        #expect(neighbors.count == 10)
        let right = Set(far.prefix(10).map { world.ids[$0.1] })
        found += neighbors.count { right.contains($0.id) }
        wanted += 10
        // Precise distances, in the order of answers.
        #expect(zip(neighbors, neighbors.dropFirst()).allSatisfy { Neighbor.precedes($0, $1) })
        #expect(outcome.rerankedRows >= 10)
      }
    }
    #expect(Double(found) >= 0.95 * Double(wanted), "\(found) of \(wanted)")
  }

  @Test(
    "As many as are asked for, from one to all", arguments: Metric.allCases, [true, false])
  func counts(metric: Metric, isCoarse: Bool) throws {
    var world = Self.skewed(metric, count: 3_000, seed: 5)
    if isCoarse { world.options.codes = .int4 }
    let segment = try world.opened()
    let query = RandomVectors.gaussian(count: 1, dimensions: Self.dimensions, seed: 6)
    let rows = (0..<world.count).filter { $0 % 7 != 0 }
    let order = rows.map { (distance: world.distance(query, $0), id: world.ids[$0]) }
      .sorted { $0.distance < $1.distance }
    for k in [1, 2, 40, 41, 1_000, rows.count - 1, rows.count, 9_999] {
      let (neighbors, outcome) = try Self.answers(
        segment, query, .init(k: k, efSearch: 16), rows, world.ids)
      let count = min(k, rows.count)
      #expect(neighbors.count == count && outcome.rerankedRows >= count)
      #expect(Set(neighbors.map(\.id)).count == count)
      let right = Set(order.prefix(count).map(\.id))
      let found = neighbors.count { right.contains($0.id) }
      #expect(found * 100 >= count * 95, "\(found) of \(count)")
      #expect(zip(neighbors, neighbors.dropFirst()).allSatisfy { Neighbor.precedes($0, $1) })
    }
  }

  @Test(
    "Of many copies of the nearest row, as many as are asked for, by id",
    arguments: Metric.allCases,
    [CodeKind.int8, .int4])
  func ties(metric: Metric, codes: CodeKind) throws {
    // Few rows, each of them many times over.
    let some = RandomVectors.gaussian(count: 3, dimensions: Self.dimensions, seed: 8)
    var world = World(
      metric, (0..<1_500).flatMap { _ in some }, dimensions: Self.dimensions)
    world.options.codes = codes
    let segment = try world.opened()
    let rows = Array(0..<world.count)
    for place in 0..<3 {
      let query = world.row(place).map { $0 * -1.25 }
      let (neighbors, _) = try Self.answers(
        segment, query, .init(k: 25, efSearch: 64), rows, world.ids)
      let nearest = rows.min { world.distance(query, $0) < world.distance(query, $1) } ?? 0
      let alike = Set(rows.filter { $0 % 3 == nearest % 3 }.map { world.ids[$0] })
      #expect(
        Set(neighbors.map(\.id)).count == 25 && neighbors.allSatisfy { alike.contains($0.id) })
      #expect(zip(neighbors, neighbors.dropFirst()).allSatisfy { Neighbor.precedes($0, $1) })
      let (again, _) = try Self.answers(
        segment, query, .init(k: 25, efSearch: 64), rows, world.ids)
      #expect(again == neighbors)
    }
  }

  @Test(
    "A stated number of rows is ranked, or none", arguments: Metric.allCases,
    [CodeKind.int8, .int4])
  func stated(metric: Metric, codes: CodeKind) throws {
    var world = Self.skewed(metric, count: 4_000, seed: 12)
    world.options.codes = codes
    let segment = try world.opened()
    let query = RandomVectors.gaussian(count: 1, dimensions: Self.dimensions, seed: 13)
    let rows = Array(0..<world.count)
    let order = rows.map { (distance: world.distance(query, $0), id: world.ids[$0]) }
      .sorted { $0.distance < $1.distance }
    for candidates in [0, 1, 50, 3_000, 100_000] {
      let (neighbors, outcome) = try Self.answers(
        segment, query, .init(k: 10, efSearch: 64, rerankCandidates: candidates), rows, world.ids)
      #expect(neighbors.count == 10)
      #expect(outcome.rerankedRows == (candidates == 0 ? 0 : min(max(10, candidates), 4_000)))
      guard candidates >= 3_000 else { continue }
      #expect(neighbors.map(\.id) == order.prefix(10).map(\.id))
    }
  }

  @Test("The nearest are kept whatever the order they come in")
  func kept() {
    var random = SplitMix64(seed: 3)
    for capacity in [1, 2, 10, 33] {
      let all = (0..<200).map { Neighbor(id: UInt64($0), distance: Float(random.next(below: 40))) }
      var list = [Neighbor](repeating: Neighbor(id: 0, distance: 0), count: capacity)
      var count = 0
      for neighbor in all {
        unsafe keepNearest(&list, count: &count, capacity: capacity, neighbor)
        #expect(count <= capacity)
        #expect(list.prefix(count).allSatisfy { !Neighbor.precedes(list[0], $0) })
      }
      #expect(
        list.sorted(by: Neighbor.precedes)
          == Array(all.sorted(by: Neighbor.precedes).prefix(capacity)))
    }
  }
}
