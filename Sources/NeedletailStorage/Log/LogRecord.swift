import NeedletailCore

/// One record of a log's file, without its payload; drawn in `Design/FileFormat.md`.
struct LogRecord: Hashable {
  /// What a record is for; the number stands in the file and is never reused.
  enum Kind: UInt16 {
    case upsert = 1
    case remove = 2
    /// Says that everything before it is durable. It takes no LSN, and nothing is lost with it.
    case mark = 3
    /// Ids that no search may give from here on.
    case withdraw = 4
    /// Ids that searches may give again.
    case reinstate = 5
    /// All ids that are withdrawn, whatever the records before say.
    case state = 6
  }

  static let fieldByteCount = 36
  static let checksumByteCount = 4
  /// A record without a source and a payload: a mark.
  static let leastByteCount = fieldByteCount + checksumByteCount
  /// One record is one write, and is read whole.
  static let mostByteCount = 1 << 30

  /// Where the record begins in its file.
  var offset: Int
  /// Its length, the checksum with it.
  var byteCount: Int
  var kind: UInt16
  var nameByteCount: Int
  /// The batch's number; of a mark, that of the batch before it.
  var lsn: UInt64
  /// All batches up to this one were durable when the record was written.
  var durableLSN: UInt64
  /// 0 without a source.
  var position: UInt64
  /// The checksum of the record before it, or of the header.
  var previous: UInt32
  /// As it stands in the file.
  var checksum: UInt32

  var end: Int { offset + byteCount }
  var isMark: Bool { kind == Kind.mark.rawValue }

  /// The checksum of a record's bytes, without the last four, at a place of a file.
  ///
  /// The seed tells files apart, the offset places: a record that is not where it was written does
  /// not fit.
  static func checksum(
    of bytes: UnsafeRawBufferPointer, seed: UInt64, offset: Int
  ) -> UInt32 {
    var checksum = CRC32C()
    unsafe withUnsafeBytes(of: (seed.littleEndian, UInt64(offset).littleEndian)) {
      unsafe checksum.update($0)
    }
    unsafe checksum.update(bytes)
    return checksum.value
  }
}

extension LogRecord {
  /// Reads the fields at an offset of a file; `nil` when no record can be there.
  ///
  /// Nothing is checked but that the record lies within the file, and its name within the record.
  init?(in region: MappedRegion, at offset: Int) {
    let remaining = region.count - offset
    guard offset >= LogHeader.byteCount, remaining >= Self.leastByteCount else { return nil }
    // SAFETY: at least `leastByteCount` bytes follow, and any bits are integers.
    let length = unsafe UInt32(
      littleEndian: region.bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    guard length >= UInt32(Self.leastByteCount),
      length <= UInt32(min(remaining, Self.mostByteCount))
    else { return nil }
    self.offset = offset
    byteCount = Int(length)
    // SAFETY: as above; the checksum ends at `offset + byteCount`, which is in the file.
    unsafe kind = UInt16(
      littleEndian: region.bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt16.self))
    nameByteCount = unsafe Int(
      UInt16(littleEndian: region.bytes.loadUnaligned(fromByteOffset: offset + 6, as: UInt16.self)))
    unsafe lsn = UInt64(
      littleEndian: region.bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
    unsafe durableLSN = UInt64(
      littleEndian: region.bytes.loadUnaligned(fromByteOffset: offset + 16, as: UInt64.self))
    unsafe position = UInt64(
      littleEndian: region.bytes.loadUnaligned(fromByteOffset: offset + 24, as: UInt64.self))
    unsafe previous = UInt32(
      littleEndian: region.bytes.loadUnaligned(fromByteOffset: offset + 32, as: UInt32.self))
    unsafe checksum = UInt32(
      littleEndian: region.bytes.loadUnaligned(
        fromByteOffset: offset + byteCount - Self.checksumByteCount, as: UInt32.self))
    guard nameByteCount <= byteCount - Self.leastByteCount else { return nil }
  }

  /// Whether the checksum is that of the record's bytes.
  func isSound(in region: MappedRegion, seed: UInt64) -> Bool {
    // SAFETY: `init` saw to it that the record lies within the region.
    let bytes = unsafe UnsafeRawBufferPointer(
      rebasing: region.bytes[offset..<(end - Self.checksumByteCount)])
    return unsafe Self.checksum(of: bytes, seed: seed, offset: offset) == checksum
  }

  /// The record's kind, when it is one of a family's or a mark.
  func knownKind(_ form: LogForm) -> Kind? {
    guard let kind = Kind(rawValue: kind), kind == .mark || form.kinds.contains(kind) else {
      return nil
    }
    return kind
  }

  /// Whether the fields go together; those of a record that was written do.
  var isConsistent: Bool {
    (nameByteCount > 0 || position == 0) && nameByteCount <= SourcePosition.mostNameBytes
      && (!isMark || byteCount == Self.leastByteCount)
  }

  /// Checks what a right checksum does not tell: that the record may follow on `last`.
  ///
  /// - Returns: the record's kind, one of the family's or a mark.
  func check(
    after last: UInt64, _ form: LogForm, _ reader: borrowing ByteReader
  ) throws(NeedletailError) -> Kind {
    guard let kind = knownKind(form) else {
      throw NeedletailError(
        .unsupportedFormat,
        "A record of kind \(kind) is not known to this program. Use a newer one.",
        at: reader.corrupted("").location)
    }
    guard lsn == (kind == .mark ? last : last + 1) else {
      throw reader.corrupted("A record with LSN \(lsn) follows on LSN \(last).")
    }
    guard lsn < LogHeader.mostLSN else {
      throw reader.corrupted("No log has a batch with LSN \(lsn).")
    }
    guard durableLSN <= last else {
      throw reader.corrupted(
        "A record with LSN \(lsn) calls LSN \(durableLSN) durable, which comes after it.")
    }
    guard isConsistent else {
      throw reader.corrupted("The record of LSN \(lsn) contradicts itself.")
    }
    return kind
  }

  /// The record's source, whose name must be UTF-8.
  func source(_ reader: inout ByteReader) throws(NeedletailError) -> SourcePosition? {
    let bytes = try reader.readBytes(nameByteCount)
    guard !bytes.isEmpty else { return nil }
    guard let name = String(validating: bytes, as: UTF8.self) else {
      throw reader.corrupted("The name of the source of LSN \(lsn) is not UTF-8.")
    }
    return SourcePosition(name: name, position: position)
  }
}
