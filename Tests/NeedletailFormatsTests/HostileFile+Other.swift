import NeedletailCore
import NeedletailFormats

extension HostileFile {
  private static func truth(
    _ what: String, _ bytes: FileBytes, _ code: NeedletailError.Code, _ fragment: String,
    ending: String = "ibin"
  ) -> HostileFile {
    HostileFile("ground truth: \(what)", "x.\(ending)", bytes, code, fragment, reader: .groundTruth)
  }

  static let groundTruthFiles = [
    truth("empty", FileBytes(), .corrupted, "empty"),
    truth("half a header", .u32(2), .corrupted, "ends after 4 bytes"),
    truth("a header alone", .u32(2, 3), .corrupted, "2 queries with 3 answers"),
    truth("no answers", .u32(2, 0), .corrupted, "0 components"),
    truth("too many answers", .u32(2, 1 << 20 + 1), .capacityExceeded, "1048577 components"),
    truth("greatest count", .u32(.max, 3).fill(48), .corrupted, "4294967295 queries"),
    truth("greatest of both", .u32(.max, .max).fill(48), .capacityExceeded, "components"),
    truth("ids a byte short", .u32(2, 3).fill(23), .corrupted, "32 bytes, or 32 and 24"),
    truth("ids a byte too many", .u32(2, 3).fill(25), .corrupted, "the file has 33"),
    truth("distances of half the rows", .u32(2, 3).fill(36), .corrupted, "the file has 44"),
    truth("distances a byte short", .u32(2, 3).fill(47), .corrupted, "the file has 55"),
    truth("distances a byte too many", .u32(2, 3).fill(49), .corrupted, "the file has 57"),
    truth("three blocks", .u32(2, 3).fill(72), .corrupted, "the file has 80"),
    truth("64-bit ids", .u32(2, 3).fill(72), .corrupted, "the file has 80"),
    truth("no queries, and bytes", .u32(0, 3).fill(4), .corrupted, "0 queries"),
    truth("begins like .npy", .raw(npyMagic).fill(64), .unsupportedFormat, "begins like .npy"),
    truth(
      "floats", .npy(FileBytes.header(), data: 24), .unsupportedFormat, "not 32-bit integers",
      ending: "npy"),
    truth(
      "64-bit array", .npy(FileBytes.header("'<i8'"), data: 48), .unsupportedFormat,
      "astype('<i4')", ending: "npy"),
    truth(
      "a flat array", .npy(FileBytes.header("'<i4'", shape: "(6,)"), data: 24),
      .unsupportedFormat, "1 axes", ending: "npy"),
    truth(
      "rows of two lengths", FileBytes().row(3, of: 4).row(2, of: 4), .corrupted, "Row 1 says 2",
      ending: "ivecs"),
    truth(
      "vectors", .u32(2, 3).fill(24), .unsupportedFormat, "not 32-bit integers",
      ending: "fbin"),
    truth(
      "vectors of rows", FileBytes().row(3, of: 4), .unsupportedFormat, "not 32-bit integers",
      ending: "fvecs"),
    HostileFile(
      "integers: ground truth with distances", "x.ibin", .u32(2, 3).fill(48), .corrupted,
      "Cut the 24 bytes", reader: .integers),
    HostileFile(
      "vectors: row numbers (.ibin)", "x.ibin", .u32(2, 3).fill(24), .unsupportedFormat,
      "holds 32-bit integers"),
    HostileFile(
      "vectors: row numbers (.ivecs)", "x.ivecs", FileBytes().row(3, of: 4),
      .unsupportedFormat, "holds 32-bit integers"),
    HostileFile(
      "integers: bytes (.u8bin)", "x.u8bin", .u32(2, 3).fill(6), .unsupportedFormat,
      "not 32-bit integers", reader: .integers),
  ]

  static let nameFiles =
    [
      "x", "", "x.", ".", "..", "x.txt", "x.fbin.gz", "x.npz", "x.bin", "fbin", "x.fbin/y", "x.hdf",
      "x.fbin ", "x.f\u{e9}bin", "x.vecs", "x.csv", "x.parquet",
    ].map { name in
      HostileFile("name: '\(name)'", name, .u32(2, 3).fill(24), .unsupportedFormat, ".fvecs .bvecs")
    }
    + ["x.hdf5", "x.h5", "x.H5", "noname"].map { name in
      HostileFile(
        "name: '\(name)' with HDF5 inside", name, .raw(hdf5Magic).fill(64),
        .unsupportedFormat, "HDF5")
    } + [
      HostileFile(
        "name: '.hdf5' without HDF5 inside", "x.hdf5", .u32(2, 3).fill(24),
        .unsupportedFormat, "does not begin like one")
    ]
}
