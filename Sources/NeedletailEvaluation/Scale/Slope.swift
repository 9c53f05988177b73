#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Growth and costs, in logarithms.
package enum Slope {
  /// The exponent `b` of the line `value = a·x^b` through points: least squares of the logarithms.
  ///
  /// - Parameters:
  ///   - x: Positive numbers.
  ///   - values: As many positive numbers.
  /// - Returns: The slope; nil where there are fewer than two different `x`, or a number is not positive
  ///   and finite.
  package static func logarithmic(_ x: [Double], _ values: [Double]) -> Double? {
    guard x.count == values.count, (x + values).allSatisfy({ $0 > 0 && $0.isFinite }) else {
      return nil
    }
    let across = x.map { log($0) }
    let upwards = values.map { log($0) }
    let count = Double(x.count)
    let middle = (
      across: across.reduce(0, +) / count, upwards: upwards.reduce(0, +) / count
    )
    var (product, square) = (0.0, 0.0)
    for (a, b) in zip(across, upwards) {
      product += (a - middle.across) * (b - middle.upwards)
      square += (a - middle.across) * (a - middle.across)
    }
    // Equal numbers of rows differ by nothing but rounding.
    guard square > 1e-12 else { return nil }
    return product / square
  }

  /// The least cost at a recall: between points, the logarithm of the cost is linear in recall.
  ///
  /// Points that another one beats in both recall and cost are left out first.
  ///
  /// - Parameters:
  ///   - points: Recall and positive cost of each setting, in any order.
  ///   - level: The recall wanted.
  /// - Returns: The cost, and whether it was met exactly or between two points; where the cheapest setting is
  ///   above the level already, its cost and false. Nil where no point reaches the level.
  package static func cost(
    _ points: [(recall: Double, cost: Double)], at level: Double
  ) -> (cost: Double, isMet: Bool)? {
    var least = Double.infinity
    var line: [(recall: Double, cost: Double)] = []
    for point in points.sorted(by: { ($1.recall, $0.cost) < ($0.recall, $1.cost) })
    where point.cost < least && point.cost > 0 && point.recall.isFinite {
      least = point.cost
      line.append(point)
    }
    // By falling recall: the last one that still reaches the level, and the next, which doesn't.
    guard let index = line.lastIndex(where: { $0.recall >= level }) else { return nil }
    let high = line[index]
    guard index + 1 < line.count else { return (high.cost, high.recall == level) }
    let low = line[index + 1]
    let share = (level - low.recall) / (high.recall - low.recall)
    return (exp(log(low.cost) * (1 - share) + log(high.cost) * share), true)
  }
}
