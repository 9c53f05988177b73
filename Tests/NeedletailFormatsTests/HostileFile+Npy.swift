import NeedletailCore

extension HostileFile {
  private static func npy(
    _ what: String, _ bytes: FileBytes, _ code: NeedletailError.Code, _ fragment: String
  ) -> HostileFile {
    HostileFile("npy: \(what)", "x.npy", bytes, code, fragment)
  }

  /// A header of this text before the bytes of a 2 × 3 matrix of Float.
  private static func text(
    _ what: String, _ text: String, _ fragment: String,
    _ code: NeedletailError.Code = .corrupted
  ) -> HostileFile {
    npy(what, .npy(text, data: 24), code, fragment)
  }

  private static func descriptor(_ name: String, _ fragment: String) -> HostileFile {
    text("type \(name)", FileBytes.header("'\(name)'"), fragment, .unsupportedFormat)
  }

  private static func shape(
    _ shape: String, _ fragment: String, _ code: NeedletailError.Code = .corrupted
  ) -> HostileFile {
    text(
      "shape \(shape.prefix(40)) of \(shape.count) characters", FileBytes.header(shape: shape),
      fragment, code)
  }

  private static let good = FileBytes.npy(FileBytes.header(), data: 24)

  static let npyFiles = npyFrames + npyTexts + npyTypes + npyShapes + npyLengths

  private static let npyFrames = [
    npy("empty", FileBytes(), .corrupted, "empty"),
    npy("one byte of magic", .raw([0x93]), .unsupportedFormat, "does not begin like one"),
    npy("magic only", .raw(Array(npyMagic.prefix(6))), .corrupted, "ends after 6 bytes"),
    npy("version cut", .raw(Array(npyMagic.prefix(7))), .corrupted, "ends after 7 bytes"),
    npy("length cut", .raw(Array(npyMagic.prefix(9))), .corrupted, "ends after 9 bytes"),
    npy("no text", .raw(npyMagic), .corrupted, "ends after 10 bytes"),
    npy("text cut", .raw(npyMagic).fill(20), .corrupted, "needs 128"),
    npy("wrong magic", .raw(Array("NUMPY!".utf8)).fill(122), .unsupportedFormat, "does not begin"),
    npy(
      "a flipped bit in the magic", .raw([0x92] + npyMagic.dropFirst()).fill(118),
      .unsupportedFormat, "does not begin"),
    npy("HDF5 under this name", .raw(hdf5Magic).fill(64), .unsupportedFormat, "begins like .hdf5"),
    npy("a zip archive", .raw([0x50, 0x4b, 3, 4]).fill(124), .unsupportedFormat, "does not begin"),
    npy("version 0.0", version(0, 0), .unsupportedFormat, "version 0.0"),
    npy("version 1.1", version(1, 1), .unsupportedFormat, "version 1.1"),
    npy("version 4.0", version(4, 0), .unsupportedFormat, "version 4.0"),
    npy("version 255.255", version(255, 255), .unsupportedFormat, "version 255.255"),
    npy(
      "text of no length", .raw(Array(npyMagic.prefix(8)) + [0, 0]).fill(100), .corrupted,
      "'{' is missing"),
    npy(
      "text longer than the file", .raw(Array(npyMagic.prefix(8)) + [0xff, 0xff]).fill(100),
      .corrupted, "needs 65545"),
    npy(
      "version 2, greatest length", .raw(Array(npyMagic.prefix(6)) + [2, 0]).u32([.max]).fill(99),
      .capacityExceeded, "4294967295 bytes of text"),
    npy(
      "version 2, one over the limit",
      .raw(Array(npyMagic.prefix(6)) + [2, 0]).u32([65_537])
        .fill(99), .capacityExceeded, "65537 bytes of text"),
    npy(
      "version 3, longer than the file",
      .raw(Array(npyMagic.prefix(6)) + [3, 0]).u32([500])
        .fill(99), .corrupted, "needs 512"),
    npy(
      "version 2, length cut", .raw(Array(npyMagic.prefix(6)) + [2, 0, 1, 0]), .corrupted,
      "ends after 10 bytes"),
    npy(
      "version 1 with the length of version 2",
      .raw(npyMagic + [0, 0])
        .raw(Array(FileBytes.header().utf8)).fill(118), .corrupted, "is missing"),
  ]

  private static func version(_ major: UInt8, _ minor: UInt8) -> FileBytes {
    .raw(Array(npyMagic.prefix(6)) + [major, minor] + good.bytes.dropFirst(8))
  }

  private static let npyTexts = [
    text("no dictionary", "hello", "'{' is missing"),
    text("a list", "['<f4', False, (2, 3)]", "'{' is missing"),
    text("only spaces", "", "'{' is missing"),
    text("an empty dictionary", "{}", "'descr' is missing"),
    text("no type", "{'fortran_order': False, 'shape': (2, 3)}", "'descr' is missing"),
    text("no order", "{'descr': '<f4', 'shape': (2, 3)}", "'fortran_order' is missing"),
    text("no shape", "{'descr': '<f4', 'fortran_order': False}", "'shape' is missing"),
    text(
      "a fourth key", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'x': 1}",
      "key 'x' is not one"),
    text("the type twice", "{'descr': '<f4', 'descr': '<f4', 'shape': (2, 3)}", "'descr' is there"),
    text("the shape twice", "{'shape': (2, 3), 'shape': (2, 3)}", "'shape' is there twice"),
    text("the order twice", "{'fortran_order': False, 'fortran_order': True}", "is there twice"),
    text("keys without quotes", "{descr: '<f4'}", "quoted text is missing for a key"),
    text("a key of bytes", "{b'descr': '<f4'}", "quoted text is missing for a key"),
    text("a quote without end", "{'descr", "holds the byte 10"),
    text("mixed quotes", "{'descr\": '<f4'}", "':' is missing"),
    text("a backslash", "{'descr\\x27': '<f4'}", "holds the byte 92"),
    text("a byte over ASCII", "{'descr': '<f4\u{e9}'}", "holds the byte 195"),
    text("a zero byte", "{'descr': '<f4\0'}", "holds the byte 0"),
    text("a control byte", "{'descr': '<\u{1b}f4'}", "holds the byte 27"),
    text(
      "a type that is too long", FileBytes.header("'\(String(repeating: "f", count: 65))'"),
      "too long"),
    text("two dictionaries", FileBytes.header() + FileBytes.header(), "follows the dictionary"),
    text("code after the dictionary", FileBytes.header() + "; import os", "follows the dictionary"),
    text("a zero after the dictionary", FileBytes.header() + "\0", "follows the dictionary"),
    text("no colon", "{'descr' '<f4'}", "':' is missing"),
    text("no comma", "{'descr': '<f4' 'shape': (2, 3)}", "'}' is missing"),
    text("two commas", "{'descr': '<f4',, 'shape': (2, 3)}", "quoted text is missing"),
    text("a comma first", "{, 'descr': '<f4'}", "quoted text is missing"),
    text(
      "no closing brace", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)",
      "'}' is missing"),
    text("an open comma", "{'descr': '<f4',", "quoted text is missing"),
    text("only an opening brace", "{", "quoted text is missing"),
    text("deep nesting", String(repeating: "{", count: 5000), "quoted text is missing"),
    text("deep tuples", "{'shape': " + String(repeating: "(", count: 5000), "number is missing"),
    text("order 1", FileBytes.header(order: "1"), "neither True nor False"),
    text("order false", FileBytes.header(order: "false"), "neither True nor False"),
    text("order 'False'", FileBytes.header(order: "'False'"), "neither True nor False"),
    text("order None", FileBytes.header(order: "None"), "neither True nor False"),
    text("no order's value", FileBytes.header(order: ""), "neither True nor False"),
    text("order True", FileBytes.header(order: "True"), "Fortran order", .unsupportedFormat),
  ]

  private static let npyTypes =
    [
      text(
        "a structured type", FileBytes.header("[('x', '<f4'), ('y', '<f4')]"), "structured",
        .unsupportedFormat),
      text(
        "a type with a shape", FileBytes.header("('<f4', (3,))"), "structured",
        .unsupportedFormat),
      text("type None", FileBytes.header("None"), "quoted text is missing"),
      text("type 4", FileBytes.header("4"), "quoted text is missing"),
      text("no type's value", FileBytes.header(""), "quoted text is missing"),
    ] + ["|O", "O", "<O8"].map { descriptor($0, "Python objects") }
    + [">f4", ">f2", ">i4"].map { descriptor($0, "big-endian") }
    + ["f4", "=f4", "|f4", "i4", "=f2"].map { descriptor($0, "no stated byte order") }
    + ["<f8", ">f8", "f8"].map { descriptor($0, "double precision") }
    + ["<i8", "<u8", "<u4", "<i2", ">u2"].map { descriptor($0, "an integer that is not read") }
    + [
      "|b1", "<c8", "|S4", "<U4", "<M8[ns]", "|V8", "<f16", "", "<", "u1 ", "<f4,<f4", "f", "<<f4",
      "<F4",
    ].map { descriptor($0, "not a number that is read") }

  private static let npyShapes = [
    shape("[2, 3]", "'(' is missing"),
    shape("6", "'(' is missing"),
    shape("(6)", "a number, not a tuple"),
    shape("None", "'(' is missing"),
    shape("", "'(' is missing"),
    shape("(2, 3", "number is missing"),
    shape("(2, 3}", "')' is missing"),
    shape("(2 3)", "')' is missing"),
    shape("(,)", "number is missing"),
    shape("(2,,3)", "number is missing"),
    shape("(2, )3", "'}' is missing"),
    shape("()", "0 axes", .unsupportedFormat),
    shape("(6,)", "1 axes, shape (6)", .unsupportedFormat),
    shape("(1, 2, 3)", "3 axes, shape (1, 2, 3)", .unsupportedFormat),
    shape("(" + String(repeating: "1, ", count: 32) + ")", "32 axes", .unsupportedFormat),
    shape("(" + String(repeating: "1, ", count: 33) + ")", "over 32 axes"),
    shape("(" + String(repeating: "1, ", count: 9999) + ")", "over 32 axes"),
    shape("(-2, 3)", "is negative"),
    shape("(2, -3)", "is negative"),
    shape("(-2, -3)", "is negative"),
    shape("(2.0, 3)", "')' is missing"),
    shape("(2e0, 3)", "')' is missing"),
    shape("(0x2, 3)", "')' is missing"),
    shape("(0b10, 3)", "')' is missing"),
    shape("(1_0, 3)", "')' is missing"),
    shape("(+2, 3)", "number is missing"),
    shape("(02, 3)", "begins with 0"),
    shape("('2', 3)", "number is missing"),
    shape("(True, 3)", "number is missing"),
    shape("((2, 3), 3)", "number is missing"),
    shape("(2, 3LL)", "')' is missing"),
    shape("(9223372036854775808, 3)", "more than any file holds"),
    shape("(18446744073709551618, 3)", "more than any file holds"),
    shape("(" + String(repeating: "9", count: 4000) + ", 3)", "more than any file holds"),
    shape("(9223372036854775807, 3)", "more than any file holds"),
    shape("(2305843009213693952, 2)", "more than any file holds"),
    shape("(4611686018427387904, 4)", "more than any file holds"),
    shape("(768614336404564651, 3)", "more than any file holds"),
    shape("(768614336404564650, 3)", "more than any file holds"),
    shape("(2, 9223372036854775807)", "9223372036854775807 components", .capacityExceeded),
    shape("(1, 16385)", "16385 components", .capacityExceeded),
    shape("(2, 0)", "0 components"),
    shape("(0, 0)", "0 components"),
    shape("(1000000000000, 3)", "has only 152"),
  ]

  private static let npyLengths = [
    npy("a byte short", good.droppingLast(), .corrupted, "has only 151"),
    npy("a row short", good.droppingLast(12), .corrupted, "has only 140"),
    npy("no rows there", good.droppingLast(24), .corrupted, "has only 128"),
    npy("a byte too many", good.raw([0]), .corrupted, "Cut the 1 bytes"),
    npy("a row too many", good.fill(12), .corrupted, "Cut the 12 bytes"),
    npy("two arrays in one file", good.raw(good.bytes), .corrupted, "Cut the 152 bytes"),
    npy(
      "no rows, and bytes", .npy(FileBytes.header(shape: "(0, 3)"), data: 12), .corrupted,
      "0 rows of 3"),
    npy(
      "halves of double size", .npy(FileBytes.header("'<f2'"), data: 24), .corrupted,
      "Cut the 12 bytes"),
    npy(
      "bytes of fourfold size", .npy(FileBytes.header("'|u1'"), data: 24), .corrupted,
      "Cut the 18 bytes"),
    npy("signed bytes cut", .npy(FileBytes.header("'|i1'"), data: 5), .corrupted, "has only 133"),
    npy(
      "integers as vectors", .npy(FileBytes.header("'<i4'"), data: 24), .unsupportedFormat,
      "holds 32-bit integers"),
    HostileFile(
      "npy: floats as integers", "x.npy", good, .unsupportedFormat, "not 32-bit integers",
      reader: .integers),
    HostileFile(
      "npy: halves as integers", "x.npy", .npy(FileBytes.header("'<f2'"), data: 12),
      .unsupportedFormat, "not 32-bit integers", reader: .integers),
    HostileFile(
      "npy: 64-bit integers", "x.npy", .npy(FileBytes.header("'<i8'"), data: 48),
      .unsupportedFormat, "an integer that is not read", reader: .integers),
  ]
}
