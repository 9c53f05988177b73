import NeedletailCore

/// The header of a NumPy file: magic, version, and a Python dictionary in text.
///
/// - Source: NumPy Enhancement Proposal 1 and `numpy.lib.format`, versions 1.0, 2.0 and 3.0.
enum NpyHeader {
  /// The longest dictionary that is read; that of a plain matrix has under 128 bytes.
  static let largestText = 1 << 16

  /// Where the dictionary lies, from the first 12 bytes or the whole file.
  static func textRange(
    _ prefix: RawSpan, fault: FileFault
  ) throws(NeedletailError) -> Range<Int> {
    guard prefix.byteCount >= 12 else { throw fault.shortHeader(12, found: prefix.byteCount) }
    let major = prefix.byte(at: 6)
    let minor = prefix.byte(at: 7)
    guard (1...3).contains(major), minor == 0 else {
      throw fault.unsupported(
        "The file is of npy version \(major).\(minor); 1.0, 2.0 and 3.0 are read. Save it again "
          + "with numpy.save.", in: "version", at: 6)
    }
    let low = UInt32(prefix.byte(at: 8)) | UInt32(prefix.byte(at: 9)) << 8
    let count = major == 1 ? Int(low) : Int(prefix.littleEndianUInt32(at: 8))
    guard count <= largestText else {
      throw fault.overLimit(
        "The header says it has \(count) bytes of text, more than the \(largestText) that are read; "
          + "a plain matrix needs under 128.", in: "header length", at: 8)
    }
    let start = major == 1 ? 10 : 12
    return start..<(start + count)
  }

  /// Reads the header; the file's length is for the caller to check.
  static func parse(_ prefix: RawSpan, fault: FileFault) throws(NeedletailError) -> RowLayout {
    let range = try textRange(prefix, fault: fault)
    guard prefix.byteCount >= range.upperBound else {
      throw fault.shortHeader(range.upperBound, found: prefix.byteCount)
    }
    var text: [UInt8] = []
    text.reserveCapacity(range.count)
    for offset in range { text.append(prefix.byte(at: offset)) }
    var parser = NpyDictionary(text: text, offset: range.lowerBound, fault: fault)
    let fields = try parser.parse()
    let component = try self.component(fields.descriptor, fault: fault, at: range.lowerBound)
    if fields.isFortranOrder {
      throw fault.unsupported(
        "The array is in Fortran order (column after column); save it with "
          + "numpy.ascontiguousarray(array).", in: "fortran_order", at: range.lowerBound)
    }
    guard fields.shape.count == 2 else {
      let shape = fields.shape.prefix(8).map(String.init).joined(separator: ", ")
      throw fault.unsupported(
        "The array has \(fields.shape.count) axes, shape (\(shape)); a matrix of rows has 2. Save it "
          + "with array.reshape(rows, dimensions).", in: "shape", at: range.lowerBound)
    }
    try fault.checkWidth(fields.shape[1], of: component, in: "shape", at: range.lowerBound)
    return RowLayout(
      format: .npy, component: component, count: fields.shape[0], width: fields.shape[1],
      headerByteCount: range.upperBound, rowHeaderByteCount: 0)
  }

  /// The component that a type descriptor names.
  private static func component(
    _ descriptor: String, fault: FileFault, at offset: Int
  ) throws(NeedletailError) -> StoredComponent {
    func refuse(_ what: String, _ advice: String) -> NeedletailError {
      let shown = String(String.UnicodeScalarView(descriptor.unicodeScalars.prefix(32)))
      return fault.unsupported(
        "The type '\(shown)' is \(what); \(advice).", in: "descr", at: offset)
    }
    var name = Substring(descriptor)
    var order: Character?
    if let first = name.first, "<>|=".contains(first) {
      order = first
      name.removeFirst()
    }
    switch name {
    case "u1": return .uint8
    case "i1": return .int8
    case "f2", "f4", "i4":
      if order == ">" {
        throw refuse("big-endian", "save it with array.astype('<\(name)')")
      }
      guard order == "<" else {
        throw refuse("of no stated byte order", "save it with array.astype('<\(name)')")
      }
      return name == "f2" ? .float16 : name == "f4" ? .float32 : .int32
    case "f8": throw refuse("double precision", "save it with array.astype('<f4')")
    case "i8", "u8", "u4", "i2", "u2":
      throw refuse(
        "an integer that is not read",
        "save row numbers with array.astype('<i4'), vectors with array.astype('<f4')")
    case _ where name.hasPrefix("O"):
      throw refuse("Python objects, which are never read", "save numbers: array.astype('<f4')")
    default:
      throw refuse("not a number that is read", "read are <f4, <f2, |u1, |i1 and <i4")
    }
  }

  /// The bytes of a header for a matrix; always as long, whatever the shape, so it can be rewritten.
  static func bytes(component: StoredComponent, count: Int, width: Int) -> [UInt8] {
    let text =
      "{'descr': '\(component.descriptor)', 'fortran_order': False, 'shape': (\(count), \(width)), }"
    var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(text.utf8)
    while bytes.count < 127 { bytes.append(UInt8(ascii: " ")) }
    bytes.append(UInt8(ascii: "\n"))
    return bytes
  }
}
