import Foundation
import Needletail
import Testing
import _NeedletailTestSupport

@Suite("Memory by component")
struct MemoryUseTests {
  private static let all: OpenOptions = {
    var options = OpenOptions()
    options.preciseRows = .resident
    return options
  }()

  private static let none: OpenOptions = {
    var options = OpenOptions()
    options.codes = .mapped
    options.graph = .mapped
    options.ids = .mapped
    return options
  }()

  /// Rows of the data set in the tree.
  private static func rows(_ count: Int) throws -> VectorMatrix {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let path = root.appending(path: "datasets/debian-packages/base.npy").path
    return try VectorMatrix(contentsOf: path)[0..<count]
  }

  /// Whether two numbers of bytes are within 3 % of each other, or within what a few pages are.
  private static func agree(_ a: Int, _ b: Int) -> Bool {
    abs(a - b) <= max(4_096, max(a, b) * 3 / 100)
  }

  @Test(
    "What is predicted, what an index says before it is opened, and what it takes",
    arguments: Metric.allCases, [PreciseRows.float32, .float16, .none])
  func agreement(metric: Metric, precise: PreciseRows) throws {
    let rows = try Self.rows(2_500)
    let directory = try TemporaryDirectory()
    var configuration = VectorIndex.Configuration(dimensions: rows.dimensions, metric: metric)
    configuration.graph.m = 8
    configuration.graph.efConstruction = 16
    configuration.preciseRows = precise
    let index = try VectorIndex.create(at: directory("index"), configuration: configuration)
    var writer = try index.makeWriter()
    try writer.add(rows, ids: 0..<2_500)
    _ = try writer.commit()
    for options in [OpenOptions(), Self.all, Self.none] {
      let predicted = try configuration.predictedMemory(
        count: 2_500, element: rows.element, options: options)
      let said = try VectorIndex.memoryUse(at: directory("index"), options: options)
      let snapshot = try VectorIndex.open(at: directory("index"), options: options).snapshot()
      #expect(said == snapshot.memoryUse)
      #expect(Self.agree(predicted.total, said.total), "\(predicted), \(said)")
      #expect(Self.agree(predicted.mapped, said.mapped), "\(predicted), \(said)")
      #expect(predicted.perThread == said.perThread && predicted.perFilter == said.perFilter)
      #expect(
        said.total(threads: 2, filters: 3) == said.total + 2 * said.perThread + 3 * said.perFilter)
      // What is really there, wherever it lies.
      let report = try snapshot.warmUp()
      #expect(Self.agree(said.total + said.mapped, report.byteCount), "\(said), \(report)")
      #expect(Self.agree(said.total + said.mapped, snapshot.memory.total))
    }
    let said = try VectorIndex.memoryUse(at: directory("index"), options: Self.none)
    #expect(said.codes == 0 && said.graph == 0 && said.ids == 0 && said.preciseRows == 0)
    #expect(said.quantizer > 0 && said.total == said.quantizer)
  }

  @Test("Rows with their neighbours' bits lie where codes do")
  func turbo() throws {
    let directory = try TemporaryDirectory()
    let rows = try RandomVectors.clusterMatrix(count: 2_000, dimensions: 64, seed: 4)
    var configuration = VectorIndex.Configuration(dimensions: 64, metric: .squaredEuclidean)
    configuration.graph.efConstruction = 30
    configuration.mode = .turbo
    let index = try VectorIndex.create(at: directory("index"), configuration: configuration)
    var writer = try index.makeWriter()
    try writer.add(rows, ids: 0..<2_000)
    _ = try writer.commit()
    var graphMapped = OpenOptions()
    graphMapped.graph = .mapped
    for options in [OpenOptions(), Self.all, Self.none, graphMapped] {
      let predicted = try configuration.predictedMemory(count: 2_000, options: options)
      let said = try VectorIndex.memoryUse(at: directory("index"), options: options)
      #expect(Self.agree(predicted.total, said.total) && Self.agree(predicted.mapped, said.mapped))
      #expect(Self.agree(predicted.graph, said.graph) && Self.agree(predicted.codes, said.codes))
      let snapshot = try VectorIndex.open(at: directory("index"), options: options).snapshot()
      #expect(said == snapshot.memoryUse)
    }
  }

  @Test("Attributes, removed rows, rows in memory, threads and filters are counted")
  func rest() throws {
    let directory = try TemporaryDirectory()
    let rows = try RandomVectors.clusterMatrix(count: 4_000, dimensions: 32, seed: 4)
    var configuration = VectorIndex.Configuration(dimensions: 32, metric: .cosine)
    configuration.graph.efConstruction = 30
    let index = try VectorIndex.create(at: directory("index"), configuration: configuration)
    for part in [0..<1_000, 1_000..<3_000] {
      var writer = try index.makeWriter()
      let attributes = part.map { Attributes(["price": .integer(Int64($0))]) }
      try writer.add(rows[part], ids: part.map(VectorID.init), attributes: attributes)
      _ = try writer.commit()
    }
    let before = try index.snapshot().memoryUse
    #expect(before.attributes >= 3_000 * 8 && before.attributes <= 3_000 * 10)
    #expect(before.removedRows == 0 && before.liveRows == 0)
    #expect(before.perFilter == 8 * (16 + 32))
    // Two walks together, each with bits of its own.
    #expect(before.perThread > 20_000 && before.perThread < 400_000)
    try index.remove(0..<10)
    try index.insert(rows[3_000..<4_000], ids: 3_000..<4_000)
    let after = try index.snapshot().memoryUse
    #expect(after.removedRows == 8 * 16)
    #expect(after.liveRows >= 1_000 * (64 + 128 + 8 + 8 + 8 + 128))
    try index.stopWriting()
    // From the log's length alone.
    let said = try VectorIndex.memoryUse(at: directory("index"))
    #expect(said.liveRows >= 1_000 * 300 && said.liveRows <= 3 * after.liveRows)
    #expect(said.attributes == before.attributes && said.codes == after.codes)
    #expect(
      failure { _ = try VectorIndex.memoryUse(at: directory("nothing")) }?.code == .notFound)
    #expect(
      failure { _ = try configuration.predictedMemory(count: -1) }?.code == .capacityExceeded)
  }
}
