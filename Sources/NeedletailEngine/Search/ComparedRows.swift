import NeedletailCore
import NeedletailKernels

/// The rows of a sealed segment as they are compared one by one: precise ones where there are some, what codes stand
/// for otherwise.
///
/// Distances are of the kind that answers have, computed in double.
@safe
struct ComparedRows {
  // SAFETY: the segment keeps its bytes as long as this lives.
  private let space: JudgedSpace
  private let metric: Metric
  private let dimensions: Int
  /// Rows of floats that are compared where they lie.
  private let inPlace: UnsafeRawPointer?

  init(_ segment: SealedSegment) {
    space = JudgedSpace(segment)
    metric = segment.parameters.options.metric
    dimensions = segment.parameters.options.dimensions
    let isInPlace = segment.parameters.options.precise == .float32
    unsafe inPlace = isInPlace ? segment.rows.map { unsafe $0.start } : nil
  }

  /// A row: where it lies, or a copy in the scratch.
  ///
  /// - Precondition: `ordinal` is below the count; `scratch` has room for its components.
  @unsafe @inline(__always)
  func row(
    _ ordinal: UInt32, _ scratch: UnsafeMutablePointer<Float>
  ) -> UnsafePointer<Float> {
    if let inPlace = unsafe inPlace {
      let offset = Int(truncatingIfNeeded: ordinal) &* dimensions &* 4
      return unsafe (inPlace + offset).assumingMemoryBound(to: Float.self)
    }
    unsafe space.copy(ordinal, into: scratch)
    return unsafe UnsafePointer(scratch)
  }

  /// How far a row is from a query in the same space.
  @unsafe @inline(__always)
  func distance(_ query: UnsafePointer<Float>, _ row: UnsafePointer<Float>) -> Double {
    if space.isCoded, metric == .cosine {
      // Unit vectors: half the squared distance is one minus the cosine.
      return unsafe 0.5 * FixedOrder.squaredDistance(query, row, count: dimensions)
    }
    return unsafe Self.distance(metric, query, row, dimensions)
  }

  /// How far the row of an ordinal is from a query in the same space.
  func distance(_ query: [Float], _ ordinal: UInt32) -> Double {
    unsafe query.withUnsafeBufferPointer { query in
      unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: dimensions) { buffer in
        guard let start = query.baseAddress, let scratch = buffer.baseAddress else {
          return .infinity
        }
        return unsafe distance(start, row(ordinal, scratch))
      }
    }
  }

  /// How far a row is from a query, both unit vectors under cosine.
  @unsafe @inline(__always)
  static func distance(
    _ metric: Metric, _ query: UnsafePointer<Float>, _ row: UnsafePointer<Float>, _ dimensions: Int
  ) -> Double {
    switch metric {
    case .squaredEuclidean:
      return unsafe FixedOrder.squaredDistance(query, row, count: dimensions)
    case .innerProduct: return unsafe -FixedOrder.dot(query, row, count: dimensions)
    case .cosine: return unsafe 1 - FixedOrder.dot(query, row, count: dimensions)
    }
  }
}
