#if Tools
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation

  /// Rows that are written beside a load, with their ids.
  struct WrittenRows {
    let rows: VectorMatrix
    let ids: [VectorID]
    /// One for each row, or none at all.
    let attributes: [Attributes]

    /// The most of an index's own rows that are taken.
    private static let most = 10_000

    /// Rows of a file, under new ids: those that follow the highest one of the index.
    ///
    /// - Throws: 65 for rows that the index would refuse, and where no ids are left.
    init(contentsOf path: String, for snapshot: Snapshot) throws {
      rows = try Inputs.queries(
        path, metric: snapshot.metric, dimensions: snapshot.dimensions, called: .rows)
      let highest = snapshot.ids.last ?? 0
      let (last, overflow) = highest.addingReportingOverflow(VectorID(rows.count))
      guard !overflow else {
        throw CommandFailure(
          .data,
          "After id \(highest) there are not \(rows.count) more for the rows of \(path); leave "
            + "--write-vectors out, and vectors of the index are written again.")
      }
      ids = Array(highest + 1...last)
      attributes = []
    }

    /// Rows of the index under their own ids, at most 10 000: whatever is searched has the same answers as before.
    ///
    /// - Throws: 64 where the index keeps none that could be read.
    init(of snapshot: Snapshot, seed: UInt64) throws {
      guard snapshot.preciseRows != .none else {
        throw CommandFailure(
          .usage,
          "The index keeps no precise rows that could be written again; give --write-vectors FILE.")
      }
      var random = SplitMix64(seed: seed ^ 0x3a17_d4a3_0000_0003)
      var ids = snapshot.ids
      if ids.count > Self.most {
        for place in 0..<Self.most {
          ids.swapAt(place, place + Int(random.next(below: UInt64(ids.count - place))))
        }
        ids.removeSubrange(Self.most...)
      }
      var components: [Float] = []
      components.reserveCapacity(ids.count * snapshot.dimensions)
      for id in ids { components += try snapshot.export(id) ?? [] }
      rows = try VectorMatrix(components, dimensions: snapshot.dimensions)
      guard rows.count == ids.count, rows.count > 0 else {
        throw CommandFailure(
          .data, "The index has no rows to write again; give --write-vectors FILE.")
      }
      self.ids = ids
      let attributes = ids.map { snapshot.attributes(of: $0) ?? Attributes() }
      self.attributes = attributes.allSatisfy { $0 == Attributes() } ? [] : attributes
    }
  }

  /// Upserts one row after the other, each drawn by seed.
  struct RowWriter: LoadWriter {
    let target: any ServiceUnderLoad
    let rows: WrittenRows
    let seed: UInt64

    func write(_ number: Int) throws(NeedletailError) {
      var random = SplitMix64(seed: seed &+ UInt64(number) &* 0x9e37_79b9_7f4a_7c15)
      let row = Int(random.next(below: UInt64(rows.rows.count)))
      try target.upsert(
        rows.rows[row..<row + 1], id: rows.ids[row],
        attributes: rows.attributes.isEmpty ? [] : [rows.attributes[row]])
    }
  }
#endif
