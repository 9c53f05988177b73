import NeedletailCore
import Testing

@Suite struct VectorMatrixTests {
  @Test func rowsComeBackAsTheyWereGiven() throws {
    let components: [Float] = [1, 2, 3, -4, .infinity, 0.5]
    let matrix = try VectorMatrix(components, dimensions: 3)
    #expect(matrix.count == 2)
    #expect(matrix.dimensions == 3)
    #expect(matrix.element == .float32)
    #expect(matrix[0] == [1, 2, 3])
    #expect(matrix[1] == [-4, .infinity, 0.5])
    #expect(matrix[1, 2] == 0.5)
  }

  @Test func aMatrixMayBeEmpty() throws {
    let matrix = try VectorMatrix([], dimensions: 5)
    #expect(matrix.count == 0)
    #expect(matrix[0..<0].count == 0)
  }

  @Test func aRangeOfRowsSharesTheBytes() throws {
    let matrix = try VectorMatrix((0..<20).map(Float.init), dimensions: 2)
    let middle = matrix[3..<7]
    #expect(middle.count == 4)
    #expect(middle[0] == [6, 7])
    #expect(middle[1..<3][1] == [10, 11])
    #expect(unsafe middle.rowAddress(0) == matrix.rowAddress(3))
  }

  @Test func theBytesOutliveTheMatrixTheyWereTakenFrom() throws {
    var slice: VectorMatrix?
    do {
      let matrix = try VectorMatrix((0..<1_000).map(Float.init), dimensions: 10)
      slice = matrix[90..<100]
    }
    #expect(try #require(slice)[9] == (990..<1_000).map(Float.init))
  }

  @Test(arguments: [
    (7, 3, NeedletailError.Code.dimensionMismatch, ["7", "3"]),
    (1, 0, .invalidConfiguration, ["0"]),
    (1, -4, .invalidConfiguration, ["-4"]),
    (0, 16_385, .capacityExceeded, ["16385", "16384"]),
  ])
  func shapesThatMakeNoRowsAreRefused(
    count: Int, dimensions: Int, code: NeedletailError.Code, numbers: [String]
  ) {
    let error = #expect(throws: NeedletailError.self) {
      try VectorMatrix([Float](repeating: 0, count: count), dimensions: dimensions)
    }
    #expect(error?.code == code)
    for number in numbers { #expect(error?.message.contains(number) == true, "\(number)") }
  }

  @Test func everyElementReadsAsFloat() throws {
    let owner = Bytes([0x00, 0x3c, 0x00, 0xc0, 200, 0x80, 0, 0])
    func matrix(_ element: VectorMatrix.Element, _ dimensions: Int, at offset: Int) -> VectorMatrix
    {
      unsafe VectorMatrix(
        owner: owner, baseAddress: owner.start + offset, count: 1, dimensions: dimensions,
        element: element, rowByteStride: dimensions * element.byteCount)
    }
    #expect(matrix(.float16, 2, at: 0)[0] == [1, -2])
    #expect(matrix(.uint8, 2, at: 4)[0] == [200, 128])
    #expect(matrix(.int8, 2, at: 4)[0] == [-56, -128])
    #expect(VectorMatrix.Element.allCases.map(\.byteCount) == [4, 2, 1, 1])
  }
}

/// Bytes that a matrix may lie over.
@safe
private final class Bytes: @unchecked Sendable {
  // SAFETY: written once here, only read afterwards.
  let start: UnsafeMutableRawPointer

  init(_ bytes: [UInt8]) {
    unsafe start = .allocate(byteCount: bytes.count, alignment: 16)
    unsafe start.copyMemory(from: bytes, byteCount: bytes.count)
  }

  deinit { unsafe start.deallocate() }
}
