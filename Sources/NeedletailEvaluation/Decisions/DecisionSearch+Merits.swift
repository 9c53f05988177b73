#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension DecisionSearch {
  /// The logarithm of the work that a design takes for the floor of recall, of its best depth.
  ///
  /// Between the two windows that the floor lies between it is interpolated, because windows are steps and a model
  /// wants none. Where no window reaches the floor it is more than the widest takes, by as much as misses are too many.
  func merit(of own: [JudgedCandidate]) -> Double {
    let allowed = max(1e-4, 1 - floor)
    var least = Double.infinity
    for rerank in space.reranks {
      let found = own.filter { $0.candidate.rerank == rerank }
        .sorted { $0.candidate.efSearch < $1.candidate.efSearch }.compactMap(\.measurement)
      guard let above = found.firstIndex(where: { $0.recall >= floor }) else {
        if let last = found.last {
          least = min(least, log(max(last.cost, 1e-9)) + log(max(1, (1 - last.recall) / allowed)))
        }
        continue
      }
      var merit = log(max(found[above].cost, 1e-9))
      if above > 0 {
        let misses = (log(1 - found[above - 1].recall), log(max(1e-4, 1 - found[above].recall)))
        let costs = (log(max(found[above - 1].cost, 1e-9)), merit)
        let share = (misses.0 - log(allowed)) / max(1e-9, misses.0 - misses.1)
        merit = costs.0 + min(1, max(0, share)) * (costs.1 - costs.0)
      }
      least = min(least, merit)
    }
    return least.isFinite ? least : 0
  }

  /// The logarithm of the least misses, of which one in ten thousand is the least that counts.
  func leastMiss(of own: [JudgedCandidate]) -> Double {
    log(max(1e-4, 1 - (own.compactMap(\.measurement).map(\.recall).max() ?? 0)))
  }
}
