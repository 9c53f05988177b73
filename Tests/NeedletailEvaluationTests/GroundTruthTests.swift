import NeedletailCore
import NeedletailEvaluation
import Testing
import _NeedletailTestSupport

@Suite struct GroundTruthTests {
  @Test func filesSurviveARoundTrip() throws {
    let directory = try TemporaryDirectory()
    let truth = try GroundTruth(
      rows: [3, 1, 2, 0, 5, 4], distances: [0, 1, 2, 0.5, 1.5, 2.5], width: 3)
    #expect(truth.count == 2)
    #expect(Array(truth[1]) == [0, 5, 4])
    try truth.write(to: directory("t.ibin"))
    #expect(try GroundTruth(contentsOf: directory("t.ibin")) == truth)
    for name in ["t.ivecs", "t.npy"] {
      try truth.write(to: directory(name))
      let read = try GroundTruth(contentsOf: directory(name))
      #expect(read.rows == truth.rows)
      #expect(read.distances == nil)
    }
  }

  @Test func wrongNumbersAreRefused() {
    for (rows, distances, width) in [
      ([0, 1, 2], nil, 2), ([0, -1], nil, 2), ([], nil, 0), ([0, 1], [Float(1)], 2),
    ] as [([Int], [Float]?, Int)] {
      let error = #expect(throws: NeedletailError.self) {
        try GroundTruth(rows: rows, distances: distances, width: width)
      }
      #expect(error?.code == .corrupted)
    }
  }

  @Test func madeTruthIsThatOfASlowScan() throws {
    let base = try VectorMatrix(
      RandomVectors.gaussian(count: 300, dimensions: 12, seed: 5), dimensions: 12)
    let queries = try VectorMatrix(
      RandomVectors.gaussian(count: 9, dimensions: 12, seed: 6), dimensions: 12)
    for metric in Metric.allCases {
      let truth = try GroundTruth.make(
        base: base, queries: queries, metric: metric, k: 10, threads: 2)
      #expect(truth.count == 9 && truth.width == 10)
      let distances = try #require(truth.distances)
      for query in 0..<queries.count {
        let exact = (0..<base.count).map { row in
          ExactDistance.between(queries[query], base[row], metric: metric)
        }
        let order = (0..<base.count).sorted { (exact[$0], $0) < (exact[$1], $1) }
        #expect(Array(truth[query]) == Array(order.prefix(10)))
        for rank in 0..<10 {
          #expect(abs(Double(distances[query * 10 + rank]) - exact[order[rank]]) < 1e-5)
        }
      }
    }
  }

  @Test func aWiderTruthThanTheBaseHoldsEveryRow() throws {
    let base = try VectorMatrix([1, 2, 3], dimensions: 1)
    let truth = try GroundTruth.make(
      base: base, queries: base, metric: .squaredEuclidean, k: 10, threads: 1)
    #expect(truth.width == 3)
    #expect(Array(truth[2]) == [2, 1, 0])
  }
}
