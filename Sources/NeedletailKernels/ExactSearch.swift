package import NeedletailCore

/// Exact nearest neighbours by scanning every row: the ground truth, and the path for small sets.
///
/// Blocks of queries are multiplied by blocks of rows in single precision, and the products only decide
/// which rows *may* be among the nearest: each comes with a bound of its rounding error. Those rows'
/// distances are then computed in `Double`, in a fixed order, so that the answer depends neither on the
/// number of threads nor on the matrix library.
///
/// | Metric             | Distance                                    |
/// |--------------------|---------------------------------------------|
/// | `squaredEuclidean` | `Σ(qⱼ − xⱼ)²`                               |
/// | `innerProduct`     | `−Σ qⱼ·xⱼ`                                  |
/// | `cosine`           | `1 − q·x / (‖q‖·‖x‖)`, norms in `Double`    |
///
/// Answers are ordered by the distance rounded to `Float`, ties by row number.
package struct ExactSearch: Sendable {
  /// The nearest rows of each query.
  package struct Answer: Sendable {
    /// Answers per query: `min(k, rows)`.
    package let k: Int
    /// Row numbers, `[queries, k]`, nearest first.
    package let rows: [UInt32]
    /// Distances, `[queries, k]`; lower is nearer.
    package let distances: [Float]

    /// The number of queries.
    package var queryCount: Int { k == 0 ? 0 : rows.count / k }

    /// The row numbers of one query's answers.
    ///
    /// - Precondition: `0 ≤ query < queryCount`.
    package func rows(ofQuery query: Int) -> ArraySlice<UInt32> {
      rows[query * k..<(query + 1) * k]
    }

    /// The distances of one query's answers.
    ///
    /// - Precondition: `0 ≤ query < queryCount`.
    package func distances(ofQuery query: Int) -> ArraySlice<Float> {
      distances[query * k..<(query + 1) * k]
    }
  }

  /// The rows that are searched.
  package let base: VectorMatrix
  /// What near means.
  package let metric: Metric
  let squaredNorms: [Double]

  /// The most answers of one call; they are held in memory.
  static let answersPerCall = 1 << 31

  /// Reads the base once: checks each row and keeps its norm.
  ///
  /// - Parameters:
  ///   - base: `[n, d]`, any element; at most `Limits.rowsPerSegment` rows.
  ///   - metric: what near means.
  ///   - threads: how many threads read.
  /// - Throws: `nonFiniteComponent` with row and component, also for a row whose squared norm overflows
  ///   `Float` unless the metric is cosine; `zeroVector` under cosine; `capacityExceeded`.
  package init(base: VectorMatrix, metric: Metric, threads: Int = 1) throws(NeedletailError) {
    try checkDimensions(base.dimensions)
    guard base.count <= Limits.rowsPerSegment else {
      throw NeedletailError(
        .capacityExceeded,
        "\(base.count) rows are more than the \(Limits.rowsPerSegment) that one scan can number.")
    }
    self.base = base
    self.metric = metric
    squaredNorms = try checkedSquaredNorms(of: base, as: "row", metric: metric, threads: threads)
  }

  /// The `k` nearest rows of every query.
  ///
  /// - Parameters:
  ///   - queries: `[q, d]`, any element.
  ///   - k: neighbours per query, at least 1; more than there are rows gives all of them.
  ///   - threads: how many threads scan; the answer does not depend on it.
  ///   - monitor: told of every block, in evaluations; cancelling it ends the scan.
  /// - Returns: `min(k, rows)` answers per query, nearest first.
  /// - Throws: `invalidConfiguration` for `k < 1`, `dimensionMismatch`, what `init` throws for rows,
  ///   `capacityExceeded` for more answers than one call holds, and `cancelled`.
  /// - Complexity: O(q·n·d), at the speed of the matrix product; memory O(threads · (d + k)).
  package func nearest(
    queries: VectorMatrix, k: Int, threads: Int = 1, monitor: WorkMonitor? = nil
  ) throws(NeedletailError) -> Answer {
    guard k > 0 else {
      throw NeedletailError(.invalidConfiguration, "k is \(k); ask for at least 1 neighbour.")
    }
    guard queries.dimensions == base.dimensions else {
      throw NeedletailError(
        .dimensionMismatch,
        "The queries have \(queries.dimensions) components, the rows \(base.dimensions).")
    }
    let norms = try checkedSquaredNorms(
      of: queries, as: "query", metric: metric, threads: threads)
    let k = min(k, base.count)
    guard k > 0, queries.count > 0 else { return Answer(k: k, rows: [], distances: []) }
    let (answers, overflow) = queries.count.multipliedReportingOverflow(by: k)
    guard k <= Limits.neighborsPerQuery, !overflow, answers <= Self.answersPerCall else {
      throw NeedletailError(
        .capacityExceeded,
        "\(queries.count) queries × \(k) neighbours are more than one call answers: at most "
          + "\(Limits.neighborsPerQuery) neighbours, \(Self.answersPerCall) in all; ask in batches."
      )
    }
    let (evaluations, endless) = queries.count.multipliedReportingOverflow(by: base.count)
    monitor?.begin("scanning", total: endless ? Int.max : evaluations)
    // More threads than this only cost; the plan multiplies by their number.
    let threads = max(1, min(threads, 1024))
    let plan = ScanPlan(
      queries: queries.count, rows: base.count, dimensions: base.dimensions, k: k, threads: threads)
    let slots = SharedSlots<Nearest>(count: queries.count * plan.shards * k)
    let seats = SharedSlots<ExactScanner?>(count: threads, filledWith: nil)
    func scan() throws(NeedletailError) {
      try parallelFor(threads: threads, count: plan.tasks) { thread, task throws(NeedletailError) in
        let scanner =
          seats[thread]
          ?? ExactScanner(search: self, queries: queries, squaredNorms: norms, k: k, plan: plan)
        seats[thread] = scanner
        try scanner.run(task: task, into: slots, monitor: monitor)
      }
    }
    // Few queries never reach the library: its setting is left alone.
    if plan.blockQueries < BatchedProducts.crossover {
      try scan()
    } else {
      try BatchedProducts.withOneLibraryThread { () throws(NeedletailError) in try scan() }
    }
    return answer(from: slots, queries: queries.count, shards: plan.shards, k: k)
  }

  /// Merges the shards of each query; each holds its `k` nearest, padded with rows at no distance.
  private func answer(
    from slots: SharedSlots<Nearest>, queries: Int, shards: Int, k: Int
  ) -> Answer {
    var rows: [UInt32] = []
    var distances: [Float] = []
    rows.reserveCapacity(queries * k)
    distances.reserveCapacity(queries * k)
    var merged: [Nearest] = []
    for query in 0..<queries {
      merged.removeAll(keepingCapacity: true)
      for i in 0..<shards * k { merged.append(slots[query * shards * k + i]) }
      if shards > 1 { merged.sort(by: Nearest.precedes) }
      for nearest in merged.prefix(k) {
        rows.append(nearest.row)
        distances.append(nearest.distance)
      }
    }
    return Answer(k: k, rows: rows, distances: distances)
  }
}

/// One row of an answer; `UInt32.max` is no row, and comes after all.
struct Nearest: Sendable {
  var distance: Float = .infinity
  var row: UInt32 = .max

  static func precedes(_ a: Nearest, _ b: Nearest) -> Bool {
    a.distance != b.distance ? a.distance < b.distance : a.row < b.row
  }
}

/// How a scan is cut: tasks are pairs of a block of queries and a shard of the rows.
struct ScanPlan: Sendable {
  /// Rows that are converted and multiplied at a time; a tile of them stays in the second-level cache.
  let tileRows: Int
  /// Queries per block.
  let blockQueries: Int
  /// Parts of the base; more than one only where there are too few blocks of queries for the threads.
  let shards: Int
  /// Blocks of queries.
  let blocks: Int
  /// Rows per shard, whole tiles.
  let shardRows: Int

  var tasks: Int { blocks * shards }

  init(queries: Int, rows: Int, dimensions: Int, k: Int, threads: Int) {
    tileRows = max(64, min(1024, (1 << 20) / dimensions))
    // Candidates of one block stay under 64 MiB, however many neighbours are asked for.
    let perQuery = CandidateList.capacity(k: k, tileRows: tileRows) * MemoryLayout<Candidate>.stride
    blockQueries = max(1, min(128, queries, (64 << 20) / perQuery))
    blocks = (queries + blockQueries - 1) / blockQueries
    let tiles = (rows + tileRows - 1) / tileRows
    let wanted = threads > 1 && blocks < 4 * threads ? (4 * threads + blocks - 1) / blocks : 1
    let shardTiles = (tiles + wanted - 1) / wanted
    shardRows = shardTiles * tileRows
    shards = (rows + shardRows - 1) / shardRows
  }
}

/// Slots that threads fill without a lock, each slot by one thread at a time.
@safe
final class SharedSlots<Element>: @unchecked Sendable {
  // SAFETY: allocated for `count` elements; every access is checked against it.
  private let start: UnsafeMutablePointer<Element>
  let count: Int

  init(count: Int, filledWith element: Element) {
    self.count = count
    unsafe start = .allocate(capacity: max(1, count))
    unsafe start.initialize(repeating: element, count: count)
  }

  deinit {
    unsafe start.deinitialize(count: count)
    unsafe start.deallocate()
  }

  subscript(index: Int) -> Element {
    get {
      precondition(index >= 0 && index < count, "slot \(index) of \(count)")
      return unsafe start[index]
    }
    set {
      precondition(index >= 0 && index < count, "slot \(index) of \(count)")
      unsafe start[index] = newValue
    }
  }
}

extension SharedSlots where Element == Nearest {
  convenience init(count: Int) { self.init(count: count, filledWith: Nearest()) }
}
