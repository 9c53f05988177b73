internal import CNeedletailKernels
package import NeedletailCore

/// What a kernel computes of a query and a row.
package enum KernelOperation: Sendable, Hashable, CaseIterable {
  /// `Σ(qⱼ − xⱼ)²`.
  case squaredEuclidean
  /// `Σ qⱼ·xⱼ`, not negated: larger is nearer.
  case innerProduct
}

/// Refuses a number of components that no kernel takes.
func checkDimensions(_ dimensions: Int) throws(NeedletailError) {
  guard dimensions > 0 else {
    throw NeedletailError(
      .invalidConfiguration, "dimensions is \(dimensions); a row needs at least 1 component.")
  }
  guard dimensions <= Limits.dimensions else {
    throw NeedletailError(
      .capacityExceeded,
      "\(dimensions) dimensions are more than the \(Limits.dimensions) that are supported.")
  }
}

/// One operation between a `Float` query and rows of floats, resolved once for an instruction set.
///
/// A row gives the same bits in every shape; instruction sets differ within `d·2⁻²³·Σ|terms|`.
///
/// | Shape    | Rows                                                        |
/// |----------|-------------------------------------------------------------|
/// | `row`    | one                                                         |
/// | `block`  | `n` rows, `rowStride` bytes apart                           |
/// | `gather` | `n` rows by number, any order, duplicates allowed; prefetched |
///
/// - Source: scoring four rows per horizontal sum follows faiss `DistanceComputer::distances_batch_4`.
@safe
package struct DistanceKernel: @unchecked Sendable {
  /// How the components of a row are stored.
  package enum RowElement: Sendable, Hashable, CaseIterable {
    /// IEEE 754 single precision, 4 bytes.
    case float32
    /// IEEE 754 half precision, 2 bytes.
    case float16
    /// The upper half of a single, 2 bytes.
    case bfloat16

    /// The size of one component, in bytes.
    package var byteCount: Int { self == .float32 ? 4 : 2 }
  }

  // SAFETY: constant functions of the C module.
  private let kernels: ndl_float_kernels
  /// Components per row and query.
  package let dimensions: Int
  /// How the rows are stored.
  package let rows: RowElement

  /// Resolves the functions for one operation and one type of row.
  ///
  /// - Parameters:
  ///   - operation: what to compute.
  ///   - rows: how the rows are stored.
  ///   - dimensions: components per row, 1 to `Limits.dimensions`.
  ///   - level: the instruction set; one that the machine lacks gives the one in force.
  ///   - missing: features not to use, so that tests reach what machines without them run.
  /// - Throws: `invalidConfiguration` when `dimensions` is not positive, `capacityExceeded` when it is
  ///   over `Limits.dimensions`.
  package init(
    _ operation: KernelOperation, rows: RowElement, dimensions: Int, level: KernelLevel = .current,
    without missing: KernelFeatures = []
  ) throws(NeedletailError) {
    try checkDimensions(dimensions)
    self.dimensions = dimensions
    self.rows = rows
    let table = unsafe level.table(without: missing)
    switch (operation, rows) {
    case (.squaredEuclidean, .float32): unsafe kernels = table.pointee.l2_f32
    case (.squaredEuclidean, .float16): unsafe kernels = table.pointee.l2_f16
    case (.squaredEuclidean, .bfloat16): unsafe kernels = table.pointee.l2_bf16
    case (.innerProduct, .float32): unsafe kernels = table.pointee.ip_f32
    case (.innerProduct, .float16): unsafe kernels = table.pointee.ip_f16
    case (.innerProduct, .bfloat16): unsafe kernels = table.pointee.ip_bf16
    }
  }

  /// The result for one row.
  ///
  /// - Precondition: `query.count == dimensions`; `row` has that many components, aligned to their size.
  package func row(query: Span<Float>, row: RawSpan) -> Float {
    var result: Float = 0
    unsafe withUnsafeMutablePointer(to: &result) { result in
      // SAFETY: one result for one row.
      var results = unsafe MutableSpan(_unsafeStart: result, count: 1)
      block(query: query, rows: row, rowStride: dimensions * rows.byteCount, into: &results)
    }
    return result
  }

  /// The results for rows that follow one another.
  ///
  /// | Argument  | Shape   | Layout                                              |
  /// |-----------|---------|-----------------------------------------------------|
  /// | `query`   | `[d]`   | components                                          |
  /// | `rows`    | `[n,d]` | little-endian, row-major, `rowStride` bytes apart   |
  /// | `results` | `[n]`   | output                                              |
  ///
  /// - Precondition: shapes as above, `d == dimensions`; rows and stride aligned to the component.
  /// - Complexity: O(n·d), no allocation.
  package func block(
    query: Span<Float>, rows: RawSpan, rowStride: Int, into results: inout MutableSpan<Float>
  ) {
    let count = results.count
    guard count > 0 else { return }
    checkRows(query: query.count, byteCount: rows.byteCount, rowStride: rowStride, last: count - 1)
    unsafe query.withUnsafeBufferPointer { query in
      unsafe rows.withUnsafeBytes { rows in
        unsafe results.withUnsafeMutableBufferPointer { results in
          guard let query = query.baseAddress, let rows = rows.baseAddress,
            let results = results.baseAddress
          else { return }
          unsafe checkAlignment(rows)
          // SAFETY: the shapes were checked, and the spans live for the call.
          unsafe block(
            query: query, rows: rows, rowStride: rowStride, count: count, into: results)
        }
      }
    }
  }

  /// The results for rows picked by number.
  ///
  /// | Argument   | Shape   | Layout                                             |
  /// |------------|---------|----------------------------------------------------|
  /// | `query`    | `[d]`   | components                                         |
  /// | `rows`     | `[m,d]` | little-endian, row-major, `rowStride` bytes apart  |
  /// | `ordinals` | `[n]`   | row numbers; duplicates allowed; any order         |
  /// | `results`  | `[n]`   | output                                             |
  ///
  /// - Precondition: shapes as above, `d == dimensions`, every ordinal `< m`; rows and stride aligned to
  ///   the component.
  /// - Complexity: O(n·d), no allocation; cache misses dominate.
  package func gather(
    query: Span<Float>, rows: RawSpan, rowStride: Int, ordinals: Span<UInt32>,
    into results: inout MutableSpan<Float>
  ) {
    precondition(results.count == ordinals.count, "one result per ordinal")
    guard let last = maximum(ordinals) else { return }
    checkRows(query: query.count, byteCount: rows.byteCount, rowStride: rowStride, last: Int(last))
    unsafe query.withUnsafeBufferPointer { query in
      unsafe rows.withUnsafeBytes { rows in
        unsafe ordinals.withUnsafeBufferPointer { ordinals in
          unsafe results.withUnsafeMutableBufferPointer { results in
            guard let query = query.baseAddress, let rows = rows.baseAddress,
              let numbers = ordinals.baseAddress, let results = results.baseAddress
            else { return }
            unsafe checkAlignment(rows)
            // SAFETY: the shapes and the ordinals were checked, and the spans live for the call.
            unsafe gather(
              query: query, rows: rows, rowStride: rowStride, ordinals: numbers,
              count: ordinals.count, into: results)
          }
        }
      }
    }
  }

  private func checkRows(query: Int, byteCount: Int, rowStride: Int, last: Int) {
    precondition(query == dimensions, "a query of \(query) components for \(dimensions)")
    checkRowShape(
      rowByteCount: dimensions * rows.byteCount, byteCount: byteCount, rowStride: rowStride,
      last: last)
    precondition(rowStride.isMultiple(of: rows.byteCount), "a row stride splits a component")
  }

  private func checkAlignment(_ start: UnsafeRawPointer) {
    precondition(
      UInt(bitPattern: start).isMultiple(of: UInt(rows.byteCount)), "rows are misaligned")
  }
}

extension DistanceKernel {
  /// `row` without checks, for hot loops.
  ///
  /// - Precondition: both have `dimensions` readable components.
  @unsafe @inline(__always)
  package func row(query: UnsafePointer<Float>, row: UnsafeRawPointer) -> Float {
    unsafe kernels.row(query, row, dimensions)
  }

  /// `block` without checks, for hot loops.
  ///
  /// - Precondition: `count` rows and results, `dimensions` readable components in each row.
  @unsafe @inline(__always)
  package func block(
    query: UnsafePointer<Float>, rows: UnsafeRawPointer, rowStride: Int, count: Int,
    into results: UnsafeMutablePointer<Float>
  ) {
    unsafe kernels.block(query, rows, rowStride, count, dimensions, results)
  }

  /// `gather` without checks, for hot loops.
  ///
  /// - Precondition: `count` ordinals and results; every ordinal names a readable row.
  @unsafe @inline(__always)
  package func gather(
    query: UnsafePointer<Float>, rows: UnsafeRawPointer, rowStride: Int,
    ordinals: UnsafePointer<UInt32>, count: Int, into results: UnsafeMutablePointer<Float>
  ) {
    unsafe kernels.gather(query, rows, rowStride, ordinals, count, dimensions, results)
  }
}

/// Traps unless rows 0 to `last` fit in `byteCount` bytes.
func checkRowShape(rowByteCount: Int, byteCount: Int, rowStride: Int, last: Int) {
  precondition(rowStride >= rowByteCount, "rows of \(rowByteCount) bytes, \(rowStride) apart")
  let (offset, overflow) = last.multipliedReportingOverflow(by: rowStride)
  precondition(
    !overflow && byteCount >= rowByteCount && offset <= byteCount - rowByteCount,
    "row \(last) lies outside the \(byteCount) bytes of the rows")
}

/// The greatest of the ordinals, or nil without any.
func maximum(_ ordinals: Span<UInt32>) -> UInt32? {
  guard ordinals.count > 0 else { return nil }
  var greatest: UInt32 = 0
  for i in ordinals.indices { greatest = max(greatest, ordinals[i]) }
  return greatest
}
