import Foundation
import Needletail
import Testing
import _NeedletailTestSupport

/// An index on disk with the rows it was built from; removed with the value.
struct IndexOnDisk {
  let directory: TemporaryDirectory
  let components: [Float]
  let dimensions: Int
  let ids: [VectorID]
  let snapshot: Snapshot

  var path: String { directory("index") }
  var count: Int { ids.count }

  init(
    _ metric: Metric, _ components: [Float], dimensions: Int, m: Int = 8, threads: Int = 1,
    codes: CodeKind = .int8, precise: PreciseRows = .float32
  ) throws {
    directory = try TemporaryDirectory()
    self.components = components
    self.dimensions = dimensions
    ids = (0..<UInt64(components.count / dimensions)).map { 1_000_003 &* $0 ^ 0x55 }
    var configuration = VectorIndex.Configuration(dimensions: dimensions, metric: metric)
    configuration.graph.m = m
    configuration.graph.efConstruction = 60
    configuration.codes = codes
    configuration.preciseRows = precise
    let index = try VectorIndex.create(at: directory("index"), configuration: configuration)
    var writer = try index.makeWriter()
    try writer.add(VectorMatrix(components, dimensions: dimensions), ids: ids)
    snapshot = try writer.commit(threads: threads)
  }

  func row(_ index: Int) -> [Float] {
    Array(components[(index * dimensions)..<((index + 1) * dimensions)])
  }

  /// Clusters of rows, and queries from the same clusters.
  static func clusters(
    _ metric: Metric, count: Int = 1_000, dimensions: Int = 24, codes: CodeKind = .int8,
    precise: PreciseRows = .float32
  ) throws -> (index: IndexOnDisk, queries: VectorMatrix) {
    let all = RandomVectors.clusters(
      count: count + 40, dimensions: dimensions, spread: 0.5, seed: 12)
    return (
      try IndexOnDisk(
        metric, Array(all.prefix(count * dimensions)), dimensions: dimensions, codes: codes,
        precise: precise),
      try VectorMatrix(Array(all.suffix(40 * dimensions)), dimensions: dimensions)
    )
  }

  /// The names in the directory that holds the index.
  func siblings() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
  }
}

/// The error that a piece of work throws.
func failure(_ body: () throws -> Void) -> NeedletailError? {
  do { try body() } catch { return error as? NeedletailError }
  return nil
}
