import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

/// Damaged and hostile files of withdrawals.
@Suite struct WithdrawalDamageTests {
  private static func file() throws -> (bytes: [UInt8], states: [Set<VectorID>]) {
    let disk = try LogSample.disk()
    let states = try WithdrawalSample.small(disk)
    return (try #require(disk.contents(WithdrawalSample.path)), states)
  }

  /// What a reader and a writer make of a file; both must agree.
  private static func read(_ bytes: [UInt8]) throws -> Result<Set<VectorID>, NeedletailError> {
    let disk = try WithdrawalSample.disk(bytes)
    let read = Result { () throws(NeedletailError) in try WithdrawalSample.read(disk) }
    let opened = Result { () throws(NeedletailError) in try WithdrawalSample.open(disk).ids }
    switch (read, opened) {
    case (.success(let one), .success(let other)): #expect(one == other)
    case (.failure(let one), .failure(let other)): #expect(one.code == other.code)
    default: Issue.record("reader and writer disagree: \(read), \(opened)")
    }
    return read
  }

  @Test func noFlippedBitLosesAWithdrawal() throws {
    let (bytes, states) = try Self.file()
    for bit in 0..<(bytes.count * 8) {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      switch try Self.read(damaged) {
      case .success(let ids): #expect(ids == states.last, "bit \(bit)")
      case .failure(let error):
        #expect([.corrupted, .unsupportedFormat].contains(error.code), "bit \(bit): \(error)")
      }
    }
  }

  @Test func everyTruncationIsAStateThatWas() throws {
    let (bytes, states) = try Self.file()
    for length in 0..<bytes.count {
      let ids = try Self.read(Array(bytes.prefix(length))).get()
      #expect(states.contains(ids), "length \(length)")
    }
  }

  @Test func lossIsAcceptedOnRequestOnlyAndTold() throws {
    var (bytes, states) = try Self.file()
    let records = LogTampering.records(of: bytes)
    bytes[records[2].lowerBound + 40] ^= 1
    let disk = try WithdrawalSample.disk(bytes)
    #expect(
      code { () throws(NeedletailError) in _ = try WithdrawalSample.open(disk) } == .corrupted)
    #expect(disk.contents(WithdrawalSample.path) == bytes, "nothing was changed")
    let log = try WithdrawalSample.open(disk, acceptingLoss: true)
    #expect(log.ids == states[1])
    #expect(log.report.loss?.firstLSN == 2 && log.report.loss?.lastLSN == 3)
    let lost = try #require(log.report.loss?.batches.first)
    #expect(log.report.loss?.batches.count == 1 && lost.lsn == 3 && lost.operation == "withdraw")
    #expect(Set(lost.ids) == states[3].subtracting(states[2]))
    #expect(try WithdrawalSample.open(disk).ids == states[1])
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

  // Records begin at 64 (three ids withdrawn), 132 (mark), 172 (one reinstated), 224 (mark),
  // 264 (two withdrawn), 324 (mark); a count stands 36 bytes into a record, ids at 40.
  static let cases: [Case] = [
    Case(name: "the log's own magic", offset: 4, value: 0x0a47_4f4c),
    Case(name: "version 0", offset: 8, value: 0),
    Case(name: "version 2", offset: 8, value: 2, code: .unsupportedFormat),
    Case(name: "version 2³²−1", offset: 8, value: 0xffff_ffff, code: .unsupportedFormat),
    Case(name: "header of 0 bytes", offset: 12, value: 0),
    Case(name: "header of 2³²−1 bytes", offset: 12, value: 0xffff_ffff),
    Case(name: "another index", offset: 16, value: 0, byteCount: 8),
    Case(name: "number 0", offset: 32, value: 0, byteCount: 8),
    Case(name: "number 2", offset: 32, value: 2, byteCount: 8),
    Case(name: "number 2⁶⁴−1", offset: 32, value: .max, byteCount: 8),
    Case(name: "first number 0", offset: 40, value: 0, byteCount: 8),
    Case(name: "first number 2, and no state", offset: 40, value: 2, byteCount: 8),
    Case(name: "first number 2⁶²", offset: 40, value: 1 << 62, byteCount: 8),
    Case(name: "first number 2⁶⁴−1", offset: 40, value: .max, byteCount: 8),
    Case(name: "feature 0", offset: 56, value: 1, code: .unsupportedFormat),
    Case(name: "all features", offset: 56, value: 0xffff_ffff, code: .unsupportedFormat),
    Case(name: "kind 0", offset: 68, value: 0, byteCount: 2, code: .unsupportedFormat),
    Case(
      name: "kind 1, a batch of rows", offset: 68, value: 1, byteCount: 2, code: .unsupportedFormat),
    Case(name: "kind 2, a removal", offset: 68, value: 2, byteCount: 2, code: .unsupportedFormat),
    Case(name: "kind 3, a mark with ids", offset: 68, value: 3, byteCount: 2),
    Case(name: "kind 7", offset: 68, value: 7, byteCount: 2, code: .unsupportedFormat),
    Case(name: "kind 65535", offset: 68, value: 65_535, byteCount: 2, code: .unsupportedFormat),
    Case(name: "a source of 4 bytes", offset: 70, value: 4, byteCount: 2),
    Case(name: "a source of 28 bytes", offset: 70, value: 28, byteCount: 2),
    Case(name: "a source of 65535 bytes", offset: 70, value: 65_535, byteCount: 2),
    Case(name: "a position without a source", offset: 88, value: 1, byteCount: 8),
    Case(name: "number 0 of a record", offset: 72, value: 0, byteCount: 8),
    Case(name: "a number left out", offset: 72, value: 2, byteCount: 8),
    Case(name: "number 2⁶⁴−1 of a record", offset: 72, value: .max, byteCount: 8),
    Case(name: "itself durable", offset: 80, value: 1, byteCount: 8),
    Case(name: "2⁶⁴−1 durable", offset: 80, value: .max, byteCount: 8),
    Case(name: "0 ids", offset: 100, value: 0),
    Case(name: "2 ids", offset: 100, value: 2),
    Case(name: "4 ids", offset: 100, value: 4),
    Case(name: "2²⁹ ids", offset: 100, value: 1 << 29),
    Case(name: "2³²−1 ids", offset: 100, value: 0xffff_ffff),
    Case(name: "a record of 0 bytes", offset: 64, value: 0),
    Case(name: "a record of 39 bytes", offset: 64, value: 39),
    Case(name: "a record of 43 bytes", offset: 64, value: 43),
    Case(name: "a record up to the end", offset: 64, value: 300),
    Case(name: "a record past the end", offset: 64, value: 301),
    Case(name: "a record of 2³¹ bytes", offset: 64, value: 1 << 31),
    Case(name: "a record of 2³²−1 bytes", offset: 64, value: 0xffff_ffff),
    Case(name: "a mark of the next number", offset: 132 + 8, value: 2, byteCount: 8),
    Case(name: "a mark of more than there is", offset: 132 + 16, value: 2, byteCount: 8),
    Case(name: "a mark with a position", offset: 132 + 24, value: 1, byteCount: 8),
    Case(name: "the same number again", offset: 172 + 8, value: 1, byteCount: 8),
    Case(name: "a reinstatement of kind 0", offset: 172 + 4, value: 0, code: .unsupportedFormat),
    Case(name: "a reinstatement of 2³²−1 ids", offset: 172 + 36, value: 0xffff_ffff),
    Case(name: "a mark that is a withdrawal", offset: 324 + 4, value: 4),
  ]

  @Test(arguments: cases)
  func hostileFieldsWithRightChecksums(hostile: Case) throws {
    var (bytes, _) = try Self.file()
    let records = LogTampering.records(of: bytes)
    #expect(records.map(\.lowerBound) == [64, 132, 172, 224, 264, 324] && bytes.count == 364)
    switch hostile.byteCount {
    case 2: bytes.put(UInt16(truncatingIfNeeded: hostile.value), at: hostile.offset)
    case 4: bytes.put(UInt32(truncatingIfNeeded: hostile.value), at: hostile.offset)
    default: bytes.put(hostile.value, at: hostile.offset)
    }
    LogTampering.mend(&bytes, records: records)
    switch try Self.read(bytes) {
    case .success(let ids): Issue.record("\(hostile.name) gave \(ids)")
    case .failure(let error):
      #expect(error.code == hostile.code, "\(error)")
      #expect(error.location?.path == WithdrawalSample.path, "\(error)")
    }
  }

  @Test func theFormatOfToday() throws {
    let disk = try LogSample.disk()
    let log = try WithdrawalSample.open(disk)
    try log.withdraw([10, 20, 30])
    try log.rewrite()
    try log.reinstate([20])
    let bytes = try #require(disk.contents("index/withdrawn/2.log"))
    #expect(try GoldenFile.contents("withdrawn-2.log", recording: bytes) == bytes)
  }

  @Test func randomDamageWithRightChecksumsNeverEscapes() throws {
    let (original, _) = try Self.file()
    let records = LogTampering.records(of: original)
    var generator = SplitMix64(seed: 29)
    let interesting: [UInt64] = [0, 1, 2, 3, 4, 5, 6, 44, 1 << 31, 1 << 32 - 1, 1 << 62, .max]
    var (read, refused) = (0, 0)
    let rounds = Effort.count(3_000, long: 300_000)
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
      switch try Self.read(bytes) {
      case .success: read += 1
      case .failure(let error):
        refused += 1
        #expect(error.code == .corrupted || error.code == .unsupportedFormat, "\(error)")
      }
    }
    #expect(read > rounds / 6 && refused > rounds / 6, "\(read) \(refused)")
  }

  /// A state in the middle of a file replaces what was before it; that is odd, and sound.
  @Test func aStateMayStandAnywhere() throws {
    var (bytes, _) = try Self.file()
    let records = LogTampering.records(of: bytes)
    bytes.put(6 as UInt16, at: records[4].lowerBound + 4)
    LogTampering.mend(&bytes, records: records)
    #expect(try Self.read(bytes).get() == [40, .max])
  }
}
