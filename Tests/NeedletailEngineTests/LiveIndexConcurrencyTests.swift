import NeedletailCore
import NeedletailKernels
import NeedletailStorage
import Synchronization
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

/// Readers beside a writer, one who seals and one who withdraws; also what ThreadSanitizer looks at.
@Suite("An index that takes writes, from several threads")
struct LiveIndexConcurrencyTests {
  private static let dimensions = 4
  private static let ids = 60

  /// The row of a version of an id: the first component is the id, the second the version.
  private static func row(_ id: VectorID, _ version: UInt64) -> [Float] {
    [Float(id), Float(version), 1, Float(id % 7)]
  }

  private func index() throws -> LiveIndex {
    var build = BuildOptions(dimensions: Self.dimensions, metric: .squaredEuclidean)
    build.graph.m = 4
    build.graph.efConstruction = 16
    let memory = InMemoryFileSystem()
    let empty = SegmentOrder(
      options: build, rows: [], ids: [], findings: RowFindings(), threads: 1, monitor: nil)
    try OpenGeneration.create("index", in: memory, empty, identity: Array(0..<16))
    var options = UpdateOptions()
    options.log.fileByteCount = 4_000
    return try LiveIndex.open(IndexDirectory("index", in: memory), options: options).index
  }

  @Test("Every view shows one version of each id, and never an older one than a view before")
  func versions() throws {
    let index = try index()
    let rounds = Effort.count(150, long: 2_000)
    try index.update(
      .upsert(
        ids: Array(0..<UInt64(Self.ids)),
        rows: try VectorMatrix(
          (0..<UInt64(Self.ids)).flatMap { Self.row($0, 0) }, dimensions: Self.dimensions)))
    let isDone = Atomic<Bool>(false)
    let views = Atomic<Int>(0)
    try parallelFor(threads: 4, count: 4, grain: 1) { (_, number) throws(NeedletailError) in
      switch number {
      case 0:
        defer { isDone.store(true, ordering: .releasing) }
        for round in 1...UInt64(rounds) {
          let ids = (0..<UInt64(8)).map { ($0 * 7 + round) % UInt64(Self.ids) }
          let rows = try VectorMatrix(
            ids.flatMap { Self.row($0, round) }, dimensions: Self.dimensions)
          _ = try index.update(.upsert(ids: ids, rows: rows))
        }
      case 1:
        var policy = MergePolicy.none
        var seals = 0
        while !isDone.load(ordering: .acquiring) || seals < 6 {
          seals += 1
          try index.seal(policy)
          policy = policy == .none ? .automatic : policy == .automatic ? .all : .none
        }
      default:
        var seen = [UInt64](repeating: 0, count: Self.ids)
        var rounds = 0
        while !isDone.load(ordering: .acquiring) || rounds < 20 {
          rounds += 1
          let view = index.view
          try Self.check(view, &seen)
          views.wrappingAdd(1, ordering: .relaxed)
        }
        try Self.check(index.view, &seen)
      }
    }
    #expect(views.load(ordering: .relaxed) > 0)
    #expect(index.view.ids == Array(0..<UInt64(Self.ids)))
  }

  private static func check(
    _ view: IndexView, _ seen: inout [UInt64]
  ) throws(NeedletailError) {
    var answers = [Neighbor](repeating: Neighbor(id: 0, distance: 0), count: Self.ids + 8)
    let outcome = unsafe try view.stack.search(
      [0, 0, 0, 0], SearchParameters(k: Self.ids + 8, efSearch: 128), into: &answers)
    let found = answers.prefix(outcome.count).map(\.id).sorted()
    #expect(found == Array(0..<UInt64(Self.ids)))
    for id in 0..<UInt64(Self.ids) {
      var row = [Float](repeating: -1, count: Self.dimensions)
      let isThere = unsafe row.withUnsafeMutableBufferPointer { buffer in
        unsafe buffer.baseAddress.map { unsafe view.export(id, into: $0) } ?? false
      }
      #expect(isThere && row[0] == Float(id))
      let version = UInt64(row[1])
      #expect(version >= seen[Int(id)], "a version came back")
      seen[Int(id)] = version
    }
  }

  @Test("What is withdrawn is in no search that begins afterwards, whatever is sealed meanwhile")
  func withdrawals() throws {
    let index = try index()
    try index.update(
      .upsert(
        ids: Array(0..<UInt64(Self.ids)),
        rows: try VectorMatrix(
          (0..<UInt64(Self.ids)).flatMap { Self.row($0, 0) }, dimensions: Self.dimensions)))
    /// Ids below it are withdrawn.
    let withdrawn = Atomic<UInt64>(0)
    let isDone = Atomic<Bool>(false)
    let held = index.view
    try parallelFor(threads: 3, count: 3, grain: 1) { (_, number) throws(NeedletailError) in
      switch number {
      case 0:
        defer { isDone.store(true, ordering: .releasing) }
        for id in 0..<UInt64(Self.ids / 2) {
          try index.withdraw([id])
          withdrawn.store(id + 1, ordering: .releasing)
        }
      case 1:
        while !isDone.load(ordering: .acquiring) { try index.seal(.all) }
      default:
        var rounds = 0
        while !isDone.load(ordering: .acquiring) || rounds < 20 {
          rounds += 1
          for view in [held, index.view] {
            let below = withdrawn.load(ordering: .acquiring)
            var answers = [Neighbor](repeating: Neighbor(id: 0, distance: 0), count: Self.ids)
            let outcome = unsafe try view.stack.search(
              [0, 0, 0, 0], SearchParameters(k: Self.ids, efSearch: 128), into: &answers)
            let found = answers.prefix(outcome.count).map(\.id)
            #expect(found.allSatisfy { $0 >= below })
            #expect(found.count >= Self.ids / 2)
          }
        }
      }
    }
    #expect(index.view.ids == Array(UInt64(Self.ids / 2)..<UInt64(Self.ids)))
  }

  @Test("Writers on several threads are made durable together, each with its own outcome")
  func group() throws {
    let index = try index()
    let refused = Atomic<Int>(0)
    try parallelFor(threads: 4, count: 40, grain: 1) { (_, number) throws(NeedletailError) in
      // Every id is inserted twice: one of the two is refused.
      let id = UInt64(number / 2)
      var request = UpdateRequest.upsert(
        ids: [id], rows: try VectorMatrix(Self.row(id, 1), dimensions: Self.dimensions))
      request.isInsert = true
      do throws(NeedletailError) { _ = try index.update(request) } catch {
        guard error.code == .alreadyExists else { throw error }
        refused.wrappingAdd(1, ordering: .relaxed)
      }
    }
    #expect(refused.load(ordering: .relaxed) == 20)
    #expect(index.view.ids == Array(0..<20))
    #expect(index.view.lsn == 20)
  }
}
