import Needletail
import Testing
import _NeedletailTestSupport

@Suite("Writing while searching")
struct WritingTests {
  private let home: TemporaryDirectory
  private static let dimensions = 16

  init() throws { home = try TemporaryDirectory() }

  private func rows(_ count: Int, seed: UInt64) throws -> VectorMatrix {
    try VectorMatrix(
      RandomVectors.clusters(count: count, dimensions: Self.dimensions, seed: seed),
      dimensions: Self.dimensions)
  }

  private func index(
    _ metric: Metric = .cosine, efConstruction: Int? = nil
  ) throws -> VectorIndex {
    var configuration = VectorIndex.Configuration(dimensions: Self.dimensions, metric: metric)
    if let efConstruction { configuration.graph.efConstruction = efConstruction }
    return try VectorIndex.create(at: home("index"), configuration: configuration)
  }

  private func found(_ snapshot: Snapshot, _ query: [Float], k: Int = 10) throws -> [VectorID] {
    try snapshot.search(query, k: k).neighbors.map(\.id)
  }

  @Test("An index that is written row by row answers at once", arguments: Metric.allCases)
  func liveOnly(metric: Metric) throws {
    let index = try index(metric)
    let rows = try rows(900, seed: 1)
    for first in stride(from: 0, to: 900, by: 60) {
      let ids = (UInt64(first)..<UInt64(first + 60))
      try index.upsert(rows[first..<(first + 60)], ids: ids)
      let snapshot = try index.snapshot()
      #expect(snapshot.count == first + 60)
      let answers = try found(snapshot, rows[first])
      #expect(answers.count == 10)
      if metric != .innerProduct { #expect(answers[0] == UInt64(first)) }
    }
    #expect(try index.snapshot().ids == Array(0..<900))
  }

  @Test("A snapshot shows what was there when it was taken")
  func snapshots() throws {
    let index = try index()
    let rows = try rows(400, seed: 2)
    try index.insert(rows, ids: 0..<400)
    let before = try index.snapshot()
    try index.remove([7, 8, 9])
    try index.upsert(rows[0..<1], ids: [20])
    #expect(before.count == 400)
    #expect(try found(before, rows[7], k: 1) == [7])
    let after = try index.snapshot()
    #expect(after.count == 397)
    #expect(try !found(after, rows[7], k: 397).contains(7))
    #expect(Set(try found(after, rows[0], k: 2)) == [0, 20])
    #expect(after.contains(20) && !after.contains(8) && before.contains(8))
  }

  @Test("What is withdrawn vanishes from every snapshot, and comes back when it is reinstated")
  func withdrawals() throws {
    let index = try index()
    let rows = try rows(600, seed: 3)
    try index.insert(rows[0..<300], ids: 0..<300)
    let held = try index.snapshot()
    try index.compact()
    let sealed = try index.snapshot()
    try index.insert(rows[300..<600], ids: 300..<600)
    try index.withdraw([5, 400, 9_999])
    for (snapshot, id) in [(held, 5), (sealed, 5), (try index.snapshot(), 5)] as [(Snapshot, Int)] {
      #expect(try !found(snapshot, rows[id]).contains(UInt64(id)))
      #expect(!snapshot.contains(UInt64(id)))
    }
    let now = try index.snapshot()
    #expect(try !found(now, rows[400]).contains(400))
    #expect(now.count == 598 && held.count == 299)
    // A new version stays hidden, and so does what was withdrawn before it came.
    try index.upsert(rows[5..<6], ids: [5])
    try index.upsert(rows[6..<7], ids: [9_999])
    #expect(try !found(index.snapshot(), rows[5]).contains(5))
    #expect(try !found(index.snapshot(), rows[6]).contains(9_999))
    try index.reinstate([5])
    #expect(try found(index.snapshot(), rows[5]).first == 5)
    #expect(try found(held, rows[5]).first == 5)
  }

  @Test("A withdrawal reaches snapshots of before the index was written, and of before that ended")
  func withdrawalsAcrossAccess() throws {
    let rows = try rows(200, seed: 17)
    func hides(_ snapshot: Snapshot, _ id: VectorID) throws -> Bool {
      try !found(snapshot, rows[Int(id)]).contains(id) && !snapshot.contains(id)
    }
    let index = try index()
    // Sealed rows and rows of the log.
    try index.insert(rows[0..<100], ids: 0..<100)
    try index.compact()
    try index.insert(rows[100..<200], ids: 100..<200)
    let written = try index.snapshot()
    try index.stopWriting()
    let read = try index.snapshot()
    #expect(read.statisticsDelay > .zero && written.statisticsDelay > .zero)
    try index.withdraw([5, 105])
    let writtenAgain = try index.snapshot()
    #expect(written.statisticsDelay == .zero)
    for snapshot in [written, read, writtenAgain] {
      #expect(try hides(snapshot, 5) && hides(snapshot, 105))
    }
    try index.stopWriting()
    try index.reinstate([5])
    try index.stopWriting()
    for snapshot in [written, read, writtenAgain, try index.snapshot()] {
      #expect(try !hides(snapshot, 5) && hides(snapshot, 105))
    }
    // One who opened the index to read, and writes it then.
    try index.stopWriting()
    let other = try VectorIndex.open(at: home("index"))
    let before = try other.snapshot()
    try other.withdraw([6, 106])
    #expect(try hides(before, 6) && hides(before, 106))
    try other.stopWriting()
    #expect(try hides(before, 6) && hides(before, 106) && hides(before, 105) && !hides(before, 5))
  }

  @Test("Snapshots that are older than the end of writing follow what another process withdraws")
  func followedByOlderSnapshots() async throws {
    let rows = try rows(100, seed: 18)
    let index = try index()
    try index.insert(rows, ids: 0..<100)
    let snapshot = try index.snapshot()
    try index.stopWriting()
    let other = try VectorIndex.open(at: home("index"))
    try other.withdraw([7])
    // Looking one by one follows too.
    try await waitUntil { !snapshot.contains(7) }
    #expect(try !found(snapshot, rows[7]).contains(7))
    try other.withdraw([8])
    try await waitUntil { snapshot.count == 98 }
    try other.reinstate([7])
    try await waitUntil { snapshot.ids.contains(7) }
    try other.withdraw([9])
    try await waitUntil { try snapshot.export(9) == nil }
    try other.withdraw([10])
    try await waitUntil { snapshot.attributes(of: 10) == nil }
    try other.withdraw([11])
    try await waitUntil { try snapshot.exportAll().count == 96 }
  }

  private func waitUntil(_ condition: () throws -> Bool) async throws {
    for _ in 0..<1_000 {
      if try condition() { return }
      try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("what another process withdrew is not followed")
  }

  @Test("What another process reinstated is not hidden by whoever writes next")
  func reinstatedElsewhere() throws {
    let rows = try rows(100, seed: 19)
    let first = try index()
    try first.insert(rows, ids: 0..<100)
    try first.compact()
    try first.withdraw([5])
    try first.stopWriting()
    let reader = try VectorIndex.open(at: home("index"))
    #expect(try !found(reader.snapshot(), rows[5]).contains(5))
    try first.reinstate([5])
    try first.stopWriting()
    // Without a search since.
    try reader.upsert(rows[6..<7], ids: [6])
    #expect(try found(reader.snapshot(), rows[5])[0] == 5)
    #expect(try reader.snapshot().count == 100)
  }

  @Test("Everything is there when the index is opened anew, before and after a seal")
  func reopening() throws {
    let rows = try rows(500, seed: 4)
    do {
      let index = try index()
      try index.insert(rows, ids: 0..<500)
      try index.remove(10..<20)
      try index.withdraw([30])
      try index.stopWriting()
    }
    do {
      let index = try VectorIndex.open(at: home("index"))
      let snapshot = try index.snapshot()
      #expect(snapshot.count == 489)
      let result = try snapshot.search(rows[3], k: 5)
      #expect(result.neighbors[0].id == 3)
      #expect(try index.compact()?.count == 490)
      #expect(try index.snapshot().count == 489)
      #expect(try index.compact() == nil)
      try index.stopWriting()
    }
    let index = try VectorIndex.open(at: home("index"))
    let snapshot = try index.snapshot()
    #expect(snapshot.count == 489)
    #expect(snapshot.information.unsealedCount == 0)
    #expect(try found(snapshot, rows[3])[0] == 3)
    #expect(try VectorIndex.verify(at: home("index")).isSound)
  }

  @Test("A compacted index is the one that a build of the same rows makes")
  func compactedIsBuilt() throws {
    let rows = try rows(800, seed: 5)
    let index = try index(.squaredEuclidean)
    try index.insert(rows[0..<500], ids: 0..<500)
    try index.compact(CompactionOptions(.none))
    try index.insert(rows[500..<800], ids: 500..<800)
    try index.compact(CompactionOptions(.none))
    #expect(try index.snapshot().information.segments.count == 2)
    try index.compact(CompactionOptions(.full))
    let built = try VectorIndex.create(
      at: home("built"), configuration: index.configuration)
    var writer = try built.makeWriter()
    try writer.add(rows, ids: 0..<800)
    let fresh = try writer.commit()
    let segments = try index.snapshot().information.segments
    #expect(segments == fresh.information.segments)
  }

  @Test("Sources go on where they stopped, and gaps are refused")
  func sources() throws {
    let index = try index()
    let rows = try rows(30, seed: 6)
    func write(_ range: Range<Int>, _ offset: SourceOffset) throws -> WriteResult {
      try index.upsert(
        rows[range], ids: range.map(UInt64.init), options: WriteOptions(offset: offset))
    }
    #expect(try write(0..<10, SourceOffset(source: "s", position: 10)).sequence == 1)
    #expect(try write(0..<10, SourceOffset(source: "s", position: 10)).isRepeated)
    let error = #expect(throws: NeedletailError.self) {
      try write(20..<30, SourceOffset(source: "s", position: 30, previous: 20))
    }
    #expect(error?.code == .sourceGap)
    #expect(index.sourceOffsets == ["s": 10])
    #expect(try write(10..<20, SourceOffset(source: "s", position: 20, previous: 10)).sequence == 2)
    try index.compact()
    let generation = try index.snapshot().generation
    #expect(try write(20..<30, SourceOffset(source: "s", position: 30)).sequence == 3)
    #expect(index.sourceOffsets == ["s": 30])
    try index.rollback(to: generation)
    #expect(index.sourceOffsets == ["s": 20])
    #expect(try index.snapshot().count == 20)
    #expect(try write(20..<30, SourceOffset(source: "s", position: 30)).sequence == 4)
    #expect(try index.snapshot().count == 30)
  }

  @Test("One writer at a time, in this process and beside others; readers follow")
  func writers() throws {
    let index = try index()
    let rows = try rows(300, seed: 7)
    try index.insert(rows[0..<100], ids: 0..<100)
    let reader = try VectorIndex.open(at: home("index"))
    #expect(try reader.snapshot().count == 100)
    let error = #expect(throws: NeedletailError.self) { try reader.remove([1]) }
    #expect(error?.code == .locked)
    try index.insert(rows[100..<200], ids: 100..<200)
    #expect(try reader.snapshot().count == 100)
    #expect(try reader.refresh())
    #expect(try reader.snapshot().count == 200)
    #expect(try !reader.refresh())
    try index.compact()
    try index.insert(rows[200..<300], ids: 200..<300)
    #expect(try reader.refresh())
    #expect(try reader.snapshot().count == 300)
    #expect(try found(reader.snapshot(), rows[250])[0] == 250)
    // The lock goes with the writer.
    try index.stopWriting()
    try reader.remove([1])
    #expect(try reader.snapshot().count == 299)
    let writer = try reader.makeWriter()
    let other = #expect(throws: NeedletailError.self) { try reader.remove([2]) }
    #expect(other?.code == .locked)
    _ = consume writer
    try reader.remove([2])
  }

  // Run under ThreadSanitizer as well; few links cost little there.
  @Test("Another process's withdrawals are followed by searches, without a refresh")
  func followedWithdrawals() async throws {
    let index = try index(efConstruction: 60)
    let rows = try rows(300, seed: 8)
    try index.insert(rows, ids: 0..<300)
    let reader = try VectorIndex.open(at: home("index"))
    let snapshot = try reader.snapshot()
    #expect(try found(snapshot, rows[11])[0] == 11)
    try index.withdraw([11])
    var isGone = false
    for _ in 0..<400 where !isGone {
      isGone = try !found(snapshot, rows[11]).contains(11)
      if !isGone { try await Task.sleep(for: .milliseconds(5)) }
    }
    #expect(isGone)
  }

  @Test("Bad rows change nothing")
  func refusals() throws {
    let index = try index()
    let rows = try rows(10, seed: 9)
    try index.insert(rows, ids: 0..<10)
    var bad = rows[0]
    bad[3] = .nan
    let zero = [Float](repeating: 0, count: Self.dimensions)
    for (components, code) in [
      (bad, NeedletailError.Code.nonFiniteComponent), (zero, .zeroVector),
    ] {
      let matrix = try VectorMatrix(rows[1] + components, dimensions: Self.dimensions)
      let error = #expect(throws: NeedletailError.self) { try index.upsert(matrix, ids: [77, 78]) }
      #expect(error?.code == code)
    }
    let narrow = try VectorMatrix([1, 2], dimensions: 2)
    #expect(throws: NeedletailError.self) { try index.upsert(narrow, ids: [77]) }
    #expect(throws: NeedletailError.self) { try index.upsert(rows, ids: [77]) }
    let twice = #expect(throws: NeedletailError.self) { try index.insert(rows, ids: 5..<15) }
    #expect(twice?.code == .alreadyExists)
    #expect(try index.snapshot().ids == Array(0..<10))
    try index.remove([77, 3, 3])
    #expect(try index.snapshot().count == 9)
  }

  @Test("Attributes are kept with their versions, through seals and merges")
  func attributes() throws {
    let index = try index()
    let rows = try rows(300, seed: 10)
    let items = (0..<300).map {
      Attributes(["price": .integer(Int64($0)), "seller": .category("s\($0 % 7)")])
    }
    try index.insert(rows, ids: 0..<300, attributes: items)
    #expect(try index.snapshot().attributes(of: 17) == items[17])
    try index.compact()
    #expect(try index.snapshot().attributes(of: 17) == items[17])
    try index.upsert(rows[17..<18], ids: [17])
    #expect(try index.snapshot().attributes(of: 17) == Attributes())
    try index.upsert(rows[18..<19], ids: [18], attributes: [["price": .real(2.5)]])
    try index.compact(CompactionOptions(.full))
    let snapshot = try index.snapshot()
    #expect(snapshot.attributes(of: 17) == Attributes())
    #expect(snapshot.attributes(of: 18) == ["price": .real(2.5)])
    #expect(snapshot.attributes(of: 19) == items[19])
    #expect(snapshot.attributes(of: 1_000) == nil)
  }

  // Run under ThreadSanitizer as well; few links cost little there.
  @Test("The log stays within its bound, with and without somebody who looks after it")
  func bounds() throws {
    var options = OpenOptions()
    options.writing.logVectorLimit = 200
    let rows = try rows(1_000, seed: 11)
    _ = try index(efConstruction: 60).upsert(rows[0..<10], ids: 0..<10)
    let index = try VectorIndex.open(at: home("index"), options: options)
    for first in stride(from: 0, to: 600, by: 50) {
      try index.upsert(rows[first..<(first + 50)], ids: UInt64(first)..<UInt64(first + 50))
      #expect(try index.snapshot().information.unsealedCount <= 200)
    }
    var looking = MaintenanceOptions()
    looking.sealCount = 100
    looking.interval = .milliseconds(1)
    let maintenance = try index.startMaintenance(looking)
    for first in stride(from: 600, to: 1_000, by: 50) {
      try index.upsert(rows[first..<(first + 50)], ids: UInt64(first)..<UInt64(first + 50))
      #expect(try index.snapshot().information.unsealedCount <= 200)
    }
    #expect(maintenance.status.isRunning)
    maintenance.stop()
    #expect(!maintenance.status.isRunning && maintenance.status.failure == nil)
    #expect(try index.snapshot().ids == Array(0..<1_000))
    for id in stride(from: 0, to: 1_000, by: 37) {
      #expect(try found(index.snapshot(), rows[id])[0] == UInt64(id))
    }
  }

  @Test("What compaction takes is predicted, and refused over a limit")
  func limits() throws {
    let index = try index()
    try index.insert(try rows(500, seed: 12), ids: 0..<500)
    var options = CompactionOptions(.full)
    options.diskLimit = 1_000
    let error = #expect(throws: NeedletailError.self) { try index.compact(options) }
    #expect(error?.code == .overBudget)
    let plan = try index.compactionPlan(.full)
    #expect(plan.count == 500 && plan.disk > 1_000 && plan.memory > plan.disk)
    // Who asks need not be the one who writes.
    let reader = try VectorIndex.open(at: home("index"))
    #expect(try reader.compactionPlan(.full) == plan)
    options.diskLimit = plan.disk
    options.memoryLimit = plan.memory
    #expect(try index.compact(options) == plan)
    let bytes = try index.snapshot().information.segments.reduce(0) { $0 + $1.bytes }
    #expect(bytes <= plan.disk)
    #expect(try index.compactionPlan(.full).isEmpty && !reader.compactionPlan(.full).isEmpty)
  }

  @Test("Sealing that is cancelled leaves everything as it was")
  func cancelled() throws {
    let index = try index()
    let rows = try rows(500, seed: 13)
    try index.insert(rows, ids: 0..<500)
    let monitor = WorkMonitor()
    monitor.cancel()
    let error = #expect(throws: NeedletailError.self) { try index.compact(monitor: monitor) }
    #expect(error?.code == .cancelled)
    #expect(try index.snapshot().generation == 1)
    try index.remove([0])
    #expect(try found(index.snapshot(), rows[4])[0] == 4)
    #expect(try index.compact()?.count == 499)
  }

  @Test("A batch without ids says where its source stands, and no more")
  func emptyBatches() throws {
    let index = try index()
    let none = try VectorMatrix([], dimensions: Self.dimensions)
    try index.upsert(none, ids: [])
    try index.upsert(none, ids: [], options: .init(offset: .init(source: "s", position: 4)))
    try index.remove([VectorID](), options: .init(offset: .init(source: "s", position: 9)))
    try index.insert(try rows(3, seed: 14), ids: 0..<3)
    #expect(index.sourceOffsets == ["s": 9])
    try index.compact()
    try index.upsert(none, ids: [])
    try index.stopWriting()
    let again = try VectorIndex.open(at: home("index"))
    #expect(again.sourceOffsets == ["s": 9])
    #expect(try again.snapshot().ids == [0, 1, 2])
  }

  @Test("Options of writing that make no sense are refused", arguments: 0..<5)
  func badOptions(which: Int) throws {
    try index().insert(try rows(3, seed: 15), ids: 0..<3)
    var options = OpenOptions()
    switch which {
    case 0: options.writing.threads = 0
    case 1: options.writing.logVectorLimit = 0
    case 2: options.writing.logByteLimit = -1
    case 3: options.writing.keptGenerations = 0
    default: options.writing.memoryLimit = 0
    }
    let error = #expect(throws: NeedletailError.self) {
      try VectorIndex.open(at: home("index"), options: options)
    }
    #expect(error?.code == .invalidConfiguration)
  }

  @Test("A new index takes options of writing too")
  func optionsOfANewIndex() throws {
    let configuration = VectorIndex.Configuration(dimensions: Self.dimensions, metric: .cosine)
    var options = OpenOptions()
    options.writing.threads = 0
    let error = #expect(throws: NeedletailError.self) {
      try VectorIndex.create(at: home("index"), configuration: configuration, options: options)
    }
    #expect(error?.code == .invalidConfiguration)
    options.writing.threads = 2
    options.writing.logVectorLimit = 100
    options.writing.keptGenerations = 1
    options.ids = .mapped
    let index = try VectorIndex.create(
      at: home("index"), configuration: configuration, options: options)
    let rows = try rows(300, seed: 17)
    for first in stride(from: 0, to: 300, by: 60) {
      try index.upsert(rows[first..<(first + 60)], ids: UInt64(first)..<UInt64(first + 60))
      let snapshot = try index.snapshot()
      #expect(snapshot.unsealedCount <= 100)
      #expect(snapshot.unsealedCount == snapshot.information.unsealedCount)
    }
    try index.compact()
    let information = try index.snapshot().information
    #expect(information.count == 300 && information.placement["ids"] == "mapped")
    #expect(try index.generations() == [information.generation])
  }

  @Test("All vectors come back in the order of their ids, from wherever they are")
  func exporting() throws {
    let index = try index(.squaredEuclidean)
    let rows = try rows(300, seed: 16)
    try index.insert(rows[0..<200], ids: (0..<200).map { UInt64(1_000 - $0) })
    try index.compact(CompactionOptions(.none))
    try index.insert(rows[200..<300], ids: (200..<300).map { UInt64(1_000 - $0) })
    try index.withdraw([1_000])
    let snapshot = try index.snapshot()
    let all = try snapshot.exportAll()
    #expect(snapshot.ids.count == 299 && all.count == 299)
    for (place, id) in snapshot.ids.enumerated() {
      #expect(all[place] == rows[Int(1_000 - id)])
      #expect(try snapshot.export(id) == rows[Int(1_000 - id)])
    }
    #expect(try snapshot.export(1_000) == nil)
    let memory = snapshot.information.memory
    #expect(memory.ids == 200 * 12)
  }
}

extension Snapshot {
  /// How late a search may see what another process withdraws.
  fileprivate var statisticsDelay: Duration {
    let query = [Float](repeating: 1, count: dimensions)
    return (try? search(query, k: 1))?.statistics.withdrawalDelay ?? .zero
  }
}
