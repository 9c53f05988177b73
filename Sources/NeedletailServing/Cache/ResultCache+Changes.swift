import NeedletailCore

extension ResultCache {
  /// Ends the answers that changes touch; those that a removed or withdrawn item is in are gone, others are kept as stale.
  ///
  /// After it returned, no answer without the label lacks a change, and none at all holds an id that was removed or withdrawn.
  ///
  /// - Returns: how many answers ended.
  /// - Complexity: for removals, the answers that hold the id. For items, one distance for each answer; a batch takes the answers'
  ///   list once.
  @discardableResult
  public func apply(_ changes: [Change], at now: Nanoseconds) -> Int {
    guard !changes.isEmpty else { return 0 }
    // A number first: from here on, a search that began before is looked at for these changes when it ends.
    let first = log.append(changes)
    var ended = 0
    for shard in shards {
      ended += removeHolders(shard, changes)
      let items = changes.indices.filter { changes[$0].item != nil }
      if !items.isEmpty { ended += judgeAll(shard, changes, items, first, at: now) }
    }
    return ended
  }

  /// What needs no distance is done at once.
  private func removeHolders(_ shard: Shard, _ changes: [Change]) -> Int {
    shard.state.withLock { state in
      var ended = 0
      for change in changes {
        switch change {
        case .removed(let id), .withdrawn(let id):
          ended += state.removeHolders(of: id)
        case .everything: ended += state.removeAll()
        case .inserted, .upserted: continue
        }
      }
      state.counts.invalidated += ended
      return ended
    }
  }

  /// Takes the list of fresh answers, judges without the lock, and ends those that are still there.
  private func judgeAll(
    _ shard: Shard, _ changes: [Change], _ items: [Int], _ first: UInt64, at now: Nanoseconds
  ) -> Int {
    var suspects: [(slot: Int, entry: CacheShard.Entry)] = shard.state.withLock { state in
      var suspects: [(Int, CacheShard.Entry)] = []
      suspects.reserveCapacity(state.count)
      state.forEach { slot, entry in
        if entry.staleSince == nil { suspects.append((slot, entry)) }
      }
      return suspects
    }
    var touched: [(slot: Int, serial: UInt64)] = []
    for index in items {
      guard let (id, item) = changes[index].item, !suspects.isEmpty else { continue }
      let distances = judge.distances(from: item, to: suspects.map(\.entry.key))
      var untouched: [(slot: Int, entry: CacheShard.Entry)] = []
      for (place, suspect) in suspects.enumerated() {
        let entry = suspect.entry
        // An entry that came later was looked at for this change before it came.
        let isKnown = entry.version >= first + UInt64(index)
        let distance = place < distances.count ? distances[place] : .nan
        if !isKnown, Suspect(entry.key, entry.neighbors, id: id).isTouched(by: distance, id: id) {
          touched.append((suspect.slot, entry.serial))
        } else {
          untouched.append(suspect)
        }
      }
      suspects = untouched
    }
    return shard.state.withLock { state in
      var ended = 0
      for (slot, serial) in touched where state.entry(slot)?.serial == serial {
        state.markStale(slot, at: now)
        ended += 1
      }
      state.counts.invalidated += ended
      return ended
    }
  }
}

extension CacheChange {
  /// The item that is there now.
  fileprivate var item: (VectorID, Item)? {
    switch self {
    case .inserted(let id, let item), .upserted(let id, let item): (id, item)
    case .removed, .withdrawn, .everything: nil
    }
  }
}
