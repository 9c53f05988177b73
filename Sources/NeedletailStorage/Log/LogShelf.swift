import NeedletailCore

/// The files of a log, in order, with their headers read.
struct LogShelf {
  struct Item {
    enum Contents {
      case file(LogFile)
      /// Records may be in it, and cannot be read without the header.
      case damaged(NeedletailError)
    }
    var sequence: UInt64
    var path: String
    var contents: Contents

    var file: LogFile? { if case .file(let file) = contents { file } else { nil } }
  }

  /// The files that are needed.
  private(set) var items: [Item] = []
  /// The numbers of files all of whose batches are in segments.
  private(set) var sealed: [UInt64] = []
  /// The numbers of files whose making was cut off.
  private(set) var unfinished: [UInt64] = []
  /// The LSN behind which records are read.
  private(set) var after: UInt64
  private let form: LogForm

  /// Opens every file of a log.
  ///
  /// - Throws: `corrupted` for a file of another index or under another name; `unsupportedFormat`;
  ///   `io`. A damaged header is no error here.
  init(_ reader: LogReader) throws(NeedletailError) {
    let (directory, fileSystem) = (reader.directory, reader.directory.fileSystem)
    form = reader.form
    after = reader.after
    guard try fileSystem.kind(of: directory.path(of: form)) == .directory else { return }
    let sequences = try fileSystem.list(directory.path(of: form)).compactMap(form.sequence).sorted()
    let start = reader.start
    for sequence in sequences where start.map({ $0.sequence <= sequence }) ?? true {
      let path = directory.path(of: form, sequence)
      let gap = start.flatMap { $0.sequence == sequence ? $0.passed : nil }
      let region =
        reader.isFollowing
        ? try fileSystem.copy(path, leavingOut: gap ?? 0..<0) : try fileSystem.map(path)
      switch try LogHeader.read(
        region, form, sequence: sequence, indexIdentity: reader.indexIdentity)
      {
      case .sound(let header):
        let file = LogFile(region: region, header: header)
        items.append(Item(sequence: sequence, path: path, contents: .file(file)))
      case .damaged(let error):
        items.append(Item(sequence: sequence, path: path, contents: .damaged(error)))
      case .unfinished: unfinished.append(sequence)
      }
    }
    guard let start else {
      leaveOutSealed()
      return
    }
    guard let first = items.first?.file, start.isIn(first) else {
      throw NeedletailError(
        .corrupted, "The log is not what it was up to LSN \(start.lastLSN); read it anew.",
        at: .init(path: directory.path(of: form, start.sequence)))
    }
  }

  /// Leaves out the files before the one that reading begins with.
  private mutating func leaveOutSealed() {
    var first = items.lastIndex { $0.file?.beginsWhole(form) ?? false }
    if let first, let file = items[first].file {
      after = file.header.firstLSN - 1
    } else {
      // A file that begins right behind the segments, or before that, says that they hold all that is
      // in the files before it.
      first = items.lastIndex { $0.file.map { $0.header.firstLSN <= after + 1 } ?? false }
    }
    guard let first else { return }
    sealed = items[..<first].map(\.sequence)
    items.removeFirst(first)
  }

  /// What damage takes away: all behind it that can be read, and the files that cannot.
  func loss(_ damage: LogDamage, lastLSN: UInt64) -> LogLoss {
    let broken = items[damage.index]
    var loss = LogLoss(
      location: .init(
        path: broken.path, section: damage.offset == 0 ? "header" : "record",
        byteOffset: UInt64(damage.offset)),
      firstLSN: lastLSN + 1, lastLSN: lastLSN + 1, batches: [], unreadableFiles: [])
    for (index, item) in items[damage.index...].enumerated() {
      guard let file = item.file else {
        loss.unreadableFiles.append(item.path)
        continue
      }
      var last = loss.batches.last?.lsn ?? lastLSN
      var cursor = file.start
      if index == 0, damage.offset >= LogHeader.byteCount {
        // What is before the damage is kept; the chain goes on from the record before it.
        cursor = file.cursor(at: damage.offset)
      } else {
        loss.lastLSN = max(loss.lastLSN, file.header.firstLSN - 1)
        last = max(last, file.header.firstLSN - 1)
      }
      while let record = file.record(at: cursor), record.offset != damage.offset || index > 0 {
        if !record.isMark { loss.add(record, of: file, form) }
        last = max(last, record.lsn)
        cursor.pass(record)
      }
      guard cursor.offset < file.region.count else { continue }
      loss.unreadableFiles.append(item.path)
      let search = LogSearch(file, behind: cursor, form, last: last)
      for record in search.records { loss.add(record, of: file, form) }
      loss.lastLSN = max(loss.lastLSN, search.durableLSN)
    }
    return loss
  }
}

extension LogLoss {
  fileprivate mutating func add(_ record: LogRecord, of file: LogFile, _ form: LogForm) {
    guard record.lsn >= firstLSN, batches.last.map({ $0.lsn < record.lsn }) ?? true else { return }
    let kind = LogRecord.Kind(rawValue: record.kind)
    batches.append(
      Batch(
        lsn: record.lsn, operation: kind.map { "\($0)" } ?? "kind \(record.kind)",
        ids: file.ids(record, form), source: file.source(record)))
    lastLSN = max(lastLSN, record.lsn)
  }
}
