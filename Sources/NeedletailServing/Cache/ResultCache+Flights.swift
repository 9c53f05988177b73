import NeedletailCore

extension ResultCache {
  /// Ends a search: keeps its answer if nothing that changed meanwhile touches it, and tells who waits.
  func end(_ lead: CacheLead, _ result: FlightEnd) {
    switch result {
    case .failed(let error):
      for waiter in land(lead) { waiter.done(.failed(error)) }
    case .partial:
      for waiter in land(lead) { waiter.done(.overtaken) }
    case .whole(let neighbors):
      let valid = keep(lead, neighbors)
      let answer = CachedAnswer(neighbors: neighbors, rung: lead.key.rung)
      for waiter in land(lead) {
        waiter.done(waiter.version <= valid ? .answer(answer) : .overtaken)
      }
    }
  }

  /// Tells those whose deadline has passed.
  ///
  /// Called now and then, by one thread.
  package func expireWaiters(at now: Nanoseconds) {
    for shard in shards {
      let expired = shard.state.withLock { state in
        var expired: [CacheFlight.Waiter] = []
        for (key, flight) in state.flights
        where flight.waiters.contains(where: { $0.deadline <= now }) {
          expired += flight.waiters.filter { $0.deadline <= now }
          state.flights[key]?.waiters.removeAll { $0.deadline <= now }
        }
        return expired
      }
      for waiter in expired { waiter.done(.expired) }
    }
  }

  /// Takes a flight out, with those who wait for it.
  private func land(_ lead: CacheLead) -> [CacheFlight.Waiter] {
    shard(lead.key).state.withLock { state in
      guard state.flights[lead.key]?.serial == lead.serial else { return [] }
      return state.flights.removeValue(forKey: lead.key)?.waiters ?? []
    }
  }

  /// Looks at every change since the search began, and keeps the answer if it is still true in the instant in which it is kept.
  ///
  /// - Returns: the number of the last change up to which the answer is true.
  private func keep(_ lead: CacheLead, _ neighbors: [Neighbor]) -> UInt64 {
    // Of an answer in no order, nobody can tell whether a change touches it.
    guard KeptAnswer.canKeep(lead.key, neighbors) else { return lead.version }
    let answer = KeptAnswer(lead.key, neighbors, version: lead.version)
    var judged = lead.version
    // Under a stream of changes one has to stop: the answer is given, and not kept.
    for _ in 0..<4 {
      guard let (changes, last) = log.changes(since: judged) else { break }
      for change in changes {
        if touches(change, answer) {
          countOvertaken(lead)
          return judged
        }
        judged += 1
      }
      judged = last
      let wasKept = shard(lead.key).state.withLock { state in
        // Whoever changes something numbers it first and looks at this shard afterwards: either the number is seen here, or the entry there.
        guard log.version == judged else { return false }
        state.insert(
          lead.key, neighbors, version: judged, found: lead.begin, isPrefetched: lead.isPrefetch)
        return true
      }
      if wasKept { return judged }
    }
    countOvertaken(lead)
    return judged
  }

  private func countOvertaken(_ lead: CacheLead) {
    shard(lead.key).state.withLock { $0.counts.overtaken += 1 }
  }

  /// Whether an answer would be another one after a change; one that knows the change already is not touched.
  private func touches(_ change: Change, _ answer: KeptAnswer) -> Bool {
    switch change {
    case .everything: true
    case .removed(let id), .withdrawn(let id): answer.neighbors.contains { $0.id == id }
    case .inserted(let id, let item), .upserted(let id, let item):
      answer.isTouched(by: id, at: judge.distances(from: item, to: [answer.key]).first ?? .nan)
    }
  }
}
