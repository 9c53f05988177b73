import Foundation
import NeedletailCore
import NeedletailFormats
import Testing
import _NeedletailTestSupport

@Suite struct StreamTests {
  /// A header, then zeros without end.
  private final class EndlessStream: ByteStream {
    let path = "x.fbin"
    let byteCount: Int? = nil
    private var header: [UInt8]

    init(_ header: FileBytes) { self.header = header.bytes }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(NeedletailError) -> Int {
      for j in 0..<min(header.count, buffer.count) { unsafe buffer[j] = header[j] }
      header.removeFirst(min(header.count, buffer.count))
      return buffer.count
    }
  }

  @Test func aBlockTakesAtMost64MiB() throws {
    var stream = try VectorStream(
      EndlessStream(.u32(3000, UInt32(Limits.dimensions))))
    #expect(try stream.next(maxRows: .max)?.count == 1024)
  }

  @Test func aBlockNeedsARow() throws {
    var stream = try VectorStream(EndlessStream(.u32(3, 2)))
    for maxRows in [0, -1, Int.min] {
      let error = #expect(throws: NeedletailError.self) { try stream.next(maxRows: maxRows) }
      #expect(error?.code == .invalidConfiguration)
    }
    #expect(try stream.next(maxRows: 1)?.count == 1)
  }

  @Test func anErrorStays() throws {
    let bytes = FileBytes.u32(3, 2).fill(20).bytes
    var stream = try VectorStream(DribblingStream(bytes, name: "x.fbin"))
    #expect(try stream.next(maxRows: 1)?.count == 1)
    #expect(try stream.next(maxRows: 1)?.count == 1)
    for _ in 0..<2 {
      let error = #expect(throws: NeedletailError.self) { try stream.next(maxRows: 1) }
      #expect(error?.code == .corrupted)
      #expect(error?.location?.byteOffset == 28)
    }
  }

  @Test func aHugeClaimTakesNoMoreMemoryThanABlock() throws {
    let bytes = FileBytes.u32(.max, 1).fill(4).bytes
    var stream = try VectorStream(DribblingStream(bytes, name: "x.fbin"))
    let error = #expect(throws: NeedletailError.self) { try stream.next(maxRows: .max) }
    #expect(error?.message.contains("the stream ends after 12") == true)
  }

  @Test func readsANamedPipe() throws {
    let directory = try TemporaryDirectory()
    let path = directory("x.fvecs")
    try #require(unsafe mkfifo(path, 0o600) == 0)
    let bytes = FileBytes().row(3, of: 4).row(3, of: 4).row(3, of: 4).bytes
    let writer = Thread {
      FileHandle(forWritingAtPath: path)?.write(Data(bytes))
    }
    writer.start()
    var stream = try VectorStream(contentsOf: path)
    #expect(stream.count == nil && stream.dimensions == 3)
    #expect(try stream.next(maxRows: 2)?.count == 2)
    #expect(try stream.next(maxRows: 2)?.count == 1)
    #expect(try stream.next(maxRows: 2) == nil)
  }

  @Test func whatIsNoFileIsRefused() throws {
    let directory = try TemporaryDirectory()
    try FileManager.default.createDirectory(
      atPath: directory("d.fbin"), withIntermediateDirectories: false)
    try #require(unsafe mkfifo(directory("p.fbin"), 0o600) == 0)
    func code(_ body: () throws -> Void) -> NeedletailError.Code? {
      #expect(throws: NeedletailError.self) { try body() }?.code
    }
    #expect(code { _ = try VectorMatrix(contentsOf: directory("no.fbin")) } == .notFound)
    #expect(code { _ = try VectorStream(contentsOf: directory("no.fbin")) } == .notFound)
    #expect(code { _ = try IntegerMatrix(contentsOf: directory("no.ibin")) } == .notFound)
    #expect(code { _ = try GroundTruthFile(contentsOf: directory("no.ibin")) } == .notFound)
    #expect(code { _ = try VectorMatrix(contentsOf: directory("d.fbin")) } == .io)
    #expect(code { _ = try VectorStream(contentsOf: directory("d.fbin")) } == .io)
    #expect(code { _ = try VectorMatrix(contentsOf: directory("p.fbin")) } == .io)
    #expect(
      code { _ = try VectorMatrix(contentsOf: directory("a\0.fbin")) } == .invalidConfiguration)
    #expect(
      code { _ = try VectorStream(contentsOf: directory("a\0.fbin")) } == .invalidConfiguration)
  }
}
