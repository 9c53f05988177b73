package import NeedletailCore
package import NeedletailStorage

/// A change that a caller wants made.
package struct UpdateRequest: Sendable {
  package var batch: LogBatch
  /// Where the caller believes the batch's source to stand.
  package var expected = ExpectedPosition.any
  /// Whether ids that are there already refuse the batch.
  package var isInsert = false
  package var durability = Durability.synced

  package init(_ batch: LogBatch) { self.batch = batch }

  /// Rows that replace those of their ids, or are new.
  ///
  /// - Precondition: as many ids as rows; 1 to `Limits.dimensions` dimensions; attributes that were validated, of each
  ///   row or none.
  package static func upsert(
    ids: [VectorID], rows: VectorMatrix, attributes: [Attributes] = []
  ) -> UpdateRequest {
    let width = rows.dimensions
    let components = unsafe [Float](unsafeUninitializedCapacity: rows.count * width) {
      buffer, count in
      if let start = buffer.baseAddress {
        for row in 0..<rows.count {
          unsafe copyComponents(of: rows, row: row, into: start + row * width)
        }
      }
      count = rows.count * width
    }
    let hasNone = attributes.allSatisfy(\.isEmpty)
    return UpdateRequest(
      .upsert(
        ids: ids, dimensions: width, components: components,
        attributes: hasNone ? [] : attributes.map(\.bytes)))
  }

  /// Ids that go.
  package static func remove(ids: [VectorID]) -> UpdateRequest { UpdateRequest(.remove(ids: ids)) }

  /// Says where the change comes from.
  ///
  /// - Parameters:
  ///   - source: its name.
  ///   - position: the place behind the change.
  ///   - previous: where the source must stand before it; `nil`: anywhere before.
  package mutating func comes(from source: String, to position: UInt64, previous: UInt64?) {
    batch.source = SourcePosition(name: source, position: position)
    expected = previous.map { .position($0) } ?? .any
  }

  /// Whether the call returns when the system has the change, rather than the disk.
  package var isBuffered: Bool {
    get { durability == .buffered }
    set { durability = newValue ? .buffered : .synced }
  }
}
