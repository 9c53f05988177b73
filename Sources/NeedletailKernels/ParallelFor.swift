package import NeedletailCore
import Synchronization

/// Runs `body` for every index of `0..<count`, on several threads.
///
/// Threads claim `grain` indices at a time from one counter, so uneven work spreads by itself; which
/// thread runs an index is not determined, so `body` must give the same result on any. The caller's
/// thread is thread 0 and works too; with one thread, or little work, no other is started.
///
/// - Parameters:
///   - threads: at most this many; at least 1.
///   - count: indices to run.
///   - grain: indices claimed at a time.
///   - body: called with the number of its thread, `0..<threads`, and the index.
/// - Throws: of the bodies that failed, the error of the lowest index; the remaining indices are then
///   left out. Indices are claimed in order, so that it is the same error for any number of threads.
/// - Complexity: a thread is woken, or started when none sleeps, for each but the caller's.
package func parallelFor(
  threads: Int, count: Int, grain: Int = 1,
  body: @Sendable (_ thread: Int, _ index: Int) throws(NeedletailError) -> Void
) throws(NeedletailError) {
  try parallelClaims(threads: threads, count: count, grain: grain) { (thread, claims) in
    while let range = claims.next() {
      for index in range {
        do throws(NeedletailError) {
          try body(thread, index)
        } catch {
          return claims.fail(at: index, error)
        }
      }
    }
  }
}

/// Runs `body` once on each of several threads, which share the indices `0..<count` by claiming them; for
/// threads that have several indices under way at a time.
///
/// - Parameters:
///   - threads: at most this many; at least 1.
///   - count: indices to share.
///   - grain: indices claimed at a time.
///   - body: called with the number of its thread and the claims, which it takes until none is left.
/// - Throws: what the bodies reported as failed, the lowest index first.
package func parallelClaims(
  threads: Int, count: Int, grain: Int = 1, body: @Sendable (_ thread: Int, WorkClaims) -> Void
) throws(NeedletailError) {
  let claims = WorkClaims(count: max(0, count), grain: max(1, grain))
  let portions = (claims.count + claims.grain - 1) / claims.grain
  let workers = max(1, min(threads, Limits.threads, portions))
  if workers == 1 {
    body(0, claims)
  } else {
    withoutActuallyEscaping(body) { body in
      let work = SharedWork { number in body(number, claims) }
      HelperThreads.shared.run(work, others: workers - 1)
      work.forget()
    }
  }
  if let failure = claims.failure { throw failure }
}

/// The indices of some work, claimed in order by the threads that do it.
package final class WorkClaims: Sendable {
  fileprivate let count: Int
  fileprivate let grain: Int
  private let claimed = Atomic<Int>(0)
  private let failures = Guarded<(index: Int, error: NeedletailError)?>(nil)

  fileprivate init(count: Int, grain: Int) {
    self.count = count
    self.grain = grain
  }

  /// Claims the next indices; `nil` when none is left.
  package func next() -> Range<Int>? {
    let start = claimed.wrappingAdd(grain, ordering: .relaxed).oldValue
    return start < count ? start..<min(count, start + grain) : nil
  }

  /// Reports a failure, after which nothing more is claimed; a thread still does what it has claimed, up to a
  /// failure of its own.
  package func fail(at index: Int, _ error: NeedletailError) {
    failures.withLock { if index < $0?.index ?? Int.max { $0 = (index, error) } }
    claimed.store(count, ordering: .relaxed)
  }

  fileprivate var failure: NeedletailError? { failures.withLock { $0?.error } }
}
