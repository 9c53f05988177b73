import NeedletailCore

extension ResultCache {
  /// Ends the answers that changes touch; those that a removed or withdrawn item is in are gone, others are kept as stale.
  ///
  /// After it returned, no answer without the label lacks a change, and none at all holds an id that was removed or withdrawn.
  /// Who asks meanwhile waits for a step of at most 64 entries or 512 ids and one entry's more, not for all of it.
  ///
  /// - Returns: how many answers ended.
  /// - Complexity: for removals, the answers that hold the id. For items, one distance for each answer.
  @discardableResult
  public func apply(_ changes: [Change], at now: Nanoseconds) -> Int {
    guard !changes.isEmpty else { return 0 }
    // A number first: from here on, a search that began before is looked at for these changes when it ends.
    let first = log.append(changes)
    let items = changes.indices.filter { changes[$0].item != nil }
    var ended = 0
    for shard in shards {
      ended += removeHolders(shard, changes, first)
      if !items.isEmpty { ended += judgeAll(shard, changes, items, first, at: now) }
    }
    return ended
  }

  /// What needs no distance is done at once.
  private func removeHolders(_ shard: Shard, _ changes: [Change], _ first: UInt64) -> Int {
    var ended = 0
    var place = 0
    // Where to go on with a change that concerns every entry.
    var slot = 0
    while place < changes.count {
      ended += shard.state.withLock { state in
        var fresh = 0
        var work = CacheShard.workPerStep
        while work > 0, place < changes.count {
          work -= 1
          switch changes[place] {
          case .removed(let id), .withdrawn(let id):
            fresh += state.removeHolders(of: id, work: &work)
            if work <= 0 { continue }
          case .everything:
            let step = state.removeAll(
              from: slot, before: first + UInt64(place), work: &work)
            fresh += step.fresh
            slot = step.next ?? 0
            if step.next != nil { continue }
          case .inserted, .upserted: break
          }
          place += 1
        }
        state.counts.invalidated += fresh
        return fresh
      }
    }
    return ended
  }

  /// Takes the fresh answers in chunks, judges each without the lock, and ends those that are still there.
  private func judgeAll(
    _ shard: Shard, _ changes: [Change], _ items: [Int], _ first: UInt64, at now: Nanoseconds
  ) -> Int {
    let last = first + UInt64(changes.count - 1)
    var ended = 0
    var next: Int? = 0
    var touched: [CacheShard.Suspect] = []
    while let slot = next {
      // What the last chunk came to, and the next chunk, under one lock.
      let (fresh, step) = shard.state.withLock { state in
        let fresh = state.markStale(touched, at: now)
        state.counts.invalidated += fresh
        return (fresh, state.suspects(from: slot, before: last))
      }
      ended += fresh
      next = step.next
      touched = judge(step.suspects, changes, items, first)
    }
    return ended
      + shard.state.withLock { state in
        let fresh = state.markStale(touched, at: now)
        state.counts.invalidated += fresh
        return fresh
      }
  }

  /// Which of a chunk's answers are touched by an item that they do not know.
  private func judge(
    _ suspects: [CacheShard.Suspect], _ changes: [Change], _ items: [Int], _ first: UInt64
  ) -> [CacheShard.Suspect] {
    var rest = suspects
    var touched: [CacheShard.Suspect] = []
    for place in items {
      guard let (id, item) = changes[place].item, !rest.isEmpty else { continue }
      let distances = judge.distances(from: item, to: rest.map(\.answer.key))
      var untouched: [CacheShard.Suspect] = []
      for (number, suspect) in rest.enumerated() {
        let distance = number < distances.count ? distances[number] : .nan
        // An answer that came later was looked at for this change before it came.
        let isKnown = suspect.answer.version >= first + UInt64(place)
        if !isKnown, suspect.answer.isTouched(by: id, at: distance) {
          touched.append(suspect)
        } else {
          untouched.append(suspect)
        }
      }
      rest = untouched
    }
    return touched
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
