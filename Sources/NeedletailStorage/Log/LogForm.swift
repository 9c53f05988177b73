import NeedletailCore

/// A family of numbered files that records are appended to: where they are, and what is in them.
struct LogForm: Sendable, Hashable {
  /// The directory, within the index's.
  let directory: String
  /// The end of a file's name, without the dot.
  let fileExtension: String
  /// The first 8 bytes.
  let magic: [UInt8]
  /// The kinds of records, besides marks.
  let kinds: [LogRecord.Kind]
  /// The kind of a record that stands for everything before it: the files before one that begins with
  /// such a record are not needed.
  let wholeKind: LogRecord.Kind?

  private init(
    _ directory: String, fileExtension: String, tag: String, kinds: [LogRecord.Kind],
    wholeKind: LogRecord.Kind? = nil
  ) {
    self.directory = directory
    self.fileExtension = fileExtension
    magic = [0x89] + tag.utf8 + [0x0a]
    self.kinds = kinds
    self.wholeKind = wholeKind
  }

  /// Batches of rows that no segment holds yet.
  static let batches = LogForm(
    "log", fileExtension: "wal", tag: "NDLLOG", kinds: [.upsert, .remove])
  /// Ids that no search may give, whatever generation it looks at.
  static let withdrawals = LogForm(
    "withdrawn", fileExtension: "log", tag: "NDLWDN", kinds: [.withdraw, .reinstate, .state],
    wholeKind: .state)

  /// The number of a file, if the name is one that `IndexDirectory.path(of:_:)` gives.
  func sequence(of name: String) -> UInt64? {
    let suffix = "." + fileExtension
    guard name.hasSuffix(suffix), let sequence = UInt64(name.dropLast(suffix.count)), sequence > 0,
      name == "\(sequence)\(suffix)"
    else { return nil }
    return sequence
  }
}

/// What a record holds.
protocol LogPayload {
  /// Where it came from, when somebody said so.
  var source: SourcePosition? { get }
  /// Rows in it.
  var vectorCount: Int { get }

  /// Takes a record's payload apart; counts and lengths are checked before anything is allocated.
  init(
    _ kind: LogRecord.Kind, source: SourcePosition?, _ reader: inout ByteReader
  ) throws(NeedletailError)
}
