extension IndexDirectory {
  /// The directory of the log's files; made with the first of them.
  package var logPath: String { path(of: .batches) }

  /// A file of the log, by its number.
  package func logPath(_ sequence: UInt64) -> String { path(of: .batches, sequence) }

  /// The directory of the withdrawals' files; made with the first of them.
  package var withdrawnPath: String { path(of: .withdrawals) }

  /// A file of withdrawals, by its number.
  package func withdrawnPath(_ sequence: UInt64) -> String { path(of: .withdrawals, sequence) }

  /// The directory of a family of files.
  func path(of form: LogForm) -> String { path + "/" + form.directory }

  /// A file of a family, by its number.
  func path(of form: LogForm, _ sequence: UInt64) -> String {
    path(of: form) + "/\(sequence).\(form.fileExtension)"
  }
}
