public import NeedletailCore

/// What a warm start found.
public struct WarmStart: Sendable {
  /// Answers that were taken in.
  public var answers: Int
  /// Questions whose answers were of another content, or found no room: worth asking in idle time, the most popular first.
  public var questions: [CacheKey]
}

extension ResultCache {
  /// The fresh answers as bytes, the most popular ones of each shard first; nil when something changed meanwhile.
  ///
  /// For a thread that has time: shards are locked one after the other, and only while their list is taken. `identity` says of which content the
  /// answers are, such as the index's identity with the number of its last change, as of the call.
  public func saved(identity: [UInt8]) -> [UInt8]? {
    let version = log.version
    var entries: [CacheBytes.Entry] = []
    for shard in shards {
      let fresh = shard.state.withLock { state in
        var fresh: [CacheShard.Entry] = []
        state.forEach { _, entry in if entry.staleSince == nil { fresh.append(entry) } }
        return fresh
      }
      entries += fresh.map {
        CacheBytes.Entry(
          query: $0.key.query, filter: $0.key.filter, k: $0.key.k, rung: $0.key.rung,
          neighbors: $0.neighbors)
      }
    }
    guard log.version == version else { return nil }
    return CacheBytes.encode(entries, identity: identity)
  }

  /// Takes in what was saved, before the first change and the first question.
  ///
  /// Answers of another content are left out; their questions are given back.
  ///
  /// - Throws: `corrupted`, `unsupportedFormat`; then nothing was taken in.
  public func restore(_ bytes: [UInt8], identity: [UInt8]) throws(NeedletailError) -> WarmStart {
    let version = log.version
    let (found, entries) = try CacheBytes.decode(bytes)
    var start = WarmStart(answers: 0, questions: [])
    for entry in entries {
      let key = key(query: entry.query, filter: entry.filter, k: entry.k, rung: entry.rung)
      let isTaken =
        found == identity
        && shard(key).state.withLock { state in
          log.version == version && state.restore(key, entry.neighbors, version: version)
        }
      if isTaken { start.answers += 1 } else { start.questions.append(key) }
    }
    return start
  }
}
