import NeedletailCore

extension DecisionSearch {
  /// Measures wider windows of the best candidates, until four in a row are not worth it by `StopRule`.
  mutating func measureFront() throws(NeedletailError) {
    let finalists = space.designs.compactMap { bestOf[$0] }.filter(\.isFeasible).sorted {
      precedes($0, $1)
    }.prefix(2)
    for finalist in finalists {
      guard let place = space.efSearch.firstIndex(of: finalist.candidate.efSearch) else { continue }
      try measureBelow(place, finalist.candidate)
      var most = -Double.infinity
      var beyond = 0
      for width in space.efSearch[place...] {
        var candidate = finalist.candidate
        candidate.efSearch = width
        guard beyond < 4, let judged = try ledger.judge(candidate), judged.excess == 0,
          let found = judged.measurement
        else { break }
        let worth = StopRule.worth(recall: found.recall, cost: found.cost)
        beyond = worth > most ? 0 : beyond + 1
        most = max(most, worth)
      }
    }
  }

  /// Measures windows right below one that was found: where recall is all but level, chance decides which of them
  /// reaches the floor.
  private mutating func measureBelow(
    _ place: Int, _ candidate: DecisionCandidate
  ) throws(NeedletailError) {
    for width in space.efSearch[..<place].suffix(3).reversed() {
      var candidate = candidate
      candidate.efSearch = width
      guard let judged = try ledger.judge(candidate),
        (judged.measurement?.recall ?? 0) >= floor - 0.003
      else { return }
    }
  }
}
