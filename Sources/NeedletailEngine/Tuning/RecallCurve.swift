#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Recall against the width of the window, between and beyond the widths that were measured.
///
/// A wider window finds no less, so a measurement that says otherwise is noise: neighbouring widths
/// that contradict each other share their mean (isotonic regression by pooling adjacent violators; Ayer
/// et al. 1955). Between two widths the share of missed answers is a power of the width, which is what
/// walks on graphs show.
struct RecallCurve {
  /// What was measured at one width.
  struct Point: Sendable, Hashable {
    /// The width of the window.
    var width: Int
    /// The share of the answers that were missed.
    var miss: Double
    /// Evaluations a query, on average.
    var evaluations: Double
    /// Nanoseconds a query.
    var nanoseconds: Double
  }

  /// What is expected at a width.
  struct Estimate: Sendable, Hashable {
    var width: Double
    var recall: Double
    var evaluations: Double
    var nanoseconds: Double
  }

  /// The points by ascending width, with misses that do not rise.
  let points: [Point]
  /// Where no answer was missed, as if a quarter of one had been: a logarithm needs something.
  private let least: Double

  /// Takes measurements by ascending width, each over so many answers in all.
  ///
  /// - Precondition: at least one point; widths ascend.
  init(_ measured: [Point], answers: Int) {
    precondition(!measured.isEmpty, "a curve needs a point")
    least = 0.25 / Double(max(1, answers))
    var pools: [(miss: Double, count: Int)] = []
    for point in measured {
      var pool = (miss: point.miss, count: 1)
      while let last = pools.last, last.miss < pool.miss {
        let count = last.count + pool.count
        pool.miss =
          (last.miss * Double(last.count) + pool.miss * Double(pool.count)) / Double(count)
        pool.count = count
        pools.removeLast()
      }
      pools.append(pool)
    }
    var points = measured
    var place = 0
    for pool in pools {
      for _ in 0..<pool.count {
        points[place].miss = pool.miss
        place += 1
      }
    }
    self.points = points
  }

  /// The recall of the widest window that was measured.
  var highestRecall: Double { 1 - (points.last?.miss ?? 1) }

  /// What is expected at a width; outside of the measured widths, what was measured at the nearest.
  func estimate(_ width: Double) -> Estimate {
    guard let upper = points.firstIndex(where: { Double($0.width) >= width }) else {
      return Self.exactly(points[points.count - 1])
    }
    let above = points[upper]
    guard upper > 0, Double(above.width) > width else { return Self.exactly(above) }
    let below = points[upper - 1]
    let share =
      (log(width) - log(Double(below.width)))
      / (log(Double(above.width)) - log(Double(below.width)))
    let miss = exp(
      log(max(below.miss, least)) * (1 - share) + log(max(above.miss, least)) * share)
    // Work grows in proportion to the width.
    let part = (width - Double(below.width)) / Double(above.width - below.width)
    return Estimate(
      width: width, recall: 1 - min(below.miss, max(above.miss, miss)),
      evaluations: below.evaluations + part * (above.evaluations - below.evaluations),
      nanoseconds: below.nanoseconds + part * (above.nanoseconds - below.nanoseconds))
  }

  /// The setting whose recall comes nearest to a target, the narrower one where the least is enough.
  ///
  /// Nearest, not at least: a measurement is as likely to flatter as to slander, and a setting that is
  /// always on the safe side is always too slow.
  ///
  /// - Parameters:
  ///   - target: the recall that is wanted.
  ///   - finest: the width above which parts of a width can be had, if they can.
  /// - Returns: `nil` when no width that was measured comes up to the target.
  /// - Complexity: O(log of the widest width) estimates.
  func setting(reaching target: Double, finest: Int? = nil) -> Estimate? {
    guard let first = points.first, let last = points.last, 1 - last.miss >= target else {
      return nil
    }
    var low = first.width
    var high = last.width
    // The least width that is expected to reach the target.
    while low < high {
      let middle = low + (high - low) / 2
      if estimate(Double(middle)).recall >= target { high = middle } else { low = middle + 1 }
    }
    guard low > first.width else { return estimate(Double(low)) }
    var reached = estimate(Double(low))
    var below = estimate(Double(low - 1))
    if let finest, low > finest {
      let part = 1 / Double(TuningPlan.partsOfWidth)
      while reached.width - below.width > part {
        let next = estimate(below.width + part)
        if next.recall >= target { reached = next } else { below = next }
      }
    }
    return target - below.recall < reached.recall - target ? below : reached
  }

  private static func exactly(_ point: Point) -> Estimate {
    Estimate(
      width: Double(point.width), recall: 1 - point.miss, evaluations: point.evaluations,
      nanoseconds: point.nanoseconds)
  }
}
