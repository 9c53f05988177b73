import Needletail
import NeedletailBudgets
import NeedletailCore

extension ServiceRuntime {
  /// Searches on every rung that there is, so that the first plans rest on what this machine takes and on what each rung finds.
  ///
  /// - Returns: whether there was time for all of it.
  func calibrate(
    _ backend: any SearchBackend, _ queries: VectorMatrix, k: Int, until end: Nanoseconds
  ) throws(NeedletailError) -> Bool {
    let rungs = budget.ladder.rungs.filter { backend.rungs.contains($0) }
    // The first round pays for what was not there yet.
    for round in 0..<2 {
      for rung in rungs {
        for row in 0..<min(100, queries.count) {
          let begin = clock.now
          guard begin < end else { return false }
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
    return try compare(backend, queries, k: k, rungs, until: end)
  }

  /// Queries that every rung is compared with exact answers on.
  private static var compared: Int { 30 }

  private func compare(
    _ backend: any SearchBackend, _ queries: VectorMatrix, k: Int, _ rungs: [Rung],
    until end: Nanoseconds
  ) throws(NeedletailError) -> Bool {
    guard let snapshot = backend.snapshot(), options.full.cap == nil else { return true }
    for row in 0..<min(Self.compared, queries.count) {
      var exact = try snapshot.exactSearch(queries[row], k: k)
      while exact.advance(rows: 10_000) {
        guard clock.now < end else { return false }
      }
      for rung in rungs {
        let answer = try backend.search(
          BackendRequest(
            queries: [queries[row]], k: k, rung: rung,
            window: rung == .full ? 1 : backend.leastWindow))
        guard let result = answer.results.first else { continue }
        let (found, all) = (exact.found(in: result.neighbors), exact.neighbors.count)
        if let alarm = state.withLock({ $0.core.compared(rung, found: found, of: all) }) {
          tell([alarm])
        }
      }
    }
    return true
  }
}
