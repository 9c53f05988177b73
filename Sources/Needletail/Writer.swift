public import NeedletailCore
import NeedletailEngine

/// Takes rows and publishes them.
///
/// Dropped without a commit, it leaves nothing.
public struct Writer: ~Copyable {
  private let index: VectorIndex
  /// What is published already.
  private let base: IndexView?
  private var parts: [VectorMatrix] = []
  private var ids: [VectorID] = []
  /// Ids that were added, and those that are in memory.
  private var taken: Set<VectorID>
  /// Of each row, or none while no row has any.
  private var attributes: [Attributes] = []
  private var findings = RowFindings()

  init(index: VectorIndex, base: IndexView?) {
    self.index = index
    self.base = base
    taken = base?.stack.liveIDs ?? []
  }

  deinit { index.releaseWriter() }

  /// Rows added so far.
  public var count: Int { ids.count }

  /// Adds rows under new ids.
  ///
  /// All of them are taken, or none.
  ///
  /// The rows are not copied: a mapped file must stay unchanged until the commit.
  ///
  /// - Parameters:
  ///   - rows: `[n, dimensions]` components, finite; under cosine no row is all zeros.
  ///   - newIDs: one id for each row, none of them used before.
  ///   - items: the attributes of each row, or none at all.
  /// - Throws: `dimensionMismatch`, `nonFiniteComponent`, `zeroVector`, naming row and component;
  ///   `alreadyExists` naming the id; `invalidConfiguration` when there are not as many ids as rows;
  ///   `capacityExceeded` beyond 2³¹ − 1 rows.
  /// - Complexity: one pass over the rows.
  public mutating func add(
    _ rows: VectorMatrix, ids newIDs: some Collection<VectorID>, attributes items: [Attributes] = []
  ) throws(NeedletailError) {
    guard newIDs.count == rows.count else {
      throw NeedletailError(
        .invalidConfiguration,
        "There are \(newIDs.count) ids for \(rows.count) rows; give one id for each row.")
    }
    guard ids.count + rows.count <= Limits.rowsPerSegment else {
      throw NeedletailError(
        .capacityExceeded,
        "\(ids.count + rows.count) rows are more than the \(Limits.rowsPerSegment) of one index.")
    }
    let configuration = index.configuration
    var updated = findings
    try updated.add(rows, dimensions: configuration.dimensions, metric: configuration.metric)
    try updated.checkPrecision(configuration.buildOptions)
    try Attributes.validate(items, rows: rows.count)
    try reserve(newIDs)
    findings = updated
    parts.append(rows)
    if !items.isEmpty || !attributes.isEmpty {
      let none = Attributes()
      attributes += Array(repeating: none, count: ids.count - attributes.count)
      attributes += items.isEmpty ? Array(repeating: none, count: rows.count) : items
    }
    ids.append(contentsOf: newIDs)
  }

  /// Takes ids, or none of them.
  private mutating func reserve(_ newIDs: some Collection<VectorID>) throws(NeedletailError) {
    var added = 0
    for id in newIDs {
      let isPublished = base?.stack.sealedContains(id) ?? false
      if !isPublished, taken.insert(id).inserted {
        added += 1
        continue
      }
      // An id may stand in the set because of this very batch: take back what the batch put there.
      for undone in newIDs.prefix(added) { taken.remove(undone) }
      throw NeedletailError(
        .alreadyExists, "The id \(id) is used already (row \(added) of this batch); ids are unique."
      )
    }
  }

  /// Builds the index and publishes it; durable when the call returns.
  ///
  /// - Parameters:
  ///   - threads: how many threads build; the bytes do not depend on it. Default 1.
  ///   - tuning: what to measure when the rows are linked, so that `SearchOptions.recall` works. Default `nil`:
  ///     nothing; `VectorIndex.tune` can do it later. The rows' files do not depend on it.
  ///   - monitor: sees the progress, and may cancel.
  /// - Returns: the published rows, open for searching.
  /// - Throws: `cancelled`; `io`; `alreadyExists` when the path was taken meanwhile; `corrupted` when rows
  ///   changed since they were added; `invalidConfiguration` when all rows are too short for `Float`.
  ///   Nothing remains then, but for one case: where only the last step fails, making the new name
  ///   durable or opening what was published, the index stands complete at its path.
  /// - Complexity: about `n·efConstruction·m` evaluations; codes, links and ids in memory.
  public consuming func commit(
    threads: Int = 1, tuning: TuningOptions? = nil, monitor: WorkMonitor? = nil
  ) throws(NeedletailError) -> Snapshot {
    guard threads >= 1 else {
      throw NeedletailError(
        .invalidConfiguration, "threads is \(threads); it must be at least 1.")
    }
    var request: TuningRequest?
    if let tuning { request = try tuning.request() }
    var order = SegmentOrder(
      options: index.configuration.buildOptions, rows: parts, ids: ids, findings: findings,
      threads: threads, monitor: monitor)
    order.attributes = attributes
    if base != nil {
      guard !ids.isEmpty else { return try index.snapshot() }
      try index.asWriter { (live) throws(NeedletailError) in
        try live.add(order)
        if let request { try live.tune(request, threads: threads, monitor: monitor) }
      }
      return try index.snapshot()
    }
    try LocalIndex.create(index.path, order, tuning: request)
    try index.beginReading()
    return try index.snapshot()
  }
}
