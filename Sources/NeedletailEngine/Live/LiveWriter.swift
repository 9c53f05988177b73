package import NeedletailCore
import NeedletailKernels
import NeedletailStorage
import Synchronization

/// What only the writer of a live segment knows.
struct LiveWriter {
  let linker: LiveLinker
  /// The newest version of every id that has not been removed.
  var ordinals: [VectorID: UInt32] = [:]
  /// Rows that ended and are linked yet, in the order of their ends.
  var ended: [(ordinal: UInt32, sequence: UInt64)] = []
  var moments = LiveMoments()
  var count = 0
  /// Rows that are linked, or were; those behind wait for it.
  var linked = 0
  var sequence: UInt64 = 0

  init(_ linker: LiveLinker, _ first: LiveMoment) {
    self.linker = linker
    moments.append(first)
  }
}

/// What a write has done.
package struct LiveWrite: Sendable, Hashable {
  /// The number of the write; views from now on show it.
  package var sequence: UInt64
  /// Vectors that were not there before.
  package var inserted = 0
  /// Vectors that got another version.
  package var replaced = 0
  /// Vectors that are there no more.
  package var removed = 0
}

extension LiveSegment {
  /// Fewest ended rows that are unlinked together, and the share of all rows.
  static let fewestToUnlink = 64
  static let shareToUnlink = 32

  /// Adds vectors.
  ///
  /// Either all of them are there afterwards, for every view at once, or none.
  ///
  /// - Parameters:
  ///   - rows: `[n, dimensions]`, as they come; made unit rows here under cosine.
  ///   - ids: `[n]`, none of which is there.
  ///   - attributes: `[n]`, or none.
  /// - Throws: `alreadyExists`, `dimensionMismatch`, `nonFiniteComponent`, `zeroVector`, naming the row;
  ///   `invalidConfiguration` for attributes that are not kept; `capacityExceeded`, `overBudget` or `io` where
  ///   room ends.
  /// - Returns: the number of the write, and how many vectors it added.
  /// - Complexity: a walk of `efConstruction` hops a row; one for each rule.
  package func insert(
    _ rows: VectorMatrix, ids: [VectorID], attributes: [Attributes] = []
  ) throws(NeedletailError) -> LiveWrite {
    try put(rows, ids, attributes, replaces: false, isDeferred: false)
  }

  /// Adds vectors, each in the place of the one that has its id, if any.
  ///
  /// Of two rows with one id, the last counts.
  ///
  /// - Parameters:
  ///   - rows: `[n, dimensions]`, as for `insert`.
  ///   - ids: `[n]`.
  ///   - attributes: `[n]`, or none; those of the vectors before are gone.
  ///   - isDeferred: leaves linking for later (`linkMore`); until then every search scores the rows one by one. For
  ///     many rows that are to be found soon. Default `false`.
  /// - Throws: as `insert`, but for `alreadyExists`.
  /// - Returns: the number of the write, and how many vectors it added and replaced.
  package func upsert(
    _ rows: VectorMatrix, ids: [VectorID], attributes: [Attributes] = [],
    isDeferred: Bool = false
  ) throws(NeedletailError) -> LiveWrite {
    try put(rows, ids, attributes, replaces: true, isDeferred: isDeferred)
  }

  /// Links rows that wait for it.
  ///
  /// - Parameter most: rows that are linked at the most; writers wait meanwhile.
  /// - Returns: how many wait still.
  /// - Throws: nothing of its own.
  /// - Complexity: as `insert`.
  @discardableResult
  package func linkMore(_ most: Int) throws(NeedletailError) -> Int {
    try write { (writer) throws(NeedletailError) -> Int in
      link(most, &writer)
      return writer.count - writer.linked
    }
  }

  private func link(_ most: Int, _ writer: inout LiveWriter) {
    let end = min(writer.count, writer.linked + most)
    guard end > writer.linked else { return }
    writer.linker.link(writer.linked..<end)
    writer.linked = end
    linkedCount.store(end, ordering: .releasing)
  }

  /// Removes vectors; ids that are not there are passed over.
  ///
  /// - Complexity: O(1) an id; now and then a pass over all links, which unlinks what ended.
  package func remove(_ ids: [VectorID]) throws(NeedletailError) -> LiveWrite {
    try write { (writer) throws(NeedletailError) -> LiveWrite in
      var outcome = LiveWrite(sequence: writer.sequence + 1)
      for id in ids {
        guard let ordinal = writer.ordinals.removeValue(forKey: id) else { continue }
        end(ordinal, outcome.sequence, &writer)
        outcome.removed += 1
      }
      finish(&writer)
      return outcome
    }
  }

  /// Withdraws all versions of ids from every view, or takes that back; ids that are not there are passed over.
  ///
  /// A vector that is written later has to be withdrawn anew.
  ///
  /// - Complexity: one pass over the rows.
  package func setWithdrawn(
    _ ids: Set<VectorID>, _ isWithdrawn: Bool
  ) throws(NeedletailError) {
    guard !ids.isEmpty else { return }
    try write { (writer) throws(NeedletailError) in
      for ordinal in 0..<UInt32(writer.count) where unsafe ids.contains(tables.ids[Int(ordinal)]) {
        tables.setWithdrawn(ordinal, isWithdrawn)
      }
    }
  }

  /// Whether the newest view shows an id; waits for a write under way.
  package func contains(_ id: VectorID) -> Bool {
    (try? write { (writer) throws(NeedletailError) in writer.ordinals[id] != nil }) ?? false
  }

  /// Unlinks all rows that ended and that no view shows any more; otherwise that is done once there are some.
  package func tidy() throws(NeedletailError) {
    try write { (writer) throws(NeedletailError) in unlinkEnded(&writer, atLeast: 1) }
  }

  private func put(
    _ rows: VectorMatrix, _ ids: [VectorID], _ items: [Attributes], replaces: Bool,
    isDeferred: Bool
  ) throws(NeedletailError) -> LiveWrite {
    precondition(rows.count == ids.count, "one id for each row")
    try Attributes.validate(items, rows: rows.count)
    let build = options.build
    var findings = RowFindings()
    try findings.add(rows, dimensions: build.dimensions, metric: build.metric)
    let norms = findings.squaredNorms
    let source = RowSource(
      [rows], dimensions: build.dimensions,
      dividedBy: build.metric == .cosine ? norms.map { $0.squareRoot() } : [])
    return try write { (writer) throws(NeedletailError) -> LiveWrite in
      let chosen = try Self.newest(ids, writer, replaces: replaces)
      var outcome = LiveWrite(sequence: writer.sequence + 1)
      guard !chosen.isEmpty else { return outcome }
      let range = writer.count..<(writer.count + chosen.count)
      try tables.reserve(range.upperBound)
      try writer.linker.reserve(range.upperBound)
      let kept = items.isEmpty ? [] : chosen.map { items[$0] }
      try tables.attributes.admit(kept, budget: tables.attributeBudget)
      try code(chosen, of: source, ids, norms, from: range.lowerBound)
      for (i, item) in kept.enumerated() {
        try tables.attributes.write(item, row: range.lowerBound + i)
      }
      writer.linker.prepare(range, chosen.map { norms[$0] })
      writer.count = range.upperBound
      writtenCount.store(range.upperBound, ordering: .releasing)
      // Where rows wait already, these wait with them, and some of all are linked.
      if !isDeferred { link(range.count + min(3 * range.count, 4096), &writer) }
      for (i, row) in chosen.enumerated() {
        let old = writer.ordinals.updateValue(UInt32(range.lowerBound + i), forKey: ids[row])
        if let old { end(old, outcome.sequence, &writer) }
        outcome.replaced += old == nil ? 0 : 1
        outcome.inserted += old == nil ? 1 : 0
      }
      finish(&writer)
      return outcome
    }
  }

  /// The rows to be written: all, or of those with one id the last.
  private static func newest(
    _ ids: [VectorID], _ writer: LiveWriter, replaces: Bool
  ) throws(NeedletailError) -> [Int] {
    var last: [VectorID: Int] = [:]
    last.reserveCapacity(ids.count)
    for (row, id) in ids.enumerated() {
      let before = last.updateValue(row, forKey: id)
      guard replaces || (before == nil && writer.ordinals[id] == nil) else {
        throw NeedletailError(
          .alreadyExists,
          "The id \(id) of row \(row) "
            + (before.map { "is that of row \($0) too" } ?? "exists already")
            + "; leave the row out, or replace the vector.")
      }
    }
    return last.count == ids.count ? Array(ids.indices) : last.values.sorted()
  }

  /// Writes rows behind those that are there, on several threads.
  private func code(
    _ chosen: [Int], of source: RowSource, _ ids: [VectorID], _ norms: [Double], from first: Int
  ) throws(NeedletailError) {
    let width = (options.build.dimensions * 4 + 63) & ~63
    let threads = min(options.threads, Limits.threads)
    let buffers = try MemoryBlock(count: threads, stride: width)
    let stripe = 64
    try parallelFor(threads: threads, count: (chosen.count + stripe - 1) / stripe) {
      (thread, index) throws(NeedletailError) in
      // SAFETY: each thread has a row of the buffers, and writes rows of the tables that are its own.
      let x = unsafe (buffers.mutableBytes.baseAddress.unsafelyUnwrapped + thread * width)
        .assumingMemoryBound(to: Float.self)
      for i in index * stripe..<min(chosen.count, (index + 1) * stripe) {
        let row = chosen[i]
        let isRough = unsafe try self.tables.write(
          first + i, row, of: source, id: ids[row], squaredNorm: norms[row], x)
        if isRough { self.isRough.store(true, ordering: .relaxed) }
      }
    }
  }

  private func end(_ ordinal: UInt32, _ sequence: UInt64, _ writer: inout LiveWriter) {
    tables.setEnd(of: ordinal, sequence)
    writer.ended.append((ordinal, sequence))
  }

  /// Shows a write, and unlinks what nobody is shown any more once that is worth a pass.
  private func finish(_ writer: inout LiveWriter) {
    writer.sequence += 1
    let moment = LiveMoment(
      count: writer.count, liveCount: writer.ordinals.count, sequence: writer.sequence)
    writer.moments.append(moment)
    publish(moment)
    unlinkEnded(
      &writer, atLeast: max(Self.fewestToUnlink, writer.ordinals.count / Self.shareToUnlink))
  }

  private func unlinkEnded(_ writer: inout LiveWriter, atLeast fewest: Int) {
    guard writer.ended.count >= fewest else { return }
    let shown = writer.moments.oldestSequence()
    let gone = writer.ended.prefix { $0.sequence <= shown && $0.ordinal < writer.linked }
    guard gone.count >= fewest else { return }
    let unlinked = writer.linker.unlink(gone.map { $0.ordinal }, of: writer.count)
    writer.ended.removeFirst(gone.count)
    unlinkedCount.wrappingAdd(unlinked, ordering: .relaxed)
  }
}
