package import NeedletailCore
import NeedletailKernels
import Synchronization

/// A generated set for questions of scale: clusters of very different sizes, each in a few directions.
///
/// A row is `centre + Σ zₖ·directionₖ + 0.1·noise`, in 128 components:
///
/// | Part | How it is drawn |
/// |---|---|
/// | cluster | of `centres` (10 000), number `r` (from 1) with a weight of `1 / r`: Zipf's law, exponent 1 |
/// | centre | independent components of deviation 1: two centres are 16 apart |
/// | directions | 16 of length 1, at right angles to each other, the cluster's own |
/// | `z`, noise | independent, deviation 1: a row is 4.2 from its centre, two rows of a cluster 5.9 apart |
///
/// Why deviation 1: the nearer the centres, the more a row of a small cluster looks for its neighbours among
/// strangers, all about as far from it, which is a question without a good answer. At 0.3 the 100 nearest
/// of 10 000 rows lie in 28 dimensions in the median, and a search for 95 in 100 of the ten nearest scores a
/// tenth of them; at 1 it is 12 dimensions, for 10 000 and for 40 000 rows alike. What strangers remain
/// is Zipf's doing: of 10 000 rows, the queries' ten nearest are to 39 in 100 of another cluster, because
/// their own has fewer; of 125 000 it is 13 in 100.
///
/// Row `i` depends on the seed, on `centres` and on `i`, not on how many rows there are: the first rows of a
/// large set are the small set. Queries are rows of another stream. All arithmetic is in one order and
/// without functions of a C library, so that the bytes are the same on every machine and for any number of
/// threads.
package struct Mixture: Sendable {
  /// Components of a row.
  package static let dimensions = 128
  /// Directions of a cluster.
  static let directions = 16
  /// The deviation of a centre's component.
  static let centreDeviation: Float = 1
  /// The deviation of the noise in each component.
  static let noiseDeviation: Float = 0.1

  /// The stream that a row belongs to.
  package enum Stream: UInt64, Sendable {
    /// The rows of the base.
    case base = 1
    /// The queries.
    case queries = 2
  }

  /// The number of clusters.
  package let centres: Int
  /// What everything is drawn from.
  package let seed: UInt64
  private let clusters: Clusters

  /// Draws the clusters.
  ///
  /// - Parameters:
  ///   - centres: The number of clusters, 1 to 100 000; each takes 8.7 kB of memory.
  ///   - seed: What everything is drawn from.
  ///   - threads: The most threads; the result does not depend on it.
  /// - Throws: `invalidConfiguration` for a number of centres out of range.
  /// - Complexity: O(centres·dimensions·directions²): about a second for 10 000.
  package init(centres: Int = 10_000, seed: UInt64 = 42, threads: Int = 1) throws(NeedletailError) {
    guard (1...100_000).contains(centres) else {
      throw NeedletailError(
        .invalidConfiguration, "There are \(centres) centres; 1 to 100 000 are possible.")
    }
    self.centres = centres
    self.seed = seed
    clusters = try Clusters(count: centres, seed: seed, threads: threads)
  }

  /// Draws the rows of a range.
  ///
  /// - Parameters:
  ///   - range: Row numbers, from 0.
  ///   - stream: Base or queries.
  /// - Returns: The components, row after row.
  /// - Complexity: about 5 µs a row.
  package func rows(_ range: Range<Int>, of stream: Stream) -> [Float] {
    var components: [Float] = []
    components.reserveCapacity(range.count * Self.dimensions)
    for number in range {
      var random = GaussianStream(
        Self.generator(seed: seed, stream: stream.rawValue, number: UInt64(number)))
      var row = MixtureRow()
      let cluster = clusters.drawn(by: random.nextUnit())
      row.add(clusters.centre(cluster), times: 1)
      for direction in 0..<Self.directions {
        row.add(clusters.direction(direction, of: cluster), times: Float(random.next()))
      }
      row.add(MixtureRow(drawnFrom: &random).blocks[...], times: Self.noiseDeviation)
      row.append(to: &components)
    }
    return components
  }

  /// Draws rows block by block, on several threads, and hands them on in their order.
  ///
  /// - Parameters:
  ///   - count: The number of rows, from the first.
  ///   - stream: Base or queries.
  ///   - threads: The most threads; the rows do not depend on it.
  ///   - monitor: Told about progress in rows; may cancel.
  ///   - body: Called with each block in order, on the calling thread.
  /// - Throws: what `body` throws; `cancelled`.
  package func forEachBlock(
    count: Int, of stream: Stream, threads: Int, monitor: WorkMonitor? = nil,
    _ body: (VectorMatrix) throws(NeedletailError) -> Void
  ) throws(NeedletailError) {
    let length = 4096
    let blocks = (count + length - 1) / length
    // A few blocks for each thread at a time: 2 MiB each.
    let atOnce = max(1, threads) * 4
    for first in stride(from: 0, to: blocks, by: atOnce) {
      let drawn = Mutex([Int: [Float]]())
      try parallelFor(threads: threads, count: min(atOnce, blocks - first)) {
        (_, index) throws(NeedletailError) in
        let start = (first + index) * length
        let range = start..<min(count, start + length)
        let components = rows(range, of: stream)
        drawn.withLock { $0[index] = components }
        try monitor?.advance(by: range.count)
      }
      let all = drawn.withLock { $0 }
      for index in 0..<min(atOnce, blocks - first) {
        try body(try VectorMatrix(all[index] ?? [], dimensions: Self.dimensions))
      }
    }
  }

  /// A generator of its own for each number of each stream.
  static func generator(seed: UInt64, stream: UInt64, number: UInt64) -> SplitMix64 {
    // Mixed twice, so that neither streams nor numbers are shifted copies of each other.
    var mixed = SplitMix64(seed: seed &+ stream &* 0xd1b5_4a32_d192_ed03)
    mixed = SplitMix64(seed: mixed.next() ^ (number &* 0xa076_1d64_78bd_642f))
    return SplitMix64(seed: mixed.next())
  }
}

/// The components of one row, sixteen at a time.
struct MixtureRow {
  static let blockCount = Mixture.dimensions / 16
  private(set) var blocks: [SIMD16<Float>]

  init() { blocks = [SIMD16<Float>](repeating: .zero, count: Self.blockCount) }

  /// A row of independent numbers of deviation 1.
  init(drawnFrom random: inout GaussianStream) {
    self.init()
    for block in 0..<Self.blockCount {
      for lane in 0..<16 { blocks[block][lane] = Float(random.next()) }
    }
  }

  /// Adds a multiple: a product and a sum, each rounded by itself.
  mutating func add(_ other: ArraySlice<SIMD16<Float>>, times factor: Float) {
    let start = other.startIndex
    for block in 0..<Self.blockCount { blocks[block] += other[start + block] * factor }
  }

  func append(to components: inout [Float]) {
    for block in blocks {
      for lane in 0..<16 { components.append(block[lane]) }
    }
  }
}
