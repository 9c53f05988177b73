import Foundation
import NeedletailCore
import NeedletailEvaluation
import Synchronization
import Testing
import _NeedletailTestSupport

/// An engine that looks at the first `efSearch` rows only; so its recall and work are known.
private final class PrefixScan: SearchTarget, Sendable {
  let base: VectorMatrix
  let metric: Metric
  let calls = Mutex(0)

  init(_ base: VectorMatrix, metric: Metric) {
    self.base = base
    self.metric = metric
  }

  var count: Int { base.count }
  var dimensions: Int { base.dimensions }

  func search(
    _ query: [Float], k: Int, efSearch: Int, into neighbors: inout [Neighbor]
  ) throws(NeedletailError) -> Int {
    let all = (0..<min(count, efSearch)).map { row in
      Neighbor(
        id: VectorID(row),
        distance: Float(ExactDistance.between(query, base[row], metric: metric)))
    }
    let best = all.sorted(by: Neighbor.precedes).prefix(k)
    for (rank, neighbor) in best.enumerated() { neighbors[rank] = neighbor }
    return best.count
  }

  func search(
    batch queries: VectorMatrix, k: Int, efSearch: Int, threads: Int,
    into neighbors: inout [Neighbor], counts: inout [Int]
  ) throws(NeedletailError) -> SearchWork {
    calls.withLock { $0 += 1 }
    var row = [Neighbor](repeating: Neighbor(id: 0, distance: 0), count: k)
    for query in 0..<queries.count {
      counts[query] = try search(queries[query], k: k, efSearch: efSearch, into: &row)
      for rank in 0..<k { neighbors[query * k + rank] = row[rank] }
    }
    return SearchWork(
      evaluations: queries.count * min(count, efSearch), hops: queries.count * 3)
  }
}

@Suite struct EvaluationTests {
  private let base: VectorMatrix
  private let queries: VectorMatrix
  private let truth: GroundTruth

  init() throws {
    let base = try VectorMatrix(
      RandomVectors.gaussian(count: 40, dimensions: 4, seed: 1), dimensions: 4)
    let queries = try VectorMatrix(
      RandomVectors.gaussian(count: 25, dimensions: 4, seed: 2), dimensions: 4)
    var rows: [Int] = []
    for query in 0..<queries.count {
      let distances = (0..<base.count).map { row in
        ExactDistance.between(queries[query], base[row], metric: .squaredEuclidean)
      }
      rows += (0..<base.count).sorted { distances[$0] < distances[$1] }.prefix(5)
    }
    truth = try GroundTruth(rows: rows, width: 5)
    self.base = base
    self.queries = queries
  }

  private func judge() throws(NeedletailError) -> RecallJudge {
    try RecallJudge(
      rows: base, basis: .base, rowCount: base.count, queries: queries, groundTruth: truth,
      metric: .squaredEuclidean, k: 5)
  }

  private func report(_ widths: [Int]) throws -> EvaluationReport {
    var options = EvaluationOptions(efSearch: widths)
    options.k = 5
    let outcome = try Evaluation.run(
      PrefixScan(base, metric: .squaredEuclidean), queries: queries, options: options, judge: judge)
    return EvaluationReport(
      outcome, options: options, queries: queries.count,
      files: .init(queries: "q.fbin", groundTruth: "t.ibin", base: "b.fbin"),
      machine: .current(), memoryBefore: nil,
      index: .init(
        path: "x", count: 40, dimensions: 4, metric: "l2", properties: [:], components: []))
  }

  @Test func pointsTellRecallAndWork() throws {
    let points = try report([10, 40]).points
    #expect(points.map(\.efSearch) == [10, 40])
    #expect(points[0].recall < 0.6)
    #expect(points[1].recall == 1)
    #expect(points.map(\.evaluationsPerQuery) == [10, 40])
    #expect(points.map(\.hopsPerQuery) == [3, 3])
    for point in points {
      #expect(point.queriesPerSecond >= point.medianQueriesPerSecond)
      #expect(point.medianQueriesPerSecond > 0)
      #expect(point.p50Microseconds > 0)
      #expect(point.p50Microseconds <= point.p95Microseconds)
      #expect(point.p95Microseconds <= point.p99Microseconds)
      #expect(point.p99Microseconds <= point.p999Microseconds)
    }
  }

  @Test func eachWidthRunsOnceToWarmUpAndThenRepeatedly() throws {
    let target = PrefixScan(base, metric: .squaredEuclidean)
    var options = EvaluationOptions(efSearch: [5, 8])
    options.k = 5
    options.repeats = 4
    _ = try Evaluation.run(target, queries: queries, options: options, judge: judge)
    #expect(target.calls.withLock { $0 } == 2 * 5)
  }

  @Test func theJudgeIsMadeAfterTheLastSearch() throws {
    let target = PrefixScan(base, metric: .squaredEuclidean)
    var options = EvaluationOptions(efSearch: [5])
    options.k = 5
    _ = try Evaluation.run(target, queries: queries, options: options) {
      () throws(NeedletailError) in
      #expect(target.calls.withLock { $0 } == 4)
      return try judge()
    }
  }

  @Test func cancellingStopsTheRun() throws {
    let monitor = WorkMonitor()
    monitor.cancel()
    let error = #expect(throws: NeedletailError.self) {
      try Evaluation.run(
        PrefixScan(base, metric: .squaredEuclidean), queries: queries,
        options: EvaluationOptions(efSearch: [5]), monitor: monitor, judge: judge)
    }
    #expect(error?.code == .cancelled)
  }

  @Test func nothingToMeasureIsRefused() throws {
    func code(_ change: (inout EvaluationOptions) -> Void, dimensions: Int = 4) throws
      -> NeedletailError.Code?
    {
      var options = EvaluationOptions(efSearch: [8])
      change(&options)
      let questions = try VectorMatrix(
        [Float](repeating: 1, count: dimensions), dimensions: dimensions)
      let target = PrefixScan(base, metric: .squaredEuclidean)
      let error = #expect(throws: NeedletailError.self) {
        try Evaluation.run(target, queries: questions, options: options, judge: judge)
      }
      return error?.code
    }
    #expect(try code { $0.k = 0 } == .invalidConfiguration)
    #expect(try code { $0.repeats = 0 } == .invalidConfiguration)
    #expect(try code { $0.threads = 0 } == .invalidConfiguration)
    #expect(try code { $0.efSearch = [] } == .invalidConfiguration)
    #expect(try code { $0.efSearch = [0] } == .invalidConfiguration)
    #expect(try code { $0.k = .max } == .capacityExceeded)
    #expect(try code({ _ in }, dimensions: 3) == .dimensionMismatch)
  }

  @Test func theJSONHasExactlyTheKeysThatScriptsRelyOn() throws {
    let data = try JSONEncoder().encode(try report([8]))
    let document = try #require(
      try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let points = try #require(document["points"] as? [[String: Any]])
    #expect(
      Set(points[0].keys) == [
        "efSearch", "recall", "queriesPerSecond", "medianQueriesPerSecond", "p50Microseconds",
        "p95Microseconds", "p99Microseconds", "p999Microseconds", "evaluationsPerQuery",
        "hopsPerQuery",
      ])
    #expect(document["recallJudgedOn"] as? String == "base")
    #expect(document["k"] as? Int == 5)
    #expect(document["threads"] as? Int == 1)
    #expect(document["repeats"] as? Int == 3)
    #expect(document["queries"] as? Int == 25)
    let machine = try #require(document["machine"] as? [String: Any])
    #expect((machine["kernelLevel"] as? String)?.isEmpty == false)
    #expect((machine["processor"] as? String)?.isEmpty == false)
    #if os(Linux)
      let memory = try #require(document["memory"] as? [String: Any])
      let after = try #require(memory["after"] as? [String: Any])
      #expect((after["anonymousBytes"] as? Int ?? 0) > 0)
      #expect((after["fileBackedBytes"] as? Int ?? 0) > 0)
    #endif
  }

  @Test func theReportSurvivesARoundTrip() throws {
    let report = try report([8, 16])
    let decoded = try JSONDecoder().decode(
      EvaluationReport.self, from: try JSONEncoder().encode(report))
    #expect(decoded == report)
  }
}

@Suite struct MeasurementTests {
  @Test func percentilesOfKnownTimes() {
    var recorder = LatencyRecorder()
    #expect(recorder.microseconds(atPercentile: 50) == 0)
    for microseconds in 1...1000 { recorder.record(nanoseconds: UInt64(microseconds) * 1000) }
    #expect(recorder.count == 1000)
    for (percentile, expected) in [(50.0, 500.0), (95, 950), (99, 990), (99.9, 999)] {
      let found = recorder.microseconds(atPercentile: percentile)
      #expect(abs(found - expected) <= expected * 0.002)
    }
  }

  @Test func timesBeyondTheRangeAreKeptAtItsEnds() {
    var recorder = LatencyRecorder()
    recorder.record(nanoseconds: 0)
    recorder.record(nanoseconds: .max)
    #expect(recorder.count == 2)
    #expect(recorder.microseconds(atPercentile: 100) >= 3.5e9)
  }

  @Test func smapsRollupIsRead() {
    let text = """
      55fab54d8000-7ffd51249000 ---p 00000000 00:00 0    [rollup]
      Rss:                2020 kB
      Pss:                 660 kB
      Anonymous:           152 kB
      """
    let memory = ResidentMemory.parse(smapsRollup: text)
    #expect(memory?.anonymousBytes == 152 * 1024)
    #expect(memory?.fileBackedBytes == 1868 * 1024)
    #expect(ResidentMemory.parse(smapsRollup: "") == nil)
    #expect(ResidentMemory.parse(smapsRollup: "Rss: x kB\nAnonymous: 1 kB") == nil)
    #expect(ResidentMemory.parse(smapsRollup: "Rss: 1 kB\nAnonymous: 2 kB") == nil)
  }

  @Test func anonymousMemoryGrowsWithWhatIsAllocated() throws {
    #if os(Linux)
      let before = try #require(ResidentMemory.current())
      // Much, because tests beside this one give back what they have.
      let bytes = [UInt8](repeating: 1, count: 512 << 20)
      let after = try #require(ResidentMemory.current())
      #expect(after.anonymousBytes - before.anonymousBytes > 48 << 20)
      #expect(bytes[bytes.count / 2] == 1)
    #endif
  }

  @Test func numbersReadWell() {
    #expect(Numerals.fixed(0.95349, 3) == "0.953")
    #expect(Numerals.fixed(-0.04, 1) == "0.0")
    #expect(Numerals.fixed(-12.35, 1) == "-12.4" || Numerals.fixed(-12.35, 1) == "-12.3")
    #expect(Numerals.fixed(.nan, 2) == "–")
    #expect(Numerals.grouped(1_234_567) == "1,234,567")
    #expect(Numerals.grouped(-1234) == "-1,234")
    #expect(Numerals.grouped(.min).hasPrefix("-9,223,"))
    #expect(Numerals.bytes(999) == "999 B")
    #expect(Numerals.bytes(1000) == "1.0 kB")
    #expect(Numerals.bytes(128_000_000) == "128 MB")
    #expect(Numerals.duration(.milliseconds(850)) == "850 ms")
    #expect(Numerals.duration(.seconds(200)) == "3 min 20 s")
    #expect(Numerals.measured(12434.4) == "12,434")
    #expect(Numerals.measured(87.25) == "87.3" || Numerals.measured(87.25) == "87.2")
  }
}
