/// What decides who stays, where there is no room for all.
///
/// None is the best everywhere. How often something was asked for says most where what is popular stays so; the longer that is
/// remembered, the better, until it changes. How recently says most where sessions come back to what they just saw.
enum CachePolicy: Int, Sendable, CaseIterable {
  /// Popularity that lasts: a small window, and a long memory.
  case lasting
  /// Popularity that moves: a larger window, and a short memory.
  case moving
  /// Nearly all is window: what was not asked for longest goes.
  case recent

  /// The share of new entries in all bytes.
  var windowShare: Double {
    switch self {
    case .lasting: 1 / 64
    case .moving: 1 / 10
    case .recent: 63 / 64
    }
  }
}
