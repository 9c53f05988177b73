import Foundation
import NeedletailCore
import NeedletailFormats
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@Suite struct WriterTests {
  @Test(arguments: ["fvecs", "fbin", "npy"]) func aDroppedWriterLeavesNothing(ending: String) throws
  {
    let directory = try TemporaryDirectory()
    do {
      var writer = try VectorFileWriter(path: directory("x.\(ending)"), dimensions: 2)
      try writer.append(try VectorMatrix([1, 2], dimensions: 2))
      #expect(writer.count == 1)
      #expect(directory.names.count == 1, "rows go to a temporary file")
    }
    #expect(directory.names == [])
  }

  @Test func rowsAndBlocksMayAlternate() throws {
    let directory = try TemporaryDirectory()
    var writer = try VectorFileWriter(path: directory("x.fvecs"), dimensions: 3)
    try writer.append([1, 2, 3].span)
    try writer.append(try VectorMatrix([4, 5, 6, 7, 8, 9], dimensions: 3))
    try writer.append([10, 11, 12].span)
    try writer.finish()
    #expect(
      try VectorMatrix(contentsOf: directory("x.fvecs")).components == (1...12).map { Float($0) })
  }

  @Test func moreThanABufferIsWritten() throws {
    let directory = try TemporaryDirectory()
    let matrix = try VectorMatrix.random(700, 1000, .float32, seed: 8)
    try matrix.write(to: directory("x.fbin"))
    try VectorMatrix(contentsOf: directory("x.fbin")).write(to: directory("x.fvecs"))
    let rows = try VectorMatrix(contentsOf: directory("x.fvecs"))
    #expect(rows.rowBytes == matrix.rowBytes)
    // Rows of a matrix whose stride is not their length.
    try rows.write(to: directory("y.fbin"))
    #expect(try directory.bytes("x.fbin") == directory.bytes("y.fbin"))
  }

  @Test func anExistingFileIsKeptUnlessItMayBeReplaced() throws {
    let directory = try TemporaryDirectory()
    let one = try VectorMatrix([1], dimensions: 1)
    let two = try VectorMatrix([2], dimensions: 1)
    let path = directory("x.fbin")
    try one.write(to: path)
    let error = #expect(throws: NeedletailError.self) { try two.write(to: path) }
    #expect(error?.code == .alreadyExists)
    #expect(try VectorMatrix(contentsOf: path).components == [1])
    try two.write(to: path, replacing: true)
    #expect(try VectorMatrix(contentsOf: path).components == [2])

    var late = try VectorFileWriter(path: directory("y.fbin"), dimensions: 1)
    try late.append(one)
    try two.write(to: directory("y.fbin"))
    do {
      try late.finish()
      Issue.record("a name that was taken meanwhile is refused")
    } catch { #expect(error.code == .alreadyExists) }
    #expect(try VectorMatrix(contentsOf: directory("y.fbin")).components == [2])
    #expect(directory.names == ["x.fbin", "y.fbin"])
  }

  @Test func whatIsNotHeldExactlyIsRefusedWithItsPlace() throws {
    let directory = try TemporaryDirectory()
    for (ending, element, value) in [
      ("npy", .float16, 0.1), ("npy", .float16, 70_000), ("u8bin", nil, 0.5), ("u8bin", nil, 256),
      ("u8bin", nil, -1), ("i8bin", nil, 128), ("i8bin", nil, .nan), ("bvecs", nil, .infinity),
    ] as [(String, VectorMatrix.Element?, Float)] {
      let matrix = try VectorMatrix([1, 2, 3, value], dimensions: 2)
      let error = #expect(throws: NeedletailError.self) {
        try matrix.write(to: directory("x.\(ending)"), element: element)
      }
      #expect(error?.code == .invalidConfiguration)
      #expect(
        error?.message.contains("Row 1, component 1 is") == true, "\(String(describing: error))")
    }
    #expect(directory.names == [])
  }

  @Test func bytesAndHalvesBecomeFloats() throws {
    let directory = try TemporaryDirectory()
    for element in [.uint8, .int8] as [VectorMatrix.Element] {
      let matrix = try VectorMatrix.random(4, 64, element, seed: 2)
      try matrix.write(to: directory("\(element).fbin"))
      let floats = try VectorMatrix(contentsOf: directory("\(element).fbin"))
      #expect(floats.element == .float32 && floats.components == matrix.components)
      try floats.write(to: directory("\(element).npy"), element: element)
      let back = try VectorMatrix(contentsOf: directory("\(element).npy"))
      #expect(back.rowBytes == matrix.rowBytes)
    }
  }

  @Test func rowsOfAnotherLengthAreRefusedAndTheWriterGoesOn() throws {
    let directory = try TemporaryDirectory()
    var writer = try VectorFileWriter(path: directory("x.fbin"), dimensions: 2)
    let wrong = try VectorMatrix([1, 2, 3], dimensions: 3)
    let right = try VectorMatrix([1, 2], dimensions: 2)
    do {
      try writer.append(wrong)
      Issue.record("three components are not two")
    } catch { #expect(error.code == .dimensionMismatch) }
    try writer.append(right)
    try writer.finish()
    #expect(try VectorMatrix(contentsOf: directory("x.fbin")).components == [1, 2])
  }

  @Test func impossibleFilesAreRefused() throws {
    let directory = try TemporaryDirectory()
    func code(
      _ name: String, _ dimensions: Int, _ element: VectorMatrix.Element? = nil
    ) -> NeedletailError.Code? {
      #expect(throws: NeedletailError.self) {
        _ = try VectorFileWriter(path: directory(name), dimensions: dimensions, element: element)
      }?.code
    }
    #expect(code("x.txt", 2) == .unsupportedFormat)
    #expect(code("x.hdf5", 2) == .unsupportedFormat)
    #expect(code("x.ibin", 2) == .invalidConfiguration)
    #expect(code("x.ivecs", 2) == .invalidConfiguration)
    #expect(code("x.fbin", 2, .uint8) == .invalidConfiguration)
    #expect(code("x.fbin", 0) == .invalidConfiguration)
    #expect(code("x.fbin", -1) == .invalidConfiguration)
    #expect(code("x.fbin", Limits.dimensions + 1) == .capacityExceeded)
    #expect(code("x.fbin", .max) == .capacityExceeded)
    #expect(code("no/x.fbin", 2) == .notFound)
    let ids = try IntegerMatrix([1], width: 1)
    let distances = try VectorMatrix([1], dimensions: 1)
    let error = #expect(throws: NeedletailError.self) {
      try GroundTruthFile(ids: ids, distances: distances).write(to: directory("x.ivecs"))
    }
    #expect(error?.code == .invalidConfiguration)
    #expect(throws: NeedletailError.self) { try ids.write(to: directory("x.fbin")) }
    #expect(throws: NeedletailError.self) {
      try GroundTruthFile(ids: ids, distances: try VectorMatrix([1, 2], dimensions: 2))
    }
    #expect(directory.names == [])
  }

  @Test(arguments: ["fvecs", "fbin", "npy"])
  func whereverTheDiskFailsNothingIsLeft(ending: String) throws {
    let matrix = try VectorMatrix.random(3, 100_000 / 8, .float32, seed: 1)
    var failures = 0
    for step in 1...100 {
      let directory = try TemporaryDirectory()
      try VectorMatrix([7], dimensions: 1).write(to: directory("x.\(ending)"))
      let before = try directory.bytes("x.\(ending)")
      let fileSystem = FaultyFileSystem(
        LocalFileSystem(), fault: .init(call: step, number: ENOSPC, isTorn: true))
      do {
        var writer = try VectorFileWriter(
          path: directory("x.\(ending)"), dimensions: matrix.dimensions, replacing: true,
          fileSystem: fileSystem)
        for _ in 0..<8 { try writer.append(matrix) }
        try writer.finish()
      } catch {
        failures += 1
        #expect(error.code == .io, "\(error)")
      }
      #expect(directory.names == ["x.\(ending)"], "step \(step)")
      // Either the old file or the whole new one; the last call makes the new name durable.
      let after = try VectorMatrix(contentsOf: directory("x.\(ending)"))
      #expect(try directory.bytes("x.\(ending)") == before || after.count == 24, "step \(step)")
      if !fileSystem.hasFired { break }
    }
    #expect(failures >= 6 && failures < 100)
  }
}
