import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// An index in a process that was forked off the one that opened it for writing.
@Suite struct ForkedWriterTests {
  private static let dimensions = 4

  private func rows(_ count: Int) throws -> VectorMatrix {
    try VectorMatrix(
      RandomVectors.gaussian(count: count, dimensions: Self.dimensions, seed: 1),
      dimensions: Self.dimensions)
  }

  private func order(_ ids: Range<VectorID>) throws -> SegmentOrder {
    let rows = try rows(ids.count)
    let build = BuildOptions(dimensions: Self.dimensions, metric: .squaredEuclidean)
    var findings = RowFindings()
    try findings.add(rows, dimensions: Self.dimensions, metric: .squaredEuclidean)
    return SegmentOrder(
      options: build, rows: [rows], ids: Array(ids), findings: findings, threads: 1, monitor: nil)
  }

  /// What every file of an index holds.
  private func files(_ path: String) throws -> [String: [UInt8]] {
    let disk = LocalFileSystem()
    var files: [String: [UInt8]] = [:]
    for name in try disk.list(path) {
      let inner = path + "/" + name
      if try disk.kind(of: inner) == .directory {
        files.merge(try self.files(inner)) { $1 }
      } else {
        files[inner] = try disk.read(inner)
      }
    }
    return files
  }

  @Test func everyWayToWriteIsRefusedAndChangesNothing() throws {
    let home = try TemporaryDirectory()
    let path = home("index")
    try OpenGeneration.create(
      path, in: LocalFileSystem(), order(0..<600), identity: Array(0..<16))
    let row = try rows(1)
    let owned = try LiveIndex.open(
      IndexDirectory(path, in: LocalFileSystem()), options: UpdateOptions(), lock: WriterLock(path)
    ).index
    try owned.update(.upsert(ids: [700], rows: row))
    try owned.close()
    // To the index this process is another one than the lock's owner, as a child would be.
    let lock = WriterLock(try DirectoryLock(path, for: getpid() + 1))
    let index = try LiveIndex.open(
      IndexDirectory(path, in: LocalFileSystem()), options: UpdateOptions(), lock: lock
    ).index
    let before = try files(path)
    let later = try order(600..<610)
    let ways: [(String, () throws(NeedletailError) -> Void)] = [
      ("upsert", { () throws(NeedletailError) in try index.update(.upsert(ids: [1], rows: row)) }),
      ("remove", { () throws(NeedletailError) in try index.update(.remove(ids: [1])) }),
      ("withdraw", { () throws(NeedletailError) in try index.withdraw([1]) }),
      ("reinstate", { () throws(NeedletailError) in try index.reinstate([1]) }),
      ("seal", { () throws(NeedletailError) in try index.seal(.all) }),
      ("add", { () throws(NeedletailError) in try index.add(later) }),
      ("rollback", { () throws(NeedletailError) in try index.rollback(to: 1) }),
      (
        "tune",
        { () throws(NeedletailError) in
          try index.tune(TuningRequest(), threads: 1, monitor: nil)
        }
      ),
      ("synchronize", { () throws(NeedletailError) in try index.synchronize() }),
      ("close", { () throws(NeedletailError) in try index.close() }),
    ]
    for (name, way) in ways {
      let error = #expect(throws: NeedletailError.self, "\(name)") { try way() }
      #expect(error?.code == .locked, "\(name): \(String(describing: error))")
    }
    #expect(index.view.count == 601)
    #expect(try files(path) == before)
  }
}
