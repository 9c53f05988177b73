import NeedletailCore
import NeedletailStorage

/// The rows of an index as the one who writes, or replays, knows them: sealed segments with their dead rows, and
/// live segments, of which the last takes writes.
///
/// No id is alive in two of them.
struct IndexContents {
  /// How new rows are linked and coded.
  let build: BuildOptions
  let options: UpdateOptions
  private(set) var generation: OpenGeneration
  /// Rows of each sealed segment that are there no more.
  private(set) var dead: [RowSet?]
  /// Oldest first.
  var live: [LiveSegment] = []
  /// Whether what comes next goes into a live segment of its own.
  var isFrozen = false
  /// Whether somebody makes a segment of what there was a while ago.
  private(set) var isSealing = false
  /// The quantizer of the live segment that takes writes, and how many rows it was trained on where no sealed
  /// segment has one.
  var training: (quantizer: Quantizer, rows: Int)?
  /// Rows of each sealed segment that ended and are not in `dead` yet.
  private var ending: [[UInt32]]
  /// Whether the segment may be moved into memory: not once that has failed.
  var mayMove = true
  /// Ids that nobody may be shown, in this view or any other.
  let withdrawn: WithdrawnIDs

  init(
    _ generation: OpenGeneration, build: BuildOptions, options: UpdateOptions,
    withdrawn: WithdrawnIDs
  ) throws(NeedletailError) {
    self.build = build
    self.options = options
    self.generation = generation
    self.withdrawn = withdrawn
    dead = generation.stack.sealed.map(\.dead)
    ending = dead.map { _ in [] }
    for segment in generation.segments { try withdrawn.add(segment) }
  }

  /// What readers see of this from now on.
  func view(lsn: UInt64, sourceOffsets: [String: UInt64]) -> IndexView {
    let sealed = zip(generation.segments, dead).map { SegmentPart(segment: $0, dead: $1) }
    return IndexView(
      generation: generation,
      stack: SegmentStack(
        sealed: sealed, live: live.map { LivePart(segment: $0, view: $0.view()) }),
      withdrawn: withdrawn, lsn: lsn, sourceOffsets: sourceOffsets)
  }

  /// Whether an id is there.
  func contains(_ id: VectorID) -> Bool {
    if live.contains(where: { $0.contains(id) }) { return true }
    return zip(generation.segments, dead).contains { segment, dead in
      guard let ordinal = segment.findOrdinal(of: id) else { return false }
      return !(dead?.contains(ordinal) ?? false)
    }
  }

  // MARK: - Batches

  /// Refuses ids that are there, or twice in the batch.
  ///
  /// - Throws: `alreadyExists`, naming the id and its row.
  func requireNew(_ ids: [VectorID]) throws(NeedletailError) {
    var rows: [VectorID: Int] = [:]
    rows.reserveCapacity(ids.count)
    for (row, id) in ids.enumerated() {
      if let before = rows.updateValue(row, forKey: id) {
        throw NeedletailError(
          .alreadyExists,
          "The id \(id) of row \(row) is that of row \(before) too; leave one of them out.")
      }
      guard contains(id) else { continue }
      throw NeedletailError(
        .alreadyExists,
        "The id \(id) of row \(row) exists already; leave the row out, or upsert it.")
    }
  }

  /// Does what a batch says.
  ///
  /// - Parameters:
  ///   - batch: one that was admitted, or that was read from the log.
  ///   - isDeferred: leaves new rows unlinked; see `LiveSegment.upsert`.
  /// - Throws: as `admit`, which was called before, except in a replay.
  /// - Postcondition: `settle` is due before anybody is shown this.
  mutating func apply(_ batch: LogBatch, isDeferred: Bool) throws(NeedletailError) {
    // A batch without ids says where its source stands, and no more.
    guard !batch.ids.isEmpty else { return }
    switch batch.operation {
    case .remove:
      try end(batch.ids, in: live[...])
    case .upsert:
      let matrix = try VectorMatrix(batch.components, dimensions: batch.dimensions)
      let items = try batch.items
      if isDeferred {
        var findings = RowFindings()
        try findings.add(matrix, dimensions: build.dimensions, metric: build.metric)
        try prepareLive(for: matrix, findings, isReplayed: true)
      }
      guard let newest = live.last, !isFrozen else {
        throw NeedletailError(.io, "There is no live segment for \(batch.ids.count) rows.")
      }
      _ = try newest.upsert(
        matrix, ids: batch.ids, attributes: items, isDeferred: isDeferred)
      try end(batch.ids, in: live.dropLast())
      try withdrawn.hide(batch.ids, in: newest)
    }
  }

  /// Ends ids in the sealed segments, when `settle` is called, and in some of the live ones.
  private mutating func end(
    _ ids: [VectorID], in live: ArraySlice<LiveSegment>
  ) throws(NeedletailError) {
    for segment in live { _ = try segment.remove(ids) }
    for (number, segment) in generation.segments.enumerated() {
      ending[number] += ids.compactMap { segment.findOrdinal(of: $0) }
    }
  }

  /// Ends the rows of sealed segments that batches have ended since the last call.
  ///
  /// Once for many batches: a set of dead rows is constant, since views hold it, and copied as a whole.
  ///
  /// - Throws: `io` when there is no memory for it.
  mutating func settle() throws(NeedletailError) {
    for (number, segment) in generation.segments.enumerated() where !ending[number].isEmpty {
      if let before = dead[number] {
        dead[number] = try before.adding(ending[number])
      } else {
        dead[number] = try RowSet(rows: segment.count, ordinals: ending[number])
      }
      ending[number] = []
    }
  }

  /// Ends all rows of a sealed segment.
  mutating func endAll(of number: Int) throws(NeedletailError) {
    let segment = generation.segments[number]
    dead[number] = try RowSet(
      rows: segment.count, ordinals: Array(0..<UInt32(segment.count)))
    ending[number] = []
  }

  // MARK: - Sealing

  /// Lets what comes next go into a new live segment, for somebody who seals what there is.
  mutating func freeze() { (isFrozen, isSealing) = (true, true) }

  /// Lets what comes next go into the newest live segment, although it was set aside; nobody seals any more.
  mutating func unfreeze() { (isFrozen, isSealing) = (false, false) }

  /// Puts a new generation in the place of the present one and of the live segments that it holds.
  ///
  /// - Parameters:
  ///   - next: the new generation; its dead rows are those of now.
  ///   - dead: one for each of its segments.
  ///   - count: how many live segments, from the oldest on, it holds.
  /// - Throws: `io` when there is no memory for what is withdrawn.
  mutating func adopt(
    _ next: OpenGeneration, dead: [RowSet?], sealedLive count: Int
  ) throws(NeedletailError) {
    precondition(dead.count == next.segments.count, "dead rows for each segment")
    for segment in next.segments { try withdrawn.add(segment) }
    generation = next
    self.dead = dead
    ending = dead.map { _ in [] }
    mayMove = true
    live.removeFirst(count)
    if live.isEmpty {
      isFrozen = false
      training = nil
    }
  }
}

/// The rows that a view of a live segment shows, as they were given.
struct ShownRows {
  let rows: VectorMatrix
  let ids: [VectorID]
  let attributes: [Attributes]

  init(_ segment: LiveSegment, _ view: LiveView) throws(NeedletailError) {
    let ordinals = segment.ordinals(view)
    let dimensions = segment.options.build.dimensions
    let components = unsafe [Float](unsafeUninitializedCapacity: ordinals.count * dimensions) {
      buffer, count in
      if let start = buffer.baseAddress {
        for (i, ordinal) in ordinals.enumerated() {
          unsafe segment.export(ordinal, view, into: start + i * dimensions)
        }
      }
      count = ordinals.count * dimensions
    }
    rows = try VectorMatrix(components, dimensions: dimensions)
    ids = ordinals.map { segment.id(of: $0, view) }
    attributes = ordinals.map { segment.attributes(of: $0, view) }
  }
}

extension LogBatch {
  /// The attributes of each item, or nothing when none has any.
  ///
  /// - Throws: `corrupted` for bytes that are none.
  var items: [Attributes] {
    get throws(NeedletailError) {
      var items: [Attributes] = []
      items.reserveCapacity(attributes.count)
      for bytes in attributes { items.append(try Attributes(bytes: bytes, path: "log")) }
      return items
    }
  }
}
