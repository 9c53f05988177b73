import NeedletailCore
import NeedletailFormats
import NeedletailStorage
import Testing
import _NeedletailTestSupport

/// Bytes written by hand, so that a mistake made alike in reader and writer doesn't hide.
@Suite struct ByteLayoutTests {
  @Test func readsRowsThatCarryTheirLength() throws {
    let floats = FileBytes.i32(2).u32([0x3f80_0000, 0xc000_0000]).i32(2).u32([0x3f00_0000, 0])
    let matrix = try VectorMatrix(try floats.region("x.fvecs"))
    #expect(matrix.element == .float32 && matrix.count == 2 && matrix.dimensions == 2)
    #expect(matrix.components == [1, -2, 0.5, 0])

    let bytes = FileBytes.i32(3).raw([0, 128, 255]).i32(3).raw([1, 2, 3])
    let byteMatrix = try VectorMatrix(try bytes.region("x.bvecs"))
    #expect(byteMatrix.element == .uint8)
    #expect(byteMatrix.components == [0, 128, 255, 1, 2, 3])

    let integers = try IntegerMatrix(try FileBytes.i32(2, 7, -1, 2, .max, .min).region("x.ivecs"))
    #expect(integers.count == 2 && integers.width == 2)
    #expect(integers[0] == [7, -1] && integers[1] == [.max, .min])
  }

  @Test func readsMatrices() throws {
    let floats = try VectorMatrix(
      try FileBytes.u32(1, 2).u32([0x3f80_0000, 0xc000_0000]).region("x.fbin"))
    #expect(floats.components == [1, -2])
    let unsigned = try VectorMatrix(try FileBytes.u32(2, 1).raw([0, 255]).region("x.u8bin"))
    #expect(unsigned.element == .uint8 && unsigned.components == [0, 255])
    let signed = try VectorMatrix(try FileBytes.u32(1, 2).raw([127, 128]).region("X.I8BIN"))
    #expect(signed.element == .int8 && signed.components == [127, -128])
    let integers = try IntegerMatrix(try FileBytes.u32(2, 1).i32(5, -6).region("x.ibin"))
    #expect(integers[0, 0] == 5 && integers[1, 0] == -6)
    #expect(integers[1..<2][0] == [-6])
    let none = try VectorMatrix(try FileBytes.u32(0, 4).region("x.fbin"))
    #expect(none.count == 0 && none.dimensions == 4)
  }

  @Test func readsGroundTruthWithAndWithoutDistances() throws {
    let ids = FileBytes.u32(2, 2).i32(4, 5, 6, 7)
    let plain = try GroundTruthFile(try ids.region("x.ibin"))
    #expect(plain.distances == nil && plain.ids[1] == [6, 7])
    let full = try GroundTruthFile(
      try ids.u32([0, 0x3f80_0000, 0x4000_0000, 0xbf80_0000]).region("x.ibin"))
    #expect(full.ids[0] == [4, 5])
    #expect(full.distances?.components == [0, 1, 2, -1])
    let rows = try GroundTruthFile(try FileBytes.i32(1, 9, 1, 8).region("x.ivecs"))
    #expect(rows.ids.count == 2 && rows.ids[1] == [8])
    let array = FileBytes.npy(FileBytes.header("'<i4'", shape: "(1, 2)")).i32(3, -4)
    #expect(try GroundTruthFile(try array.region("x.npy")).ids[0] == [3, -4])
    try full.checkIDs(below: 8, path: "x.ibin")
    let error = #expect(throws: NeedletailError.self) {
      try full.checkIDs(below: 7, path: "x.ibin")
    }
    #expect(error?.message.contains("Answer 1 to query 1 is row 7") == true)
  }

  @Test(arguments: [1, 2, 3] as [UInt8]) func readsEachVersionOfNumPy(version: UInt8) throws {
    let file = FileBytes.npy(FileBytes.header("'<f2'", shape: "(2, 1)"), version: version)
      .raw([0x00, 0x3c, 0x00, 0xc0])
    let matrix = try VectorMatrix(try file.region("x.npy"))
    #expect(matrix.element == .float16 && matrix.components == [1, -2])
  }

  @Test(
    arguments: [
      "{'descr':'<f4','fortran_order':False,'shape':(2,3)}",
      "{\"shape\": (2, 3,), \"fortran_order\": False, \"descr\": \"<f4\"}",
      " \t{ 'fortran_order' : False\n, 'shape' : ( 2 , 3 , ) , 'descr' : '<f4' , } \n ",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L), }",
    ]) func acceptsWhatPythonWouldReadTheSame(text: String) throws
  {
    let matrix = try VectorMatrix(try FileBytes.npy(text, data: 24).region("x.npy"))
    #expect(matrix.count == 2 && matrix.dimensions == 3 && matrix.element == .float32)
  }

  @Test func readsAnArrayThatItsHeaderMisaligns() throws {
    let text = Array(FileBytes.header(shape: "(2, 1)").utf8)
    for padding in 0..<4 {
      let padded = text + [UInt8](repeating: 0x20, count: padding)
      let file = FileBytes.raw(Array(npyMagic.prefix(8)) + [UInt8(padded.count), 0]).raw(padded)
        .u32([0x3f80_0000, 0xc000_0000])
      let matrix = try VectorMatrix(try file.region("x.npy"))
      #expect(matrix.components == [1, -2])
      #expect(unsafe Int(bitPattern: matrix.rowAddress(0)).isMultiple(of: 4))
    }
  }

  @Test func usesAlignedRowsInPlace() throws {
    for (name, file) in [
      ("x.fbin", FileBytes.u32(2, 3).fill(24)),
      ("x.fvecs", FileBytes().row(3, of: 4).row(3, of: 4)),
      ("x.npy", FileBytes.npy(FileBytes.header(), data: 24)),
    ] {
      let region = try file.region(name)
      let matrix = try VectorMatrix(region)
      let first = try unsafe #require(region.bytes.baseAddress)
      #expect(unsafe matrix.rowAddress(1) > first && matrix.rowAddress(1) < first + region.count)
    }
  }

  @Test func tellsAnArrayByItsMagicWhenTheNameDoesNot() throws {
    let file = FileBytes.npy(FileBytes.header(), data: 24)
    #expect(try VectorMatrix(try file.region("-")).count == 2)
    #expect(VectorFileFormat(pathExtension: "/a.b/c.NPY") == .npy)
    #expect(VectorFileFormat(pathExtension: "a.h5") == .hdf5)
    #expect(VectorFileFormat(pathExtension: "a.npy/c") == nil)
    #expect(VectorFileFormat(pathExtension: ".fbin") == .fbin)
  }

  @Test func writesTheBytesThatOthersWrite() throws {
    let directory = try TemporaryDirectory()
    let matrix = try VectorMatrix([1, 2, 3, 4], dimensions: 2)
    let expected: [(String, FileBytes)] = [
      ("x.fvecs", .i32(2).u32([0x3f80_0000, 0x4000_0000]).i32(2).u32([0x4040_0000, 0x4080_0000])),
      ("x.bvecs", .i32(2).raw([1, 2]).i32(2).raw([3, 4])),
      ("x.fbin", .u32(2, 2).u32([0x3f80_0000, 0x4000_0000, 0x4040_0000, 0x4080_0000])),
      ("x.u8bin", .u32(2, 2).raw([1, 2, 3, 4])),
      ("x.i8bin", .u32(2, 2).raw([1, 2, 3, 4])),
      (
        "x.npy",
        .npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }")
          .u32([0x3f80_0000, 0x4000_0000, 0x4040_0000, 0x4080_0000])
      ),
    ]
    for (name, file) in expected {
      try matrix.write(to: directory(name))
      #expect(try directory.bytes(name) == file.bytes, "\(name)")
    }
    let ids = try IntegerMatrix([5, -6], width: 1)
    try ids.write(to: directory("x.ivecs"))
    #expect(try directory.bytes("x.ivecs") == FileBytes.i32(1, 5, 1, -6).bytes)
    try ids.write(to: directory("x.ibin"))
    #expect(try directory.bytes("x.ibin") == FileBytes.u32(2, 1).i32(5, -6).bytes)
    let distances = try VectorMatrix([0, 1], dimensions: 1)
    try GroundTruthFile(ids: ids, distances: distances).write(to: directory("y.ibin"))
    let written = FileBytes.u32(2, 1).i32(5, -6).u32([0, 0x3f80_0000]).bytes
    #expect(try directory.bytes("y.ibin") == written)
  }
}
