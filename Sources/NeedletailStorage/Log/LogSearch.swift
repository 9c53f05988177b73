import NeedletailCore

/// What can still be read behind a place where the records of a file end or break off.
///
/// A torn tail and damage look alike where they begin. They differ in what follows: every record says
/// which batches were durable when it was written, so a record that calls a batch durable which
/// cannot be read proves damage. Records of one unfinished write may reach the disk in any order, and
/// prove nothing.
struct LogSearch {
  /// The batches that can be read.
  private(set) var records: [LogRecord] = []
  /// The last LSN that a record calls durable; 0 when there is no such record.
  private(set) var durableLSN: UInt64 = 0
  /// Whether the search ended early, because it cost too much: bytes that were made for it.
  private(set) var isCutShort = false
  /// Bytes that may still be put through the checksum.
  private var budget: Int
  private let file: LogFile
  private let form: LogForm
  private let last: UInt64

  /// Searches a file behind a cursor at which no record is.
  ///
  /// - Parameters:
  ///   - file: the file.
  ///   - cursor: the place, and the chain up to it.
  ///   - form: which files it is one of.
  ///   - last: the last LSN before the place.
  /// - Complexity: O(n) in the bytes that follow.
  init(_ file: LogFile, behind cursor: LogCursor, _ form: LogForm, last: UInt64) {
    self.file = file
    self.form = form
    self.last = last
    let remaining = file.region.count - cursor.offset
    budget = 8 * remaining + 1 << 20
    var offset = cursor.offset
    while !isCutShort, offset + LogRecord.leastByteCount <= file.region.count {
      if let record = candidate(at: offset) {
        take(record)
        offset = record.end
      } else {
        offset += 1
      }
    }
  }

  /// The record at an offset, if its fields are possible ones and its checksum is right.
  private mutating func candidate(at offset: Int) -> LogRecord? {
    // All of this before the checksum: a batch's ids look like lengths and numbers of records.
    guard let record = LogRecord(in: file.region, at: offset), record.lsn >= last,
      record.knownKind(form) != nil, record.isConsistent, record.durableLSN <= record.lsn,
      record.lsn - last <= UInt64(file.region.count / LogRecord.leastByteCount) + 1
    else { return nil }
    budget -= record.byteCount
    guard budget >= 0 else {
      isCutShort = true
      return nil
    }
    return record.isSound(in: file.region, seed: file.header.seed) ? record : nil
  }

  private mutating func take(_ record: LogRecord) {
    durableLSN = max(durableLSN, record.durableLSN)
    if !record.isMark { records.append(record) }
  }
}
