import Needletail
import Synchronization
import Testing
import _NeedletailTestSupport

@Suite("Batches and threads")
struct BatchSearchTests {
  @Test(
    "A batch answers as single searches do, for any number of threads", arguments: Metric.allCases)
  func batch(metric: Metric) throws {
    let (index, queries) = try IndexOnDisk.clusters(metric)
    let options = SearchOptions(efSearch: 50)
    let single = try (0..<queries.count).map {
      try index.snapshot.search(queries[$0], k: 7, options: options)
    }
    for threads in 1...4 {
      let results = try index.snapshot.search(
        batch: queries, k: 7, options: options, threads: threads)
      #expect(results.map(\.neighbors) == single.map(\.neighbors))
      #expect(results.map(\.completion) == single.map(\.completion))
      #expect(results.map(\.statistics) == single.map(\.statistics))
      var neighbors = [Neighbor](repeating: Neighbor(id: 0, distance: 0), count: 3)
      var counts = [99]
      let sums = try index.snapshot.search(
        batch: queries, k: 7, options: options, threads: threads, into: &neighbors, counts: &counts)
      #expect(neighbors == single.flatMap(\.neighbors))
      #expect(counts == [Int](repeating: 7, count: queries.count))
      #expect(sums.evaluations == single.reduce(0) { $0 + $1.statistics.evaluations })
      #expect(sums.hops == single.reduce(0) { $0 + $1.statistics.hops })
      #expect(sums.efSearch == 50)
    }
  }

  @Test("Every element type of queries is widened")
  func elements() throws {
    let d = 24
    let (index, _) = try IndexOnDisk.clusters(.squaredEuclidean, dimensions: d)
    let directory = try TemporaryDirectory()
    var random = SplitMix64(seed: 3)
    let whole = try VectorMatrix(
      (0..<(20 * d)).map { _ in Float(random.next(below: 100)) }, dimensions: d)
    for element in VectorMatrix.Element.allCases {
      let path = directory("queries-\(element.rawValue).npy")
      try whole.write(to: path, element: element)
      let queries = try VectorMatrix(contentsOf: path)
      #expect(queries.element == element)
      let results = try index.snapshot.search(batch: queries, k: 5, threads: 2)
      for i in 0..<20 {
        #expect(try results[i].neighbors == index.snapshot.search(whole[i], k: 5).neighbors)
      }
    }
  }

  @Test("An error names its query")
  func naming() throws {
    let (index, queries) = try IndexOnDisk.clusters(.cosine)
    var components = (0..<queries.count).flatMap { queries[$0] }
    components[17 * 24 + 3] = .nan
    let damaged = try VectorMatrix(components, dimensions: 24)
    for threads in 1...3 {
      let error = failure { _ = try index.snapshot.search(batch: damaged, k: 3, threads: threads) }
      #expect(error?.code == .nonFiniteComponent)
      #expect(error?.message.contains("17") == true, "\(error?.message ?? "")")
      #expect(error?.message.contains("3") == true)
    }
    for j in 0..<24 { components[17 * 24 + j] = 0 }
    let zero = try VectorMatrix(components, dimensions: 24)
    #expect(failure { _ = try index.snapshot.search(batch: zero, k: 3) }?.code == .zeroVector)
    #expect(
      failure { _ = try index.snapshot.search(batch: queries, k: 3, threads: 0) }?.code
        == .invalidConfiguration)
  }

  @Test("An empty batch has no answers, a batch on few rows short ones")
  func edges() throws {
    let index = try IndexOnDisk(
      .squaredEuclidean, RandomVectors.gaussian(count: 3, dimensions: 4, seed: 1), dimensions: 4)
    let empty = try VectorMatrix([], dimensions: 4)
    #expect(try index.snapshot.search(batch: empty, k: 5, threads: 3).isEmpty)
    let two = try VectorMatrix([0, 0, 0, 0, 1, 1, 1, 1], dimensions: 4)
    let results = try index.snapshot.search(batch: two, k: 5, threads: 3)
    #expect(results.map(\.neighbors.count) == [3, 3])
    #expect(!results.contains { !$0.completion.isComplete })
  }

  @Test("Many threads search one snapshot at once")
  func concurrent() async throws {
    for (metric, codes, precise) in [
      (Metric.cosine, CodeKind.int8, PreciseRows.float32), (.innerProduct, .int8, .none),
      (.squaredEuclidean, .none, .bfloat16),
    ] {
      let (index, queries) = try IndexOnDisk.clusters(metric, codes: codes, precise: precise)
      let snapshot = index.snapshot
      let expected = try snapshot.search(batch: queries, k: 5).map(\.neighbors)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for task in 0..<8 {
          group.addTask {
            for i in 0..<queries.count {
              let query = (i * 7 + task) % queries.count
              #expect(try snapshot.search(queries[query], k: 5).neighbors == expected[query])
            }
            if task % 3 == 0 {
              let found = try snapshot.search(batch: queries, k: 5, threads: 2).map(\.neighbors)
              #expect(found == expected)
            }
            if precise != .none { _ = try snapshot.export(index.ids[task]) }
            _ = snapshot.information
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test("Indexes of all shapes share a thread's scratch")
  func scratch() throws {
    // Widths, dimensions and counts that grow and shrink, one after the other on this thread.
    let indexes = try [(300, 8), (30, 200), (1_200, 4), (2, 1), (500, 64)].map { count, d in
      try IndexOnDisk(
        .squaredEuclidean, RandomVectors.gaussian(count: count, dimensions: d, seed: 3),
        dimensions: d, m: 4)
    }
    for round in 0..<6 {
      for index in indexes {
        let row = (round * 13) % index.count
        let options = SearchOptions(efSearch: [16, 400, 64][round % 3])
        let found = try index.snapshot.search(index.row(row), k: 1, options: options)
        #expect(found.neighbors[0].id == index.ids[row])
      }
    }
  }
}
