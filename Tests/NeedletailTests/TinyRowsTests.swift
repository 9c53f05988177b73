import Needletail
import Testing
import _NeedletailTestSupport

/// Rows whose distances `Float` can hardly tell apart, or not at all.
@Suite("Rows that are too short to build an index of")
struct TinyRowsTests {
  private static let dimensions = 16
  private let home: TemporaryDirectory

  init() throws { home = try TemporaryDirectory() }

  struct Case: Sendable, CustomTestStringConvertible {
    var metric: Metric
    var scale: Float
    var mode = IndexMode.automatic
    var codes = CodeKind.automatic
    var testDescription: String { "\(metric) \(scale) \(mode) \(codes)" }
  }

  static let scales: [Float] = [1e-20, 1e-24, 1e-30, 0x1p-127, 0x1p-146]
  static let cases =
    [Metric.squaredEuclidean, .innerProduct].flatMap { metric in
      scales.flatMap { scale in
        [Case(metric: metric, scale: scale), Case(metric: metric, scale: scale, codes: .int4)]
      }
    }
    // There is none for inner products.
    + scales.map { Case(metric: .squaredEuclidean, scale: $0, mode: .turbo) }

  @Test("They can be sealed, searched and opened anew", arguments: cases)
  func sealed(given: Case) throws {
    let d = Self.dimensions
    let rows = RandomVectors.clusters(count: 700, dimensions: d, seed: 1).map { $0 * given.scale }
    let matrix = try VectorMatrix(rows, dimensions: d)
    let ordinary = try VectorMatrix(
      RandomVectors.clusters(count: 50, dimensions: d, seed: 2), dimensions: d)
    var configuration = VectorIndex.Configuration(dimensions: d, metric: given.metric)
    configuration.mode = given.mode
    configuration.codes = given.codes
    configuration.graph.efConstruction = 60
    let index = try VectorIndex.create(at: home("index"), configuration: configuration)
    func check(_ index: VectorIndex, _ place: Comment) throws {
      let snapshot = try index.snapshot()
      #expect(snapshot.count == 700, place)
      for row in stride(from: 0, to: 700, by: 97) {
        for query in [matrix[row].map { $0 }, ordinary[0].map { $0 }] {
          let answers = try snapshot.search(query, k: 10).neighbors
          #expect(answers.count == 10 && Set(answers.map(\.id)).count == 10, place)
          #expect(answers.allSatisfy { $0.distance.isFinite && $0.id < 700 }, place)
          #expect(answers.map(\.distance) == answers.map(\.distance).sorted(), place)
        }
        // Here distances are told apart yet.
        if given.scale >= 1e-20, given.metric == .squaredEuclidean {
          #expect(try snapshot.search(matrix[row], k: 1).neighbors[0].id == UInt64(row), place)
        }
      }
    }
    try index.upsert(matrix, ids: 0..<700)
    try check(index, "live")
    try index.compact(CompactionOptions(.full))
    try check(index, "sealed")
    // What is left when all others are removed is as good.
    try index.upsert(ordinary, ids: 1_000..<1_050)
    try index.compact(CompactionOptions(.full))
    try index.remove(1_000..<1_050)
    try index.compact(CompactionOptions(.full))
    try check(index, "what is left")
    try index.stopWriting()
    #expect(try VectorIndex.verify(at: home("index")).isSound)
    try check(VectorIndex.open(at: home("index")), "opened anew")
  }

  @Test("Building an index of them is refused still")
  func built() throws {
    let rows = RandomVectors.clusters(count: 50, dimensions: Self.dimensions, seed: 1)
    let index = try VectorIndex.create(
      at: home("index"),
      configuration: VectorIndex.Configuration(
        dimensions: Self.dimensions, metric: .squaredEuclidean))
    var writer = try index.makeWriter()
    try writer.add(
      VectorMatrix(rows.map { $0 * 1e-24 }, dimensions: Self.dimensions), ids: 0..<50)
    do throws(NeedletailError) {
      _ = try writer.commit()
      Issue.record("it was built")
    } catch {
      #expect(error.code == .invalidConfiguration)
    }
  }
}
