package import NeedletailCore

/// Reads the log of an index, batch after batch, over all its files; changes nothing on disk.
///
/// What a crash cut off is reported and left out. Damage to batches that were durable is refused,
/// unless the caller accepts their loss.
package struct LogReader: Sendable {
  let directory: IndexDirectory
  let indexIdentity: [UInt8]
  let after: UInt64
  /// Which files; those of batches, unless the code here says otherwise.
  var form = LogForm.batches
  /// Whether somebody else may be writing: files are then copied, because one that is cut while it is
  /// mapped would end this process.
  let isFollowing: Bool
  /// Where an earlier reading ended, if this one goes on behind it.
  private(set) var start: LogPlace?

  /// Names a log; nothing is touched.
  ///
  /// - Parameters:
  ///   - directory: the index.
  ///   - indexIdentity: its identity, from the manifest; another index's log is refused.
  ///   - after: the LSN up to which batches are in segments. They are not read again.
  ///   - isFollowing: whether somebody else may be writing; `false` for the holder of the index's lock alone.
  package init(
    _ directory: IndexDirectory, indexIdentity: [UInt8], after: UInt64 = 0,
    isFollowing: Bool = false
  ) {
    self.directory = directory
    self.indexIdentity = indexIdentity
    self.after = after
    self.isFollowing = isFollowing
  }

  /// The reader that goes on where a reading ended, of the same log.
  ///
  /// Reading then throws `corrupted`, or `notFound`, where the log is not what it was: because it was sealed, or because
  /// what was read had been written and never acknowledged, and was cut off.
  ///
  /// - Parameter place: the `end` of that reading's report; `nil`, where it found no file, changes nothing.
  /// - Returns: a reader of what is behind.
  package func goingOn(from place: LogPlace?) -> LogReader {
    var reader = self
    reader.start = place
    return reader
  }

  /// Whether reading would find nothing behind the place that it begins at; `false` when it begins at none.
  ///
  /// - Throws: `io`.
  /// - Complexity: one look at the file and one at its directory.
  package var isAtEnd: Bool {
    get throws(NeedletailError) {
      guard let start else { return false }
      let path = directory.path(of: form, start.sequence)
      guard try directory.fileSystem.byteCount(of: path) == UInt64(start.cursor.offset) else {
        return false
      }
      let newest = try directory.fileSystem.list(directory.path(of: form))
        .compactMap(form.sequence).max()
      return newest == start.sequence
    }
  }

  /// Calls `body` with every batch after `after`, in order.
  ///
  /// When it throws, `body` may have been called; the caller throws away what it made of that. No
  /// allocation is larger than the batch that is read.
  ///
  /// - Parameters:
  ///   - acceptingLoss: whether damage to durable batches ends the reading, with what is lost in the
  ///     report, instead of an error.
  ///   - body: what to do with a batch.
  /// - Returns: what the log holds, and what was wrong with it.
  /// - Throws: `corrupted`, naming file, byte and LSN; `unsupportedFormat`; `io`; what `body` throws.
  /// - Complexity: O(n) in the log's bytes.
  package func read(
    acceptingLoss: Bool = false,
    _ body: (LogEntry) throws(NeedletailError) -> Void
  ) throws(NeedletailError) -> LogReport {
    try readRecords(acceptingLoss: acceptingLoss) {
      (record, batch: LogBatch) throws(NeedletailError) in
      try body(LogEntry(lsn: record.lsn, batch: batch, byteCount: record.byteCount))
    }
  }

  /// As `read`, for any family of files.
  func readRecords<Payload: LogPayload>(
    acceptingLoss: Bool, _ body: (LogRecord, Payload) throws(NeedletailError) -> Void
  ) throws(NeedletailError) -> LogReport {
    let shelf = try LogShelf(self)
    var report = LogReport(lastLSN: shelf.after)
    report.sealedFiles = shelf.sealed
    report.unfinishedFiles = shelf.unfinished
    do throws(LogBreak) {
      try read(shelf, &report, body)
    } catch {
      switch error {
      case .failure(let failure): throw failure
      case .damage(let damage):
        let loss = shelf.loss(damage, lastLSN: report.lastLSN)
        guard acceptingLoss else { throw loss.error(damage) }
        report.loss = loss
      }
    }
    return report
  }

  private func read<Payload: LogPayload>(
    _ shelf: LogShelf, _ report: inout LogReport,
    _ body: (LogRecord, Payload) throws(NeedletailError) -> Void
  ) throws(LogBreak) {
    for (index, item) in shelf.items.enumerated() {
      guard case .file(let file) = item.contents else {
        guard case .damaged(let error) = item.contents else { continue }
        throw .damage(LogDamage(index: index, offset: 0, message: "The header is damaged.", error))
      }
      let start = index == 0 ? self.start : nil
      if start == nil { try checkStart(file, index, report) }
      var summary = LogReport.File(
        sequence: item.sequence, lastLSN: start?.lastLSN ?? file.header.firstLSN - 1, byteCount: 0)
      var cursor = start?.cursor ?? file.start
      defer {
        summary.byteCount = cursor.offset
        report.files.append(summary)
        report.lastLSN = max(report.lastLSN, summary.lastLSN)
        report.end = LogPlace(header: file.header, cursor: cursor, lastLSN: summary.lastLSN)
      }
      while cursor.offset < file.region.count {
        guard let record = file.record(at: cursor) else {
          try judge(file, index, cursor, last: summary.lastLSN, shelf, &report)
          break
        }
        let payload: Payload?
        do throws(NeedletailError) {
          payload = try file.payload(record, after: summary.lastLSN, form)
        } catch {
          guard error.code == .corrupted else { throw .failure(error) }
          throw .damage(
            LogDamage(index: index, offset: cursor.offset, message: error.message, error))
        }
        cursor.pass(record)
        guard let payload else { continue }
        summary.lastLSN = record.lsn
        summary.vectorCount += payload.vectorCount
        guard record.lsn > shelf.after else { continue }
        if let source = payload.source { report.sourceOffsets[source.name] = source.position }
        do throws(NeedletailError) { try body(record, payload) } catch { throw .failure(error) }
      }
    }
  }

  /// A file begins where the one before it ended; the first one, where the segments do or earlier.
  private func checkStart(
    _ file: LogFile, _ index: Int, _ report: LogReport
  ) throws(LogBreak) {
    let first = file.header.firstLSN
    let expected = report.lastLSN + 1
    if first == expected || (report.files.isEmpty && first < expected) { return }
    let message =
      first > expected
      ? "The file begins with LSN \(first), where LSN \(expected) is wanted."
      : "The file begins with LSN \(first), which the file before it holds already."
    throw .damage(LogDamage(index: index, offset: 40, message: message))
  }

  /// Decides what it means that no sound record is at a cursor: nothing, a torn tail, or damage.
  private func judge(
    _ file: LogFile, _ index: Int, _ cursor: LogCursor, last: UInt64, _ shelf: LogShelf,
    _ report: inout LogReport
  ) throws(LogBreak) {
    let search = LogSearch(file, behind: cursor, form, last: last)
    let next = shelf.items[(index + 1)...].lazy.compactMap(\.file?.header.firstLSN).first
    if search.durableLSN > last || search.isCutShort || (next ?? 0) > last + 1 {
      let message = "The record at byte \(cursor.offset) is damaged."
      throw .damage(LogDamage(index: index, offset: cursor.offset, message: message))
    }
    // A file that another one follows on has all its batches; what is behind them is an old tail.
    if next == last + 1 { return }
    report.tornTail = .init(
      location: .init(
        path: file.region.path, section: "record", byteOffset: UInt64(cursor.offset)),
      byteCount: file.region.count - cursor.offset)
  }
}

/// Why reading ended: something that only an accepted loss gets past, or a failure that nothing does.
enum LogBreak: Error {
  case damage(LogDamage)
  case failure(NeedletailError)
}

/// Where the sound part of a log ends although more was durable.
struct LogDamage {
  /// The file's place on the shelf.
  var index: Int
  var offset: Int
  var message: String
  /// What was found, where more is known.
  var cause: NeedletailError?

  init(index: Int, offset: Int, message: String, _ cause: NeedletailError? = nil) {
    self.index = index
    self.offset = offset
    self.message = message
    self.cause = cause
  }
}
