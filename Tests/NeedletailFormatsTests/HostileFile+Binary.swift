import NeedletailCore

extension HostileFile {
  /// Formats whose rows carry their own length.
  static let rowHeaderFiles = HostileFormat.rowHeaders.flatMap { format -> [HostileFile] in
    let size = format.byteCount
    let good = FileBytes().row(3, of: size).row(3, of: size)
    let next = Int32(format.limit + 1)
    return [
      format("empty", FileBytes(), .corrupted, "empty"),
      format("one byte", .raw([3]), .corrupted, "ends after 1 bytes"),
      format("half of the first length", .raw([3, 0, 0]), .corrupted, "ends after 3 bytes"),
      format("zero components", .i32(0), .corrupted, "A row has 0 components"),
      format("zero components, many rows", .i32(0, 0, 0, 0), .corrupted, "A row has 0 components"),
      format("minus one component", .i32(-1).fill(8), .corrupted, "A row has -1 components"),
      format("most negative length", .i32(.min).fill(8), .corrupted, "-2147483648 components"),
      format("greatest length", .i32(.max).fill(8), .capacityExceeded, "2147483647 components"),
      format("one over the limit", .i32(next).fill(8), .capacityExceeded, "\(next) components"),
      format("a length, no row", .i32(3), .corrupted, "Row 0 has only 4 of its \(4 + 3 * size)"),
      format("the limit, no row", .i32(next - 1), .corrupted, "Row 0 has only 4 of its"),
      format("first row a byte short", .i32(3).fill(3 * size - 1), .corrupted, "Row 0 has only"),
      format("last row a byte short", good.droppingLast(), .corrupted, "Row 1 has only"),
      format(
        "last row has its length only", good.i32(3), .corrupted, "Row 2 has only 4 of its"),
      format("half a length at the end", good.raw([3, 0]), .corrupted, "Row 2 has only 2 of its"),
      format("one byte too many", good.raw([0]), .corrupted, "Row 2 has only 1 of its"),
      format("four zero bytes too many", good.i32(0), .corrupted, "Row 2 says 0 components"),
      format(
        "longer second row", FileBytes().row(3, of: size).row(4, of: size), .corrupted,
        "Row 1 says 4 components, row 0 says 3"),
      format(
        "shorter second row", FileBytes().row(3, of: size).row(2, of: size), .corrupted,
        "Row 1 says 2 components, row 0 says 3"),
      format(
        "second row of zero", FileBytes().row(3, of: size).i32(0).fill(3 * size), .corrupted,
        "Row 1 says 0 components"),
      format(
        "second row of minus one", FileBytes().row(3, of: size).i32(-1).fill(3 * size),
        .corrupted, "Row 1 says -1 components"),
      format(
        "a flipped high bit in row 1",
        FileBytes().row(3, of: size).i32(0x0100_0003)
          .fill(3 * size), .corrupted, "Row 1 says 16777219 components"),
      format(
        "last of five rows differs", good.row(3, of: size).row(3, of: size).row(5, of: size),
        .corrupted, "Row 4 says 5 components, row 0 says 3"),
      format(
        "lengths in the other byte order", .raw([0, 0, 0, 3]).fill(3 * size),
        .capacityExceeded, "50331648 components"),
      format("64-bit lengths", .i32(3, 0).fill(3 * size), .corrupted, "Row"),
      format("a matrix under this name", .u32(1000, 3).fill(3000 * size), .corrupted, "Row"),
      format("begins like .npy", .raw(npyMagic).fill(64), .unsupportedFormat, "begins like .npy"),
      format(
        "begins like .hdf5", .raw(hdf5Magic).fill(64), .unsupportedFormat,
        "begins like .hdf5"),
      format("text", .raw(Array("0.5 0.25 0.125\n".utf8)), .capacityExceeded, "components"),
    ]
  }

  /// Formats of a matrix after its two lengths.
  static let matrixFiles = HostileFormat.matrices.flatMap { format -> [HostileFile] in
    let size = format.byteCount
    let good = FileBytes.u32(2, 3).fill(6 * size)
    let next = UInt32(format.limit + 1)
    return [
      format("empty", FileBytes(), .corrupted, "The file is empty"),
      format("one byte", .raw([2]), .corrupted, "ends after 1 bytes"),
      format("half a header", .u32(2), .corrupted, "ends after 4 bytes"),
      format("a header short of a byte", .raw([2, 0, 0, 0, 3, 0, 0]), .corrupted, "after 7 bytes"),
      format("zero dimensions", .u32(2, 0), .corrupted, "A row has 0 components"),
      format("no rows of nothing", .u32(0, 0), .corrupted, "A row has 0 components"),
      format(
        "one over the limit", .u32(1, next).fill(Int(next) * size), .capacityExceeded,
        "\(next) components"),
      format("greatest dimensions", .u32(1, .max), .capacityExceeded, "4294967295 components"),
      format("negative dimensions", .i32(1, -3), .capacityExceeded, "4294967293 components"),
      format("greatest count", .u32(.max, 3), .corrupted, "4294967295 rows of 3"),
      format("negative count", .i32(-2, 3).fill(6 * size), .corrupted, "4294967294 rows of 3"),
      format(
        "count with the sign bit", .i32(.min, 3).fill(6 * size), .corrupted, "2147483648 rows"),
      format("greatest of both", .u32(.max, .max), .capacityExceeded, "4294967295 components"),
      format(
        "size wraps 32 bits to nothing", .u32(1 << 22, 1 << 12), .corrupted,
        "4194304 rows of 4096"),
      format("greatest size", .u32(.max, UInt32(format.limit)), .corrupted, "has only 8"),
      format("a header, no rows", .u32(2, 3), .corrupted, "the file has only 8"),
      format("a byte short", good.droppingLast(), .corrupted, "has only \(7 + 6 * size)"),
      format("a row short", good.droppingLast(3 * size), .corrupted, "has only \(8 + 3 * size)"),
      format("a byte too many", good.raw([9]), .corrupted, "Cut the 1 bytes too many"),
      format("a row too many", good.fill(3 * size), .corrupted, "Cut the \(3 * size) bytes"),
      format("no rows, and bytes", .u32(0, 3).fill(3 * size), .corrupted, "0 rows of 3"),
      format(
        "lengths in the other byte order", .raw([0, 0, 0, 2, 0, 0, 0, 3]).fill(6 * size),
        .capacityExceeded, "50331648 components"),
      format("64-bit lengths", .u32(2, 0, 3, 0).fill(6 * size), .corrupted, "0 components"),
      format(
        "rows that carry their length", FileBytes().row(3, of: size).row(3, of: size),
        size == 1 ? .capacityExceeded : .capacityExceeded, "components"),
      format(
        "components of another size", .u32(2, 3).fill(size == 1 ? 24 : 6), .corrupted,
        "2 rows of 3"),
      format("begins like .npy", .raw(npyMagic).fill(64), .unsupportedFormat, "begins like .npy"),
      format(
        "begins like .hdf5", .raw(hdf5Magic).fill(64), .unsupportedFormat,
        "begins like .hdf5"),
      format("text", .raw(Array("2 3\n0.5 0.25 0.125\n".utf8)), .capacityExceeded, "components"),
    ]
  }
}
