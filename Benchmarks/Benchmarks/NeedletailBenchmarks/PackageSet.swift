import Foundation
import Needletail
import NeedletailEvaluation

/// The real set of the tree: descriptions of Debian packages as embeddings.
struct PackageSet {
  let base: VectorMatrix
  let queries: VectorMatrix
  /// The queries as arrays, so that no conversion is timed.
  let queryRows: [[Float]]
  let truth: GroundTruth

  init() throws {
    let directory = URL(fileURLWithPath: #filePath)
      .appending(path: "../../../../datasets/debian-packages").standardized
    base = try VectorMatrix(contentsOf: directory.appending(path: "base.npy").path)
    queries = try VectorMatrix(contentsOf: directory.appending(path: "queries.npy").path)
    truth = try GroundTruth(contentsOf: directory.appending(path: "groundtruth.ibin").path)
    queryRows = (0..<queries.count).map { [queries] in queries[$0] }
  }

  /// Builds an index of the first `rows` rows in a temporary directory.
  func build(
    rows: Int? = nil, metric: Metric = .cosine, threads: Int = 1
  ) throws -> TemporaryIndex {
    let part = rows.map { base[0..<min($0, base.count)] } ?? base
    let path = FileManager.default.temporaryDirectory
      .appending(path: "needletail-benchmark-\(UUID().uuidString)").path
    let configuration = VectorIndex.Configuration(dimensions: part.dimensions, metric: metric)
    let index = try VectorIndex.create(at: path, configuration: configuration)
    var writer = try index.makeWriter()
    try writer.add(part, ids: 0..<VectorID(part.count))
    return TemporaryIndex(path: path, snapshot: try writer.commit(threads: threads))
  }
}

/// An index that is removed with its last reference.
final class TemporaryIndex: Sendable {
  let path: String
  let snapshot: Snapshot

  init(path: String, snapshot: Snapshot) {
    self.path = path
    self.snapshot = snapshot
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
