import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

/// Containers that are damaged, cut, or made to deceive.
@Suite struct HostileFileTests {
  @Test func everyTruncationIsRefusedInBothModes() throws {
    let (bytes, _) = try Sample.small.encoded()
    try withEvery("length", in: 0..<bytes.count) { length in
      for verification: Verification in [.structure, .full] {
        let found = code { () throws(NeedletailError) in
          _ = try open(Array(bytes.prefix(length)), .quantizer, verification)
        }
        #expect(found == .corrupted, "length \(length)")
      }
    }
  }

  @Test func everyAppendedByteIsRefused() throws {
    let (bytes, _) = try Sample.small.encoded()
    for extra in 1...200 {
      let longer = bytes + [UInt8](repeating: 0, count: extra)
      #expect(
        code { () throws(NeedletailError) in _ = try open(longer, .quantizer, .structure) }
          == .corrupted)
    }
  }

  @Test func everyBitFlipIsSeenByFullAndHarmlessToStructure() throws {
    let (bytes, _) = try Sample.small.encoded()
    let body = 512..<(bytes.count - 48)
    var damaged = bytes
    for bit in 0..<(bytes.count * 8) {
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      defer { damaged[bit / 8] ^= 1 << UInt8(bit % 8) }
      let full = code { () throws(NeedletailError) in _ = try open(damaged) }
      #expect(full == .corrupted || (full == .unsupportedFormat && bit / 8 < 24), "bit \(bit)")
      let structure = code { () throws(NeedletailError) in
        let file = try open(damaged, .quantizer, .structure)
        // Whatever it holds, the shape is the one that was written, and reading it stays inside.
        #expect(
          Sample(file).sections.map(\.bytes.count) == Sample.small.sections.map(\.bytes.count))
      }
      if body.contains(bit / 8) {
        #expect(structure == nil, "bit \(bit): contents are not looked at")
      } else {
        #expect(structure != nil, "bit \(bit): metadata is checked at once")
      }
    }
  }

  @Test func randomDamageWithMendedChecksumsNeverEscapes() throws {
    let (bytes, _) = try Sample.small.encoded()
    var generator = SplitMix64(seed: 7)
    let interesting: [UInt64] = [
      0, 1, 63, 64, 512, 576, 640, 1 << 31, 1 << 32, 1 << 62, 1 << 63, .max, .max - 63, .max - 511,
    ]
    var opened = 0
    for _ in 0..<Effort.count(20_000, long: 2_000_000) {
      var hostile = bytes
      for _ in 0..<(1 + generator.next(below: 3)) {
        let field = 8 * Int(generator.next(below: 24))
        let value =
          generator.next(below: 4) == 0
          ? generator.next() : interesting[Int(generator.next(below: UInt64(interesting.count)))]
        hostile.put(value, at: field)
      }
      Tampering.mend(&hostile, .quantizer)
      for verification: Verification in [.structure, .full] {
        guard let file = try? open(hostile, .quantizer, verification) else { continue }
        opened += 1
        var end = 512
        for section in file.sections {
          #expect(section.byteOffset >= end && section.byteOffset.isMultiple(of: 64))
          end = section.byteOffset + section.byteCount
          #expect(end <= hostile.count && section.count >= 0)
          // Every byte is read: an escape would be a crash, or a report of the sanitizer.
          #expect(unsafe file.bytes(section).reduce(0) { $0 &+ Int($1) } >= 0)
        }
      }
    }
    #expect(opened > 0, "the damage is so heavy that nothing behind the header is tested")
  }

  /// A named header field with a hostile value, and the error that it must give.
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var offset: Int
    var value: UInt64
    var byteCount = 8
    var code = NeedletailError.Code.corrupted
    var testDescription: String { name }
  }

  static let cases: [Case] = [
    Case(name: "version 0", offset: 8, value: 0, byteCount: 4, code: .unsupportedFormat),
    Case(name: "version 2", offset: 8, value: 2, byteCount: 4, code: .unsupportedFormat),
    Case(
      name: "version 2³²−1", offset: 8, value: 0xffff_ffff, byteCount: 4, code: .unsupportedFormat),
    Case(name: "header of 0 bytes", offset: 12, value: 0, byteCount: 4),
    Case(name: "header of 4096 bytes", offset: 12, value: 4096, byteCount: 4),
    Case(name: "header of 2³²−1 bytes", offset: 12, value: 0xffff_ffff, byteCount: 4),
    Case(name: "required feature 0", offset: 16, value: 1, code: .unsupportedFormat),
    Case(name: "required feature 63", offset: 16, value: 1 << 63, code: .unsupportedFormat),
    Case(name: "all required features", offset: 16, value: .max, code: .unsupportedFormat),
    Case(name: "length 0", offset: 32, value: 0),
    Case(name: "length 2⁶³", offset: 32, value: 1 << 63),
    Case(name: "length 2⁶⁴−1", offset: 32, value: .max),
    Case(name: "table at 0", offset: 40, value: 0),
    Case(name: "table in the header", offset: 40, value: 448),
    Case(name: "table unaligned", offset: 40, value: 705),
    Case(name: "table a line early", offset: 40, value: 640),
    Case(name: "table a line late", offset: 40, value: 768),
    Case(name: "table at 2⁶³", offset: 40, value: 1 << 63),
    Case(name: "table at 2⁶⁴−64", offset: 40, value: .max - 63),
    Case(name: "14 sections", offset: 48, value: 14, byteCount: 4),
    Case(name: "2³¹ sections", offset: 48, value: 1 << 31, byteCount: 4),
    Case(name: "2³²−1 sections", offset: 48, value: 0xffff_ffff, byteCount: 4),
    // An empty entry of the table is a section at byte 0.
    Case(name: "a section too many", offset: 48, value: 4, byteCount: 4),
    Case(name: "blocks of 0 bytes", offset: 52, value: 0, byteCount: 4),
    Case(name: "blocks of 4096 bytes", offset: 52, value: 4096, byteCount: 4),
    Case(name: "section at 0", offset: 72, value: 0),
    Case(name: "section in the header", offset: 72, value: 64),
    Case(name: "section unaligned", offset: 72, value: 513),
    Case(name: "section at 2⁶³", offset: 72, value: 1 << 63),
    Case(name: "section at 2⁶⁴−64", offset: 72, value: .max - 63),
    Case(name: "section in the checksum table", offset: 136, value: 768),
    Case(name: "section past the end", offset: 136, value: 1 << 20),
    Case(name: "section of 2⁶³ bytes", offset: 80, value: 1 << 63),
    Case(name: "section of 2⁶⁴−1 bytes", offset: 80, value: .max),
    Case(name: "section whose end wraps", offset: 80, value: .max - 511),
    Case(name: "section over the next one", offset: 80, value: 65),
    Case(name: "section over the table", offset: 144, value: 129),
    Case(name: "2⁶³ elements", offset: 88, value: 1 << 63),
    Case(name: "2⁶⁴−1 elements", offset: 88, value: .max),
    Case(name: "order swapped", offset: 104, value: 512),
    Case(name: "same kind twice", offset: 96, value: UInt64(SectionKind("ONE ").rawValue)),
  ]

  @Test(arguments: cases)
  func hostileHeadersWithRightChecksums(hostile: Case) throws {
    var bytes = try Sample.small.encoded().bytes
    if hostile.byteCount == 4 {
      bytes.put(UInt32(truncatingIfNeeded: hostile.value), at: hostile.offset)
    } else {
      bytes.put(hostile.value, at: hostile.offset)
    }
    Tampering.mend(&bytes, .quantizer)
    for verification: Verification in [.structure, .full] {
      do {
        _ = try open(bytes, .quantizer, verification)
        Issue.record("\(hostile.name) was opened")
      } catch {
        #expect(error.code == hostile.code, "\(error)")
        #expect(error.location?.path == "file" && error.location?.section != nil)
        #expect(!error.message.contains("checksum is"), "\(error)")
      }
    }
  }

  @Test func hostileFootersWithRightChecksums() throws {
    let bytes = try Sample.small.encoded().bytes
    let start = bytes.count - 48
    for (field, value) in [
      (0, 0 as UInt64), (0, .max), (0, 1 << 63), (0, UInt64(bytes.count + 1)), (8, 0), (8, 640),
      (8, .max),
    ] {
      var hostile = bytes
      hostile.put(value, at: start + field)
      hostile.put(
        CRC32C.checksum(of: Array(hostile[start..<(start + 36)])), at: start + 36)
      #expect(
        code { () throws(NeedletailError) in _ = try open(hostile, .quantizer, .structure) }
          == .corrupted)
    }
  }

  @Test func aForgedIdentityIsSeenByFull() throws {
    var bytes = try Sample.small.encoded().bytes
    let start = bytes.count - 48
    bytes[start + 16] ^= 1
    bytes.put(CRC32C.checksum(of: Array(bytes[start..<(start + 36)])), at: start + 36)
    _ = try open(bytes, .quantizer, .structure)
    #expect(code { () throws(NeedletailError) in _ = try open(bytes) } == .corrupted)
  }

  @Test func theVersionOfTheFutureIsNamed() throws {
    var bytes = try Sample.small.encoded().bytes
    bytes.put(9 as UInt32, at: 8)
    do {
      _ = try open(bytes)
      Issue.record("version 9 was opened")
    } catch {
      #expect(error.code == .unsupportedFormat)
      #expect(error.message.contains("version 9") && error.message.contains("reads 1 to 1"))
    }
  }
}
