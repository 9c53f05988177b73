import NeedletailCore

/// Questions that are likely to come next, for idle time: bounded, and the first thing to be shed.
///
/// Not made for several threads at once.
package struct PrefetchQueue: Sendable {
  /// A question, and how likely it is.
  package struct Hint: Sendable, Hashable {
    package var key: CacheKey
    package var likelihood: Float

    package init(_ key: CacheKey, likelihood: Float) {
      self.key = key
      self.likelihood = likelihood.isNaN ? 0 : likelihood
    }
  }

  private var hints: [Hint] = []
  private var waiting: Set<CacheKey> = []
  private let bound: Int
  /// Hints that were dropped.
  package private(set) var shed = 0

  /// A queue of at most `bound` questions.
  package init(bound: Int) { self.bound = max(0, bound) }

  /// Questions that wait.
  package var count: Int { hints.count }

  /// Takes a question in; where the queue is full, the least likely one goes.
  ///
  /// - Complexity: O(bound).
  package mutating func offer(_ hint: Hint) {
    guard !waiting.contains(hint.key) else { return }
    let place = hints.firstIndex { $0.likelihood > hint.likelihood } ?? hints.count
    hints.insert(hint, at: place)
    waiting.insert(hint.key)
    if hints.count > bound {
      waiting.remove(hints.removeFirst().key)
      shed += 1
    }
  }

  /// Takes the likeliest question; under any pressure, drops all of them instead.
  package mutating func take(pressure: Int) -> CacheKey? {
    guard pressure == 0 else {
      shed += hints.count
      hints.removeAll()
      waiting.removeAll()
      return nil
    }
    guard let hint = hints.popLast() else { return nil }
    waiting.remove(hint.key)
    return hint.key
  }
}
