import NeedletailCore

/// The first 64 bytes of a file of the log; drawn in `Design/FileFormat.md`.
struct LogHeader: Hashable, Sendable {
  static let byteCount = 64
  static let version: UInt32 = 1
  /// LSNs stay below: one a nanosecond would last for a century.
  static let mostLSN: UInt64 = 1 << 62

  /// The index that the log belongs to.
  var indexIdentity: [UInt8]
  /// The number in the file's name.
  var sequence: UInt64
  /// The LSN of the first batch in the file; all before it were durable when the file was made.
  var firstLSN: UInt64
  /// Drawn for each file, so that bytes of an older file, or of another place, never fit.
  var seed: UInt64

  func encoded(_ form: LogForm) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(contentsOf: form.magic)
    writer.append(Self.version)
    writer.append(UInt32(Self.byteCount))
    writer.append(contentsOf: indexIdentity)
    writer.append(sequence)
    writer.append(firstLSN)
    writer.append(seed)
    writer.append(0 as UInt32)
    writer.append(CRC32C.checksum(of: writer.bytes))
    return writer.bytes
  }
}

extension LogHeader {
  /// What a header turned out to be.
  enum Reading {
    case sound(LogHeader)
    /// The file's making was cut off: it is no longer than a header, and holds no sound one.
    case unfinished
    /// Records may follow, and cannot be read.
    case damaged(NeedletailError)
  }

  /// Takes the header of a file apart and checks all of it.
  ///
  /// A header is durable before the first record is written: a longer file without one is damaged.
  ///
  /// - Throws: `unsupportedFormat` for a newer version or an unknown feature; `corrupted` for another
  ///   index's file, or a file under another name.
  static func read(
    _ region: MappedRegion, _ form: LogForm, sequence: UInt64, indexIdentity: [UInt8]
  ) throws(NeedletailError) -> Reading {
    let isBare = region.count <= byteCount
    let size = min(region.count, byteCount)
    var reader = ByteReader(
      region.span.extracting(0..<size), path: region.path, section: "header")
    guard size >= 12, try reader.readBytes(8) == form.magic else {
      if isBare { return .unfinished }
      return .damaged(
        NeedletailError(
          .corrupted, "It is no file of a log: it does not begin with \(hexadecimal(form.magic)).",
          at: .init(path: region.path, section: "header", byteOffset: 0)))
    }
    // The version comes before the checksum: a newer one may have a header of another size.
    let version = try reader.read(UInt32.self)
    guard version <= Self.version else {
      throw NeedletailError(
        .unsupportedFormat,
        "The log has format version \(version); this program reads 1 to \(Self.version). Use a newer"
          + " program.", at: .init(path: region.path, section: "header", byteOffset: 8))
    }
    guard size == byteCount else { return .unfinished }
    let headerByteCount = try reader.read(UInt32.self)
    let identity = try reader.readBytes(Manifest.identityByteCount)
    let header = LogHeader(
      indexIdentity: identity, sequence: try reader.read(), firstLSN: try reader.read(),
      seed: try reader.read())
    let features = try reader.read(UInt32.self)
    let computed = unsafe CRC32C.checksum(
      of: UnsafeRawBufferPointer(rebasing: region.bytes[0..<(byteCount - 4)]))
    let checksum = try reader.read(UInt32.self)
    guard checksum == computed, version > 0, headerByteCount == UInt32(byteCount) else {
      if isBare { return .unfinished }
      return .damaged(
        reader.corrupted(
          "The header's checksum is \(checksum), its bytes give \(computed), its version is"
            + " \(version) and its length \(headerByteCount); the file is damaged."))
    }
    guard features == 0 else {
      throw NeedletailError(
        .unsupportedFormat,
        "The log needs the features 0x\(String(features, radix: 16)), which this program does not"
          + " have. Use a newer program.",
        at: .init(path: region.path, section: "header", byteOffset: 56))
    }
    try header.check(reader, sequence: sequence, indexIdentity: indexIdentity)
    return .sound(header)
  }

  private func check(
    _ reader: borrowing ByteReader, sequence: UInt64, indexIdentity: [UInt8]
  ) throws(NeedletailError) {
    guard self.indexIdentity == indexIdentity else {
      throw reader.corrupted(
        "The file is of the log of index \(hexadecimal(self.indexIdentity)), not of"
          + " \(hexadecimal(indexIdentity)). Put back the log that belongs here.")
    }
    guard self.sequence == sequence else {
      throw reader.corrupted("The file is number \(self.sequence) of its log, not \(sequence).")
    }
    guard firstLSN > 0, firstLSN < Self.mostLSN else {
      throw reader.corrupted("A file of a log cannot begin with LSN \(firstLSN).")
    }
  }
}
