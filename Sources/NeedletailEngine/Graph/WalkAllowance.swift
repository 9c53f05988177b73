/// How far the walks of a build go: farther for rows whose neighbours are hard to find, less far for others.
///
/// A window of fixed width expands as many candidates for a row amid its like, which finds its neighbours at
/// once, as for one between clusters, which needs them. Here a walk ends when the next candidate is farther than
/// the `rank`-th by more than a share of that one's distance, and the share is steered after each batch so that
/// the mean over all rows is what was asked for.
///
/// Evaluations at recall 0.90 / 0.95 / 0.99, walking level 0 in exact distances, over those of a window of
/// `efConstruction`: debian-384 (three seeds) 0.99 / 0.98 / 0.93, sift-200k (two) 0.97 / 0.96 / 0.92, in 1.05 to 1.1
/// times the time. With a mean of one `efConstruction` 0.98 / 0.98 / 1.00 and 0.97 / 0.97 / 0.95 in 0.9 times the time;
/// with windows of 1.4 `efConstruction` debian-384 1.01 / 0.98 / 0.94 in 1.15 times the time.
///
/// - Source: the end of the walk is that of Al-Jazzazi et al., distance adaptive beam search (2025).
struct WalkAllowance {
  /// Candidates that a walk expands in the mean, in windows of `efConstruction`.
  ///
  /// Such walks take about the time of a window: what is out of reach is not kept, so there is less to merge
  /// and less to choose from.
  private static let mean: Float = 1.5
  /// The most that a walk expands, in windows of `efConstruction`.
  private static let most = 4
  /// What the share begins with: rather too much, so that the first rows get their neighbours.
  private static let first: Float = 0.5

  /// Candidates expanded by a walk of a fixed window.
  let window: Int
  /// The rank of the candidate whose distance the end is measured by; so many are always expanded.
  let rank: Int
  /// How much farther than that a walk goes, as a share of the distance; `nil` as long as walks have a window.
  private(set) var share: Float?
  private let isSteered: Bool

  /// - Parameters:
  ///   - efConstruction: the width of a window.
  ///   - m: links a new row gets.
  ///   - isSteered: whether walks may end by distance; a product has no shares that mean anything.
  init(efConstruction: Int, m: Int, isSteered: Bool) {
    window = efConstruction
    rank = max(32, 2 * m)
    self.isSteered = isSteered && efConstruction >= 2 * rank
  }

  /// The most candidates that a walk keeps.
  var width: Int { isSteered ? Self.most * window : window }

  /// The fewest candidates a walk expands that was not led astray.
  ///
  /// Where a heap of copies is nearest, or rows nearly alike, nothing else is within a share of their distance.
  var fewest: Int { window / 4 }

  /// Learns what the walks of a batch expanded.
  ///
  /// - Parameters:
  ///   - hops: candidates expanded by all of them.
  ///   - rows: walks.
  ///   - count: rows linked now.
  mutating func learn(hops: Int, rows: Int, linked count: Int) {
    guard isSteered else { return }
    guard let share else {
      // In a smaller graph a walk of any length sees a large part of all rows.
      if count >= 2 * width { share = Self.first }
      return
    }
    let wanted = Self.mean * Float(window) * Float(rows)
    let step = (wanted / Float(max(1, hops))).squareRoot()
    self.share = share * min(1.25, max(0.8, step))
  }
}
