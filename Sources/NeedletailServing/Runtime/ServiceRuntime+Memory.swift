import Needletail
import NeedletailBudgets
import NeedletailCore

/// What the service takes of memory while it serves, held against the ceilings of its budget.
extension ServiceRuntime {
  /// Looks at what is in use; gives room of the cache up where all together would be too much, and back where there is enough again.
  func lookAtMemory() {
    guard let snapshot = backend.withLock({ $0 }).snapshot() else { return }
    find(snapshot)
    fitCache()
    tell(memoryEvents())
  }

  /// Counts what an index takes, and what is taken beside it.
  private func find(_ snapshot: Snapshot) {
    var use = MemoryUse(snapshot.memoryUse, budget, options)
    use[.cache] = cache?.answers.capacity ?? 0
    memory.find(use)
  }

  /// The room that the cache has by the budget; less where all components together leave less.
  private func fitCache() {
    guard let cache else { return }
    fitting.withLock { _ in
      let wanted = ResultCacheSettings(budget)?.capacity ?? 0
      let present = cache.answers.capacity
      let room = min(wanted, memory.room(for: .cache) ?? wanted)
      let isOver = memory.total.limit.map { memory.total.used > $0 } ?? false
      if isOver || room > present {
        resize(cache, to: room)
      } else if present > wanted {
        // The budget was lowered while a write took room.
        resize(cache, to: wanted)
      }
    }
  }

  private func resize(_ cache: AnswerCache, to capacity: Int) {
    cache.answers.resize(to: capacity)
    memory.find(.cache, bytes: cache.answers.capacity)
  }

  /// Lets a write of so many rows take its memory, before it does; the cache gives way to it.
  ///
  /// - Returns: what is counted until the write is over.
  /// - Throws: `overBudget` with what is needed and the limit; nothing was written then.
  private func admit(
    rows: Int, _ index: VectorIndex
  ) throws(NeedletailError) -> MemoryReservation {
    let bytes = index.memoryToWrite(rows: rows)
    return try fitting.withLock { (_) throws(NeedletailError) in
      if let excess = memory.excess(of: .log, bytes: bytes), excess > 0, let cache, cache.isInUse,
        cache.answers.capacity >= excess
      {
        resize(cache, to: cache.answers.capacity - excess)
      }
      return try memory.reserve(.log, bytes: bytes)
    }
  }

  /// Writes rows within the ceilings: what they take is counted before, and what they took after.
  ///
  /// - Throws: `overBudget`; as the write.
  func writing<Result>(
    rows: Int, _ index: VectorIndex, _ write: () throws(NeedletailError) -> Result
  ) throws(NeedletailError) -> Result {
    let reservation = try admit(rows: rows, index)
    defer {
      // Found first: in between, others see it twice rather than not at all.
      if let snapshot = try? index.snapshot() { find(snapshot) }
      reservation.release()
    }
    return try write()
  }

  /// What has a ceiling: each component, and (`nil`) all together.
  private static let places: [MemoryComponent?] = MemoryComponent.allCases.map { $0 } + [nil]

  /// Which ceilings were come to, or are not reached any more, since this was asked last.
  private func memoryEvents() -> [ServiceEvent] {
    atLimit.withLock { known in
      Self.places.compactMap { place -> ServiceEvent? in
        let isAtLimit = memory.isAtLimit(place)
        guard isAtLimit != known.contains(place) else { return nil }
        if isAtLimit { known.insert(place) } else { known.remove(place) }
        let use = place.map { memory.use(of: $0) } ?? memory.total
        return .memory(place, used: use.used, limit: use.limit ?? .max, isAtLimit: isAtLimit)
      }
    }
  }

  /// What each component takes and may take, and all together.
  var memoryStatus: [String: MemoryStatus] {
    var status: [String: MemoryStatus] = [:]
    for place in Self.places {
      let use = place.map { memory.use(of: $0) } ?? memory.total
      status[place?.rawValue ?? "total"] = MemoryStatus(
        used: use.used, limit: use.limit, isAtLimit: memory.isAtLimit(place))
    }
    return status
  }
}
