/// How a query is answered: the first is the best answer, each one after it is simpler and costs less.
public enum Rung: Int, Sendable, Hashable, Comparable, CaseIterable {
  /// The whole window, and the precise re-rank.
  case full
  /// A smaller window, and the precise re-rank.
  case smallerWindow
  /// A smaller window, ranked by codes alone.
  case noRerank
  /// Lighter codes.
  case lighterCodes
  /// Only what the cache holds and what is still exact.
  case cachedFresh
  /// What the cache holds, labelled where it is out of date.
  case cachedStale
  /// No answer, and a time after which to ask again.
  case reject

  /// By depth: `full` is least.
  public static func < (a: Rung, b: Rung) -> Bool { a.rawValue < b.rawValue }
}

/// A value for each rung.
public struct PerRung<Value: Sendable>: Sendable {
  private var values: [Value]

  /// Makes it from a function of the rung.
  public init(_ value: (Rung) -> Value) { values = Rung.allCases.map(value) }

  /// The value of one rung.
  public subscript(rung: Rung) -> Value {
    get { values[rung.rawValue] }
    set { values[rung.rawValue] = newValue }
  }
}
