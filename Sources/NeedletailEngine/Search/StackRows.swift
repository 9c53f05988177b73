extension StackRows {
  /// The rows of each part, sealed ones first.
  package var parts: [RowSet] { sealed + live }
}
