package import NeedletailCore

extension ResultCache {
  /// An answer from the cache, from a search that somebody else is making, or from `search`.
  ///
  /// - Parameters:
  ///   - key: what is asked for.
  ///   - allowStale: whether an answer that a change has touched will do.
  ///   - deadline: until when somebody else's search is waited for.
  ///   - clock: tells the time.
  ///   - search: gives an answer, and whether it is whole.
  /// - Returns: the answer, labelled where a change has touched it.
  /// - Throws: what the search threw; `cancelled` when the deadline passed while waiting.
  package func read(
    _ key: CacheKey, allowStale: Bool = false, deadline: Nanoseconds, clock: some ServingClock,
    search: () async throws(NeedletailError) -> (neighbors: [Neighbor], isWhole: Bool)
  ) async throws(NeedletailError) -> CachedAnswer {
    // What was overtaken again and again is searched for without company.
    for _ in 0..<3 {
      switch await wait(key, allowStale, deadline, clock.now) {
      case .hit(let answer): return answer
      case .lead(let lead):
        do throws(NeedletailError) {
          let found = try await search()
          lead.finish(found.neighbors, isWhole: found.isWhole)
          return CachedAnswer(neighbors: found.neighbors, rung: key.rung)
        } catch {
          lead.fail(error)
          throw error
        }
      case .ended(.answer(let answer)): return answer
      case .ended(.failed(let error)):
        // That somebody else gave up is no reason to.
        if error.code != .cancelled { throw error }
      case .ended(.expired):
        throw NeedletailError(
          .cancelled, "The deadline passed while another search for the same query was under way.")
      case .ended(.overtaken): continue
      }
    }
    return CachedAnswer(neighbors: try await search().neighbors, rung: key.rung)
  }

  private enum Step: Sendable {
    case hit(CachedAnswer)
    case lead(CacheLead)
    case ended(FlightOutcome)
  }

  private func wait(
    _ key: CacheKey, _ allowStale: Bool, _ deadline: Nanoseconds, _ now: Nanoseconds
  ) async -> Step {
    await withCheckedContinuation { continuation in
      let found = lookup(key, allowStale: allowStale, deadline: deadline, at: now) { outcome in
        continuation.resume(returning: .ended(outcome))
      }
      switch found {
      case .hit(let answer): continuation.resume(returning: .hit(answer))
      case .lead(let lead): continuation.resume(returning: .lead(lead))
      case .waiting: break
      case .alone: continuation.resume(returning: .ended(.overtaken))
      }
    }
  }
}
