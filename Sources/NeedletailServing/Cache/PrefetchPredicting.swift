/// Guesses what a session asks next.
///
/// Called under the lock of whoever owns the `Prefetcher`: quick, within bounded memory, and the same for the same questions.
package protocol PrefetchPredicting: Sendable {
  /// The likely next questions of a session that has just asked the last of these; also the occasion to learn from it.
  ///
  /// - Parameter recent: the session's last questions, oldest first, none twice in a row; at least one.
  /// - Returns: questions, each with the probability that it comes next, within 0...1.
  mutating func next(after recent: [CacheKey]) -> [PrefetchQueue.Hint]
}

/// Guesses from what other sessions asked after the same question.
///
/// For each question it remembers which ones followed, up to four, with counts. An answer is found by the bytes of its question, so
/// that a query that is only near the next one, such as the session's vectors drawn out in a line, would never be a hit: what helps
/// is the very question that somebody will ask.
///
/// On 200 000 questions of sessions over 20 000 items, of which each leads to one of eight others two times in three, a cache for a
/// tenth of the items has 43 % hits without and 52 % with one guess for each question, of which one in six is asked for; where
/// sessions leap about, next to nothing is guessed (`PrefetchTests`).
///
/// Source of the idea: Padmanabhan, Mogul, *Using predictive prefetching to improve World Wide Web latency* (1996).
package struct TransitionPredictor: PrefetchPredicting {
  private struct Follower: Sendable {
    var key: CacheKey
    var count: UInt16
  }

  /// Questions that are remembered for each one.
  private static let followers = 4
  /// After so many, all counts are halved: what followed long ago fades.
  private static let sample: UInt16 = 64

  private var table: ClockTable<[Follower]>
  private let least: Float

  /// A predictor that remembers within `capacity` bytes and gives what is at least as likely as `least`.
  package init(capacity: Int, least: Float = 0.1) {
    table = ClockTable(capacity: capacity)
    self.least = least
  }

  /// Bytes of what it remembers.
  package var byteCount: Int { table.byteCount }

  package mutating func next(after recent: [CacheKey]) -> [PrefetchQueue.Hint] {
    guard let last = recent.last else { return [] }
    if recent.count > 1 { learn(last, after: recent[recent.count - 2]) }
    let followers = table.use(last.hash) ?? []
    let total = followers.reduce(Float(1)) { $0 + Float($1.count) }
    return followers.compactMap { follower in
      // Seen once is chance: where sessions leap about, it would be a search in vain for each question.
      let likelihood = (Float(follower.count) - 1) / total
      return likelihood >= least ? .init(follower.key, likelihood: likelihood) : nil
    }
  }

  private mutating func learn(_ key: CacheKey, after previous: CacheKey) {
    var followers = table.use(previous.hash) ?? []
    if let place = followers.firstIndex(where: { $0.key.hash == key.hash }) {
      followers[place].count += 1
      followers[place].key = key
      if followers[place].count >= Self.sample {
        for place in followers.indices { followers[place].count /= 2 }
        followers.removeAll { $0.count == 0 }
      }
    } else if followers.count < Self.followers {
      followers.append(Follower(key: key, count: 1))
    } else if let place = followers.indices.min(by: { followers[$0].count < followers[$1].count }) {
      // The rarest one makes room by and by, so that a passer-by does not drive it out.
      if followers[place].count > 1 {
        followers[place].count -= 1
      } else {
        followers[place] = Follower(key: key, count: 1)
      }
    }
    let byteCount = followers.reduce(0) { $0 + $1.key.byteCount }
    table.set(previous.hash, followers, byteCount: byteCount)
  }
}
