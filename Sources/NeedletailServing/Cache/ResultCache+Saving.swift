public import NeedletailCore

/// What a warm start found.
public struct WarmStart: Sendable {
  /// Answers that were taken in.
  public var answers: Int
  /// Questions whose answers were of another content, or found no room: worth asking in idle time, the most popular first.
  public var questions: [CacheKey]
}

extension ResultCache {
  /// The fresh answers as bytes, the most popular ones first; nil when something changed meanwhile.
  ///
  /// For a thread that has time: a lock is held for 64 entries at a time. Takes about twice the bytes of the answers for as long as
  /// it runs.
  ///
  /// - Parameter identity: says of which content the answers are: of the index, the number of its last change, and whatever else
  ///   makes answers different, such as what each rung means. The content must be durable, and no change may be visible to
  ///   searches that `apply` was not told of, from the call to its return.
  /// - Returns: what `restore` takes.
  public func saved(identity: [UInt8]) -> [UInt8]? {
    let version = log.version
    let entries = popular { $0.staleSince == nil ? $0.answer.neighbors : nil }
    guard log.version == version else { return nil }
    return CacheBytes.encode(.init(identity: identity, isWhole: true, entries: entries))
  }

  /// All questions as bytes, the most popular ones first: what can be saved while changes never end.
  public func savedQuestions() -> [UInt8] {
    let entries = popular { _ in [] }
    return CacheBytes.encode(.init(identity: [], isWhole: false, entries: entries))
  }

  /// Entries with what `neighbors` gives for them, those that were asked for most often first.
  private func popular(_ neighbors: (CacheShard.Entry) -> [Neighbor]?) -> [CacheBytes.Entry] {
    var found: [(frequency: Int, entry: CacheShard.Entry)] = []
    for shard in shards {
      var next: Int? = 0
      while let first = next {
        let step = shard.state.withLock { $0.entries(from: first) }
        found += step.entries
        next = step.next
      }
    }
    let order = found.indices.sorted { a, b in
      (-found[a].frequency, a) < (-found[b].frequency, b)
    }
    return order.compactMap { place in
      let key = found[place].entry.answer.key
      return neighbors(found[place].entry).map {
        CacheBytes.Entry(
          query: key.query, filter: key.filter, k: key.k, rung: key.rung, neighbors: $0)
      }
    }
  }

  /// Takes in what was saved, before the first change and the first question.
  ///
  /// Answers of another content are left out; their questions are given back. The others count as new from `now` on: nothing has
  /// changed since they were saved.
  ///
  /// - Throws: `corrupted`, `unsupportedFormat`; then nothing was taken in.
  public func restore(
    _ bytes: [UInt8], identity: [UInt8], at now: Nanoseconds = 0
  ) throws(NeedletailError) -> WarmStart {
    take(try CacheBytes.decode(bytes), identity: identity, at: now)
  }

  func take(_ saved: CacheBytes.Saved, identity: [UInt8], at now: Nanoseconds) -> WarmStart {
    let version = log.version
    var start = WarmStart(answers: 0, questions: [])
    for entry in saved.entries {
      let key = key(query: entry.query, filter: entry.filter, k: entry.k, rung: entry.rung)
      let isTaken =
        saved.isWhole && saved.identity == identity
        && shard(key).state.withLock { state in
          log.version == version
            && state.restore(key, entry.neighbors, version: version, found: now)
        }
      if isTaken { start.answers += 1 } else { start.questions.append(key) }
    }
    return start
  }
}
