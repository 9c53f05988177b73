import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

/// Logs at the end of their numbers, where nobody gets by writing.
@Suite struct LogLastNumbersTests {
  private static let batch = LogBatch.remove(ids: [1])

  private func code(
    _ body: () throws(NeedletailError) -> Void
  ) -> NeedletailError.Code? {
    do throws(NeedletailError) {
      try body()
      return nil
    } catch { return error.code }
  }

  @Test func aFileWithTheLastNumberHasNoSuccessor() throws {
    let path = "index/log/\(UInt64.max).wal"
    for contents in [[], [UInt8](repeating: 0, count: 64)] {
      let disk = try LogSample.disk()
      try disk.makeDirectory("index/log")
      try disk.setContents(path, contents)
      let writer = try LogSample.open(disk).writer
      _ = try writer.append(Self.batch)
      #expect(
        code { () throws(NeedletailError) in try writer.commit(.synced) } == .capacityExceeded)
      #expect(writer.lastLSN == 0 && !writer.isPoisoned)
      // It held nothing, and is gone.
      let next = try LogSample.open(disk).writer
      #expect(try next.append(Self.batch) == .appended(lsn: 1))
      try next.commit(.synced)
      #expect(try LogSample.read(disk).entries.map(\.batch) == [Self.batch])
    }
  }

  /// The same with batches in it: they are read, and nothing is written behind them.
  @Test func batchesUnderTheLastNumberAreRead() throws {
    let disk = try LogSample.disk()
    let first = try LogSample.open(disk).writer
    _ = try first.append(Self.batch)
    try first.commit(.synced)
    var bytes = try #require(disk.contents("index/log/1.wal"))
    try disk.remove("index/log/1.wal")
    bytes.put(UInt64.max, at: 32)
    LogTampering.mend(&bytes, records: LogTampering.records(of: bytes))
    try disk.setContents("index/log/\(UInt64.max).wal", bytes)
    let (writer, _, entries) = try LogSample.open(disk)
    #expect(entries.map(\.batch) == [Self.batch])
    _ = try writer.append(Self.batch)
    #expect(code { () throws(NeedletailError) in try writer.commit(.synced) } == .capacityExceeded)
    #expect(try LogSample.read(disk).entries.map(\.batch) == [Self.batch])
  }

  @Test func noBatchGetsANumberThatNoManifestTakes() throws {
    let disk = try LogSample.disk()
    let (writer, _, _) = try LogSample.open(disk, after: 1 << 62 - 2)
    #expect(try writer.append(Self.batch) == .appended(lsn: 1 << 62 - 1))
    try writer.commit(.synced)
    #expect(
      code { () throws(NeedletailError) in _ = try writer.append(Self.batch) } == .capacityExceeded)
    try writer.roll()
    #expect(try LogSample.read(disk, after: 1 << 62 - 2).entries.map(\.lsn) == [1 << 62 - 1])
    #expect(try LogSample.open(disk, after: 1 << 62 - 1).writer.lastLSN == 1 << 62 - 1)
    var manifest = sampleManifest(4, [])
    manifest.sealedLSN = writer.lastLSN
    let fileSystem = InMemoryFileSystem()
    try manifest.write(to: "m", in: fileSystem)
  }

  /// A file that begins with the last number, and has two batches.
  @Test func aBatchBeyondTheLastNumberIsRefused() throws {
    let disk = try LogSample.disk()
    let writer = try LogSample.open(disk).writer
    for _ in 0..<2 { _ = try writer.append(Self.batch) }
    try writer.commit(.buffered)
    var bytes = try #require(disk.contents("index/log/1.wal"))
    let records = LogTampering.records(of: bytes)
    bytes.put(1 << 62 - 1 as UInt64, at: 40)
    for (number, record) in records.enumerated() {
      bytes.put(1 << 62 - 1 + UInt64(number), at: record.lowerBound + 8)
    }
    LogTampering.mend(&bytes, records: records)
    try disk.setContents("index/log/1.wal", bytes)
    #expect(
      code { () throws(NeedletailError) in _ = try LogSample.read(disk, after: 1 << 62 - 2) }
        == .corrupted)
  }
}
