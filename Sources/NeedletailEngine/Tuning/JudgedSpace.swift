import NeedletailCore
import NeedletailKernels
import NeedletailStorage

/// The rows that true neighbours are found among: the precise ones, or what the codes stand for.
///
/// Codes are compared where they are, centred and rotated: distances and products are the same there, so
/// that nothing has to be turned back but the queries which are rows themselves.
struct JudgedSpace: Sendable {
  let segment: SealedSegment
  /// Whether the codes are all there is.
  let isCoded: Bool
  let metric: Metric

  init(_ segment: SealedSegment) {
    self.segment = segment
    isCoded = !segment.hasPreciseRows
    let metric = segment.parameters.options.metric
    // What codes estimate under cosine is the distance of unit vectors, which orders as the cosine does.
    self.metric = isCoded && metric == .cosine ? .squaredEuclidean : metric
  }

  var dimensions: Int { segment.parameters.options.dimensions }

  /// Copies a row as it is compared.
  @unsafe
  func copy(_ ordinal: UInt32, into row: UnsafeMutablePointer<Float>) {
    guard isCoded, let quantizer = segment.quantizer else {
      unsafe segment.copyRow(ordinal, into: row)
      return
    }
    var factor = quantizer.scale
    if quantizer.searchFinish == .factor {
      unsafe factor = segment.rowTerms(ordinal).factor
    }
    unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: quantizer.codeByteCount) {
      guard let code = $0.baseAddress else { return }
      unsafe segment.copyCode(ordinal, quantizer, into: code)
      unsafe quantizer.decode(code, factor: factor, into: row)
    }
  }

  /// The rows where they lie, when they can be compared there.
  var inPlace: VectorMatrix? {
    guard let rows = segment.rows, segment.count > 0 else { return nil }
    let element: VectorMatrix.Element
    switch segment.parameters.options.precise {
    case .float32: element = .float32
    case .float16, .givenFloat16: element = .float16
    case .bfloat16, .none: return nil
    }
    // SAFETY: the section was checked to hold so many rows, and the component's owner keeps it.
    return unsafe VectorMatrix(
      owner: rows.owner, baseAddress: rows.start, count: segment.count, dimensions: dimensions,
      element: element, rowByteStride: dimensions * element.byteCount)
  }

  /// Rows as they are compared, one after the other.
  func decoded(
    _ count: Int, threads: Int, _ ordinal: @Sendable (Int) -> UInt32
  ) throws(NeedletailError) -> VectorMatrix {
    let rows = try FloatRows(count: count, dimensions: dimensions)
    try parallelFor(threads: threads, count: count, grain: 64) { _, i in
      unsafe copy(ordinal(i), into: rows.row(i))
    }
    return rows.matrix
  }

  /// Queries as they are compared.
  func queries(_ queries: VectorMatrix, threads: Int) throws(NeedletailError) -> VectorMatrix {
    guard isCoded, let quantizer = segment.quantizer else { return queries }
    let rows = try FloatRows(count: queries.count, dimensions: dimensions)
    let isCosine = segment.parameters.options.metric == .cosine
    try parallelFor(threads: threads, count: queries.count, grain: 16) { _, i in
      let row = unsafe rows.row(i)
      unsafe copyComponents(of: queries, row: i, into: row)
      if isCosine {
        let norm = unsafe FixedOrder.squaredNorm(row, count: dimensions).squareRoot()
        for j in 0..<dimensions { unsafe row[j] = Float(Double(row[j]) / norm) }
      }
      unsafe quantizer.project(row)
    }
    return rows.matrix
  }

  /// Rows in the form in which queries come: turned back, where they are compared as codes.
  ///
  /// - Complexity: O(rows·dimensions²) where codes are rotated; a copy otherwise.
  func asQueries(_ rows: VectorMatrix, threads: Int) throws(NeedletailError) -> VectorMatrix {
    guard isCoded, let quantizer = segment.quantizer else { return rows }
    let d = dimensions
    let turned = try FloatRows(count: rows.count, dimensions: d)
    let columns = try FloatRows(count: min(threads, Limits.threads), dimensions: d)
    try parallelFor(threads: columns.count, count: d, grain: 8) { thread, j in
      // A rotation's inverse is its transpose: component j is the product with the image of axis j.
      let column = unsafe columns.row(thread)
      unsafe column.update(repeating: 0, count: d)
      unsafe column[j] = 1
      unsafe quantizer.rotate(column)
      let centre = unsafe quantizer.centre.bytes.assumingMemoryBound(to: Float.self)
      for i in 0..<rows.count {
        let row = unsafe rows.rowAddress(i).assumingMemoryBound(to: Float.self)
        let component = unsafe Float(FixedOrder.dot(row, column, count: d)) + centre[j]
        unsafe turned.row(i)[j] = component
      }
    }
    return turned.matrix
  }

  /// The exact distance of a row from a query, in double.
  @unsafe
  func distance(_ query: UnsafePointer<Float>, _ row: UnsafePointer<Float>) -> Double {
    switch metric {
    case .squaredEuclidean: return unsafe FixedOrder.squaredDistance(query, row, count: dimensions)
    case .innerProduct: return unsafe -FixedOrder.dot(query, row, count: dimensions)
    case .cosine:
      let norms =
        unsafe FixedOrder.squaredNorm(query, count: dimensions)
        * FixedOrder.squaredNorm(row, count: dimensions)
      return unsafe 1 - FixedOrder.dot(query, row, count: dimensions) / norms.squareRoot()
    }
  }
}

/// Rows of floats that several threads fill, each row by one of them, before anybody reads them.
@safe
final class FloatRows: @unchecked Sendable {
  // SAFETY: see above; the memory lives as long as this.

  let count: Int
  let dimensions: Int
  private let memory: MemoryBlock
  private let start: UnsafeMutablePointer<Float>

  init(count: Int, dimensions: Int) throws(NeedletailError) {
    self.count = count
    self.dimensions = dimensions
    memory = try MemoryBlock(count: count, stride: dimensions * 4)
    unsafe start = memory.mutableBytes.baseAddress.unsafelyUnwrapped
      .assumingMemoryBound(to: Float.self)
  }

  /// - Precondition: `0 ≤ index < count`.
  @unsafe
  func row(_ index: Int) -> UnsafeMutablePointer<Float> {
    precondition(index >= 0 && index < count, "row \(index) of \(count)")
    return unsafe start + index * dimensions
  }

  /// All rows, once they are filled.
  var matrix: VectorMatrix {
    // SAFETY: the matrix keeps the memory.
    unsafe VectorMatrix(
      owner: memory, baseAddress: UnsafeRawPointer(start), count: count, dimensions: dimensions,
      element: .float32, rowByteStride: dimensions * 4)
  }
}
