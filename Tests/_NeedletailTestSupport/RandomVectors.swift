import Foundation
package import NeedletailCore

extension SplitMix64 {
  /// A number from the normal distribution of mean 0 and deviation 1 (Box and Muller, 1958).
  package mutating func nextGaussian() -> Float {
    let radius = (-2 * log(1 - nextUnit())).squareRoot()
    return Float(radius * cos(2 * Double.pi * nextUnit()))
  }
}

/// Vectors that look like real ones: the same seed gives the same ones.
package enum RandomVectors {
  /// Independent normal components, row after row.
  package static func gaussian(count: Int, dimensions: Int, seed: UInt64) -> [Float] {
    var generator = SplitMix64(seed: seed)
    return (0..<(count * dimensions)).map { _ in generator.nextGaussian() }
  }

  /// Rows around random centres: normal noise of `spread` about centres of deviation 1.
  package static func clusters(
    count: Int, dimensions: Int, clusters: Int = 16, spread: Float = 0.3, seed: UInt64
  ) -> [Float] {
    var generator = SplitMix64(seed: seed)
    let centres = (0..<(max(1, clusters) * dimensions)).map { _ in generator.nextGaussian() }
    var components: [Float] = []
    components.reserveCapacity(count * dimensions)
    for _ in 0..<count {
      let centre = Int(generator.next(below: UInt64(max(1, clusters)))) * dimensions
      for j in 0..<dimensions {
        components.append(centres[centre + j] + spread * generator.nextGaussian())
      }
    }
    return components
  }

  /// The same as a matrix.
  package static func clusterMatrix(
    count: Int, dimensions: Int, clusters: Int = 16, spread: Float = 0.3, seed: UInt64
  ) throws(NeedletailError) -> VectorMatrix {
    try VectorMatrix(
      self.clusters(
        count: count, dimensions: dimensions, clusters: clusters, spread: spread, seed: seed),
      dimensions: dimensions)
  }
}
