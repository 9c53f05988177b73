import NeedletailCore

/// Makes the errors of one file, so that each names its place.
struct FileFault {
  let path: String

  /// Bytes that contradict themselves or the file's length.
  func corrupted(_ message: String, in section: String, at offset: Int? = nil) -> NeedletailError {
    error(.corrupted, message, section, offset)
  }

  /// Bytes of a kind that is not read here.
  func unsupported(_ message: String, in section: String, at offset: Int? = nil) -> NeedletailError
  {
    error(.unsupportedFormat, message, section, offset)
  }

  /// A number over a fixed limit.
  func overLimit(_ message: String, in section: String, at offset: Int? = nil) -> NeedletailError {
    error(.capacityExceeded, message, section, offset)
  }

  /// A file that ends before its header does.
  func shortHeader(_ needed: Int, found: Int) -> NeedletailError {
    let what = found == 0 ? "The file is empty" : "The file ends after \(found) bytes"
    return corrupted(
      "\(what); its header alone needs \(needed). It was cut short: copy or write it again.",
      in: "header", at: found)
  }

  /// A length that is not the one the header asks for.
  func wrongLength(_ layout: RowLayout, expected: Int, found: Int) -> NeedletailError {
    let asked = "The header says \(layout.described), \(expected) bytes in all"
    if found < expected {
      return corrupted(
        "\(asked), but the file has only \(found). It was cut short: copy or write it again.",
        in: "rows", at: found)
    }
    return corrupted(
      "\(asked), but the file has \(found). Cut the \(found - expected) bytes too many, or check "
        + "that it is a .\(layout.format.rawValue) file.",
      in: "rows", at: expected)
  }

  /// Checks a row's length; section and offset are where it was read.
  func checkWidth(
    _ width: Int, of component: StoredComponent, in section: String, at offset: Int
  ) throws(NeedletailError) {
    guard width > 0 else {
      throw corrupted(
        "A row has \(width) components; it needs 1 to \(component.widthLimit). Check that the file "
          + "is of the format its name says.", in: section, at: offset)
    }
    guard width <= component.widthLimit else {
      throw overLimit(
        "A row has \(width) components, more than the \(component.widthLimit) that are supported. "
          + "Check that the file is of the format its name says.", in: section, at: offset)
    }
  }

  private func error(
    _ code: NeedletailError.Code, _ message: String, _ section: String, _ offset: Int?
  ) -> NeedletailError {
    NeedletailError(
      code, message,
      at: .init(path: path, section: section, byteOffset: offset.flatMap { UInt64(exactly: $0) }))
  }
}
