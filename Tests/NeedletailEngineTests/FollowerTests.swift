import NeedletailCore
import NeedletailStorage
import Synchronization
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

  /// A reader whose file system calls `body` once, before the first such operation on a file of the log after `isArmed`
  /// was set.
  private func reader(
    _ isArmed: Armed, at operation: FaultyFileSystem.Operation,
    _ body: @escaping @Sendable () throws -> Void
  ) throws -> IndexFollower {
    let fileSystem = FaultyFileSystem(LocalFileSystem()) { found, path in
      guard found == operation, path.contains("/index/log"), isArmed.fire() else { return }
      #expect(throws: Never.self) { try body() }
    }
    return try IndexFollower(
      IndexDirectory(home("index"), in: fileSystem), options: UpdateOptions(),
      verification: .structure)
  }

  @Test("Readers map no file that a writer may cut")
  func noMappedLogs() throws {
    let index = try writer()
    try index.update(.upsert(ids: [1], rows: rows(1, seed: 1)))
    let fileSystem = FaultyFileSystem(LocalFileSystem())
    let follower = try IndexFollower(
      IndexDirectory(home("index"), in: fileSystem), options: UpdateOptions(),
      verification: .structure)
    try index.update(.upsert(ids: [2], rows: rows(1, seed: 2)))
    #expect(try follower.refresh() && follower.view.ids == [1, 2])
    let log = fileSystem.log.filter { $0.contains("/index/log") }
    #expect(log.contains { $0.hasPrefix("copy") } && !log.contains { $0.hasPrefix("map") })
  }

  @Test(
    "What is sealed while it is read is seen all the same",
    arguments: [FaultyFileSystem.Operation.list, .copy])
  func sealedMeanwhile(operation: FaultyFileSystem.Operation) throws {
    let index = try writer()
    try index.update(.upsert(ids: [1], rows: rows(1, seed: 1)))
    let isArmed = Armed()
    let follower = try reader(isArmed, at: operation) {
      try index.seal(.none)
      try index.update(.upsert(ids: [3], rows: rows(1, seed: 3)))
    }
    try index.update(.upsert(ids: [2], rows: rows(1, seed: 2)))
    isArmed.set()
    #expect(try follower.refresh())
    #expect(follower.view.ids == [1, 2, 3] && follower.view.generation.manifest.generation == 2)
    #expect(try !follower.refresh())
  }

  @Test("Searches look for withdrawals while the log is read")
  func looksMeanwhile() throws {
    let index = try writer()
    try index.update(.upsert(ids: [1, 2], rows: rows(2, seed: 1)))
    let isArmed = Armed()
    let shown = Guarded<IndexView?>(nil)
    let follower = try reader(isArmed, at: .copy) {
      try index.withdraw([1])
      let view = try #require(shown.withLock { $0 })
      try view.withdrawn.look()
      #expect(view.ids == [2])
    }
    shown.withLock { $0 = follower.view }
    try index.update(.upsert(ids: [3], rows: rows(1, seed: 3)))
    isArmed.set()
    #expect(try follower.refresh() && follower.view.ids == [2, 3])
  }

  @Test("What was read is not read again: damage to it does no harm any more")
  func readsOn() throws {
    let index = try writer()
    for id in 0..<UInt64(10) { try index.update(.upsert(ids: [id], rows: rows(1, seed: id))) }
    let fileSystem = FaultyFileSystem(LocalFileSystem())
    let follower = try IndexFollower(
      IndexDirectory(home("index"), in: fileSystem), options: UpdateOptions(),
      verification: .structure)
    let before = fileSystem.log.count
    #expect(try !follower.refresh())
    #expect(!fileSystem.log[before...].contains { $0.hasPrefix("copy") })
    let file = try LocalFileSystem().reopen(directory.logPath(1))
    unsafe try [UInt8](repeating: 7, count: 40).withUnsafeBytes {
      unsafe try file.write($0, at: 200)
    }
    try file.close()
    #expect(throws: NeedletailError.self) { try LocalIndex.readLog(home("index")) { _ in } }
    try index.update(.upsert(ids: [10], rows: rows(1, seed: 10)))
    #expect(try follower.refresh())
    #expect(follower.view.ids == Array(0...10))
  }

  @Test("What was read and cut off then, unacknowledged, is forgotten")
  func cutOff() throws {
    var index: LiveIndex? = try writer()
    try index?.update(.upsert(ids: [1], rows: rows(1, seed: 1)))
    let length = try #require(try LocalFileSystem().byteCount(of: directory.logPath(1)))
    let follower = try LocalIndex.follow(home("index"), UpdateOptions(), isVerified: false)
    try index?.update(.upsert(ids: [2], rows: rows(1, seed: 2)))
    #expect(try follower.refresh() && follower.view.ids == [1, 2])
    try index?.close()
    index = nil
    let file = try LocalFileSystem().reopen(directory.logPath(1))
    try file.truncate(to: length)
    try file.close()
    let next = try LocalIndex.write(home("index"), UpdateOptions()).index
    try next.update(.upsert(ids: [3], rows: rows(1, seed: 3)))
    #expect(try follower.refresh() && follower.view.ids == [1, 3])
    try next.update(.upsert(ids: [4], rows: rows(1, seed: 4)))
    #expect(try follower.refresh() && follower.view.ids == [1, 3, 4])
  }

  @Test("Reading goes on over files that are begun, and withdrawals over generations")
  func manyFiles() throws {
    _ = try writer()
    var options = UpdateOptions()
    options.log.fileByteCount = 1_000
    let index = try LocalIndex.write(home("index"), options).index
    let follower = try LocalIndex.follow(home("index"), options, isVerified: false)
    let first = follower.view
    for id in 0..<UInt64(30) {
      try index.update(.upsert(ids: [id], rows: rows(1, seed: id)))
      if id == 7 { try index.withdraw([3]) }
      if id == 15 { try index.seal(.none) }
      if id == 20 { try index.reinstate([3]) }
      if id % 3 == 0 {
        #expect(try follower.refresh())
        #expect(follower.view.ids == index.view.ids && follower.view.lsn == index.view.lsn)
      }
    }
    #expect(try follower.refresh() && follower.view.ids == Array(0..<30))
    #expect(first.ids.isEmpty)
  }
}

/// Fires once, after it was set.
private final class Armed: Sendable {
  private let isSet = Atomic<Bool>(false)

  func set() { isSet.store(true, ordering: .releasing) }
  func fire() -> Bool {
    isSet.exchange(false, ordering: .acquiringAndReleasing)
  }
}
