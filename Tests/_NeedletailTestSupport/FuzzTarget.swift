import NeedletailCore
package import NeedletailStorage

/// What reads bytes from the disk: run on any bytes at all by `Tests/Fuzzing`, and on those that once
/// failed by the unit tests.
///
/// The last byte of an input says what is put right before the rest is read, so that mutations reach
/// what lies behind the checksums. A trap, a sanitizer's report or a broken promise is a failure.
package enum FuzzTarget: String, CaseIterable, Sendable {
  /// The container of a quantizer: sections, blocks, footer.
  case container
  /// A manifest.
  case manifest
  /// A file of the write-ahead log.
  case log
  /// A file of withdrawals.
  case withdrawals
  /// `CURRENT`, and the mark of recovery.
  case lines

  /// Reads an input.
  package func run(_ input: [UInt8]) {
    guard let mode = input.last else { return }
    var bytes = Array(input.dropLast())
    do throws(NeedletailError) {
      switch self {
      case .container:
        if mode & 1 == 1 { Self.mend(&bytes, .quantizer) }
        try Self.container(bytes)
      case .manifest:
        if mode & 1 == 1 { Self.mend(&bytes, .manifest) }
        try Self.manifest(bytes)
      case .log:
        if mode & 1 == 1 { FuzzedLog.mend(&bytes, tag: "NDLLOG", ordersNumbers: mode & 2 == 2) }
        try FuzzedLog.log(bytes)
      case .withdrawals:
        if mode & 1 == 1 { FuzzedLog.mend(&bytes, tag: "NDLWDN", ordersNumbers: mode & 2 == 2) }
        try FuzzedLog.withdrawals(bytes)
      case .lines: try Self.lines(bytes)
      }
    } catch {
      precondition(
        error.code == .corrupted || error.code == .unsupportedFormat || error.code == .notFound,
        "an error that bytes cannot cause: \(error)")
      precondition(error.location != nil, "an error without a place: \(error)")
    }
  }

  /// Gives a sectioned file of any bytes its magic, version, lengths and checksums.
  package static func mend(_ bytes: inout [UInt8], _ format: FileFormat) {
    let least = format.headerByteCount
    let table = max(least, (bytes.count - 52) / 64 * 64)
    let blocks = (table + 65_535) / 65_536
    let count = table + 4 * blocks + 48
    if bytes.count < count {
      bytes += [UInt8](repeating: 0, count: count - bytes.count)
    } else {
      bytes.removeSubrange(count...)
    }
    bytes.replaceSubrange(0..<8, with: format.magic)
    bytes.put(format.version, at: 8)
    bytes.put(UInt32(least), at: 12)
    bytes.put(UInt64(count), at: 32)
    bytes.put(UInt64(table), at: 40)
    bytes.put(65_536 as UInt32, at: 52)
    bytes.put(UInt64(count), at: count - 48)
    bytes.put(UInt64(table), at: count - 40)
    bytes.replaceSubrange((count - 8)..., with: format.magic)
    Tampering.mend(&bytes, format)
  }

  private static func container(_ bytes: [UInt8]) throws(NeedletailError) {
    let region = try MappedRegion(bytes, path: "f")
    let file = try SectionedFile(region, .quantizer, verification: .structure)
    for section in file.sections {
      var reader = file.reader(section)
      while reader.remaining >= 8 { _ = try reader.read(UInt64.self) }
      precondition(unsafe file.bytes(section).count == section.byteCount, "a section cut short")
    }
    let isDamaged = try !file.damagedBlocks().isEmpty
    do throws(NeedletailError) { try file.verify() } catch { return }
    precondition(!isDamaged && file.computedHash() == file.contentHash, "damage was passed over")
  }

  private static func manifest(_ bytes: [UInt8]) throws(NeedletailError) {
    let manifest = try Manifest(MappedRegion(bytes, path: "m"))
    for (index, segment) in manifest.segments.enumerated() {
      for ordinal in manifest.tombstones(ofSegment: index) {
        precondition(UInt64(ordinal) < segment.rowCount, "a tombstone behind the rows")
      }
    }
    // What could be read can be written, and is the same then.
    let fileSystem = InMemoryFileSystem()
    try manifest.write(to: "n", in: fileSystem)
    let again = try Manifest(fileSystem.map("n"))
    precondition(again == manifest, "a manifest that changes")
  }

  private static func lines(_ bytes: [UInt8]) throws(NeedletailError) {
    let fileSystem = InMemoryFileSystem()
    try fileSystem.makeDirectory("index")
    try fileSystem.setContents("index/RECOVERY", bytes)
    let mark = try RecoveryMark(IndexDirectory("index", in: fileSystem))
    precondition(mark.failures > 0, "a mark that counts nothing")
    try fileSystem.setContents("index/CURRENT", bytes)
    _ = try IndexDirectory("index", in: fileSystem).currentGeneration()
  }
}

/// Logs of any bytes.
enum FuzzedLog {
  private static let identity = [UInt8](1...16)

  /// Gives a log of any bytes a sound header, and its records their checksums; with `ordersNumbers` also
  /// the numbers that they should have.
  static func mend(_ bytes: inout [UInt8], tag: String, ordersNumbers: Bool) {
    if bytes.count < 64 { bytes += [UInt8](repeating: 0, count: 64 - bytes.count) }
    bytes.replaceSubrange(0..<8, with: [0x89] + tag.utf8 + [0x0a])
    bytes.put(1 as UInt32, at: 8)
    bytes.put(64 as UInt32, at: 12)
    bytes.replaceSubrange(16..<32, with: identity)
    bytes.put(1 as UInt64, at: 32)
    if ordersNumbers {
      bytes.put(1 as UInt64, at: 40)
      bytes.put(0 as UInt32, at: 56)
    }
    var records: [Range<Int>] = []
    var (offset, last) = (64, 0 as UInt64)
    while bytes.count - offset >= 40 {
      let length = Int(bytes.number(at: offset, byteCount: 4))
      guard length >= 40, length <= bytes.count - offset else { break }
      if ordersNumbers {
        let durable = bytes.number(at: offset + 16, byteCount: 8)
        bytes.put(min(durable, last), at: offset + 16)
        if bytes.number(at: offset + 4, byteCount: 2) != 3 { last += 1 }
        bytes.put(last, at: offset + 8)
      }
      records.append(offset..<(offset + length))
      offset += length
    }
    LogTampering.mend(&bytes, records: records)
  }

  static func log(_ bytes: [UInt8]) throws(NeedletailError) {
    let disk = try disk("index/log", "1.wal", bytes)
    let reader = LogReader(IndexDirectory("index", in: disk), indexIdentity: identity)
    var strict: [LogEntry]?
    do throws(NeedletailError) {
      var entries: [LogEntry] = []
      _ = try reader.read { entry throws(NeedletailError) in entries.append(entry) }
      strict = entries
    } catch {
      if error.code == .unsupportedFormat { throw error }
    }
    var entries: [LogEntry] = []
    let (writer, report) = try LogWriter.open(reader, acceptingLoss: true) {
      entry throws(NeedletailError) in entries.append(entry)
    }
    precondition(strict.map { isSame($0, entries) } ?? (report.loss != nil), "read in two ways")
    for batch in entries.map(\.batch) {
      precondition(batch.components.count == batch.ids.count * batch.dimensions, "rows are missing")
    }
    _ = try writer.append(.remove(ids: [7]))
    try writer.commit(.synced)
    var again: [LogEntry] = []
    _ = try reader.read { entry throws(NeedletailError) in again.append(entry) }
    precondition(again.last?.batch == .remove(ids: [7]), "what was appended is lost")
    precondition(isSame(again.dropLast(), entries), "what was read is lost")
  }

  /// Whether all is equal, bit for bit: a component may be no number.
  private static func isSame(_ one: [LogEntry], _ other: [LogEntry]) -> Bool {
    one.count == other.count
      && zip(one, other).allSatisfy { one, other in
        let (a, b) = (one.batch, other.batch)
        return one.lsn == other.lsn && a.operation == b.operation && a.ids == b.ids
          && a.dimensions == b.dimensions && a.attributes == b.attributes && a.source == b.source
          && a.components.map(\.bitPattern) == b.components.map(\.bitPattern)
      }
  }

  static func withdrawals(_ bytes: [UInt8]) throws(NeedletailError) {
    let disk = try disk("index/withdrawn", "1.log", bytes)
    let directory = IndexDirectory("index", in: disk)
    var reader = WithdrawalReader(directory, indexIdentity: identity)
    var followed: Set<VectorID>?
    do throws(NeedletailError) {
      _ = try reader.poll()
      followed = reader.ids
    } catch {
      if error.code == .unsupportedFormat { throw error }
    }
    let (log, ids) = try WithdrawalLog.open(
      directory, indexIdentity: identity, acceptingLoss: true)
    precondition(followed == nil ? log.report.loss != nil : followed == ids, "read in two ways")
    try log.withdraw([7])
    try log.rewrite()
    _ = try reader.poll()
    precondition(reader.ids == ids.union([7]), "lost")
  }

  private static func disk(
    _ directory: String, _ name: String, _ bytes: [UInt8]
  ) throws(NeedletailError) -> SimulatedDisk {
    let disk = SimulatedDisk()
    try disk.makeDirectory("index")
    try disk.makeDirectory(directory)
    try disk.setContents(directory + "/" + name, bytes)
    return disk
  }
}
