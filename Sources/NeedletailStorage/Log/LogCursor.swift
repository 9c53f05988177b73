import NeedletailCore

/// A file of the log with a sound header.
struct LogFile {
  let region: MappedRegion
  let header: LogHeader

  /// Where the chain of checksums begins: the header's own checksum.
  var start: LogCursor { cursor(at: LogHeader.byteCount) }

  /// Takes a part of the file apart; `range` lies within it.
  func reading<Value>(
    _ range: Range<Int>, section: String,
    _ body: (inout ByteReader) throws(NeedletailError) -> Value
  ) throws(NeedletailError) -> Value {
    var reader = ByteReader(
      region.span.extracting(range), path: region.path, section: section,
      start: UInt64(range.lowerBound))
    return try body(&reader)
  }

  /// The cursor at an offset behind a sound record, or behind the header.
  func cursor(at offset: Int) -> LogCursor {
    // SAFETY: four bytes of a checksum stand before every record of the file.
    let previous = unsafe UInt32(
      littleEndian: region.bytes.loadUnaligned(fromByteOffset: offset - 4, as: UInt32.self))
    return LogCursor(offset: offset, previous: previous)
  }

  /// Whether the first record stands for everything before it.
  func beginsWhole(_ form: LogForm) -> Bool {
    guard let kind = form.wholeKind, let first = record(at: start) else { return false }
    return first.kind == kind.rawValue && first.lsn == header.firstLSN
  }

  /// The record at a cursor, when its checksum is right and it follows on the one before.
  func record(at cursor: LogCursor) -> LogRecord? {
    guard let record = LogRecord(in: region, at: cursor.offset),
      record.previous == cursor.previous, record.isSound(in: region, seed: header.seed)
    else { return nil }
    return record
  }

  /// What a record holds, with its source; `nil` for a mark.
  ///
  /// - Throws: `corrupted`, `unsupportedFormat` when it may not follow on `last`, or contradicts
  ///   itself.
  func payload<Payload: LogPayload>(
    _ record: LogRecord, after last: UInt64, _ form: LogForm
  ) throws(NeedletailError) -> Payload? {
    let range = record.offset..<(record.end - LogRecord.checksumByteCount)
    return try reading(range, section: "record") { reader throws(NeedletailError) in
      let kind = try record.check(after: last, form, reader)
      _ = try reader.readBytes(LogRecord.fieldByteCount)
      let source = try record.source(&reader)
      return kind == .mark ? nil : try Payload(kind, source: source, &reader)
    }
  }

  /// A record's ids alone, as far as they can be read.
  func ids(_ record: LogRecord, _ form: LogForm) -> [VectorID] {
    guard record.lsn > 0 else { return [] }
    let last = record.lsn - 1
    if form == .withdrawals {
      let change: WithdrawalChange? = try? payload(record, after: last, form)
      return change?.ids ?? []
    }
    let batch: LogBatch? = try? payload(record, after: last, form)
    return batch?.ids ?? []
  }

  /// A record's source alone, as far as it can be read.
  func source(_ record: LogRecord) -> SourcePosition? {
    let start = record.offset + LogRecord.fieldByteCount
    return try? reading(start..<(start + record.nameByteCount), section: "record") {
      reader throws(NeedletailError) in try record.source(&reader)
    }
  }
}

/// A place between two records, and the checksum of the one before it.
struct LogCursor: Hashable, Sendable {
  var offset: Int
  var previous: UInt32

  mutating func pass(_ record: LogRecord) {
    offset = record.end
    previous = record.checksum
  }
}

/// A place between two records of a log.
package struct LogPlace: Sendable, Hashable {
  /// Tells the file from any other of the same number.
  var header: LogHeader
  var cursor: LogCursor
  /// The last LSN before the place.
  var lastLSN: UInt64

  var sequence: UInt64 { header.sequence }

  /// What nobody needs who goes on from here: the records before the last checksum.
  var passed: Range<Int> { LogHeader.byteCount..<max(LogHeader.byteCount, cursor.offset - 4) }

  /// Whether a file has, up to this place, what was read there.
  func isIn(_ file: LogFile) -> Bool {
    file.header == header && file.region.count >= cursor.offset
      && file.cursor(at: cursor.offset) == cursor
  }
}
