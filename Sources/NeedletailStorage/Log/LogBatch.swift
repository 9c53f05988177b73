package import NeedletailCore

/// Where a batch stands in the stream of its source: a topic's partition, a table's history, a file.
package struct SourcePosition: Sendable, Hashable {
  /// The most bytes that a source's name has.
  package static let mostNameBytes = 255

  /// The source's name: 1 to 255 bytes of UTF-8.
  package var name: String
  /// The place behind the batch, in the source's own count; it only ever grows.
  package var position: UInt64

  package init(name: String, position: UInt64) {
    self.name = name
    self.position = position
  }
}

/// What a caller knows of the place at which a source stands in the log.
package enum ExpectedPosition: Sendable, Hashable {
  /// Nothing: any greater position follows.
  case any
  /// Nothing of the source was taken yet.
  case nothing
  /// The last batch that was taken stands here.
  case position(UInt64)
}

/// Changes that are taken all or not at all: one record of the log.
package struct LogBatch: Sendable, Hashable {
  /// What a batch does to its ids.
  package enum Operation: Sendable, Hashable {
    /// Each id gets the row and the attributes beside it, whether it was there or not.
    case upsert
    /// Each id goes.
    case remove
  }

  package var operation: Operation
  /// `[n]`, in the caller's order; of an id that is there twice the last one counts.
  package var ids: [VectorID]
  /// Components per row; 0 in a batch without rows.
  package var dimensions: Int
  /// `[n, dimensions]`, row after row, as the caller gave them; empty in a removal.
  package var components: [Float]
  /// `[n]` pieces of bytes that mean nothing here, or empty when no item has attributes.
  package var attributes: [[UInt8]]
  /// Where the batch came from, when the caller said so.
  package var source: SourcePosition?

  /// A batch of rows that replace those of their ids, or are new.
  ///
  /// - Precondition: `components.count` is `ids.count · dimensions`; `attributes` is empty or has a
  ///   piece for each id; there are 1 to `Limits.dimensions` dimensions.
  package static func upsert(
    ids: [VectorID], dimensions: Int, components: [Float], attributes: [[UInt8]] = [],
    source: SourcePosition? = nil
  ) -> LogBatch {
    precondition(
      (1...Limits.dimensions).contains(dimensions), "rows have 1 to \(Limits.dimensions) components"
    )
    let (count, overflow) = ids.count.multipliedReportingOverflow(by: dimensions)
    precondition(!overflow && count == components.count, "a row for each id")
    precondition(attributes.isEmpty || attributes.count == ids.count, "attributes for each id")
    return LogBatch(
      operation: .upsert, ids: ids, dimensions: dimensions, components: components,
      attributes: attributes, source: source)
  }

  /// A batch of ids that go.
  package static func remove(ids: [VectorID], source: SourcePosition? = nil) -> LogBatch {
    LogBatch(
      operation: .remove, ids: ids, dimensions: 0, components: [], attributes: [], source: source)
  }
}
