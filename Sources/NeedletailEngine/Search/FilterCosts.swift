import NeedletailCore

/// What the ways to search among a set of rows are expected to cost, and the choice between them.
///
/// The unit is one row of a scan over the set: its code comes in the order of the rows, most of it before it is
/// asked for.
struct FilterCosts {
  /// A row that a walk scores: its code comes from anywhere, and its hops see more rows than are expected of them;
  /// those of a row with its neighbours' bits come together, while a scan reads a small part of each row.
  ///
  /// Measured with a tenth and a twentieth of the rows of three sets: 14 to 18 ns in compact walks and 13 to 16 ns
  /// with bits, 10 to 19 and 17 to 36 ns in scans.
  static func walkedRow(isTurbo: Bool) -> Double { isTurbo ? 0.45 : 1.6 }
  private var walkedRow: Double { Self.walkedRow(isTurbo: isTurbo) }
  /// A hop that looks behind the neighbours outside the set, beside the rows that it scores: 32 rows of links.
  static let twoHopLinks = 0.25
  /// The share of a hop's links that are scored: those that lead to rows not seen before, or all.
  private var freshLinks: Double { isTurbo ? 1 : 0.4 }
  /// The shares of rows in the set between which two hops find enough of them, and one hop does not.
  static let twoHopShares = 0.01...0.1
  /// How much wider a walk by two hops is: where links were cut, fewer ways lead to a row.
  static let twoHopWidth = 2
  /// A list of so many candidates makes each row twice as dear, by the merges.
  private static let longList = 512.0
  /// The share of the set's rows that a walk may score on trial, where its list of candidates is longest.
  private var trialShare: Double { isTurbo ? 0.16 : 0.016 }

  /// Whether rows hold their neighbours' bits.
  let isTurbo: Bool
  /// Rows in the set.
  let survivors: Double
  /// Their share of all rows.
  let share: Double
  /// Links of a row.
  let degree: Double
  /// Candidates that a search over all rows would expand.
  let hops: Double
  /// Candidates that a walk expands which passes the rows outside the set; `nil`: as many more as those are.
  var passedHops: Double?
  /// Rows that are scored to find where a walk begins.
  let entryRows: Double

  var exact: Double { survivors }

  /// Where rows of the set are as near to the query as others: as many more hops as others are passed by.
  var inFilter: Double {
    walkedRow * (entryRows + (passedHops ?? hops / share) * degree * freshLinks)
  }

  /// A hop looks at the links of each neighbour outside the set.
  var twoHop: Double {
    let behind = degree * degree * (1 - share)
    let hops = Double(Self.twoHopWidth) * self.hops
    let scored = freshLinks * share * (degree + behind)
    return walkedRow * entryRows
      + hops * (walkedRow * scored + Self.twoHopLinks * behind)
  }

  /// The way that should cost least.
  func plan(canTwoHop: Bool) -> FilterPlan {
    let walk = inFilter
    // What the figures do not know of a walk that leaves most links out is put at a factor of two.
    if canTwoHop, Self.twoHopShares.contains(share), 2 * twoHop < min(walk, exact) {
      return .twoHop
    }
    return walk < exact ? .inFilter : .exact
  }

  /// Rows that a walk may score before it is asked whether it is worth going on: a few hundredths of the rows of
  /// the set, which cost a tenth of scoring it all, and what takes a few microseconds.
  var trial: Int { Int(survivors * trialShare) + 256 }

  /// How much farther a walk may go.
  ///
  /// - Parameters:
  ///   - scored: rows scored so far.
  ///   - hops: candidates expanded so far.
  ///   - waiting: candidates left before the walk's end; `nil` while too few rows of the set were found to
  ///     know where that is.
  /// - Returns: rows that it may score from now on; `nil` when scoring the set is cheaper than to go on.
  func furtherRows(scored: Int, hops: Int, waiting: Int?) -> Int? {
    guard let waiting else { return nil }
    let perHop = Double(scored) / Double(max(1, hops))
    let left = Double(waiting) * perHop
    let row = walkedRow * (1 + Double(waiting) / Self.longList)
    guard row * (Double(scored) + left) < exact else { return nil }
    return Int(left) + 256
  }
}
