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
  private(set) var live: [LiveSegment] = []
  /// Whether what comes next goes into a live segment of its own.
  private var isFrozen = false
  /// The quantizer of the live segment that takes writes, and how many rows it was trained on where no sealed
  /// segment has one.
  private var training: (quantizer: Quantizer, rows: Int)?
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

  /// Refuses what could not be applied, and makes room for it; changes nothing that is shown.
  ///
  /// - Throws: `dimensionMismatch`, `nonFiniteComponent`, `zeroVector`, naming row and component;
  ///   `capacityExceeded`, `overBudget` or `io` where room ends.
  mutating func admit(_ batch: LogBatch) throws(NeedletailError) {
    guard batch.operation == .upsert, !batch.ids.isEmpty else { return }
    let matrix = try VectorMatrix(batch.components, dimensions: batch.dimensions)
    var findings = RowFindings()
    try findings.add(matrix, dimensions: build.dimensions, metric: build.metric)
    try findings.checkPrecision(build)
    try prepareLive(for: matrix, findings, isDeferred: false)
    try live.last?.admit(batch.items)
    try live.last?.reserve(matrix.count)
  }

  /// Does what a batch says.
  ///
  /// - Parameters:
  ///   - batch: one that was admitted, or that was read from the log.
  ///   - isDeferred: leaves new rows unlinked; see `LiveSegment.upsert`.
  /// - Throws: as `admit`, which was called before, except in a replay.
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
        try prepareLive(for: matrix, findings, isDeferred: true)
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

  /// Ends ids in the sealed segments, and in some of the live ones.
  private mutating func end(
    _ ids: [VectorID], in live: ArraySlice<LiveSegment>
  ) throws(NeedletailError) {
    for segment in live { _ = try segment.remove(ids) }
    for (number, segment) in generation.segments.enumerated() {
      let gone = ids.compactMap { segment.findOrdinal(of: $0) }
      guard !gone.isEmpty else { continue }
      if let before = dead[number] {
        dead[number] = try before.adding(gone)
      } else {
        dead[number] = try RowSet(rows: segment.count, ordinals: gone)
      }
    }
  }

  // MARK: - Sealing

  /// Lets what comes next go into a new live segment.
  mutating func freeze() { isFrozen = true }

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
    live.removeFirst(count)
    if live.isEmpty {
      isFrozen = false
      training = nil
    }
  }
}

// MARK: - The live segment

extension IndexContents {
  /// Rows on which a quantizer may be trained so that it need not be trained anew when there are more.
  private static let enoughToTrain = 512

  /// Makes sure that there is a live segment whose quantizer suits new rows.
  private mutating func prepareLive(
    for rows: VectorMatrix, _ findings: RowFindings, isDeferred: Bool
  ) throws(NeedletailError) {
    if let newest = live.last, !isFrozen {
      guard newest.quantizer.form.isLossless,
        newest.quantizer.form != findings.losslessForm(build.metric)
      else { return try trainAnew(newest, isDeferred: isDeferred) }
    }
    let shared = generation.segments.reversed().compactMap { $0.count > 0 ? $0.quantizer : nil }
      .first { !$0.form.isLossless || $0.form == findings.losslessForm(build.metric) }
    let quantizer: Quantizer
    if let shared {
      quantizer = shared
      training = nil
    } else {
      quantizer = try train(rows, findings)
      training = (quantizer, rows.count)
    }
    live.append(try makeLive(quantizer))
    isFrozen = false
  }

  /// Puts the rows of the live segment into one with a better quantizer, when its own was trained on few.
  private mutating func trainAnew(
    _ segment: LiveSegment, isDeferred: Bool
  ) throws(NeedletailError) {
    let view = segment.view()
    guard let training, training.rows < Self.enoughToTrain,
      view.liveCount >= 8 * training.rows
    else { return }
    let taken = try ShownRows(segment, view)
    var findings = RowFindings()
    try findings.add(taken.rows, dimensions: build.dimensions, metric: build.metric)
    let quantizer = try train(taken.rows, findings)
    let better = try makeLive(quantizer)
    _ = try better.upsert(
      taken.rows, ids: taken.ids, attributes: taken.attributes, isDeferred: isDeferred)
    try withdrawn.hide(taken.ids, in: better)
    live[live.count - 1] = better
    self.training = (quantizer, taken.ids.count)
  }

  private func train(
    _ rows: VectorMatrix, _ findings: RowFindings
  ) throws(NeedletailError) -> Quantizer {
    let source = RowSource(
      [rows], dimensions: build.dimensions,
      dividedBy: build.metric == .cosine ? findings.squaredNorms.map { $0.squareRoot() } : [])
    return try Quantizer.train(
      rows: source, metric: build.metric, lossless: findings.losslessForm(build.metric),
      seed: build.graph.seed)
  }

  private func makeLive(_ quantizer: Quantizer) throws(NeedletailError) -> LiveSegment {
    var made = LiveOptions(build)
    made.threads = options.threads
    made.memoryLimit = options.liveMemoryLimit
    made.growth = generation.largest.parameters.growth
    let segment = try LiveSegment(made, quantizer: quantizer)
    withdrawn.add(segment)
    return segment
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
