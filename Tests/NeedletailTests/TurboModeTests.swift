import CMallocCount
import Needletail
import Testing
import _NeedletailTestSupport

/// Turbo mode as a caller sees it.
@Suite("Turbo mode, from outside")
struct TurboModeTests {
  /// An index on disk that goes with the value.
  private struct Index {
    let directory: TemporaryDirectory
    let snapshot: Snapshot
    let rows: VectorMatrix
    let queries: VectorMatrix
  }

  private static func configuration(_ metric: Metric, _ mode: IndexMode)
    -> VectorIndex.Configuration
  {
    var configuration = VectorIndex.Configuration(dimensions: 40, metric: metric)
    configuration.mode = mode
    configuration.graph.efConstruction = 60
    return configuration
  }

  private static func index(_ metric: Metric, _ mode: IndexMode) throws -> Index {
    let all = RandomVectors.clusters(count: 1_240, dimensions: 40, spread: 0.5, seed: 12)
    let rows = try VectorMatrix(Array(all.prefix(1_200 * 40)), dimensions: 40)
    let directory = try TemporaryDirectory()
    let index = try VectorIndex.create(
      at: directory("index"), configuration: configuration(metric, mode))
    var writer = try index.makeWriter()
    try writer.add(rows, ids: 0..<1_200)
    return Index(
      directory: directory, snapshot: try writer.commit(threads: 2), rows: rows,
      queries: try VectorMatrix(Array(all.suffix(40 * 40)), dimensions: 40))
  }

  @Test("Nothing is chosen unless it is asked for")
  func choice() throws {
    for mode in IndexMode.allCases {
      let information = try Self.index(.cosine, mode).snapshot.information
      #expect(information.mode == (mode == .turbo ? .turbo : .compact))
      #expect(information.codes != .automatic)
    }
  }

  @Test(
    "Memory is predicted to the byte, links aside", arguments: [Metric.cosine, .squaredEuclidean])
  func prediction(metric: Metric) throws {
    let actual = try Self.index(metric, .turbo).snapshot.memory
    let predicted = try VectorIndex.predict(
      count: 1_200, configuration: Self.configuration(metric, .turbo))
    #expect(predicted.codes == actual.codes && actual.codes == 1_200 * (64 + 256 + 128 + 64))
    #expect(predicted.preciseRows == actual.preciseRows)
    #expect(predicted.quantizer == actual.quantizer && predicted.ids == actual.ids)
    #expect(abs(predicted.graph - actual.graph) * 33 <= actual.graph)
    // Bytes are not coded without loss here, and their rows are kept: half precision holds them.
    let bytes = try VectorIndex.predict(
      count: 10, configuration: Self.configuration(.squaredEuclidean, .turbo), element: .uint8)
    #expect(bytes.preciseRows == 10 * 40 * 2)
  }

  @Test("Finds nearly what compact mode finds, one by one and in a batch")
  func answers() throws {
    let turbo = try Self.index(.cosine, .turbo)
    let compact = try Self.index(.cosine, .compact).snapshot
    let options = SearchOptions(efSearch: 120)
    let batch = try turbo.snapshot.search(batch: turbo.queries, k: 10, options: options, threads: 2)
    var shared = 0
    for i in 0..<turbo.queries.count {
      let found = try turbo.snapshot.search(turbo.queries[i], k: 10, options: options)
      #expect(batch[i].neighbors.map(\.id) == found.neighbors.map(\.id))
      let wanted = try compact.search(turbo.queries[i], k: 10, options: options)
      shared += Set(wanted.neighbors.map(\.id)).intersection(found.neighbors.map(\.id)).count
    }
    #expect(shared >= 380)
  }

  @Test("A search takes no memory once its thread has what it needs")
  func allocations() throws {
    let index = try Self.index(.squaredEuclidean, .turbo)
    let rows = (0..<index.queries.count).map { index.queries[$0] }
    var neighbors = [Neighbor](repeating: Neighbor(id: 0, distance: 0), count: 10)
    var counted: UInt64 = 0
    for round in 0..<3 {
      for row in rows {
        var answers = neighbors.mutableSpan
        let before = ndl_test_allocation_count()
        let outcome = try index.snapshot.search(
          row.span, k: 10, options: SearchOptions(efSearch: 60), into: &answers)
        if round > 0 { counted += ndl_test_allocation_count() - before }
        #expect(outcome.count == 10)
      }
    }
    #expect(counted == 0)
  }

  @Test("Tuning measures it like any other index")
  func tuning() throws {
    let index = try Self.index(.cosine, .turbo)
    let tuned = try VectorIndex.open(at: index.directory("index")).tune()
    let outcome = try tuned.search(index.queries[0], k: 10, options: SearchOptions(recall: 0.9))
    #expect(outcome.neighbors.count == 10)
  }

  @Test("What it cannot be is refused before anything is made")
  func refusals() throws {
    let directory = try TemporaryDirectory()
    func refusal(_ change: (inout VectorIndex.Configuration) -> Void) -> NeedletailError? {
      var configuration = Self.configuration(.cosine, .turbo)
      change(&configuration)
      return failure {
        _ = try VectorIndex.create(at: directory("index"), configuration: configuration)
      }
    }
    #expect(refusal { $0.metric = .innerProduct }?.message.contains("inner product") == true)
    #expect(refusal { $0.codes = .none }?.code == .invalidConfiguration)
    #expect(refusal { $0.codes = .int4 }?.code == .invalidConfiguration)
    #expect(refusal { $0.graph.m = 24 }?.message.contains("m is 24") == true)
    #expect(refusal { $0.graph.m = 32 } == nil)
  }
}
