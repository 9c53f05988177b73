package import NeedletailCore
import NeedletailKernels

/// Rows to index, as `Float`, from any number of matrices; unit rows under cosine.
///
/// Reading converts into a caller's buffer: nothing is copied beforehand.
@safe
package struct RowSource: Sendable {
  private let parts: [VectorMatrix]
  private let starts: [Int]
  /// The norm each row is divided by; empty where rows stay as they are.
  private let divisors: [Double]
  package let count: Int
  package let dimensions: Int

  /// Squared norms that the rows had when they were checked; empty where nothing was checked.
  private let squaredNorms: [Double]

  /// - Precondition: the parts share `dimensions`; `norms` is empty or has one positive norm a row, and so
  ///   have `squaredNorms`.
  package init(
    _ parts: [VectorMatrix], dimensions: Int, dividedBy norms: [Double],
    squaredNorms: [Double] = []
  ) {
    self.parts = parts
    self.dimensions = dimensions
    var starts: [Int] = []
    var total = 0
    for part in parts {
      precondition(part.dimensions == dimensions, "parts of one source share their dimensions")
      starts.append(total)
      total += part.count
    }
    precondition(norms.isEmpty || norms.count == total, "one norm a row")
    precondition(squaredNorms.isEmpty || squaredNorms.count == total, "one squared norm a row")
    self.squaredNorms = squaredNorms
    self.starts = starts
    count = total
    divisors = norms
  }

  /// Copies row `index` into `row`.
  ///
  /// - Throws: `corrupted` when the row is not the one that was checked: its file changed meanwhile.
  /// - Precondition: `0 ≤ index < count`; `row` has room for `dimensions` components.
  @unsafe
  package func copy(
    _ index: Int, into row: UnsafeMutablePointer<Float>
  ) throws(NeedletailError) {
    unsafe try copyGiven(index, into: row)
    if !divisors.isEmpty {
      // In double: a norm may lie beyond Float, and unit rows must not depend on the machine.
      let divisor = divisors[index]
      for j in 0..<dimensions { unsafe row[j] = Float(Double(row[j]) / divisor) }
    }
  }

  /// `copy` for the row as it was given, under cosine too.
  @unsafe
  func copyGiven(
    _ index: Int, into row: UnsafeMutablePointer<Float>
  ) throws(NeedletailError) {
    var low = 0
    var high = parts.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if starts[middle] <= index { low = middle } else { high = middle - 1 }
    }
    let part = parts[low]
    unsafe copyComponents(of: part, row: index - starts[low], into: row)
    if !squaredNorms.isEmpty {
      let norm = unsafe FixedOrder.squaredNorm(row, count: dimensions)
      guard norm == squaredNorms[index] else {
        throw NeedletailError(
          .corrupted,
          "Row \(index) changed while the index was built: its squared norm was"
            + " \(squaredNorms[index]) and is \(norm). Leave the input alone until the build ends.")
      }
    }
  }
}

/// Converts one row of a matrix to `Float`.
@unsafe
package func copyComponents(
  of matrix: VectorMatrix, row: Int, into target: UnsafeMutablePointer<Float>
) {
  let source = unsafe matrix.rowAddress(row)
  unsafe Conversion.widen(source, of: matrix.element, count: matrix.dimensions, into: target)
}
