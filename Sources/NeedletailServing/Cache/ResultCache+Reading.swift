package import NeedletailCore

extension ResultCache {
  /// An answer from the cache, from a search that somebody else is making, or from `search`.
  ///
  /// - Throws: what the search threw; `cancelled` when the deadline passed while waiting.
  package func read(
    _ key: CacheKey, allowStale: Bool = false, deadline: Nanoseconds, clock: some ServingClock,
    search: () async throws(NeedletailError) -> [Neighbor]
  ) async throws(NeedletailError) -> CachedAnswer {
    // What was overtaken again and again is searched for without company.
    for _ in 0..<3 {
      switch await wait(key, allowStale, deadline, clock.now) {
      case .hit(let answer): return answer
      case .lead(let lead):
        do throws(NeedletailError) {
          let neighbors = try await search()
          lead.finish(neighbors)
          return CachedAnswer(neighbors: neighbors)
        } catch {
          lead.fail(error)
          throw error
        }
      case .ended(.answer(let answer)): return answer
      case .ended(.failed(let error)): throw error
      case .ended(.expired):
        throw NeedletailError(
          .cancelled, "The deadline passed while another search for the same query was under way.")
      case .ended(.overtaken): continue
      }
    }
    return CachedAnswer(neighbors: try await search())
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
      }
    }
  }
}
