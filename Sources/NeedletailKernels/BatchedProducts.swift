internal import COpenBLAS
internal import NeedletailCore

/// Inner products of many queries with many rows, through the single-precision matrix product of
/// OpenBLAS.
///
/// For values that nobody stores: their rounding varies with the processor and the library.
package enum BatchedProducts {
  /// From this many queries per block on, the matrix product beats one kernel call per query.
  ///
  /// Measured on a Zen 4 core (AVX-512), OpenBLAS 0.3.21 on one thread, 4 096 rows in tiles of 1 024,
  /// best of 15; microseconds of our kernel and of sgemm:
  ///
  /// | d   | 1 query     | 4 queries    | 8 queries     | 16 queries    | 32 queries    |
  /// |-----|-------------|--------------|---------------|---------------|---------------|
  /// | 64  | 15, 125     | 46, 64       | 226, 212      | 181, 123      | 364, 206      |
  /// | 128 | 30, 128     | 91, 124      | 179, 164      | 352, 238      | 707, 398      |
  /// | 384 | 73, 413     | 328, 400     | 643, 516      | 1 282, 746    | 2 535, 1 210  |
  /// | 960 | 300, 1 223  | 936, 1 001   | 1 758, 1 277  | 3 601, 2 179  | 6 813, 3 498  |
  package static let crossover = 8

  /// All products of a block of queries with a block of rows.
  ///
  /// | Argument   | Shape   | Layout                    |
  /// |------------|---------|---------------------------|
  /// | `queries`  | `[q,d]` | row-major, no gaps        |
  /// | `rows`     | `[n,d]` | row-major, no gaps        |
  /// | `products` | `[q,n]` | row-major, no gaps; output |
  ///
  /// - Precondition: shapes as above; `dimensions` positive; each of the three counts below 2³¹.
  /// - Complexity: O(q·n·d); call it inside `withOneLibraryThread`.
  package static func multiply(
    queries: Span<Float>, queryCount: Int, rows: Span<Float>, rowCount: Int, dimensions: Int,
    into products: inout MutableSpan<Float>
  ) {
    precondition(dimensions > 0, "a product needs components")
    precondition(
      queries.count == queryCount * dimensions && rows.count == rowCount * dimensions
        && products.count == queryCount * rowCount, "the shapes do not fit together")
    unsafe queries.withUnsafeBufferPointer { queries in
      unsafe rows.withUnsafeBufferPointer { rows in
        unsafe products.withUnsafeMutableBufferPointer { products in
          guard let queries = queries.baseAddress, let rows = rows.baseAddress,
            let products = products.baseAddress
          else { return }
          // SAFETY: the shapes were checked, and the spans live for the call.
          unsafe multiply(
            queries: queries, queryCount: queryCount, rows: rows, rowCount: rowCount,
            rowStride: dimensions, dimensions: dimensions, into: products, productStride: rowCount)
        }
      }
    }
  }

  /// `multiply` without checks; rows and results may have gaps.
  ///
  /// - Precondition: strides are in components, `rowStride ≥ dimensions`, `productStride ≥ rowCount`, and
  ///   every number fits in 31 bits.
  @unsafe
  package static func multiply(
    queries: UnsafePointer<Float>, queryCount: Int, rows: UnsafePointer<Float>, rowCount: Int,
    rowStride: Int, dimensions: Int, into products: UnsafeMutablePointer<Float>,
    productStride: Int
  ) {
    unsafe cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans, blasint(queryCount), blasint(rowCount),
      blasint(dimensions), 1, queries, blasint(dimensions), rows, blasint(rowStride), 0, products,
      blasint(productStride))
  }

  private struct ThreadSetting {
    var users = 0
    var saved: Int32 = 1
  }

  private static let setting = Guarded(ThreadSetting())

  /// Runs `body` while OpenBLAS works on one thread, the one that calls it, and restores its number.
  ///
  /// The number is the library's, for the whole process: other users of OpenBLAS in the process work on
  /// one thread meanwhile too. Calls may nest and overlap: the first sets it, the last restores it.
  package static func withOneLibraryThread<Result: ~Copyable, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    setting.withLock { setting in
      if setting.users == 0 {
        setting.saved = openblas_get_num_threads()
        openblas_set_num_threads(1)
      }
      setting.users += 1
    }
    defer {
      setting.withLock { setting in
        setting.users -= 1
        if setting.users == 0 { openblas_set_num_threads(setting.saved) }
      }
    }
    return try body()
  }

  /// How many threads OpenBLAS uses at this moment, in the whole process.
  package static var libraryThreadCount: Int { Int(openblas_get_num_threads()) }
}
