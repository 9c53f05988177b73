extension IndexDirectory {
  /// The directory of the log's files; made with the first of them.
  package var logPath: String { path + "/log" }

  /// A file of the log, by its number.
  package func logPath(_ sequence: UInt64) -> String { logPath + "/\(sequence).wal" }

  /// The number of a file of the log, if the name is one that `logPath` gives.
  static func logSequence(of name: String) -> UInt64? {
    guard name.hasSuffix(".wal"), let sequence = UInt64(name.dropLast(4)), sequence > 0,
      name == "\(sequence).wal"
    else { return nil }
    return sequence
  }
}
