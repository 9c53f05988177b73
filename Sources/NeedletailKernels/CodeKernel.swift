internal import CNeedletailKernels
package import NeedletailCore

/// One operation between byte codes, resolved once for an instruction set.
///
/// Results are exact. Only the squared distance of a signed against an unsigned code can pass `Int32.max`, beyond 14 639
/// components at the extremes; its bits are then exact as `UInt32`.
@safe
package struct CodeKernel: @unchecked Sendable {
  /// How a code's components are read.
  package enum CodeElement: Sendable, Hashable, CaseIterable {
    /// 0 to 255.
    case uint8
    /// −128 to 127.
    case int8
  }

  // SAFETY: constant functions of the C module.
  private let kernels: ndl_code_kernels
  /// Components, and bytes, per code.
  package let dimensions: Int

  /// Resolves the functions for one operation and one pair of codes.
  ///
  /// - Throws: `invalidConfiguration` when `dimensions` is not positive, `capacityExceeded` when it is
  ///   over `Limits.dimensions`.
  package init(
    _ operation: KernelOperation, rows: CodeElement, query: CodeElement, dimensions: Int,
    level: KernelLevel = .current
  ) throws(NeedletailError) {
    try checkDimensions(dimensions)
    self.dimensions = dimensions
    let table = unsafe level.table
    switch (operation, rows, query) {
    case (.squaredEuclidean, .uint8, .uint8): unsafe kernels = table.pointee.l2_u8u8
    case (.squaredEuclidean, .uint8, .int8): unsafe kernels = table.pointee.l2_u8i8
    case (.squaredEuclidean, .int8, .uint8): unsafe kernels = table.pointee.l2_i8u8
    case (.squaredEuclidean, .int8, .int8): unsafe kernels = table.pointee.l2_i8i8
    case (.innerProduct, .uint8, .uint8): unsafe kernels = table.pointee.ip_u8u8
    case (.innerProduct, .uint8, .int8): unsafe kernels = table.pointee.ip_u8i8
    case (.innerProduct, .int8, .uint8): unsafe kernels = table.pointee.ip_i8u8
    case (.innerProduct, .int8, .int8): unsafe kernels = table.pointee.ip_i8i8
    }
  }

  /// The results for codes that follow one another.
  ///
  /// | Argument  | Shape   | Layout                             |
  /// |-----------|---------|------------------------------------|
  /// | `query`   | `[d]`   | bytes                              |
  /// | `rows`    | `[n,d]` | bytes, `rowStride` apart           |
  /// | `results` | `[n]`   | output                             |
  ///
  /// - Precondition: shapes as above, `d == dimensions`.
  /// - Complexity: O(n·d), no allocation.
  package func block(
    query: RawSpan, rows: RawSpan, rowStride: Int, into results: inout MutableSpan<Int32>
  ) {
    let count = results.count
    guard count > 0 else { return }
    checkRows(
      query: query.byteCount, byteCount: rows.byteCount, rowStride: rowStride, last: count - 1)
    unsafe query.withUnsafeBytes { query in
      unsafe rows.withUnsafeBytes { rows in
        unsafe results.withUnsafeMutableBufferPointer { results in
          guard let query = query.baseAddress, let rows = rows.baseAddress,
            let results = results.baseAddress
          else { return }
          // SAFETY: the shapes were checked, and the spans live for the call.
          unsafe block(
            query: query, rows: rows, rowStride: rowStride, count: count, into: results)
        }
      }
    }
  }

  /// The results for codes picked by number.
  ///
  /// | Argument   | Shape   | Layout                                      |
  /// |------------|---------|---------------------------------------------|
  /// | `query`    | `[d]`   | bytes                                       |
  /// | `rows`     | `[m,d]` | bytes, `rowStride` apart                    |
  /// | `ordinals` | `[n]`   | row numbers; duplicates allowed; any order  |
  /// | `results`  | `[n]`   | output                                      |
  ///
  /// - Precondition: shapes as above, `d == dimensions`, every ordinal `< m`.
  /// - Complexity: O(n·d), no allocation; cache misses dominate.
  package func gather(
    query: RawSpan, rows: RawSpan, rowStride: Int, ordinals: Span<UInt32>,
    into results: inout MutableSpan<Int32>
  ) {
    precondition(results.count == ordinals.count, "one result per ordinal")
    guard let last = maximum(ordinals) else { return }
    checkRows(
      query: query.byteCount, byteCount: rows.byteCount, rowStride: rowStride, last: Int(last))
    unsafe query.withUnsafeBytes { query in
      unsafe rows.withUnsafeBytes { rows in
        unsafe ordinals.withUnsafeBufferPointer { ordinals in
          unsafe results.withUnsafeMutableBufferPointer { results in
            guard let query = query.baseAddress, let rows = rows.baseAddress,
              let numbers = ordinals.baseAddress, let results = results.baseAddress
            else { return }
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
      rowByteCount: dimensions, byteCount: byteCount, rowStride: rowStride, last: last)
  }
}

extension CodeKernel {
  /// The result for one code, without checks, for hot loops.
  ///
  /// - Precondition: both have `dimensions` readable bytes.
  @unsafe @inline(__always)
  package func row(query: UnsafeRawPointer, row: UnsafeRawPointer) -> Int32 {
    unsafe kernels.row(query, row, dimensions)
  }

  /// `block` without checks, for hot loops.
  ///
  /// - Precondition: `count` rows and results, `dimensions` readable bytes in each row.
  @unsafe @inline(__always)
  package func block(
    query: UnsafeRawPointer, rows: UnsafeRawPointer, rowStride: Int, count: Int,
    into results: UnsafeMutablePointer<Int32>
  ) {
    unsafe kernels.block(query, rows, rowStride, count, dimensions, results)
  }

  /// `gather` without checks, for hot loops.
  ///
  /// - Precondition: `count` ordinals and results; every ordinal names a readable row.
  @unsafe @inline(__always)
  package func gather(
    query: UnsafeRawPointer, rows: UnsafeRawPointer, rowStride: Int,
    ordinals: UnsafePointer<UInt32>, count: Int, into results: UnsafeMutablePointer<Int32>
  ) {
    unsafe kernels.gather(query, rows, rowStride, ordinals, count, dimensions, results)
  }
}
