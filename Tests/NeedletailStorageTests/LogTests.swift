import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

/// A log that nothing happens to.
@Suite struct LogTests {
  @Test(arguments: [100, 5_000, 64 << 20])
  func batchesComeBackInOrder(fileByteCount: Int) throws {
    let disk = try LogSample.disk()
    let options = LogSample.options(fileByteCount: fileByteCount)
    var generator = SplitMix64(seed: 1)
    var batches: [LogBatch] = []
    for round in 0..<4 {
      let (writer, report, entries) = try LogSample.open(disk, options: options)
      #expect(entries.map(\.batch) == batches && report.tornTail == nil && report.loss == nil)
      #expect(entries.map(\.lsn) == (0..<batches.count).map { UInt64($0 + 1) })
      #expect(writer.lastLSN == UInt64(batches.count))
      for _ in 0..<20 {
        let batch = LogSample.batch(&generator, items: 9, dimensions: 1 + round)
        batches.append(batch)
        #expect(try writer.append(batch) == .appended(lsn: UInt64(batches.count)))
        if generator.next(below: 3) == 0 { try writer.commit(.buffered) }
        if generator.next(below: 3) == 0 { try writer.commit(.synced) }
      }
      #expect(try writer.commit(.synced) == UInt64(batches.count))
      #expect(writer.durableLSN == writer.lastLSN)
    }
    let (entries, report) = try LogSample.read(disk)
    #expect(entries.map(\.batch) == batches)
    #expect((report.files.count > 10) == (fileByteCount == 100))
    let rows = batches.filter { $0.operation == .upsert }.reduce(0) { $0 + $1.ids.count }
    #expect(report.files.reduce(0) { $0 + $1.vectorCount } == rows)
  }

  @Test func anyBitsOfComponentsAndAnyPiecesComeBack() throws {
    let disk = try LogSample.disk()
    let bits: [UInt32] = [0, 1, 0x8000_0000, 0x7f80_0000, 0x7fc0_0001, 0xffff_ffff]
    let batch = LogBatch.upsert(
      ids: [0, .max, 7], dimensions: 2, components: bits.map { Float(bitPattern: $0) },
      attributes: [[], [0, 255], [UInt8](repeating: 3, count: 70_000)],
      source: SourcePosition(name: "Thema/ü", position: .max))
    let writer = try LogSample.open(disk).writer
    _ = try writer.append(batch)
    _ = try writer.append(.remove(ids: []))
    try writer.commit(.buffered)
    let (entries, report) = try LogSample.read(disk)
    #expect(entries.count == 2 && entries[1].batch == .remove(ids: []))
    #expect(entries[0].batch.components.map(\.bitPattern) == bits)
    #expect(entries[0].batch.attributes == batch.attributes && entries[0].batch.ids == batch.ids)
    #expect(report.sourceOffsets == ["Thema/ü": .max])
  }

  @Test func oneSynchronisationServesManyBatches() throws {
    let faulty = FaultyFileSystem(try LogSample.disk())
    let writer = try LogSample.open(faulty).writer
    _ = try writer.append(.remove(ids: [0]))
    try writer.commit(.synced)
    let before = faulty.log.count
    for id in 1...50 as ClosedRange<UInt64> { _ = try writer.append(.remove(ids: [id])) }
    #expect(writer.writtenLSN == 1 && writer.lastLSN == 51)
    try writer.commit(.synced)
    try writer.commit(.synced)
    #expect(
      faulty.log[before...].map { $0.split(separator: " ")[0] } == [
        "write", "synchronize", "write",
      ])
  }

  @Test func repeatedBatchesAreSkippedAndGapsAreErrors() throws {
    let disk = try LogSample.disk()
    func batch(_ name: String, _ position: UInt64) -> LogBatch {
      .remove(ids: [position], source: SourcePosition(name: name, position: position))
    }
    var writer = try LogSample.open(disk, sourceOffsets: ["segments": 5]).writer
    #expect(try writer.append(batch("segments", 5)) == .skipped(position: 5))
    #expect(try writer.append(batch("a", 10), expecting: .nothing) == .appended(lsn: 1))
    #expect(try writer.append(batch("a", 10), expecting: .nothing) == .skipped(position: 10))
    #expect(try writer.append(batch("a", 3)) == .skipped(position: 10))
    #expect(try writer.append(batch("b", 3)) == .appended(lsn: 2))
    for wrong: ExpectedPosition in [.nothing, .position(9), .position(11)] {
      let failure = code { () throws(NeedletailError) in
        _ = try writer.append(batch("a", 20), expecting: wrong)
      }
      #expect(failure == .sourceGap)
    }
    #expect(try writer.append(batch("a", 20), expecting: .position(10)) == .appended(lsn: 3))
    try writer.commit(.synced)

    // Nothing of this is forgotten by opening anew.
    writer = try LogSample.open(disk, sourceOffsets: ["segments": 5]).writer
    #expect(writer.sourceOffsets == ["segments": 5, "a": 20, "b": 3])
    #expect(try writer.append(batch("a", 20)) == .skipped(position: 20))
    #expect(try writer.append(batch("a", 21)) == .appended(lsn: 4))
    // An older state was published: its consumers send again what came since.
    try writer.commit(.synced)
    writer.replaceSourceOffsets(["a": 10])
    #expect(try writer.append(batch("a", 20), expecting: .position(10)) == .appended(lsn: 5))

    for name in ["", String(repeating: "n", count: 256)] {
      let failure = code { () throws(NeedletailError) in _ = try writer.append(batch(name, 1)) }
      #expect(failure == .invalidConfiguration)
    }
    #expect(writer.lastLSN == 5)
  }

  @Test func theBoundIsReportedAndASealTakesItBack() throws {
    let disk = try LogSample.disk()
    var options = LogSample.options()
    options.vectorBound = 10
    options.byteBound = 2_000
    var writer = try LogSample.open(disk, options: options).writer
    func upsert(_ count: Int) throws(NeedletailError) {
      _ = try writer.append(
        .upsert(
          ids: (0..<UInt64(count)).map(\.self), dimensions: 1,
          components: [Float](repeating: 1, count: count)))
      try writer.commit(.buffered)
    }
    try upsert(10)
    #expect(!writer.isOverBound && writer.unsealedVectorCount == 10)
    try upsert(1)
    #expect(writer.isOverBound && writer.unsealedVectorCount == 11)
    // What waits for a seal is known after opening anew.
    writer = try LogSample.open(disk, options: options).writer
    #expect(writer.isOverBound && writer.unsealedVectorCount == 11)
    try upsert(1)
    try writer.roll()
    let sealed = writer.lastLSN
    try upsert(2)
    try writer.removeFiles(sealedThrough: sealed - 1)
    #expect(writer.unsealedVectorCount == 3, "a file goes when all of it is sealed")
    try writer.removeFiles(sealedThrough: sealed)
    #expect(!writer.isOverBound && writer.unsealedVectorCount == 2)
    #expect(try disk.list("index/log") == ["2.wal"] || disk.list("index/log") == ["3.wal"])
    #expect(try LogSample.read(disk, after: sealed).entries.map(\.lsn) == [sealed + 1])
    _ = try writer.append(.remove(ids: [UInt64](repeating: 1, count: 300)))
    #expect(writer.isOverBound && writer.unsealedByteCount > 2_400)
  }

  @Test func anEmptyLogBeginsBehindTheSegments() throws {
    let disk = try LogSample.disk()
    let writer = try LogSample.open(disk, after: 41).writer
    #expect(try disk.kind(of: "index/log") == nil, "nothing is made before it is needed")
    #expect(try writer.append(.remove(ids: [1])) == .appended(lsn: 42))
    try writer.commit(.synced)
    #expect(try LogSample.read(disk, after: 41).entries.map(\.lsn) == [42])
    #expect(try LogSample.read(disk, after: 42).report.lastLSN == 42)
    let failure = code { () throws(NeedletailError) in _ = try LogSample.read(disk, after: 40) }
    #expect(failure == .corrupted, "batch 41 is in no segment and in no file")
  }

  @Test func batchesOfImpossibleSizeAreRefused() throws {
    let writer = try LogSample.open(try LogSample.disk()).writer
    // Pieces that share their memory: 1 GiB together.
    let pieces = [[UInt8]](repeating: [UInt8](repeating: 0, count: 16 << 20), count: 64)
    let failure = code { () throws(NeedletailError) in
      _ = try writer.append(
        .upsert(
          ids: [UInt64](repeating: 0, count: 64), dimensions: 1,
          components: [Float](repeating: 0, count: 64), attributes: pieces))
    }
    #expect(failure == .capacityExceeded && writer.lastLSN == 0)
  }

  @Test func aRealDiskHoldsARealLog() throws {
    let temporary = try TemporaryDirectory()
    let directory = IndexDirectory(temporary.path, in: LocalFileSystem())
    var generator = SplitMix64(seed: 3)
    var batches: [LogBatch] = []
    for round in 0..<3 {
      var found: [LogBatch] = []
      let (writer, report) = try LogWriter.open(
        LogReader(directory, indexIdentity: LogSample.identity),
        options: LogSample.options(fileByteCount: 4096)
      ) { (entry) throws(NeedletailError) in found.append(entry.batch) }
      #expect(found == batches && (report.tornTail != nil) == (round > 0))
      for _ in 0..<30 {
        batches.append(LogSample.batch(&generator))
        _ = try writer.append(batches[batches.count - 1])
        try writer.commit(.synced)
      }
      // As a crash in the middle of a write would leave it.
      let names = try directory.fileSystem.list(directory.logPath)
      let last = try #require(names.map { UInt64($0.dropLast(4)) ?? 0 }.max())
      let file = try directory.fileSystem.reopen(directory.logPath(last))
      try file.write([UInt8](repeating: 9, count: 100))
      try file.close()
    }
  }
}
