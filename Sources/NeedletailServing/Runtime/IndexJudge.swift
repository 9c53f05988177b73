import Needletail
import NeedletailCore

/// Knows how far a row that was written is from the queries whose answers are kept.
///
/// A distance is taken a little too small, by what rounding may have made of the one in an answer: an answer that a change might touch
/// ends.
struct IndexJudge: AnswerJudge {
  /// What was written.
  struct Item: Sendable {
    let row: [Float]
    let attributes: Attributes
    let id: VectorID
  }

  /// The filters that kept answers were found with, by their bytes.
  final class Filters: Sendable {
    /// Beyond it all are forgotten: answers with filters then end with the next change.
    private static let most = 10_000

    private let known = Guarded<[[UInt8]: Filter]>([:])

    func note(_ filter: Filter, _ bytes: [UInt8]) {
      known.withLock { known in
        if known.count >= Self.most { known = [:] }
        known[bytes] = filter
      }
    }

    func filter(_ bytes: [UInt8]) -> Filter? { known.withLock { $0[bytes] } }
  }

  let metric: Metric
  /// What the rounding of a kept row may be, relative to its length; `nil`: rows are not kept, and nothing can be told.
  let rounding: Double?
  let filters = Filters()

  init(_ snapshot: Snapshot, rerank: SearchOptions.Rerank = .automatic) {
    metric = snapshot.metric
    guard rerank != .none else {
      // Estimates cannot be compared with a row's distance.
      rounding = nil
      return
    }
    // Beside the rows' own, that of sums of many products in single precision.
    switch snapshot.preciseRows {
    case .float32: rounding = 4e-6
    case .float16: rounding = 0x1p-11 + 4e-6
    case .bfloat16: rounding = 0x1p-8 + 4e-6
    default: rounding = nil
    }
  }

  func distances(from item: Item, to keys: [CacheKey]) -> [Float] {
    keys.map { key in
      guard let rounding else { return .nan }
      if !key.filter.isEmpty {
        guard let filter = filters.filter(key.filter) else { return .nan }
        guard filter.matches(item.id, item.attributes) else { return .infinity }
      }
      return distance(key.query, item.row, rounding)
    }
  }

  /// At most what a search gives; NaN for a query of other dimensions.
  private func distance(_ query: [UInt8], _ row: [Float], _ rounding: Double) -> Float {
    guard query.count == 4 * row.count else { return .nan }
    var (product, squaredQuery, squaredRow) = (0.0, 0.0, 0.0)
    for j in row.indices {
      let bits =
        UInt32(query[4 * j]) | UInt32(query[4 * j + 1]) << 8 | UInt32(query[4 * j + 2]) << 16
        | UInt32(query[4 * j + 3]) << 24
      let (q, x) = (Double(Float(bitPattern: bits)), Double(row[j]))
      product += q * x
      squaredQuery += q * q
      squaredRow += x * x
    }
    let lengths = (squaredQuery * squaredRow).squareRoot()
    // Components below the least of half precision vanish.
    let least = rounding > 1e-4 ? 6e-8 * Double(row.count).squareRoot() : 0
    switch metric {
    case .innerProduct:
      return Float(-product - rounding * lengths - least * squaredQuery.squareRoot())
    case .cosine:
      // A vector without a direction is refused when it is written, and as a query.
      return lengths > 0 ? Float(1 - product / lengths - rounding) : .nan
    case .squaredEuclidean:
      // A row that is off by e is nearer by at most 2·√d·e; sums of products round by their terms.
      let squared = max(0, squaredQuery + squaredRow - 2 * product)
      let off = rounding * squaredRow.squareRoot() + least
      return Float(squared - 2 * squared.squareRoot() * off - 4e-6 * (squaredQuery + squaredRow))
    }
  }

  /// A query's components out of the bytes of a key.
  static func floats(_ bytes: [UInt8]) -> [Float] {
    (0..<(bytes.count / 4)).map { j in
      let bits =
        UInt32(bytes[4 * j]) | UInt32(bytes[4 * j + 1]) << 8 | UInt32(bytes[4 * j + 2]) << 16
        | UInt32(bytes[4 * j + 3]) << 24
      return Float(bitPattern: bits)
    }
  }

  /// A query's components as the bytes of a key.
  static func bytes(_ query: [Float]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(4 * query.count)
    for component in query {
      let bits = component.bitPattern
      for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: bits >> shift)) }
    }
    return bytes
  }
}
