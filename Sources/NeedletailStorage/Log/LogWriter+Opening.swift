package import NeedletailCore

extension LogWriter {
  /// Reads the log of an index, puts it in order, and goes on behind it.
  ///
  /// A torn tail is cut off. What was read is durable on return, even if an earlier process could not
  /// make it so. Doing it again, after a crash at any point of it, gives the same. Only the holder of
  /// the index's lock may call it.
  ///
  /// - Parameters:
  ///   - reader: which log, and up to where segments hold its batches.
  ///   - sourceOffsets: where the sources stand in the segments.
  ///   - options: how the log goes on.
  ///   - acceptingLoss: whether damage to durable batches is cut off, with everything behind it; the
  ///     report says what that was.
  ///   - replay: called with every batch that no segment holds, in order; see `LogReader.read`.
  /// - Returns: the writer, and what was found.
  /// - Throws: `corrupted`, naming file, byte and LSN, with nothing changed; `unsupportedFormat`;
  ///   `io`; what `replay` throws.
  package static func open(
    _ reader: LogReader, sourceOffsets: [String: UInt64] = [:], options: LogOptions = LogOptions(),
    acceptingLoss: Bool = false, replay: (LogEntry) throws(NeedletailError) -> Void
  ) throws(NeedletailError) -> (writer: LogWriter, report: LogReport) {
    let report = try reader.read(acceptingLoss: acceptingLoss, replay)
    let writer = try goingOn(reader, report, sourceOffsets: sourceOffsets, options: options)
    try? writer.removeFiles(sealedThrough: reader.after)
    return (writer, report)
  }

  /// Puts the files in order, and goes on behind what was read.
  static func goingOn(
    _ reader: LogReader, _ report: LogReport, sourceOffsets: [String: UInt64] = [:],
    options: LogOptions
  ) throws(NeedletailError) -> LogWriter {
    let last = try reader.putInOrder(report)
    return LogWriter(
      reader, report, sourceOffsets: sourceOffsets, nextSequence: last < .max ? last + 1 : last,
      options: options)
  }
}

extension LogReader {
  /// Makes the files of a log what a report says of them, durably.
  ///
  /// - Returns: the greatest number that a file has or had.
  fileprivate func putInOrder(_ report: LogReport) throws(NeedletailError) -> UInt64 {
    let fileSystem = directory.fileSystem
    let logPath = directory.path(of: form)
    guard try fileSystem.kind(of: logPath) == .directory else { return 0 }
    let found = try fileSystem.list(logPath).compactMap(form.sequence)
    let kept = Set(report.files.map(\.sequence))
    let superfluous = found.filter { !kept.contains($0) }.sorted()
    let sealed = Set(report.sealedFiles)
    // Newest first where it is lost, so that what remains after a crash never looks whole.
    for sequence in superfluous.filter({ !sealed.contains($0) }).reversed() {
      try fileSystem.remove(directory.path(of: form, sequence))
    }
    // Whoever made the directory and the files may have been killed before their names were durable.
    try fileSystem.synchronizeDirectory(directory.path)
    try fileSystem.synchronizeDirectory(logPath)
    if let last = report.files.last { try restore(last) }
    // Only now: what stands for the files before it may have been read and not be durable.
    for sequence in superfluous.filter(sealed.contains) {
      try fileSystem.remove(directory.path(of: form, sequence))
    }
    return found.max() ?? 0
  }

  /// Cuts a file behind its last sound record, and makes what is before it durable.
  ///
  /// Every byte is written again: after a failed synchronisation the system may hold bytes that the
  /// disk does not have and that no further synchronisation would write. Only the last file needs
  /// it, because a file gets a successor when it is durable.
  private func restore(_ file: LogReport.File) throws(NeedletailError) {
    let path = directory.path(of: form, file.sequence)
    let region = try directory.fileSystem.map(path)
    let writable = try directory.fileSystem.reopen(path)
    if region.count > file.byteCount { try writable.truncate(to: UInt64(file.byteCount)) }
    var offset = 0
    while offset < file.byteCount {
      let end = min(offset + 1 << 20, file.byteCount)
      // A copy, because the region may be these very pages of the file.
      let piece = unsafe [UInt8](region.bytes[offset..<end])
      try writable.write(piece, at: UInt64(offset))
      offset = end
    }
    try writable.synchronize()
    try writable.close()
  }
}

extension WritableFile {
  fileprivate func write(_ bytes: [UInt8], at offset: UInt64) throws(NeedletailError) {
    let result: Result<Void, NeedletailError> = unsafe bytes.withUnsafeBytes { bytes in
      Result { () throws(NeedletailError) in unsafe try write(bytes, at: offset) }
    }
    try result.get()
  }
}
