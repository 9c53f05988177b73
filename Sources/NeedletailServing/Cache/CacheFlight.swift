public import NeedletailCore

/// What became of waiting for somebody else's search.
public enum FlightOutcome: Sendable {
  /// The answer, as fresh as one that was searched for when the wait began.
  case answer(CachedAnswer)
  /// The search failed, or was given up.
  case failed(NeedletailError)
  /// Something changed before the wait began that the search does not know, or it was cut short: ask again.
  case overtaken
  /// The deadline passed.
  case expired
}

/// A search that is under way, and who waits for it.
struct CacheFlight: Sendable {
  struct Waiter: Sendable {
    /// The number of the last change when the wait began.
    let version: UInt64
    let deadline: Nanoseconds
    let done: @Sendable (FlightOutcome) -> Void
  }

  let serial: UInt64
  /// How little whoever leads it matters; nobody who matters more waits for it.
  var rank = 0
  var waiters: [Waiter] = []
}

/// How a search that others may wait for ended.
enum FlightEnd: Sendable {
  case whole([Neighbor])
  /// An answer that a deadline or a fault cut short: good enough for whoever was in a hurry, and for nobody else.
  case partial
  case failed(NeedletailError)
}

/// The duty to search: ends with an answer or a failure.
///
/// One that is dropped is a failure.
package final class CacheLead: Sendable {
  /// What to search for.
  package let key: CacheKey
  /// The number of the last change when the search began.
  let version: UInt64
  let serial: UInt64
  /// When the search began: it knows nothing that came later.
  let begin: Nanoseconds
  /// Whether nobody had asked yet when the search began.
  let isPrefetch: Bool
  private let end: Guarded<(@Sendable (CacheLead, FlightEnd) -> Void)?>

  init(
    key: CacheKey, version: UInt64, serial: UInt64, begin: Nanoseconds = 0,
    isPrefetch: Bool = false,
    end: @escaping @Sendable (CacheLead, FlightEnd) -> Void
  ) {
    self.key = key
    self.version = version
    self.serial = serial
    self.begin = begin
    self.isPrefetch = isPrefetch
    self.end = Guarded(end)
  }

  deinit { fail(NeedletailError(.cancelled, "The search that others waited for was given up.")) }

  /// Ends with an answer; the first end counts.
  ///
  /// - Parameters:
  ///   - neighbors: nearest first.
  ///   - isWhole: whether it is all that the key's rung gives. What was cut short is not kept, and those who wait are
  ///     told to ask again.
  package func finish(_ neighbors: [Neighbor], isWhole: Bool = true) {
    end(isWhole ? .whole(neighbors) : .partial)
  }

  /// Ends with a failure, which is told to those who wait and is not kept.
  package func fail(_ error: NeedletailError) { end(.failed(error)) }

  private func end(_ result: FlightEnd) {
    let end = end.withLock { end in
      defer { end = nil }
      return end
    }
    end?(self, result)
  }
}
