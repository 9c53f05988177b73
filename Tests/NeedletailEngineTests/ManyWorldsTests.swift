import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

/// Random small worlds by seed: built, opened in full, searched and held against exact answers.
@Suite("Many worlds")
struct ManyWorldsTests {
  @Test("Any options, rows and metric give a sound index that finds what is there")
  func worlds() throws {
    for seed in 0..<UInt64(Effort.count(60, long: 5_000)) {
      var random = SplitMix64(seed: seed)
      let dimensions = 1 + Int(random.next(below: 70))
      let metric = Metric.allCases[Int(random.next(below: 3))]
      var options = BuildOptions(dimensions: dimensions, metric: metric)
      options.graph.m = 2 + Int(random.next(below: 20))
      options.graph.efConstruction = 1 + Int(random.next(below: 120))
      options.graph.seed = seed
      options.graph.keepsPruned = random.next(below: 4) == 0
      options.graph.extendsCandidates = random.next(below: 4) == 0
      options.precise = PreciseKind.allCases[Int(random.next(below: 3)) + 1]
      options.codes = random.next(below: 5) == 0 ? .none : .int8
      let count = Int(random.next(below: 700))
      var components: [Float] = []
      // A few centres, so that there are near rows and copies; whole numbers now and then.
      let isWhole = random.next(below: 4) == 0
      let centres = 1 + Int(random.next(below: 20))
      for _ in 0..<count {
        var place = SplitMix64(seed: seed &+ random.next(below: UInt64(centres)) &* 7_919)
        let noise = random.next(below: 5) == 0 ? 0 : 0.2
        for _ in 0..<dimensions {
          let value = place.nextUnit() * 2 - 1 + noise * (random.nextUnit() - 0.5)
          components.append(isWhole ? Float((value * 90).rounded()) : Float(value))
        }
        // No row is all zeros: cosine refuses it.
        components[components.count - dimensions] += isWhole ? 128 : 3
      }
      let rows = try VectorMatrix(components, dimensions: dimensions)
      var findings = RowFindings()
      try findings.add(rows, dimensions: dimensions, metric: metric)
      let fileSystem = InMemoryFileSystem()
      try OpenGeneration.create(
        "index", in: fileSystem,
        SegmentOrder(
          options: options, rows: [rows], ids: (0..<UInt64(count)).map { $0 &* 3 },
          findings: findings, threads: 1 + Int(random.next(below: 3)), monitor: nil),
        identity: Array(repeating: 1, count: 16))
      let segment = try OpenGeneration.open(
        "index", in: fileSystem, placements: Placements(), verification: .full
      ).segment
      #expect(segment.count == count, "seed \(seed)")
      #expect(segment.graphShape().unreachable == 0, "seed \(seed)")
      guard count > 0 else { continue }
      let k = 1 + Int(random.next(below: 12))
      let query = rows[Int(random.next(below: UInt64(count)))]
      let found = try segment.answers(query, .init(k: k, efSearch: count)).neighbors
      #expect(found.count == min(k, count), "seed \(seed)")
      #expect(Set(found.map(\.id)).count == found.count, "seed \(seed)")
      #expect(found.allSatisfy { $0.id % 3 == 0 && $0.id < UInt64(count) * 3 }, "seed \(seed)")
      let nearest = Self.nearestDistance(rows, query, metric)
      let slack = 0.02 * max(1, abs(nearest)) + 0.02 * Self.scale(rows, query, metric)
      #expect(Double(found[0].distance) <= nearest + slack, "seed \(seed), \(metric)")
    }
  }

  private static func nearestDistance(
    _ rows: VectorMatrix, _ query: [Float], _ metric: Metric
  ) -> Double {
    (0..<rows.count).map { distance(rows[$0], query, metric) }.min() ?? .infinity
  }

  private static func scale(_ rows: VectorMatrix, _ query: [Float], _ metric: Metric) -> Double {
    guard metric != .cosine else { return 1 }
    return query.reduce(0) { $0 + Double($1) * Double($1) }
  }

  private static func distance(_ a: [Float], _ b: [Float], _ metric: Metric) -> Double {
    var product = 0.0
    var first = 0.0
    var second = 0.0
    var square = 0.0
    for (x, y) in zip(a, b) {
      product += Double(x) * Double(y)
      first += Double(x) * Double(x)
      second += Double(y) * Double(y)
      square += (Double(x) - Double(y)) * (Double(x) - Double(y))
    }
    switch metric {
    case .squaredEuclidean: return square
    case .innerProduct: return -product
    case .cosine: return 1 - product / (first * second).squareRoot()
    }
  }
}
