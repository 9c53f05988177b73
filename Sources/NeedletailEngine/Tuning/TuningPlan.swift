package import NeedletailCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How much is measured: sizes that follow from counts alone, so that they are the same everywhere.
struct TuningPlan {
  /// Rows that serve as queries.
  ///
  /// Recall at 10 of a single query varies by 0.18 where the mean is 0.90, by 0.12 at 0.95 and by 0.05 at
  /// 0.99 (measured on three sets), so that 2 000 queries tell 0.90 to within 0.4 points. More rows vary
  /// less, and the last ones are the fairer the fewer they are (see `TuningSample.rows`): 0.18/√count and
  /// 0.07·count/rows are least together where the count is 1.5·rows^⅔. Comparing with every row sets a
  /// limit on top.
  static func sampleCount(rows: Int, dimensions: Int) -> Int {
    let fair = 1.5 * cbrt(Double(rows) * Double(rows))
    return max(16, Int(min(fair, Double(affordable(rows: rows, dimensions: dimensions)))))
  }

  /// Queries of a file that are used; the rest is left out by a seeded draw.
  static func queryLimit(rows: Int, dimensions: Int) -> Int {
    4 * affordable(rows: rows, dimensions: dimensions)
  }

  /// Queries that may be compared with every row: about 0.5 s of two threads, or 500 of them.
  private static func affordable(rows: Int, dimensions: Int) -> Int {
    let components = max(1, rows.multipliedReportingOverflow(by: dimensions).partialValue)
    return max(500, min(4_000, 47_000_000_000 / components))
  }

  /// Queries whose true neighbours are looked for at a time; the clock is read in between.
  static let chunk = 1_000
  /// Components that are decoded at a time where rows cannot be read in place.
  static let blockComponents = 16 << 20
  /// The widest window that is tried.
  static let widest = 4_096

  /// The next width of the ladder: a third more, so that a power of the width fits in between.
  static func width(after width: Int) -> Int { max(width + 1, width * 4 / 3) }

  /// The next width below the number of answers: an eighth less, so that ten answers meet every width.
  static func width(before width: Int) -> Int { width - max(1, width / 8) }

  /// Steps between two whole widths, where a walk ends by distance.
  static let partsOfWidth = 16

  /// Of the queries that missed nothing at a width, one in so many is searched for at the next.
  ///
  /// What a window finds a wider one nearly always finds: almost all that is left to learn is in the queries
  /// that missed something, so that the widest windows need the fewest searches.
  static let sampledOfComplete = 8

  /// What is tried at every width: to add a knob is to add candidates here.
  ///
  /// The first one is the reference. With one candidate everything that is chosen comes from counts; with
  /// more of them the time decides among those that reach a target.
  static let candidates = [TuningCandidate()]
}

/// One choice of the settings that are not the width.
struct TuningCandidate: Sendable, Hashable {
  var prefetchRows = 0
}

extension SearchParameters {
  /// The parameters of a candidate at a width.
  init(k: Int, width: Int, _ candidate: TuningCandidate) {
    self.init(k: k, efSearch: width)
    use(candidate)
  }

  /// Takes the settings of a tuning.
  package mutating func use(_ setting: Tuning.Setting) {
    efSearch = setting.efSearch
    // A manifest may hold any number; the walk is never made longer than the width says.
    stopScale = setting.gamma > 0 ? min(1, setting.gamma) : 1
    use(TuningCandidate(prefetchRows: setting.prefetchRows))
  }

  /// The one place that knows what a knob does to a search; none does anything yet.
  private mutating func use(_ candidate: TuningCandidate) {}
}
