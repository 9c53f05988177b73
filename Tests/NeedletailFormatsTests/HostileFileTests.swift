import NeedletailCore
import NeedletailFormats
import NeedletailStorage
import Testing

@Suite struct HostileFileTests {
  @Test func thereAreMoreThanTwoHundredNamedCases() {
    let names = Set(HostileFile.all.map { "\($0.name) \($0.reader)" })
    #expect(names.count > 200)
    #expect(names.count == HostileFile.all.count, "each case has a name of its own")
  }

  @Test(arguments: HostileFile.all) func isRefusedWithAReason(_ file: HostileFile) throws {
    let region = try FileBytes.raw(file.bytes).region(file.fileName)
    let error = #expect(throws: NeedletailError.self) {
      switch file.reader {
      case .vectors: _ = try VectorMatrix(region)
      case .integers: _ = try IntegerMatrix(region)
      case .groundTruth: _ = try GroundTruthFile(region)
      }
    }
    let found = try #require(error)
    #expect(found.code == file.code, "\(found)")
    #expect(found.message.contains(file.fragment), "\(found)")
    #expect(found.location?.path == file.fileName)
    if let offset = found.location?.byteOffset { #expect(offset <= UInt64(file.bytes.count)) }
  }

  @Test(arguments: HostileFile.all.filter { $0.reader == .vectors })
  func isRefusedWhenStreamed(_ file: HostileFile) throws {
    for tellsLength in [true, false] {
      let stream = DribblingStream(
        file.bytes, name: file.fileName, step: 7, tellsLength: tellsLength)
      let error = #expect(throws: NeedletailError.self) {
        _ = try VectorMatrix.collect(try VectorStream(stream), maxRows: 2)
      }
      let found = try #require(error)
      if tellsLength { #expect(found.code == file.code, "\(found)") }
      #expect(found.location?.path == file.fileName, "\(found)")
    }
  }
}
