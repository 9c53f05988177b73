package import NeedletailCore

/// Appends batches to the log of an index.
///
/// `append` collects batches in memory, `commit` writes all that were collected in one piece and, if
/// asked to, makes them durable with one synchronisation. Used by one thread at a time, by the holder
/// of the index's lock. `open` makes one.
///
/// | What fails                | What becomes of it                                                 |
/// |---------------------------|--------------------------------------------------------------------|
/// | a write (a full disk)     | the commit's batches are as if never appended; the next may succeed |
/// | cutting off what it left  | the writer is unusable; the batches may or may not be found again   |
/// | a synchronisation         | the same: nobody knows what the disk holds, and asking again would lie |
package final class LogWriter {
  let directory: IndexDirectory
  let indexIdentity: [UInt8]
  let form: LogForm
  package let options: LogOptions
  private var seeds: SplitMix64

  /// The file that is appended to; made by the first commit after opening or rolling.
  private var file: (any WritableFile)?
  private var current: LogReport.File
  private var seed: UInt64 = 0
  /// Where the next record goes, and the checksum that it follows on.
  private var end = LogCursor(offset: 0, previous: 0)
  /// The number of the next file; the last one there is belongs to none.
  private var nextSequence: UInt64
  /// Whether the next record begins a new file, although there is one.
  private var isRestarting = false
  /// Whether the name of the log's own directory is durable.
  private var isDirectoryDurable: Bool
  /// Files that are complete and durable, oldest first.
  private var closed: [LogReport.File]
  private var buffer = LogBuffer()
  private var committedOffsets: [String: UInt64]

  /// The last LSN that was given out.
  package private(set) var lastLSN: UInt64
  /// The last LSN that was written: it outlives the process.
  package private(set) var writtenLSN: UInt64
  /// The last LSN that outlives a power cut.
  package private(set) var durableLSN: UInt64
  /// For each source, where its last batch stands: in a segment, in the log, or still in memory.
  package private(set) var sourceOffsets: [String: UInt64]
  /// Whether a failure left the log in doubt: every call fails until the index is opened anew.
  package private(set) var isPoisoned = false

  /// Goes on behind what was read; the files in `report` are durable.
  init(
    _ reader: LogReader, _ report: LogReport, sourceOffsets: [String: UInt64], nextSequence: UInt64,
    options: LogOptions
  ) {
    directory = reader.directory
    indexIdentity = reader.indexIdentity
    form = reader.form
    self.options = options
    seeds = SplitMix64(seed: options.seed)
    closed = report.files
    current = LogReport.File(sequence: 0, lastLSN: 0, byteCount: 0)
    self.nextSequence = nextSequence
    // Opening made it so, if it was there; a number greater than 1 says that.
    isDirectoryDurable = nextSequence > 1
    lastLSN = report.lastLSN
    writtenLSN = report.lastLSN
    durableLSN = report.lastLSN
    self.sourceOffsets = sourceOffsets.merging(report.sourceOffsets) { $1 }
    committedOffsets = self.sourceOffsets
  }

  /// Rows of batches in files that no seal took yet.
  package var unsealedVectorCount: Int {
    (closed + [current]).reduce(buffer.vectorCount) { $0 + $1.vectorCount }
  }

  /// Bytes of files that no seal took yet, and of what waits to be written.
  package var unsealedByteCount: Int {
    (closed + [current]).reduce(buffer.bytes.count) { $0 + $1.byteCount }
  }

  /// Whether the log is beyond its bound: seal what it holds, then call `removeFiles`.
  package var isOverBound: Bool {
    unsealedVectorCount > options.vectorBound || unsealedByteCount > options.byteBound
  }

  /// What `append` says to a batch that was taken before; `nil` to any other.
  package func repetition(of batch: LogBatch) -> LogOutcome? {
    guard let source = batch.source, let last = sourceOffsets[source.name],
      source.position <= last
    else { return nil }
    return .skipped(position: last)
  }

  /// Takes a batch, which the next commit writes.
  ///
  /// - Parameters:
  ///   - batch: what to do.
  ///   - expected: where the caller believes the batch's source to stand. A batch at or before the
  ///     place where it does stand is a repetition and skipped, whatever is expected.
  /// - Returns: its LSN; or that it was taken before.
  /// - Throws: `sourceGap` when the source stands elsewhere than expected; `invalidConfiguration` for a
  ///   source's name that is empty or too long; `capacityExceeded` for a batch of more than 1 GiB, when
  ///   more than that waits, or after the last LSN; `io` when the writer is poisoned. Nothing changed then.
  package func append(
    _ batch: LogBatch, expecting expected: ExpectedPosition = .any
  ) throws(NeedletailError) -> LogOutcome {
    try checkUsable()
    if let source = batch.source {
      guard (1...SourcePosition.mostNameBytes).contains(source.name.utf8.count) else {
        throw NeedletailError(
          .invalidConfiguration,
          "A source's name has 1 to \(SourcePosition.mostNameBytes) bytes, not"
            + " \(source.name.utf8.count).")
      }
      let last = sourceOffsets[source.name]
      if let repeated = repetition(of: batch) { return repeated }
      try Self.check(source, follows: last, expected)
    }
    try buffer.append(batch, lsn: nextLSN())
    lastLSN += 1
    if let source = batch.source { sourceOffsets[source.name] = source.position }
    return .appended(lsn: lastLSN)
  }

  /// Takes a change of withdrawals, which the next commit writes.
  ///
  /// - Throws: `capacityExceeded` when it is too large, or after the last LSN; `io` when the writer is
  ///   poisoned. Nothing changed then.
  func append(_ change: WithdrawalChange) throws(NeedletailError) {
    try checkUsable()
    try buffer.append(change, lsn: nextLSN())
    lastLSN += 1
  }

  /// Writes what was appended, and makes it durable if asked to, together with all before it.
  ///
  /// - Returns: the last LSN that is written.
  /// - Throws: `io`; `capacityExceeded` after the last file. The batches since the last commit are then not
  ///   in the log; but if the writer is poisoned afterwards, they may be found when the index is opened anew.
  @discardableResult
  package func commit(_ durability: Durability) throws(NeedletailError) -> UInt64 {
    try checkUsable()
    if !buffer.isEmpty {
      do throws(NeedletailError) { try writeBuffer() } catch {
        lastLSN = writtenLSN
        sourceOffsets = committedOffsets
        buffer.clear()
        throw error
      }
    }
    if durability == .synced { try synchronize() }
    return writtenLSN
  }

  /// Ends the file, durably: what is appended from now on goes into a new one.
  ///
  /// - Precondition: nothing waits to be written.
  /// - Throws: `io`; the writer is then poisoned.
  package func roll() throws(NeedletailError) {
    precondition(buffer.isEmpty, "commit before rolling")
    try checkUsable()
    if file == nil { return }
    try synchronize()
    retire()
  }

  /// Begins a new file with a record that stands for all before it, and makes that durable.
  ///
  /// The file before stays in use when there is no room for another one.
  ///
  /// - Precondition: nothing waits to be written, and all that was written is durable.
  /// - Throws: as `append` and `commit`.
  func restart(with whole: WithdrawalChange) throws(NeedletailError) {
    try checkUsable()
    precondition(buffer.isEmpty && durableLSN == writtenLSN, "commit before restarting")
    try append(whole)
    isRestarting = true
    defer { isRestarting = false }
    try commit(.synced)
  }

  /// Removes the files all of whose batches are in segments, oldest first.
  ///
  /// Call `roll` before the rows are sealed, so that no file holds sealed batches and others.
  ///
  /// - Parameter lsn: the last LSN that segments hold, as a durable manifest says.
  /// - Throws: `io`; files that stay are removed by a later call.
  package func removeFiles(sealedThrough lsn: UInt64) throws(NeedletailError) {
    while let oldest = closed.first, oldest.lastLSN <= lsn {
      try directory.fileSystem.remove(directory.path(of: form, oldest.sequence))
      closed.removeFirst()
    }
  }

  /// Lets sources stand elsewhere, after an older state of the index was published again.
  ///
  /// - Precondition: nothing waits to be written.
  package func replaceSourceOffsets(_ offsets: [String: UInt64]) {
    precondition(buffer.isEmpty, "commit before sources are moved")
    (sourceOffsets, committedOffsets) = (offsets, offsets)
  }

  private static func check(
    _ source: SourcePosition, follows last: UInt64?, _ expected: ExpectedPosition
  ) throws(NeedletailError) {
    let wanted: String
    switch expected {
    case .any: return
    case .nothing:
      if last == nil { return }
      wanted = "nothing"
    case .position(let position):
      if position == last { return }
      wanted = "position \(position)"
    }
    throw NeedletailError(
      .sourceGap,
      "The batch at position \(source.position) of source '\(source.name)' follows on \(wanted), but"
        + " the index has \(last.map { "position \($0)" } ?? "nothing") of it. Send what is between."
    )
  }

  /// The LSN of what is appended next: readers and manifests take none that is greater.
  private func nextLSN() throws(NeedletailError) -> UInt64 {
    guard lastLSN < LogHeader.mostLSN - 1 else {
      throw NeedletailError(
        .capacityExceeded,
        "The last batch of the log has LSN \(lastLSN), after which there is none; put the rows into a new index.",
        at: .init(path: directory.path(of: form)))
    }
    return lastLSN + 1
  }

  private func checkUsable() throws(NeedletailError) {
    guard !isPoisoned else {
      throw NeedletailError(
        .io, "The log cannot be written after an earlier failure; open the index anew.",
        at: .init(path: directory.path(of: form)))
    }
  }
}

extension LogWriter {
  private func writeBuffer() throws(NeedletailError) {
    if current.byteCount >= options.fileByteCount { try rollFull() }
    let file = try openFile()
    let checksum = sealBuffer()
    do throws(NeedletailError) { try file.write(buffer.bytes) } catch {
      cut(file)
      throw error
    }
    passed(checksum, lastLSN: lastLSN)
    writtenLSN = lastLSN
    committedOffsets = sourceOffsets
  }

  private func sealBuffer() -> UInt32 {
    buffer.seal(
      seed: seed, offset: end.offset, previous: end.previous, durableLSN: durableLSN)
  }

  /// Rolls in the middle of a commit, whose batches wait in the buffer.
  private func rollFull() throws(NeedletailError) {
    let waiting = buffer
    buffer = LogBuffer()
    defer { buffer = waiting }
    try roll()
  }

  /// Takes note of what the buffer put into the file.
  private func passed(_ checksum: UInt32, lastLSN: UInt64) {
    end = LogCursor(offset: end.offset + buffer.bytes.count, previous: checksum)
    current.byteCount = end.offset
    current.lastLSN = lastLSN
    current.vectorCount += buffer.vectorCount
    buffer.clear()
  }

  private func synchronize() throws(NeedletailError) {
    guard let file, durableLSN < writtenLSN else { return }
    do throws(NeedletailError) { try file.synchronizeData() } catch {
      poison()
      throw error
    }
    durableLSN = writtenLSN
    // Without a word behind them, damage to the last batches would look like a torn tail. The mark
    // itself need not be durable, and the commit has succeeded without it.
    buffer.appendMark(lsn: writtenLSN)
    let checksum = sealBuffer()
    do throws(NeedletailError) {
      try file.write(buffer.bytes)
      passed(checksum, lastLSN: writtenLSN)
    } catch {
      buffer.clear()
      cut(file)
    }
  }

  /// Cuts off what a failed write left, durably; or nothing more is written.
  private func cut(_ file: any WritableFile) {
    do throws(NeedletailError) {
      try file.truncate(to: UInt64(end.offset))
      try file.synchronize()
      durableLSN = writtenLSN
    } catch { poison() }
  }

  private func poison() {
    isPoisoned = true
    try? file?.close()
    file = nil
  }

  /// Takes leave of a file that is durable, if there is one.
  private func retire() {
    guard let old = file else { return }
    // What is durable stays so, whatever closing answers.
    try? old.close()
    file = nil
    closed.append(current)
    current = LogReport.File(sequence: 0, lastLSN: 0, byteCount: 0)
  }

  /// The file to append to; a new one is durable, header and name, before a record goes into it.
  private func openFile() throws(NeedletailError) -> any WritableFile {
    if let file, !isRestarting { return file }
    guard nextSequence < .max else {
      throw NeedletailError(
        .capacityExceeded,
        "A file of the log has the last number there is, so that none can follow; put the rows into a new index.",
        at: .init(path: directory.path(of: form)))
    }
    let fileSystem = directory.fileSystem
    if !isDirectoryDurable {
      if try fileSystem.kind(of: directory.path(of: form)) == nil {
        try fileSystem.makeDirectory(directory.path(of: form))
      }
      try fileSystem.synchronizeDirectory(directory.path)
      isDirectoryDurable = true
    }
    let header = LogHeader(
      indexIdentity: indexIdentity, sequence: nextSequence, firstLSN: writtenLSN + 1,
      seed: seeds.next())
    let path = directory.path(of: form, header.sequence)
    nextSequence += 1
    let new = try fileSystem.create(path)
    retire()
    let bytes = header.encoded(form)
    do throws(NeedletailError) {
      try new.write(bytes)
      try new.synchronize()
      try fileSystem.synchronizeDirectory(directory.path(of: form))
    } catch {
      // It holds no batch: if it stays, a reader passes over it.
      try? new.close()
      try? fileSystem.remove(path)
      throw error
    }
    file = new
    current = LogReport.File(
      sequence: header.sequence, lastLSN: writtenLSN, byteCount: bytes.count)
    seed = header.seed
    end = LogCursor(offset: bytes.count, previous: CRC32C.checksum(of: bytes.dropLast(4) + []))
    return new
  }
}
