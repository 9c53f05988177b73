#if Tools
  import NeedletailCore

  /// Reads `--ids` files, or pipes: text, one unsigned 64-bit decimal a line.
  enum IDList {
    /// The ids of a file, in its order.
    ///
    /// - Throws: `notFound` or `io` when the file cannot be read; `corrupted`, with the line, for
    ///   anything but digits, a number beyond 64 bits, and an id that an earlier line has.
    static func read(_ path: String) throws(NeedletailError) -> [VectorID] {
      try parse(try withoutMark(try bytes(of: path), path: path), path: path)
    }

    static func parse(_ bytes: [UInt8], path: String) throws(NeedletailError) -> [VectorID] {
      var ids: [VectorID] = []
      var lines: [VectorID: Int] = [:]
      var start = 0
      while start < bytes.count {
        let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
        let line = ids.count + 1
        let id = try number(bytes[start..<end], line: line, path: path)
        if let earlier = lines.updateValue(line, forKey: id) {
          throw NeedletailError(
            .corrupted, "Line \(line) has id \(id), which line \(earlier) has already.",
            at: .init(path: path, section: "line \(line)"))
        }
        ids.append(id)
        start = end + 1
      }
      return ids
    }

    private static func number(
      _ bytes: ArraySlice<UInt8>, line: Int, path: String
    ) throws(NeedletailError) -> VectorID {
      let digits = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes
      var value: VectorID = 0
      var isSound = !digits.isEmpty
      for byte in digits {
        let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, carry) = tens.addingReportingOverflow(VectorID(byte &- UInt8(ascii: "0")))
        isSound = isSound && byte >= 0x30 && byte <= 0x39 && !overflow && !carry
        value = sum
      }
      guard isSound else {
        let shown = String(decoding: digits.prefix(40), as: UTF8.self)
        throw NeedletailError(
          .corrupted,
          """
          Line \(line) is “\(shown)”; every line must be one whole number from 0 to \(VectorID.max).
          """, at: .init(path: path, section: "line \(line)"))
      }
      return value
    }
  }
#endif
