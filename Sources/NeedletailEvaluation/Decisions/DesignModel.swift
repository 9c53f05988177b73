#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Guesses what a design that was not built would come to, from those that were.
///
/// The logarithm of the work (or of the time of a build) is taken as a sum: a term for the layout, a parabola in the
/// logarithm of the links, which may lean otherwise for each layout, and a term that fades with the candidates of
/// a build. The weights are the posterior mean of a Bayesian linear regression, whose prior says what is known of
/// graphs: few links and many candidates of a build both cost, and there is a best number of links.
///
/// - Source: Bishop, *Pattern Recognition and Machine Learning* (2006), section 3.3.
/// - Complexity: O(p³) for a fit and O(p²) for a guess, with p weights: two for each layout and three more.
struct DesignModel {
  /// What is guessed.
  enum Target { case work, buildTime }

  private let layouts: [IndexLayout]
  private let prior: [Double]
  private let spread: [Double]
  /// Precision of the weights, its inverse, and their mean.
  private var precision: [[Double]]
  private var moment: [Double]
  private var covariance: [[Double]] = []
  private var mean: [Double] = []
  /// How far designs are from the sum, as a logarithm.
  private let noise: Double

  init(layouts: [IndexLayout], _ target: Target, of known: [(IndexDesign, Double)]) {
    self.layouts = layouts
    let count = layouts.count
    // The level is not known at all: the mean says it.
    let level = known.reduce(0) { $0 + $1.1 } / Double(max(1, known.count))
    var prior = [Double](repeating: level, count: count)
    var spread = [Double](repeating: 0.4, count: count)
    switch target {
    case .work:
      prior += [Double](repeating: 0, count: count) + [0, 0.15, 0.06]
      spread += [Double](repeating: 0.1, count: count) + [0.3, 0.15, 0.08]
      noise = 0.03
    case .buildTime:
      prior += [Double](repeating: 0, count: count) + [0.6, 0, 0]
      spread += [Double](repeating: 0.1, count: count) + [0.3, 0.01, 0.01]
      noise = 0.1
    }
    self.prior = prior
    self.spread = spread
    let size = prior.count
    precision = (0..<size).map { i in (0..<size).map { i == $0 ? 1 / (spread[i] * spread[i]) : 0 } }
    moment = (0..<size).map { prior[$0] / (spread[$0] * spread[$0]) }
    for (design, value) in known {
      let features = features(design)
      // Builds last in proportion to their candidates.
      let rest = target == .buildTime ? value - log(Double(design.efConstruction)) : value
      let weight = 1 / (noise * noise)
      for i in 0..<size {
        moment[i] += weight * features[i] * rest
        for j in 0..<size { precision[i][j] += weight * features[i] * features[j] }
      }
    }
    covariance = Self.inverse(precision)
    mean = covariance.map { row in zip(row, moment).reduce(0) { $0 + $1.0 * $1.1 } }
  }

  /// The guess for a design, and its standard deviation, both as logarithms.
  func guess(_ design: IndexDesign) -> (mean: Double, deviation: Double) {
    let features = features(design)
    var variance = noise * noise
    var value = 0.0
    for i in features.indices {
      value += features[i] * mean[i]
      for j in features.indices { variance += features[i] * covariance[i][j] * features[j] }
    }
    return (value, max(0, variance).squareRoot())
  }

  private func features(_ design: IndexDesign) -> [Double] {
    let links = log(Double(design.m) / 16)
    let own = layouts.map { $0 == design.layout ? 1.0 : 0 }
    return own + own.map { $0 * links }
      + [links, links * links, 200 / Double(max(1, design.efConstruction))]
  }

  /// The inverse of a symmetric positive definite matrix, by elimination.
  private static func inverse(_ matrix: [[Double]]) -> [[Double]] {
    var left = matrix
    let size = matrix.count
    var right = (0..<size).map { i in (0..<size).map { i == $0 ? 1.0 : 0 } }
    for column in 0..<size {
      let pivot = left[column][column]
      for j in 0..<size {
        left[column][j] /= pivot
        right[column][j] /= pivot
      }
      for row in 0..<size where row != column {
        let factor = left[row][column]
        for j in 0..<size {
          left[row][j] -= factor * left[column][j]
          right[row][j] -= factor * right[column][j]
        }
      }
    }
    return right
  }
}
