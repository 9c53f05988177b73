import Foundation
import Needletail
import Testing
import _NeedletailTestSupport

@Suite("Warm-up")
struct WarmUpTests {
  private static let dimensions = 96

  /// An index of several segments, closed again, and its directory.
  private static func build(
    _ counts: [Int], in directory: TemporaryDirectory, codes: CodeKind = .int8
  ) throws -> [Float] {
    let all = RandomVectors.clusters(
      count: counts.reduce(40, +), dimensions: dimensions, spread: 0.5, seed: 3)
    var configuration = VectorIndex.Configuration(
      dimensions: dimensions, metric: .squaredEuclidean)
    configuration.graph.m = 8
    configuration.graph.efConstruction = 24
    configuration.codes = codes
    let index = try VectorIndex.create(at: directory("index"), configuration: configuration)
    var first = 0
    for count in counts {
      var writer = try index.makeWriter()
      let rows = Array(all[(first * dimensions)..<((first + count) * dimensions)])
      try writer.add(
        VectorMatrix(rows, dimensions: dimensions), ids: (first..<(first + count)).map(UInt64.init))
      _ = try writer.commit()
      first += count
    }
    return all
  }

  private static func queries(_ all: [Float]) throws -> VectorMatrix {
    try VectorMatrix(Array(all.suffix(40 * dimensions)), dimensions: dimensions)
  }

  /// Takes the files of segments out of the cache, and says whether that was possible.
  private static func evict(_ directory: TemporaryDirectory) throws -> Bool {
    let folder = directory("index/segments")
    return try FileManager.default.contentsOfDirectory(atPath: folder)
      .allSatisfy { Eviction.evict(folder + "/" + $0) }
  }

  private static var mapped: OpenOptions {
    var options = OpenOptions()
    options.codes = .mapped
    options.graph = .mapped
    options.ids = .mapped
    return options
  }

  @Test("All of a cold index is in memory afterwards", arguments: [CodeKind.int8, .none])
  func cold(codes: CodeKind) throws {
    let directory = try TemporaryDirectory()
    let all = try Self.build([4_000, 1_500], in: directory, codes: codes)
    let snapshot = try VectorIndex.open(at: directory("index"), options: Self.mapped).snapshot()
    // Once it is open: to open it, the system may have read all of it ahead.
    let isEvicted = try Self.evict(directory)
    let before = try snapshot.warmUp(within: .zero)
    #expect(before.isCutShort && before.touchedByteCount == 0 && before.rounds == 0)
    if isEvicted { #expect(before.residency < 0.9) }
    let report = try snapshot.warmUp(queries: try Self.queries(all))
    #expect(!report.isCutShort && report.residency == 1)
    #expect(report.touchedByteCount == report.byteCount && report.byteCount == before.byteCount)
    #expect(report.lockedByteCount == 0)
    #expect(report.rounds >= 2 && report.searches == 40 * report.rounds)
    let (p50, p95, p99) = (
      try #require(report.p50), try #require(report.p95), try #require(report.p99)
    )
    #expect(.zero < p50 && p50 <= p95 && p95 <= p99 && p99 < report.duration)
    // All components are counted.
    let memory = snapshot.memory
    #expect(report.byteCount >= memory.codes + memory.graph + memory.ids + memory.preciseRows)
    #expect(report.byteCount <= memory.total + 4_096)
  }

  @Test("A time that ends early is said, and kept to")
  func cutShort() throws {
    let directory = try TemporaryDirectory()
    let all = try Self.build([2_000], in: directory)
    let snapshot = try VectorIndex.open(at: directory("index")).snapshot()
    let queries = try Self.queries(all)
    for time in [Duration.zero, .nanoseconds(1), .microseconds(-5)] {
      let report = try snapshot.warmUp(queries: queries, within: time)
      #expect(report.isCutShort && report.searches == 0 && !report.isSettled)
      #expect(report.p95 == nil && report.touchedByteCount == 0)
    }
    // Rounds that go on: half a million searches take longer than the time.
    var options = SearchOptions(efSearch: 200)
    options.rerank = .precise(candidates: 200)
    let many = try VectorMatrix(
      (0..<2_000).flatMap { _ in Array(all.prefix(96)) }, dimensions: Self.dimensions)
    let report = try snapshot.warmUp(queries: many, options: options, within: .milliseconds(30))
    #expect(report.isCutShort != report.isSettled)
    if report.isCutShort { #expect(report.duration >= .milliseconds(30)) }
    if report.searches > 0 { #expect(report.p95 != nil) }
  }

  @Test("What is in memory may be locked; a limit is no failure")
  func locking() throws {
    let directory = try TemporaryDirectory()
    _ = try Self.build([2_000, 300], in: directory)
    for options in [OpenOptions(), Self.mapped] {
      let snapshot = try VectorIndex.open(at: directory("index"), options: options).snapshot()
      let report = try snapshot.warmUp(locking: true)
      #expect(!report.isCutShort && report.residency == 1)
      #expect((0...report.byteCount).contains(report.lockedByteCount))
      // Under any limit that allows something: the smallest components come first or last.
      if report.lockedByteCount == 0 { #expect(report.touchedByteCount == report.byteCount) }
      #expect(report.p50 == nil && report.rounds == 0 && !report.isSettled)
    }
  }

  @Test("Rows in memory count, and so does what is there of an index without rows")
  func live() throws {
    let directory = try TemporaryDirectory()
    let configuration = VectorIndex.Configuration(dimensions: 8, metric: .cosine)
    let index = try VectorIndex.create(at: directory("index"), configuration: configuration)
    let rows = try RandomVectors.clusterMatrix(count: 3_000, dimensions: 8, seed: 4)
    try index.insert(rows[0..<1], ids: 0..<1)
    try index.remove([0])
    let empty = try index.snapshot().warmUp(queries: rows, within: .seconds(60))
    #expect(!empty.isCutShort && empty.residency == 1 && empty.isSettled)
    try index.upsert(rows, ids: 0..<3_000)
    let report = try index.snapshot().warmUp(queries: rows[0..<100], locking: true)
    #expect(report.residency == 1 && !report.isCutShort)
    #expect(report.byteCount > empty.byteCount + 3_000 * (64 + 32 + 8 + 128))
  }

  @Test("What no search can take is refused")
  func refusals() throws {
    let (index, queries) = try IndexOnDisk.clusters(.cosine, count: 100)
    let wrong = try VectorMatrix([1, 2, 3], dimensions: 3)
    #expect(
      failure { _ = try index.snapshot.warmUp(queries: wrong) }?.code == .dimensionMismatch)
    #expect(
      failure { _ = try index.snapshot.warmUp(queries: queries, k: 0) }?.code
        == .invalidConfiguration)
    let zeros = try VectorMatrix([Float](repeating: 0, count: 24), dimensions: 24)
    #expect(failure { _ = try index.snapshot.warmUp(queries: zeros) }?.code == .zeroVector)
    let none = try index.snapshot.warmUp(queries: try VectorMatrix([], dimensions: 24))
    #expect(none.rounds == 0 && none.p95 == nil && !none.isSettled)
  }
}
