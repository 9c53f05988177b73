import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

/// Readers beside a writer, on this machine's disk.
@Suite("An index that is read while it is written")
struct FollowerTests {
  private let home: TemporaryDirectory
  private static let dimensions = 64

  init() throws { home = try TemporaryDirectory() }

  private var directory: IndexDirectory { IndexDirectory(home("index"), in: LocalFileSystem()) }

  private func writer() throws -> LiveIndex {
    var build = BuildOptions(dimensions: Self.dimensions, metric: .squaredEuclidean)
    build.graph.m = 4
    build.graph.efConstruction = 16
    let empty = SegmentOrder(
      options: build, rows: [], ids: [], findings: RowFindings(), threads: 1, monitor: nil)
    try LocalIndex.create(home("index"), empty)
    return try LocalIndex.write(home("index"), UpdateOptions()).index
  }

  private func rows(_ count: Int, seed: UInt64) throws -> VectorMatrix {
    try VectorMatrix(
      RandomVectors.clusters(count: count, dimensions: Self.dimensions, seed: seed),
      dimensions: Self.dimensions)
  }

  @Test("A log that is cut while it is read ends nobody")
  func cutLog() throws {
    let index = try writer()
    for batch in 0..<UInt64(20) {
      try index.update(
        .upsert(ids: Array(batch * 50..<batch * 50 + 50), rows: rows(50, seed: batch)))
    }
    var found = 0
    let facts = try LocalIndex.readLog(home("index")) { (line) throws(NeedletailError) in
      found += 1
      guard line.lsn == 1 else { return }
      let file = try LocalFileSystem().reopen(directory.logPath(1))
      try file.truncate(to: 64)
      try file.close()
    }
    #expect(found == 20 && facts.lastLSN == 20)
  }
}
