import NeedletailCore
import NeedletailKernels
import Synchronization

/// The clusters of a mixture: centre, directions and share of each.
struct Clusters: Sendable {
  /// Of each cluster its centre, then its directions.
  private let blocks: [SIMD16<Float>]
  /// Sums of the weights up to each cluster.
  private let sums: [Double]

  private static let rowsPerCluster = 1 + Mixture.directions
  private static let blocksPerCluster = rowsPerCluster * MixtureRow.blockCount

  init(count: Int, seed: UInt64, threads: Int) throws(NeedletailError) {
    var sum = 0.0
    sums = (1...count).map { rank in
      sum += 1 / Double(rank)
      return sum
    }
    let length = 64
    let portions = (count + length - 1) / length
    let drawn = Mutex([Int: [SIMD16<Float>]]())
    try parallelFor(threads: threads, count: portions) { (_, index) throws(NeedletailError) in
      let numbers = index * length..<min(count, (index + 1) * length)
      let portion = numbers.flatMap { Self.cluster($0, seed: seed) }
      drawn.withLock { $0[index] = portion }
    }
    let portionsDrawn = drawn.withLock { $0 }
    blocks = (0..<portions).flatMap { portionsDrawn[$0] ?? [] }
  }

  /// The cluster for a number from 0 to 1: small ones are as rare as their weights say.
  func drawn(by unit: Double) -> Int {
    let wanted = unit * (sums.last ?? 0)
    var (low, high) = (0, sums.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if sums[middle] > wanted { high = middle } else { low = middle + 1 }
    }
    return low
  }

  func centre(_ cluster: Int) -> ArraySlice<SIMD16<Float>> { row(0, of: cluster) }

  func direction(_ number: Int, of cluster: Int) -> ArraySlice<SIMD16<Float>> {
    row(1 + number, of: cluster)
  }

  private func row(_ number: Int, of cluster: Int) -> ArraySlice<SIMD16<Float>> {
    let start = cluster * Self.blocksPerCluster + number * MixtureRow.blockCount
    return blocks[start..<start + MixtureRow.blockCount]
  }

  /// Centre and directions of one cluster.
  private static func cluster(_ number: Int, seed: UInt64) -> [SIMD16<Float>] {
    var random = GaussianStream(
      Mixture.generator(seed: seed, stream: 0, number: UInt64(number)))
    var centre = MixtureRow()
    centre.add(MixtureRow(drawnFrom: &random).blocks[...], times: Mixture.centreDeviation)
    var result = centre.blocks
    for direction in orthonormal(&random) {
      for start in stride(from: 0, to: Mixture.dimensions, by: 16) {
        result.append(SIMD16(direction[start..<start + 16].lazy.map { Float($0) }))
      }
    }
    return result
  }

  /// Directions at right angles: the modified process of Gram and Schmidt, in double.
  private static func orthonormal(_ random: inout GaussianStream) -> [[Double]] {
    var found: [[Double]] = []
    while found.count < Mixture.directions {
      var next = (0..<Mixture.dimensions).map { _ in random.next() }
      for earlier in found { add(earlier, times: -product(next, earlier), to: &next) }
      let length = product(next, next).squareRoot()
      // Sixteen random directions of 128 are never this near to dependent; a division by 0 would be worse.
      guard length > 1e-6 else { continue }
      found.append(next.map { $0 / length })
    }
    return found
  }

  private static func product(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for j in 0..<Mixture.dimensions { sum += a[j] * b[j] }
    return sum
  }

  private static func add(_ other: [Double], times factor: Double, to row: inout [Double]) {
    for j in 0..<Mixture.dimensions { row[j] += other[j] * factor }
  }
}
