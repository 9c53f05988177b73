import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@Suite struct ByteReaderTests {
  @Test func everythingWrittenIsReadBack() throws {
    var writer = ByteWriter()
    writer.append(UInt8(0xfe))
    writer.append(Int16(-2))
    writer.append(UInt32(0xdead_beef))
    writer.append(Int64.min)
    writer.append(UInt64.max)
    writer.append(Float(-0.0))
    writer.append(Double.pi)
    writer.append("Nadelschwänze")
    writer.append(contentsOf: [1, 2, 3])
    #expect(writer.bytes.prefix(7) == [0xfe, 0xfe, 0xff, 0xef, 0xbe, 0xad, 0xde])

    let region = try MappedRegion(writer.bytes, path: "x")
    var reader = ByteReader(region.span, path: "x", section: "s")
    #expect(try reader.read(UInt8.self) == 0xfe)
    #expect(try reader.read(Int16.self) == -2)
    #expect(try reader.read(UInt32.self) == 0xdead_beef)
    #expect(try reader.read(Int64.self) == .min)
    #expect(try reader.read(UInt64.self) == .max)
    #expect(try reader.readFloat().bitPattern == Float(-0.0).bitPattern)
    #expect(try reader.readDouble() == .pi)
    #expect(try reader.readString() == "Nadelschwänze")
    #expect(try reader.readBytes(3) == [1, 2, 3])
    try reader.finish()
  }

  @Test func shortBytesNameSectionAndOffset() throws {
    let region = try MappedRegion([1, 2, 3, 4, 5], path: "some/file")
    var reader = ByteReader(region.span, path: "some/file", section: "SEGM", start: 1000)
    _ = try reader.read(UInt16.self)
    do {
      _ = try reader.read(UInt64.self)
      Issue.record("8 bytes were read where 3 are")
    } catch {
      #expect(error.code == .corrupted)
      #expect(
        error.location == .init(path: "some/file", section: "SEGM", byteOffset: 1002))
    }
    // A failed read takes nothing.
    let remaining = reader.remaining
    #expect(remaining == 3)
    #expect(throws: NeedletailError.self) { try region.checkFinished(after: 4) }
  }

  @Test(arguments: [UInt64.max, 1 << 63, 1 << 62, 3])
  func countsAreCheckedBeforeAllocation(count: UInt64) throws {
    var writer = ByteWriter()
    writer.append(count)
    writer.append(contentsOf: [UInt8](repeating: 0, count: 16))
    let region = try MappedRegion(writer.bytes, path: "x")
    var reader = ByteReader(region.span, path: "x", section: "s")
    let failure = failure(of: &reader) { reader throws(NeedletailError) in
      try reader.readCount(stride: 8)
    }
    #expect(failure?.code == .corrupted)
    if count == 3 { #expect(try reader.readCount(stride: 4) == 3) }
  }

  @Test func textsOfWrongLengthOrEncodingAreRefused() throws {
    for bytes: [UInt8] in [[255, 255, 255, 255, 65], [2, 0, 0, 0, 0xc3, 0x28], [2, 0, 0, 0, 65]] {
      let region = try MappedRegion(bytes, path: "x")
      var reader = ByteReader(region.span, path: "x", section: "s")
      let failure = failure(of: &reader) { reader throws(NeedletailError) in try reader.readString()
      }
      #expect(failure?.code == .corrupted)
    }
  }

  @Test func negativeLengthsAreRefused() throws {
    let region = try MappedRegion([1], path: "x")
    var reader = ByteReader(region.span, path: "x", section: "s")
    let failure = failure(of: &reader) { reader throws(NeedletailError) in try reader.readBytes(-1)
    }
    #expect(failure?.code == .corrupted)
  }

  /// The error that a read throws; `#expect(throws:)` cannot hold a reader.
  private func failure<Value>(
    of reader: inout ByteReader, _ body: (inout ByteReader) throws(NeedletailError) -> Value
  ) -> NeedletailError? {
    do {
      _ = try body(&reader)
      return nil
    } catch { return error }
  }
}

extension MappedRegion {
  fileprivate func checkFinished(after count: Int) throws {
    var reader = ByteReader(span, path: path, section: "s")
    _ = try reader.readBytes(count)
    try reader.finish()
  }
}
