import NeedletailCore

/// The squared norm of every row, in `Double` and in fixed order, after checking that the metric can
/// take the row.
///
/// - Throws: as `ExactSearch.init`; of several bad rows the first is named.
func checkedSquaredNorms(
  of matrix: VectorMatrix, as noun: String, metric: Metric, threads: Int
) throws(NeedletailError) -> [Double] {
  let norms = SharedSlots<Double>(count: matrix.count, filledWith: 0)
  let rowsPerTask = 256
  let tasks = (matrix.count + rowsPerTask - 1) / rowsPerTask
  try parallelFor(threads: threads, count: tasks) { _, task throws(NeedletailError) in
    let reader = RowReader(matrix)
    for row in task * rowsPerTask..<min(matrix.count, (task + 1) * rowsPerTask) {
      // SAFETY: the reader gives `dimensions` components that live until the next row is read.
      let norm = unsafe FixedOrder.squaredNorm(reader.row(row), count: matrix.dimensions)
      try checkRow(row, of: matrix, as: noun, squaredNorm: norm, metric: metric)
      norms[row] = norm
    }
  }
  return (0..<matrix.count).map { norms[$0] }
}

private func checkRow(
  _ row: Int, of matrix: VectorMatrix, as noun: String, squaredNorm: Double, metric: Metric
) throws(NeedletailError) {
  // The squares of finite floats cannot overflow Double, so an infinite sum is a component's.
  guard squaredNorm.isFinite else {
    let component = (0..<matrix.dimensions).first { !matrix[row, $0].isFinite } ?? 0
    throw NeedletailError(
      .nonFiniteComponent,
      "Component \(component) of \(noun) \(row) is \(matrix[row, component]); remove or repair it.")
  }
  if metric == .cosine {
    guard squaredNorm > 0 else {
      throw NeedletailError(
        .zeroVector,
        "\(noun) \(row) is all zeros, and has no direction for cosine; remove it.")
    }
  } else if squaredNorm > Double(Float.greatestFiniteMagnitude) {
    throw NeedletailError(
      .nonFiniteComponent,
      "The squared norm of \(noun) \(row) is \(squaredNorm), beyond what Float holds; scale it down."
    )
  }
}

/// Gives rows of any element as floats, one at a time.
@safe
final class RowReader {
  private let matrix: VectorMatrix
  // SAFETY: room for one row.
  private let scratch: UnsafeMutablePointer<Float>

  init(_ matrix: VectorMatrix) {
    self.matrix = matrix
    unsafe scratch = .allocate(capacity: matrix.dimensions)
    unsafe scratch.initialize(repeating: 0, count: matrix.dimensions)
  }

  deinit { unsafe scratch.deallocate() }

  /// The components of one row; they live until the next call, or as long as the matrix.
  ///
  /// - Precondition: `0 ≤ row < count`.
  @unsafe
  func row(_ row: Int) -> UnsafePointer<Float> {
    let address = unsafe matrix.rowAddress(row)
    if matrix.element == .float32 { return unsafe address.assumingMemoryBound(to: Float.self) }
    unsafe Conversion.widen(
      address, of: matrix.element, count: matrix.dimensions, into: scratch)
    return unsafe UnsafePointer(scratch)
  }
}
