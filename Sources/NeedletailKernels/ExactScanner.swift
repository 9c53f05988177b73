internal import CNeedletailKernels
import NeedletailCore

/// What one thread of an exact search needs, and the scan of one block of queries over one shard.
///
/// The single-precision product of two vectors of `d` components is off by at most
/// `γ·‖q‖·‖x‖`, `γ = d·u / (1 − d·u)` with `u = 2⁻²⁴`, whatever the order of its sum (Higham, *Accuracy
/// and Stability of Numerical Algorithms*, §3.1). The bounds below add room for the few roundings of the
/// norms and of the bound itself.
@safe
final class ExactScanner {
  // SAFETY: the buffers are sized in `init` for one block and one tile, and used by one thread.
  private let search: ExactSearch
  private let queries: VectorMatrix
  private let queryNorms: [Double]
  private let k: Int
  private let plan: ScanPlan
  private let reader: RowReader
  private let kernel: DistanceKernel?

  /// The block's queries: as given, and as multiplied.
  private let raw: UnsafeMutablePointer<Float>
  private let multiplied: UnsafeMutablePointer<Float>
  /// The tile's rows, where they are not multiplied in place.
  private let tile: UnsafeMutablePointer<Float>
  private let products: UnsafeMutablePointer<Float>
  /// Per row of the tile: what its bound is made of (see `ndl_select_f32`).
  private let bias: UnsafeMutablePointer<Float>
  private let scale: UnsafeMutablePointer<Float>
  private let slack: UnsafeMutablePointer<Float>
  private let selectedRows: UnsafeMutablePointer<UInt32>
  private let selectedBounds: UnsafeMutablePointer<Float>
  private let candidates: UnsafeMutablePointer<Candidate>
  private let bounds: UnsafeMutablePointer<Double>

  init(
    search: ExactSearch, queries: VectorMatrix, squaredNorms: [Double], k: Int, plan: ScanPlan
  ) {
    self.search = search
    self.queries = queries
    queryNorms = squaredNorms
    self.k = k
    self.plan = plan
    reader = RowReader(search.base)
    let d = search.base.dimensions
    kernel = try? DistanceKernel(.innerProduct, rows: .float32, dimensions: d)
    unsafe raw = .allocate(capacity: plan.blockQueries * d)
    unsafe multiplied = .allocate(capacity: plan.blockQueries * d)
    unsafe tile = .allocate(capacity: plan.tileRows * d)
    unsafe products = .allocate(capacity: plan.blockQueries * plan.tileRows)
    unsafe bias = .allocate(capacity: plan.tileRows)
    unsafe scale = .allocate(capacity: plan.tileRows)
    unsafe slack = .allocate(capacity: plan.tileRows)
    unsafe selectedRows = .allocate(capacity: plan.tileRows)
    unsafe selectedBounds = .allocate(capacity: plan.tileRows)
    let capacity = CandidateList.capacity(k: k, tileRows: plan.tileRows)
    unsafe candidates = .allocate(capacity: plan.blockQueries * capacity)
    unsafe bounds = .allocate(capacity: capacity)
  }

  deinit {
    unsafe raw.deallocate()
    unsafe multiplied.deallocate()
    unsafe tile.deallocate()
    unsafe products.deallocate()
    unsafe bias.deallocate()
    unsafe scale.deallocate()
    unsafe slack.deallocate()
    unsafe selectedRows.deallocate()
    unsafe selectedBounds.deallocate()
    unsafe candidates.deallocate()
    unsafe bounds.deallocate()
  }

  /// Scans the rows of a task's shard for the queries of its block.
  func run(
    task: Int, into slots: SharedSlots<Nearest>, monitor: WorkMonitor?
  ) throws(NeedletailError) {
    // All blocks of a shard follow one another, so that its rows stay in the page cache.
    let (shard, block) = task.quotientAndRemainder(dividingBy: plan.blocks)
    let firstQuery = block * plan.blockQueries
    let queryCount = min(plan.blockQueries, queries.count - firstQuery)
    let rows = shard * plan.shardRows..<min(search.base.count, (shard + 1) * plan.shardRows)
    loadQueries(firstQuery, count: queryCount)
    let capacity = CandidateList.capacity(k: k, tileRows: plan.tileRows)
    var lists = (0..<queryCount).map { i in
      // SAFETY: each query has its own part of the candidates; the bounds are scratch.
      unsafe CandidateList(
        candidates: candidates + i * capacity, bounds: bounds, k: k, tileRows: plan.tileRows)
    }
    var start = rows.lowerBound
    while start < rows.upperBound {
      let count = min(plan.tileRows, rows.upperBound - start)
      multiply(firstRow: start, rowCount: count, queryCount: queryCount)
      prepareBounds(firstRow: start, count: count)
      for i in 0..<queryCount {
        collect(query: i, number: firstQuery + i, firstRow: start, count: count, into: &lists[i])
      }
      try monitor?.advance(by: queryCount * count)
      start += count
    }
    for i in 0..<queryCount {
      let number = firstQuery + i
      lists[i].finish(exact: { self.distance(query: i, number: number, row: $0) }) {
        place, nearest in
        slots[(number * plan.shards + shard) * k + place] = nearest
      }
    }
  }

  private func loadQueries(_ first: Int, count: Int) {
    let d = queries.dimensions
    for i in 0..<count {
      let address = unsafe queries.rowAddress(first + i)
      unsafe Conversion.widen(address, of: queries.element, count: d, into: raw + i * d)
      // Under cosine the product of unit queries cannot overflow where the row's norm does not.
      let factor = search.metric == .cosine ? 1 / queryNorms[first + i].squareRoot() : 1
      for j in i * d..<(i + 1) * d {
        unsafe multiplied[j] =
          search.metric == .cosine ? Float(Double(raw[j]) * factor) : raw[j]
      }
    }
  }

  private func multiply(firstRow: Int, rowCount: Int, queryCount: Int) {
    let base = search.base
    let d = base.dimensions
    var rows = unsafe UnsafePointer(tile)
    var stride = d
    if base.element == .float32 && base.rowByteStride.isMultiple(of: 4) {
      unsafe rows = base.rowAddress(firstRow).assumingMemoryBound(to: Float.self)
      stride = base.rowByteStride / 4
    } else {
      for i in 0..<rowCount {
        unsafe Conversion.widen(
          base.rowAddress(firstRow + i), of: base.element, count: d, into: tile + i * d)
      }
    }
    if let kernel, queryCount < BatchedProducts.crossover {
      for i in 0..<queryCount {
        unsafe kernel.block(
          query: multiplied + i * d, rows: rows, rowStride: stride * 4, count: rowCount,
          into: products + i * plan.tileRows)
      }
    } else {
      unsafe BatchedProducts.multiply(
        queries: multiplied, queryCount: queryCount, rows: rows, rowCount: rowCount,
        rowStride: stride, dimensions: d, into: products, productStride: plan.tileRows)
    }
  }

  /// Squared norms outside of these make a product that single precision cannot bound.
  private static let safeSquaredNorms = 1e-50...Double(Float.greatestFiniteMagnitude) / 16

  private func prepareBounds(firstRow: Int, count: Int) {
    for i in 0..<count {
      let squared = search.squaredNorms[firstRow + i]
      let norm = squared.squareRoot()
      switch search.metric {
      case .squaredEuclidean:
        unsafe bias[i] = Float(squared * (1 - 0x1p-20))
        unsafe scale[i] = -2
        unsafe slack[i] = Float(norm * (1 + 0x1p-20))
      case .innerProduct:
        unsafe bias[i] = 0
        unsafe scale[i] = -1
        unsafe slack[i] = Float(norm * (1 + 0x1p-20))
      case .cosine:
        unsafe bias[i] = 1
        unsafe scale[i] = Float(-1 / norm)
        unsafe slack[i] = 1
      }
      // Such a row is always a candidate: its bound is −∞ or NaN.
      let least = search.metric == .cosine ? Self.safeSquaredNorms.lowerBound : 0
      if squared < least || squared > Self.safeSquaredNorms.upperBound {
        unsafe slack[i] = .infinity
      }
    }
  }

  private func collect(
    query: Int, number: Int, firstRow: Int, count: Int, into list: inout CandidateList
  ) {
    let d = Double(search.base.dimensions)
    let squared = queryNorms[number]
    let factor: Double
    let offset: Double
    switch search.metric {
    case .squaredEuclidean: (factor, offset) = (2 * squared.squareRoot(), squared)
    case .innerProduct: (factor, offset) = (squared.squareRoot(), 0)
    case .cosine: (factor, offset) = (1, 0)
    }
    // γ, with room for 24 further roundings; products may also underflow, by an absolute amount.
    let error = (d * 1.01 + 24) * 0x1p-24 * factor
    let underflow = d * 0x1p-124
    // Rows that tie with the last of the nearest after rounding to Float must come in too.
    let rounding = list.threshold.isFinite ? (offset + abs(list.threshold)) * 0x1p-22 : 0
    let threshold = Float(list.threshold - offset + underflow + rounding).nextUp
    let found = unsafe ndl_select_f32(
      products + query * plan.tileRows, bias, scale, slack, Float(error), threshold, count,
      selectedRows, selectedBounds)
    for i in 0..<found {
      let place = unsafe Int(selectedRows[i])
      let bound = unsafe Double(selectedBounds[i])
      let row = UInt32(truncatingIfNeeded: firstRow + place)
      guard bound.isFinite else {
        list.append(row: row, lower: -.infinity, upper: .infinity)
        continue
      }
      // The offset is rounded too, when the distance is rounded to Float.
      let rounding = (offset + abs(bound)) * 0x1p-22
      let width =
        unsafe 2 * error * Double(slack[place]) + abs(Double(bias[place])) * 0x1p-18 + rounding
      list.append(
        row: row, lower: bound + offset - underflow - rounding,
        upper: bound + offset + width + underflow)
    }
    list.settle { self.distance(query: query, number: number, row: $0) }
  }

  /// The distance that is answered: in `Double`, in fixed order, rounded to `Float`.
  private func distance(query: Int, number: Int, row: UInt32) -> Double {
    let d = search.base.dimensions
    let row = Int(row)
    // SAFETY: both have `d` components.
    let x = unsafe reader.row(row)
    let q = unsafe UnsafePointer(raw + query * d)
    switch search.metric {
    case .squaredEuclidean: return Double(Float(unsafe FixedOrder.squaredDistance(q, x, count: d)))
    case .innerProduct: return Double(Float(unsafe -FixedOrder.dot(q, x, count: d)))
    case .cosine:
      let norms = (queryNorms[number] * search.squaredNorms[row]).squareRoot()
      return Double(Float(unsafe max(0, 1 - FixedOrder.dot(q, x, count: d) / norms)))
    }
  }
}
