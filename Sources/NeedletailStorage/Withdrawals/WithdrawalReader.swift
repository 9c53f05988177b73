package import NeedletailCore

/// Follows the withdrawals of an index that another process writes; changes nothing on disk.
///
/// Used by one thread at a time.
package struct WithdrawalReader: Sendable {
  private let reader: LogReader
  private var place: Place?
  /// The ids that are withdrawn, as of the last poll.
  package private(set) var ids: Set<VectorID> = []

  /// Where reading stands.
  private struct Place {
    var sequence: UInt64
    /// Tells the file from another one of the same number.
    var header: LogHeader
    var cursor: LogCursor
    var lastLSN: UInt64
  }

  /// Names the withdrawals of an index; nothing is touched.
  ///
  /// - Parameters:
  ///   - directory: the index.
  ///   - indexIdentity: its identity, from the manifest; another index's withdrawals are refused.
  package init(_ directory: IndexDirectory, indexIdentity: [UInt8]) {
    reader = LogReader(
      withdrawalsOf: directory, indexIdentity: indexIdentity, isFollowing: true)
  }

  /// The number of the last change that was read; 0 before any.
  package var lastNumber: UInt64 { place?.lastLSN ?? 0 }

  /// Asks what changed since the last call; since nothing was withdrawn, in the first one.
  ///
  /// A change that its writer has not made durable yet may be seen.
  ///
  /// - Returns: the changes, each list ascending; `nil` when there are none.
  /// - Throws: `corrupted` when changes that were durable cannot be read, `unsupportedFormat`, `io`. What was
  ///   known stays, and the next call tries again.
  /// - Complexity: one look at the file and one at its directory when nothing changed; otherwise a copy of the file,
  ///   which the writer keeps short.
  package mutating func poll() throws(NeedletailError) -> WithdrawalChanges? {
    if let place {
      if try isUnchanged(place) { return nil }
      if let changes = try follow(place) { return changes.isEmpty ? nil : changes }
    }
    let changes = try readAll()
    return changes.isEmpty ? nil : changes
  }

  private func isUnchanged(_ place: Place) throws(NeedletailError) -> Bool {
    let length = try fileSystem.byteCount(of: path(place.sequence))
    if length != UInt64(place.cursor.offset) { return false }
    return try !hasSuccessor(place)
  }

  /// Whether there is a newer file; numbers may be left out.
  private func hasSuccessor(_ place: Place) throws(NeedletailError) -> Bool {
    let names = try fileSystem.list(reader.directory.path(of: .withdrawals))
    return names.contains { reader.form.sequence(of: $0).map { $0 > place.sequence } ?? false }
  }

  /// Reads on in the same file; `nil` where that does not do.
  private mutating func follow(
    _ old: Place
  ) throws(NeedletailError) -> WithdrawalChanges? {
    var place = old
    guard try !hasSuccessor(place), let file = try open(place),
      file.region.count > place.cursor.offset
    else { return nil }
    var changed = ids
    while let record = file.record(at: place.cursor) {
      guard
        let change: WithdrawalChange = try file.payload(record, after: place.lastLSN, .withdrawals)
      else {
        place.cursor.pass(record)
        continue
      }
      place.cursor.pass(record)
      place.lastLSN = record.lsn
      change.apply(to: &changed)
    }
    // Not even one: a write that is going on, or the file is not what it was.
    if place.cursor == old.cursor { return nil }
    self.place = place
    return replace(with: changed)
  }

  /// The file that reading stands in, if it still is that.
  private func open(_ place: Place) throws(NeedletailError) -> LogFile? {
    let path = path(place.sequence)
    let region: MappedRegion
    do throws(NeedletailError) {
      region = try MappedRegion(copying: fileSystem.read(path), path: path)
    } catch {
      if error.code == .notFound { return nil }
      throw error
    }
    guard
      case .sound(let header) = try LogHeader.read(
        region, .withdrawals, sequence: place.sequence, indexIdentity: reader.indexIdentity),
      header == place.header
    else { return nil }
    return LogFile(region: region, header: header)
  }

  private mutating func readAll() throws(NeedletailError) -> WithdrawalChanges {
    var attempts = 0
    while true {
      do throws(NeedletailError) { return try readAllOnce() } catch {
        // The writer may remove a file between its being listed and its being read.
        attempts += 1
        guard error.code == .notFound, attempts < 10 else { throw error }
      }
    }
  }

  private mutating func readAllOnce() throws(NeedletailError) -> WithdrawalChanges {
    var found: Set<VectorID> = []
    let report = try reader.readRecords(acceptingLoss: false) {
      (_, change: WithdrawalChange) throws(NeedletailError) in change.apply(to: &found)
    }
    var place: Place?
    if let last = report.files.last {
      let path = path(last.sequence)
      let region = try MappedRegion(copying: fileSystem.read(path), path: path)
      if case .sound(let header) = try LogHeader.read(
        region, .withdrawals, sequence: last.sequence, indexIdentity: reader.indexIdentity),
        region.count >= last.byteCount
      {
        let file = LogFile(region: region, header: header)
        place = Place(
          sequence: last.sequence, header: header, cursor: file.cursor(at: last.byteCount),
          lastLSN: report.lastLSN)
      }
    }
    self.place = place
    return replace(with: found)
  }

  private mutating func replace(with new: Set<VectorID>) -> WithdrawalChanges {
    let changes = WithdrawalChanges(
      withdrawn: new.subtracting(ids).sorted(), reinstated: ids.subtracting(new).sorted())
    ids = new
    return changes
  }

  private var fileSystem: any FileSystem { reader.directory.fileSystem }

  private func path(_ sequence: UInt64) -> String {
    reader.directory.path(of: .withdrawals, sequence)
  }
}

extension WithdrawalChanges {
  /// Whether nothing changed.
  package var isEmpty: Bool { withdrawn.isEmpty && reinstated.isEmpty }
}
