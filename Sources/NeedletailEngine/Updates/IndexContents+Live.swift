import NeedletailCore
import NeedletailStorage

/// Batches that were admitted and wait for the log.
struct PendingRows {
  /// Rows that they will write.
  private(set) var rows = 0
  /// Whether any of them has attributes.
  private(set) var hasAttributes = false
  private var ids: Set<VectorID> = []

  mutating func add(_ batch: LogBatch) {
    if batch.operation == .upsert { rows += batch.ids.count }
    hasAttributes = hasAttributes || !batch.attributes.isEmpty
    ids.formUnion(batch.ids)
  }

  func holdsAny(of ids: [VectorID]) -> Bool { !self.ids.isDisjoint(with: ids) }
}

/// The live segment that takes writes.
extension IndexContents {
  /// Rows on which a quantizer may be trained so that it need not be trained anew when there are more.
  private static let enoughToTrain = 512

  /// Whether a batch may be admitted while others wait for the log, with room for all of them for certain.
  func takes(_ batch: LogBatch, behind pending: PendingRows) -> Bool {
    guard pending.rows > 0, !batch.ids.isEmpty else { return true }
    if isUpdateInPlaceDue { return false }
    guard batch.operation == .upsert else { return true }
    guard let newest = live.last, !isFrozen, !isTrainingDue(newest),
      newest.hasRoom(for: pending.rows + batch.ids.count),
      batch.attributes.isEmpty || !pending.hasAttributes
    else { return false }
    guard newest.quantizer.form.isLossless else { return true }
    guard let findings = try? findings(of: batch).1 else { return true }
    return findings.fit(newest.quantizer.form)
  }

  /// Refuses what could not be applied, and makes room for it; changes nothing that is shown.
  ///
  /// - Parameters:
  ///   - batch: what is to be logged next.
  ///   - pending: batches that were admitted before and are to be applied together with this one.
  /// - Throws: `dimensionMismatch`, `nonFiniteComponent`, `zeroVector`, naming row and component;
  ///   `capacityExceeded`, `overBudget` or `io` where room ends.
  mutating func admit(
    _ batch: LogBatch, behind pending: PendingRows
  ) throws(NeedletailError) {
    guard !batch.ids.isEmpty else { return }
    updateInPlace()
    guard batch.operation == .upsert else { return }
    let (matrix, findings) = try findings(of: batch)
    try findings.checkPrecision(build)
    try prepareLive(for: matrix, findings, isReplayed: false)
    try live.last?.admit(batch.items)
    try live.last?.reserve(pending.rows + matrix.count)
  }

  private func findings(
    of batch: LogBatch
  ) throws(NeedletailError) -> (VectorMatrix, RowFindings) {
    let matrix = try VectorMatrix(batch.components, dimensions: batch.dimensions)
    var findings = RowFindings()
    try findings.add(matrix, dimensions: build.dimensions, metric: build.metric)
    return (matrix, findings)
  }

  /// Bytes of memory of all live segments, when so many rows come to the newest.
  func liveByteCount(adding rows: Int) -> Int {
    live.reduce(0) { $0 + $1.byteCount } + (isFrozen ? 0 : live.last?.bytesToHold(rows) ?? 0)
  }

  /// Bytes of memory that are taken when so many more rows come, about; their attributes are not counted.
  func bytesToReserve(_ rows: Int) -> Int {
    guard let newest = live.last, !isFrozen else {
      return LiveTables.byteCount(
        rows: max(rows, LiveTables.leastRoom), m: build.graph.m, dimensions: build.dimensions)
    }
    return newest.bytesToReserve(rows)
  }

  /// Makes sure that there is a live segment whose quantizer suits new rows.
  mutating func prepareLive(
    for rows: VectorMatrix, _ findings: RowFindings, isReplayed: Bool
  ) throws(NeedletailError) {
    if let newest = live.last, !isFrozen {
      let form = newest.quantizer.form
      guard form.isLossless, !findings.fit(form) else {
        return try trainAnew(newest, isDeferred: isReplayed)
      }
    }
    let shared = generation.segments.reversed().compactMap { $0.count > 0 ? $0.quantizer : nil }
      .first { !$0.form.isLossless || findings.fit($0.form) }
    // Rows of whole numbers and others may come by turns: the third live segment takes them all.
    let lossless = live.count < 2 ? findings.losslessForm(build.metric) : nil
    let quantizer: Quantizer
    if let shared, !shared.form.isLossless || lossless != nil {
      quantizer = shared
      training = nil
    } else {
      quantizer = try train(rows, findings, lossless)
      training = (quantizer, rows.count)
    }
    live.append(try makeLive(quantizer, isReplayed: isReplayed))
    isFrozen = false
  }

  private func isTrainingDue(_ segment: LiveSegment) -> Bool {
    guard let training, training.rows < Self.enoughToTrain else { return false }
    return segment.view().liveCount >= 8 * training.rows
  }

  /// Puts the rows of the live segment into one with a better quantizer, when its own was trained on few.
  private mutating func trainAnew(
    _ segment: LiveSegment, isDeferred: Bool
  ) throws(NeedletailError) {
    guard isTrainingDue(segment) else { return }
    let taken = try ShownRows(segment, segment.view())
    var findings = RowFindings()
    try findings.add(taken.rows, dimensions: build.dimensions, metric: build.metric)
    let quantizer = try train(taken.rows, findings, findings.losslessForm(build.metric))
    let better = try makeLive(quantizer, isReplayed: isDeferred)
    _ = try better.upsert(
      taken.rows, ids: taken.ids, attributes: taken.attributes, isDeferred: isDeferred)
    try withdrawn.hide(taken.ids, in: better)
    live[live.count - 1] = better
    self.training = (quantizer, taken.ids.count)
  }

  private func train(
    _ rows: VectorMatrix, _ findings: RowFindings, _ lossless: Quantizer.Form?
  ) throws(NeedletailError) -> Quantizer {
    let source = RowSource(
      [rows], dimensions: build.dimensions,
      dividedBy: build.metric == .cosine ? findings.squaredNorms.map { $0.squareRoot() } : [])
    return try Quantizer.train(
      rows: source, metric: build.metric, lossless: lossless, seed: build.graph.seed)
  }

  func makeLive(
    _ quantizer: Quantizer, isReplayed: Bool
  ) throws(NeedletailError) -> LiveSegment {
    var made = LiveOptions(build)
    made.threads = options.threads
    // What was acknowledged is taken back in any case.
    made.memoryLimit = isReplayed ? nil : options.liveMemoryLimit
    made.growth = generation.largest.parameters.growth
    let segment = try LiveSegment(made, quantizer: quantizer)
    withdrawn.add(segment)
    return segment
  }
}
