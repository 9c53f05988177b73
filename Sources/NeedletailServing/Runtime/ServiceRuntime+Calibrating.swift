import Needletail
import NeedletailBudgets
import NeedletailCore

extension ServiceRuntime {
  /// Searches on every rung that there is, so that the first plans rest on what this machine takes.
  func calibrate(
    _ backend: any SearchBackend, _ queries: VectorMatrix, k: Int, until end: Nanoseconds
  ) throws(NeedletailError) {
    let rungs = budget.ladder.rungs.filter { backend.rungs.contains($0) }
    // The first round pays for what was not there yet.
    for round in 0..<2 {
      for rung in rungs {
        for row in 0..<min(100, queries.count) {
          let begin = clock.now
          guard begin < end else { return }
          let answer = try backend.search(
            BackendRequest(
              queries: [queries[row]], k: k, rung: rung,
              window: rung == .full ? 1 : backend.leastWindow))
          let cost = SearchCost(
            nanoseconds: clock.now - begin,
            evaluations: answer.results.first?.statistics.evaluations ?? 0)
          if round == 1 { state.withLock { $0.core.learn(cost, rung, .plain) } }
        }
      }
    }
  }
}
