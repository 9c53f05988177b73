/// Follows sessions, and says what to search for in idle time before it is asked.
///
/// ```swift
/// prefetcher.asked(key, session: id)                         // with each question, after it was answered
/// …
/// if let key = prefetcher.take(pressure: pressure), let lead = cache.prefetch(key) { … lead.finish(neighbors) }
/// ```
///
/// Not made for several threads at once.
package struct Prefetcher<Predictor: PrefetchPredicting>: Sendable {
  private var predictor: Predictor
  private var sessions: ClockTable<[CacheKey]>
  private var queue: PrefetchQueue
  private let recent: Int

  /// Begins without sessions.
  ///
  /// - Parameters:
  ///   - predictor: guesses.
  ///   - capacity: the most bytes of sessions, beside what the predictor remembers.
  ///   - recent: how many of a session's last questions are kept, at least 2.
  ///   - bound: how many guesses may wait.
  package init(_ predictor: Predictor, capacity: Int, recent: Int = 2, bound: Int = 64) {
    self.predictor = predictor
    sessions = ClockTable(capacity: capacity)
    queue = PrefetchQueue(bound: bound)
    self.recent = max(2, recent)
  }

  /// Bytes of what is remembered of sessions.
  package var byteCount: Int { sessions.byteCount }
  /// Guesses that were dropped.
  package var shed: Int { queue.shed }

  /// A session asked something.
  ///
  /// - Complexity: O(`bound`), and what the predictor takes.
  package mutating func asked(_ key: CacheKey, session: UInt64) {
    var questions = sessions.use(session) ?? []
    if questions.last?.hash == key.hash { return }
    if questions.count >= recent { questions.removeFirst(questions.count - recent + 1) }
    questions.append(key)
    let byteCount = questions.reduce(0) { $0 + $1.byteCount }
    sessions.set(session, questions, byteCount: byteCount)
    for hint in predictor.next(after: questions) { queue.offer(hint) }
  }

  /// A question that is worth asking for another reason: after all guesses.
  package mutating func suggest(_ key: CacheKey) { queue.offer(.init(key, likelihood: 0)) }

  /// The likeliest question that waits; under any pressure, none, and all of them are dropped.
  package mutating func take(pressure: Int) -> CacheKey? { queue.take(pressure: pressure) }
}
