import NeedletailCore
import NeedletailFormats
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@Suite struct RoundTripTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var ending: String
    var element: VectorMatrix.Element
    var testDescription: String { "\(ending) of \(element)" }
  }

  static let cases =
    [
      Case(ending: "fvecs", element: .float32), Case(ending: "bvecs", element: .uint8),
      Case(ending: "fbin", element: .float32), Case(ending: "u8bin", element: .uint8),
      Case(ending: "i8bin", element: .int8),
    ] + VectorMatrix.Element.allCases.map { Case(ending: "npy", element: $0) }

  @Test(arguments: cases) func bytesSurviveMappedAndStreamed(_ test: Case) throws {
    let directory = try TemporaryDirectory()
    for (index, shape) in [(1, 1), (2, 3), (17, 5), (1, Limits.dimensions), (300, 31)].enumerated()
    {
      let matrix = try VectorMatrix.random(shape.0, shape.1, test.element, seed: UInt64(index))
      let path = directory("\(index).\(test.ending)")
      try matrix.write(to: path)
      let mapped = try VectorMatrix(contentsOf: path)
      #expect(mapped.element == test.element)
      #expect(mapped.dimensions == shape.1)
      #expect(mapped.rowBytes == matrix.rowBytes)
      for maxRows in [1, 2, 7, 1000] {
        var stream = try VectorStream(contentsOf: path)
        #expect(stream.dimensions == shape.1 && stream.element == test.element)
        #expect(stream.count == shape.0)
        var rows: [[UInt8]] = []
        while let block = try stream.next(maxRows: maxRows) {
          #expect(block.count <= maxRows && block.count > 0)
          rows += block.rowBytes
          #expect(stream.position == rows.count)
        }
        #expect(rows == matrix.rowBytes)
      }
    }
    #expect(directory.names.count == 5, "no temporary file is left")
  }

  @Test(arguments: cases) func aStreamOfUnknownLengthGivesTheSameRows(_ test: Case) throws {
    let directory = try TemporaryDirectory()
    let name = "x.\(test.ending)"
    let matrix = try VectorMatrix.random(9, 5, test.element, seed: 3)
    try matrix.write(to: directory(name))
    let bytes = try directory.bytes(name)
    for step in [1, 2, 5, 1000] {
      for maxRows in [1, 4, 9, 10] {
        let stream = DribblingStream(bytes, name: name, step: step)
        #expect(
          try VectorMatrix.collect(try VectorStream(stream), maxRows: maxRows) == matrix.rowBytes)
      }
    }
  }

  @Test(arguments: ["ivecs", "ibin", "npy"]) func integersSurvive(ending: String) throws {
    let directory = try TemporaryDirectory()
    var generator = SplitMix64(seed: 5)
    let values = (0..<33).map { _ in Int32(truncatingIfNeeded: generator.next()) }
    let matrix = try IntegerMatrix(values, width: 3)
    try matrix.write(to: directory("x.\(ending)"))
    let read = try IntegerMatrix(contentsOf: directory("x.\(ending)"))
    #expect(read.count == 11 && read.width == 3)
    #expect((0..<11).flatMap { read[$0] } == values)
    let truth = try GroundTruthFile(contentsOf: directory("x.\(ending)"))
    #expect((0..<11).flatMap { truth.ids[$0] } == values)
    #expect(truth.distances == nil)
  }

  @Test func groundTruthSurvives() throws {
    let directory = try TemporaryDirectory()
    let ids = try IntegerMatrix([1, 2, 3, 4, 5, 6], width: 2)
    let distances = try VectorMatrix.random(3, 2, .float32, seed: 4)
    try GroundTruthFile(ids: ids, distances: distances).write(to: directory("x.ibin"))
    let read = try GroundTruthFile(contentsOf: directory("x.ibin"))
    #expect(read.ids[2] == [5, 6])
    #expect(read.distances?.rowBytes == distances.rowBytes)
  }

  @Test func emptyMatricesSurviveWhereAHeaderTellsTheirShape() throws {
    let directory = try TemporaryDirectory()
    let matrix = try VectorMatrix([], dimensions: 4)
    for ending in ["fbin", "npy"] {
      try matrix.write(to: directory("x.\(ending)"))
      let read = try VectorMatrix(contentsOf: directory("x.\(ending)"))
      #expect(read.count == 0 && read.dimensions == 4)
      var stream = try VectorStream(contentsOf: directory("x.\(ending)"))
      #expect(try stream.next(maxRows: 5) == nil)
    }
    let error = #expect(throws: NeedletailError.self) { try matrix.write(to: directory("x.fvecs")) }
    #expect(error?.code == .invalidConfiguration)
    #expect(directory.names == ["x.fbin", "x.npy"])
  }

  @Test func everyHalfSurvivesTheWayThroughFloat() throws {
    let directory = try TemporaryDirectory()
    let block = try MemoryBlock(byteCount: 1 << 17)
    for bits in 0..<(1 << 16) {
      unsafe block.mutableBytes.storeBytes(
        of: UInt16(bits), toByteOffset: bits * 2, as: UInt16.self)
    }
    let start = try unsafe #require(block.bytes.baseAddress)
    let halves = unsafe VectorMatrix(
      owner: block, baseAddress: start, count: 64, dimensions: 1024, element: .float16,
      rowByteStride: 2048)
    try halves.write(to: directory("x.fbin"))
    let floats = try VectorMatrix(contentsOf: directory("x.fbin"))
    #expect(floats.element == .float32)
    try floats.write(to: directory("x.npy"), element: .float16)
    let back = try VectorMatrix(contentsOf: directory("x.npy"))
    for row in 0..<64 {
      for j in 0..<1024 where floats[row, j].bitPattern != back[row, j].bitPattern {
        #expect(floats[row, j].isNaN && back[row, j].isNaN)
      }
    }
  }
}
