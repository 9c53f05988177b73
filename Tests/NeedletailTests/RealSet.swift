import Foundation
import Needletail
import Testing
import _NeedletailTestSupport

/// Real vectors, queries that are not among them, and the true neighbours of these.
///
/// The one in the tree, and those that `NEEDLETAIL_DATASETS` names: `metric=directory`, with colons between them, such as
/// `l2=/data/sift-200k:ip=/data/recsys-64`; a directory holds `base` and `query` as `.fbin` or `.u8bin`.
struct RealSet: Sendable {
  /// Neighbours that are asked for.
  static let k = 10
  var name: String
  var queries: VectorMatrix
  var snapshot: Snapshot
  /// The true neighbours of each query.
  var exact: [ExactSearch]

  /// All of them, each with an index of its own, of the default configuration.
  static let all: [RealSet] = {
    do { return try made() } catch {
      Issue.record("The data sets cannot be read: \(error)")
      return []
    }
  }()

  private static func made() throws -> [RealSet] {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "datasets/debian-packages")
    var sets = [
      try RealSet(
        "debian-packages", .cosine, base: root.appending(path: "base.npy"),
        queries: root.appending(path: "queries.npy"))
    ]
    let named = ProcessInfo.processInfo.environment["NEEDLETAIL_DATASETS"] ?? ""
    for part in named.split(separator: ":") {
      let pieces = part.split(separator: "=", maxSplits: 1).map(String.init)
      let metric = try #require(pieces.first.flatMap { Metric(rawValue: $0) }, "\(part)")
      let folder = URL(filePath: try #require(pieces.count == 2 ? pieces[1] : nil, "\(part)"))
      let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      func file(_ name: String) throws -> URL {
        let found = files.first { ["\(name).fbin", "\(name).u8bin"].contains($0) }
        return folder.appending(path: try #require(found, "\(folder.path) holds no \(name).fbin"))
      }
      sets.append(
        try RealSet(
          folder.lastPathComponent, metric, base: try file("base"), queries: try file("query")))
    }
    return sets
  }

  private init(_ name: String, _ metric: Metric, base: URL, queries: URL) throws {
    let rows = try VectorMatrix(contentsOf: base.path)
    let all = try VectorMatrix(contentsOf: queries.path)
    let directory = try TemporaryDirectory()
    let index = try VectorIndex.create(
      at: directory("index"),
      configuration: .init(dimensions: rows.dimensions, metric: metric))
    var writer = try index.makeWriter()
    try writer.add(rows, ids: 0..<UInt64(rows.count))
    _ = try writer.commit()
    self.name = name
    self.queries = all[0..<min(all.count, 1_000)]
    var options = OpenOptions()
    options.preciseRows = .resident
    snapshot = try VectorIndex.open(at: directory("index"), options: options).snapshot()
    exact = try (0..<self.queries.count).map { [queries = self.queries, snapshot] row in
      var search = try snapshot.exactSearch(queries[row], k: Self.k)
      while search.advance(rows: 1 << 20) {}
      return search
    }
  }

  /// The share of the true neighbours that answers have, one answer for each query.
  func recall(_ answers: [[Neighbor]]) -> Double {
    let found = zip(exact, answers).reduce(0) { $0 + $1.0.found(in: $1.1) }
    return Double(found) / Double(exact.count * Self.k)
  }
}
