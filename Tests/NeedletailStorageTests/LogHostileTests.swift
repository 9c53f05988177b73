import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

/// Logs whose checksums are right and whose contents deceive.
@Suite struct LogHostileTests {
  /// A file of two batches with a source, attributes and marks: 3 upserts of 2 dimensions, 1 removal.
  private static func file() throws -> [UInt8] {
    let disk = try LogSample.disk()
    let writer = try LogSample.open(disk).writer
    let source = SourcePosition(name: "abcd", position: 9)
    _ = try writer.append(
      .upsert(
        ids: [1, 2, 3], dimensions: 2, components: [1, 2, 3, 4, 5, 6],
        attributes: [[1], [], [2, 3]], source: source))
    try writer.commit(.synced)
    _ = try writer.append(.remove(ids: [2]))
    try writer.commit(.synced)
    return try #require(disk.contents("index/log/1.wal"))
  }

  private static func read(_ bytes: [UInt8]) throws -> NeedletailError? {
    let disk = try LogSample.disk()
    try disk.makeDirectory("index/log")
    try disk.setContents("index/log/1.wal", bytes)
    do throws(NeedletailError) {
      _ = try LogSample.read(disk)
      return nil
    } catch { return error }
  }

  /// A field with a hostile value, and the error that it must give.
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var offset: Int
    var value: UInt64
    var byteCount = 4
    var code = NeedletailError.Code.corrupted
    var testDescription: String { name }
  }

  // The first record begins at 64, its source's name at 100, its payload at 104, its ids at 116, its
  // components at 140, the lengths of its attributes at 164, these at 176; it ends at 183.
  static let cases: [Case] = [
    Case(name: "version 0", offset: 8, value: 0),
    Case(name: "version 2", offset: 8, value: 2, code: .unsupportedFormat),
    Case(name: "version 2³²−1", offset: 8, value: 0xffff_ffff, code: .unsupportedFormat),
    Case(name: "header of 0 bytes", offset: 12, value: 0),
    Case(name: "header of 2³²−1 bytes", offset: 12, value: 0xffff_ffff),
    Case(name: "another index", offset: 16, value: 0, byteCount: 8),
    Case(name: "number 0", offset: 32, value: 0, byteCount: 8),
    Case(name: "number 2", offset: 32, value: 2, byteCount: 8),
    Case(name: "first LSN 0", offset: 40, value: 0, byteCount: 8),
    Case(name: "first LSN 2", offset: 40, value: 2, byteCount: 8),
    Case(name: "first LSN 2⁶²", offset: 40, value: 1 << 62, byteCount: 8),
    Case(name: "first LSN 2⁶⁴−1", offset: 40, value: .max, byteCount: 8),
    Case(name: "feature 0", offset: 56, value: 1, code: .unsupportedFormat),
    Case(name: "all features", offset: 56, value: 0xffff_ffff, code: .unsupportedFormat),
    Case(name: "kind 0", offset: 68, value: 0, byteCount: 2, code: .unsupportedFormat),
    Case(name: "kind 4", offset: 68, value: 4, byteCount: 2, code: .unsupportedFormat),
    Case(name: "kind 65535", offset: 68, value: 65_535, byteCount: 2, code: .unsupportedFormat),
    Case(name: "a mark with a payload", offset: 68, value: 3, byteCount: 2),
    Case(name: "a removal with rows", offset: 68, value: 2, byteCount: 2),
    Case(name: "a name of 0 bytes, and a position", offset: 70, value: 0, byteCount: 2),
    Case(name: "a name of 255 bytes", offset: 70, value: 255, byteCount: 2),
    Case(name: "a name of 65535 bytes", offset: 70, value: 65_535, byteCount: 2),
    Case(name: "a name up to the checksum", offset: 70, value: 79, byteCount: 2),
    Case(name: "LSN 0", offset: 72, value: 0, byteCount: 8),
    Case(name: "LSN 2", offset: 72, value: 2, byteCount: 8),
    Case(name: "LSN 2⁶⁴−1", offset: 72, value: .max, byteCount: 8),
    Case(name: "itself durable", offset: 80, value: 1, byteCount: 8),
    Case(name: "2⁶⁴−1 durable", offset: 80, value: .max, byteCount: 8),
    Case(name: "a name that is not UTF-8", offset: 100, value: 0x28c3, byteCount: 2),
    Case(name: "0 items", offset: 104, value: 0),
    Case(name: "2 items", offset: 104, value: 2),
    Case(name: "4 items", offset: 104, value: 4),
    Case(name: "2³¹ items", offset: 104, value: 1 << 31),
    Case(name: "2³²−1 items", offset: 104, value: 0xffff_ffff),
    Case(name: "0 dimensions", offset: 108, value: 0),
    Case(name: "1 dimension", offset: 108, value: 1),
    Case(name: "3 dimensions", offset: 108, value: 3),
    Case(name: "16384 dimensions", offset: 108, value: 16_384),
    Case(name: "16385 dimensions", offset: 108, value: 16_385),
    Case(name: "2³²−1 dimensions", offset: 108, value: 0xffff_ffff),
    Case(name: "no attributes", offset: 112, value: 0),
    Case(name: "flag 1", offset: 112, value: 3),
    Case(name: "all flags", offset: 112, value: 0xffff_ffff),
    Case(name: "a shorter piece", offset: 164, value: 0),
    Case(name: "a longer piece", offset: 172, value: 3),
    Case(name: "a piece of 2³²−1 bytes", offset: 168, value: 0xffff_ffff),
    // The length decides where the checksum is; one that leads astray is a broken record.
    Case(name: "a record of 0 bytes", offset: 64, value: 0),
    Case(name: "a record of 39 bytes", offset: 64, value: 39),
    Case(name: "a record of 40 bytes", offset: 64, value: 40),
    Case(name: "a record up to the end", offset: 64, value: 259),
    Case(name: "a record past the end", offset: 64, value: 1_000),
    Case(name: "a record of 2³¹ bytes", offset: 64, value: 1 << 31),
    Case(name: "a record of 2³²−1 bytes", offset: 64, value: 0xffff_ffff),
    // The mark behind it begins at 183, the removal at 223.
    Case(name: "a mark of the next LSN", offset: 183 + 8, value: 2, byteCount: 8),
    Case(name: "a mark of more than there is", offset: 183 + 16, value: 2, byteCount: 8),
    Case(name: "a mark with a position", offset: 183 + 24, value: 1, byteCount: 8),
    Case(name: "the same LSN again", offset: 223 + 8, value: 1, byteCount: 8),
    Case(name: "an LSN left out", offset: 223 + 8, value: 3, byteCount: 8),
    Case(name: "a removal of 2³²−1 ids", offset: 223 + 36, value: 0xffff_ffff),
    Case(name: "a removal with a dimension", offset: 223 + 40, value: 1),
    Case(name: "a removal with attributes", offset: 223 + 44, value: 1),
  ]

  @Test(arguments: cases)
  func hostileFieldsWithRightChecksums(hostile: Case) throws {
    var bytes = try Self.file()
    let records = LogTampering.records(of: bytes)
    #expect(records.map(\.lowerBound) == [64, 183, 223, 283] && bytes.count == 323)
    switch hostile.byteCount {
    case 2: bytes.put(UInt16(truncatingIfNeeded: hostile.value), at: hostile.offset)
    case 4: bytes.put(UInt32(truncatingIfNeeded: hostile.value), at: hostile.offset)
    default: bytes.put(hostile.value, at: hostile.offset)
    }
    LogTampering.mend(&bytes, records: records)
    let error = try #require(try Self.read(bytes), "\(hostile.name) was read")
    #expect(error.code == hostile.code, "\(error)")
    #expect(error.location?.path == "index/log/1.wal" && error.location?.byteOffset != nil)
    #expect(!error.message.contains("checksum is") || hostile.offset < 16, "\(error)")
  }

  @Test func mendingGivesTheChecksumsOfTheWriter() throws {
    let bytes = try Self.file()
    var mended = bytes
    LogTampering.mend(&mended, records: LogTampering.records(of: bytes))
    #expect(mended == bytes)
    #expect(try Self.read(bytes) == nil)
  }

  /// The bytes of an upsert are those of the format's description.
  @Test func theFormatOfToday() throws {
    let bytes = try Self.file()
    #expect(try GoldenFile.contents("1.wal", recording: bytes) == bytes)
  }

  @Test func randomDamageWithRightChecksumsNeverEscapes() throws {
    let original = try Self.file()
    let records = LogTampering.records(of: original)
    var generator = SplitMix64(seed: 23)
    let interesting: [UInt64] = [0, 1, 2, 3, 36, 255, 1 << 31, 1 << 32 - 1, 1 << 62, 1 << 63, .max]
    var (read, refused) = (0, 0)
    let rounds = Effort.count(5_000, long: 500_000)
    for _ in 0..<rounds {
      var bytes = original
      for _ in 0..<(1 + generator.next(below: 3)) {
        let width = 1 << Int(generator.next(below: 4))
        let offset = 8 + Int(generator.next(below: UInt64(bytes.count - 8 - width)))
        let value =
          generator.next(below: 3) == 0
          ? generator.next() : interesting[Int(generator.next(below: UInt64(interesting.count)))]
        for index in 0..<width {
          bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
        }
      }
      LogTampering.mend(&bytes, records: records)
      for acceptingLoss in [false, true] {
        let disk = try LogSample.disk()
        try disk.makeDirectory("index/log")
        try disk.setContents("index/log/1.wal", bytes)
        do throws(NeedletailError) {
          let (_, report, entries) = try LogSample.open(disk, acceptingLoss: acceptingLoss)
          read += 1
          #expect(entries.count <= 2 && (report.loss == nil || acceptingLoss))
          for batch in entries.map(\.batch) {
            #expect(batch.components.count == batch.ids.count * batch.dimensions)
            #expect(batch.attributes.isEmpty || batch.attributes.count == batch.ids.count)
          }
        } catch {
          refused += 1
          #expect(error.code == .corrupted || error.code == .unsupportedFormat, "\(error)")
        }
      }
    }
    #expect(read > rounds / 5 && refused > rounds / 5, "\(read) \(refused)")
  }

  /// Bytes made so that a record could begin anywhere cost no more than a few passes over them.
  @Test func searchingBehindDamageHasABound() throws {
    var bytes = Array(try Self.file().prefix(64))
    // Every 40 bytes the fields of a record that reaches to the end.
    let count = 400_000
    var position = 64
    while position < count - 40 {
      var fields = [UInt8](repeating: 0, count: 40)
      fields.put(UInt32(count - position), at: 0)
      fields.put(1 as UInt16, at: 4)
      fields.put(1 as UInt64, at: 8)
      bytes += fields
      position += 40
    }
    bytes += [UInt8](repeating: 0, count: count - bytes.count)
    let error = try #require(try Self.read(bytes))
    #expect(error.code == .corrupted)
  }

  @Test func noPayloadForgesARecord() throws {
    // The attributes of a batch are a whole log of the same index; the batch is torn.
    let disk = try LogSample.disk()
    let writer = try LogSample.open(disk, options: LogSample.options(seed: 77)).writer
    let inner = try Self.file()
    _ = try writer.append(
      .upsert(ids: [1], dimensions: 1, components: [0], attributes: [inner + inner]))
    try writer.commit(.buffered)
    var bytes = try #require(disk.contents("index/log/1.wal"))
    bytes.removeLast(5)
    try disk.setContents("index/log/1.wal", bytes)
    let (entries, report) = try LogSample.read(disk)
    #expect(entries.isEmpty && report.tornTail != nil)
  }
}
