import NeedletailCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension DecisionSearch {
  /// Finds the narrowest window that reaches the floor of recall, which of a design and a depth is the fastest:
  /// recall and work both rise with the window.
  ///
  /// Misses fall about as a power of the width, and widths grow by a power: so the logarithm of the misses is almost
  /// a line over the places of the widths, and the next guess is where it crosses the floor.
  ///
  /// - Parameters:
  ///   - design: what is built.
  ///   - rerank: the depth.
  ///   - least: the place of the narrowest window that can reach the floor.
  /// - Returns: the place of the window; `nil` where none reaches the floor, and when no measurement is
  ///   left.
  /// - Throws: what measuring throws.
  /// - Complexity: three or four measurements, at most twice the logarithm of the number of windows and 4.
  mutating func narrowestWindow(
    _ design: IndexDesign, _ rerank: RerankDepth, from least: Int
  ) throws(NeedletailError) -> Int? {
    var low = least - 1
    var high = space.efSearch.count
    var misses: (low: Double?, high: Double?)
    var place = min(max(hints[rerank] ?? high / 3, least), high - 1)
    var turns = 0
    while low + 1 < high {
      let candidate = DecisionCandidate(
        design: design, efSearch: space.efSearch[place], rerank: rerank)
      guard let judged = try ledger.judge(candidate), let found = judged.measurement else {
        return nil
      }
      let miss = max(1e-4, 1 - found.recall)
      if found.recall >= floor {
        high = place
        misses.high = miss
      } else {
        low = place
        misses.low = miss
      }
      turns += 1
      place = next(low, high, misses, isHalved: turns > 4)
    }
    guard high < space.efSearch.count else { return nil }
    hints[rerank] = high
    return high
  }

  /// The place to measure next, between `low` and `high`.
  private func next(
    _ low: Int, _ high: Int, _ misses: (low: Double?, high: Double?), isHalved: Bool
  ) -> Int {
    let target = max(1e-4, 1 - floor)
    // A fifth more width leaves out about a sixth of the misses.
    let slope = 0.18
    let guess: Double
    switch misses {
    case (let below?, let above?) where !isHalved && below > above:
      let share = (log(below) - log(target)) / (log(below) - log(above))
      guess = Double(low) + share * Double(high - low)
    case (let below?, nil) where !isHalved:
      guess = Double(low) + log(below / target) / slope
    case (nil, let above?) where !isHalved:
      guess = Double(high) - log(target / above) / slope
    default: guess = Double(low + high) / 2
    }
    return min(max(Int(guess.rounded(.up)), low + 1), high - 1)
  }
}
