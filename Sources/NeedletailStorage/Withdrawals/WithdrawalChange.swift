package import NeedletailCore

/// One record of the withdrawals' log.
struct WithdrawalChange: Sendable, Hashable {
  /// `withdraw`, `reinstate`, or `state` for all that are withdrawn.
  var kind: LogRecord.Kind
  var ids: [VectorID]

  /// Brings a set of withdrawn ids up to date.
  func apply(to withdrawn: inout Set<VectorID>) {
    switch kind {
    case .reinstate: for id in ids { withdrawn.remove(id) }
    case .state: withdrawn = Set(ids)
    default: withdrawn.formUnion(ids)
    }
  }
}

extension WithdrawalChange: LogPayload {
  var source: SourcePosition? { nil }
  var vectorCount: Int { 0 }

  init(
    _ kind: LogRecord.Kind, source: SourcePosition?, _ reader: inout ByteReader
  ) throws(NeedletailError) {
    guard source == nil else { throw reader.corrupted("A record of withdrawals has no source.") }
    let count = Int(try reader.read(UInt32.self))
    self.init(kind: kind, ids: try reader.readArray(count))
    try reader.finish()
  }
}

/// What became different of the withdrawn ids.
package struct WithdrawalChanges: Sendable, Hashable {
  /// Ids that no search may give any more.
  package var withdrawn: [VectorID]
  /// Ids that searches may give again.
  package var reinstated: [VectorID]

  package init(withdrawn: [VectorID] = [], reinstated: [VectorID] = []) {
    self.withdrawn = withdrawn
    self.reinstated = reinstated
  }
}
