import NeedletailCore

/// Reads the dictionary of a NumPy header: three keys in any order, and nothing else.
///
/// Strict where a mistake could change the meaning, tolerant of spaces, quotes of either kind, a last
/// comma, and the `L` that Python 2 put behind long integers.
struct NpyDictionary {
  struct Fields: Hashable {
    var descriptor: String
    var isFortranOrder: Bool
    var shape: [Int]
  }

  let text: [UInt8]
  /// The text's place in the file.
  let offset: Int
  let fault: FileFault
  private var index = 0

  init(text: [UInt8], offset: Int, fault: FileFault) {
    self.text = text
    self.offset = offset
    self.fault = fault
  }

  mutating func parse() throws(NeedletailError) -> Fields {
    var descriptor: String?
    var isFortranOrder: Bool?
    var shape: [Int]?
    try expect("{", "the dictionary")
    while !take("}") {
      let start = index
      let key = try string("a key")
      try expect(":", "the value of '\(key)'")
      switch key {
      case "descr" where descriptor == nil: descriptor = try self.descriptor()
      case "fortran_order" where isFortranOrder == nil: isFortranOrder = try truth()
      case "shape" where shape == nil: shape = try tuple()
      case "descr", "fortran_order", "shape":
        throw bad("The key '\(key)' is there twice", at: start)
      default: throw bad("The key '\(key)' is not one of descr, fortran_order, shape", at: start)
      }
      if !take(",") {
        try expect("}", "the end of the dictionary")
        break
      }
    }
    skipSpaces()
    guard index == text.count else { throw bad("Something follows the dictionary", at: index) }
    guard let descriptor else { throw bad("The key 'descr' is missing", at: 0) }
    guard let isFortranOrder else { throw bad("The key 'fortran_order' is missing", at: 0) }
    guard let shape else { throw bad("The key 'shape' is missing", at: 0) }
    return Fields(descriptor: descriptor, isFortranOrder: isFortranOrder, shape: shape)
  }

  private func bad(_ what: String, at place: Int) -> NeedletailError {
    fault.corrupted(
      "\(what). The header is damaged: save the array again with numpy.save.", in: "header",
      at: offset + place)
  }

  private mutating func skipSpaces() {
    while index < text.count, text[index] == 0x20 || (0x09...0x0d).contains(text[index]) {
      index += 1
    }
  }

  /// Takes a character, after spaces, if it is next.
  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpaces()
    guard index < text.count, text[index] == UInt8(ascii: character) else { return false }
    index += 1
    return true
  }

  private mutating func expect(
    _ character: Unicode.Scalar, _ what: String
  ) throws(NeedletailError) {
    guard take(character) else { throw bad("'\(character)' is missing before \(what)", at: index) }
  }

  private mutating func string(_ what: String) throws(NeedletailError) -> String {
    skipSpaces()
    let start = index
    guard index < text.count, text[index] == 0x27 || text[index] == 0x22 else {
      throw bad("A quoted text is missing for \(what)", at: start)
    }
    let quote = text[index]
    index += 1
    let first = index
    while index < text.count, text[index] != quote {
      // Nothing that is read here holds anything else, and messages stay printable.
      guard (0x20...0x7e).contains(text[index]), text[index] != 0x5c else {
        throw bad("The text for \(what) holds the byte \(text[index])", at: index)
      }
      index += 1
    }
    guard index < text.count else { throw bad("The text for \(what) has no end", at: start) }
    guard index - first <= 64 else { throw bad("The text for \(what) is too long", at: start) }
    defer { index += 1 }
    return String(decoding: text[first..<index], as: UTF8.self)
  }

  private mutating func descriptor() throws(NeedletailError) -> String {
    skipSpaces()
    if index < text.count, text[index] == UInt8(ascii: "[") || text[index] == UInt8(ascii: "(") {
      throw fault.unsupported(
        "The array has a structured type (named fields); save one plain matrix of numbers.",
        in: "descr", at: offset + index)
    }
    return try string("'descr'")
  }

  private mutating func truth() throws(NeedletailError) -> Bool {
    skipSpaces()
    let start = index
    while index < text.count, (0x41...0x5a).contains(text[index] & 0xdf) { index += 1 }
    switch String(decoding: text[start..<index], as: UTF8.self) {
    case "True": return true
    case "False": return false
    default: throw bad("'fortran_order' is neither True nor False", at: start)
    }
  }

  private mutating func tuple() throws(NeedletailError) -> [Int] {
    try expect("(", "the shape")
    var shape: [Int] = []
    while !take(")") {
      shape.append(try integer())
      guard shape.count <= 32 else { throw bad("The shape has over 32 axes", at: index) }
      if !take(",") {
        try expect(")", "the end of the shape")
        // Python reads (5) as a number, not as a shape.
        if shape.count == 1 { throw bad("The shape is a number, not a tuple", at: index) }
        break
      }
    }
    return shape
  }

  private mutating func integer() throws(NeedletailError) -> Int {
    skipSpaces()
    let start = index
    if index < text.count, text[index] == UInt8(ascii: "-") {
      throw bad("A length in the shape is negative", at: start)
    }
    var value = 0
    while index < text.count, (0x30...0x39).contains(text[index]) {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflows) = product.addingReportingOverflow(Int(text[index] - 0x30))
      guard !overflow, !overflows else {
        throw bad("A length in the shape is more than any file holds", at: start)
      }
      value = sum
      index += 1
    }
    guard index > start else { throw bad("A number is missing in the shape", at: start) }
    guard text[start] != 0x30 || index == start + 1 else {
      throw bad("A length in the shape begins with 0", at: start)
    }
    if index < text.count, text[index] == UInt8(ascii: "L") { index += 1 }
    return value
  }
}
