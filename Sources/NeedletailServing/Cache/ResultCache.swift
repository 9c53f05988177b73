public import NeedletailBudgets
public import NeedletailCore
import Synchronization

/// How large a cache is, and how it keeps.
public struct ResultCacheSettings: Sendable {
  /// The most bytes of answers, with what it takes to find them and to know which should stay.
  public var capacity: Int
  /// The parts that have a lock each; rounded up to a power of 2.
  public var shards = 8
  /// What an entry takes on average: sizes the memory of popularity, 36 bytes for each.
  public var expectedEntryBytes = 2_048
  /// The changes that a search may be behind when it ends, for its answer to be kept.
  public var changesKept = 256
  /// How long an answer that nothing has touched counts as new, in nanoseconds since its search began; it is stale from then on.
  ///
  /// Default: as long as it is there.
  public var freshAge: Nanoseconds = .max
  /// How long a stale answer may be given, in nanoseconds since the change that it does not know, or since it ceased to count as new.
  public var staleAge: Nanoseconds = 60_000_000_000
  /// Makes hashes hard to guess.
  public var seed = UInt64.random(in: 0 ... .max)

  /// Makes settings; `capacity` in bytes.
  public init(capacity: Int) { self.capacity = capacity }

  /// Checks all of it.
  ///
  /// - Throws: `invalidConfiguration` with the numbers.
  func validate() throws(NeedletailError) {
    guard (1...1_024).contains(shards), capacity >= shards * 4_096,
      capacity <= 1 << 40, capacity / shards <= 1 << 36
    else {
      throw NeedletailError(
        .invalidConfiguration,
        "A cache of \(capacity) bytes in \(shards) shards: there can be 1 to 1024, each of 4096 to"
          + " 2^36 bytes, and 2^40 bytes in all.")
    }
    guard expectedEntryBytes > 0, (1...65_536).contains(changesKept), staleAge >= 0, freshAge >= 0
    else {
      throw NeedletailError(
        .invalidConfiguration,
        "Entries of \(expectedEntryBytes) bytes, \(changesKept) changes kept, answers that are new for"
          + " \(freshAge) ns and stale for \(staleAge) ns: at least 1, 1 to 65536, and not negative."
      )
    }
  }
}

/// Answers that were given before, for as long as a search would give the same.
///
/// Read through: who asks first searches, others wait for it. An answer ends exactly when a change touches it: an item that would
/// be among its neighbours, or one that is. Two duties of the caller make that hold:
///
/// 1. A change is visible to searches before `apply` is called, and acknowledged after it returned.
/// 2. A search that leads looks at the index only after `lookup` returned.
///
/// Then no answer that is given without the label lacks a change that was acknowledged before it was asked for.
///
/// For any number of threads. No lock is held while the judge or anyone's callback runs.
public final class ResultCache<Judge: AnswerJudge>: Sendable {
  /// A change that the cache is told of.
  public typealias Change = CacheChange<Judge.Item>

  final class Shard: Sendable {
    let state: Guarded<CacheShard>
    init(_ state: CacheShard) { self.state = Guarded(state) }
  }

  let settings: ResultCacheSettings
  let judge: Judge
  let log: ChangeLog<Judge.Item>
  let shards: [Shard]
  private let shardShift: UInt64
  private let freshAge: Atomic<Nanoseconds>
  private let staleAge: Atomic<Nanoseconds>
  private let room: Atomic<Int>
  /// One room at a time.
  private let resizing = Guarded<Void>(())

  /// An empty cache.
  ///
  /// - Throws: `invalidConfiguration`.
  public init(_ settings: ResultCacheSettings, judge: Judge) throws(NeedletailError) {
    try settings.validate()
    self.settings = settings
    self.judge = judge
    log = ChangeLog(capacity: settings.changesKept)
    freshAge = Atomic(settings.freshAge)
    staleAge = Atomic(settings.staleAge)
    room = Atomic(settings.capacity)
    let bits = Int.bitWidth - (settings.shards - 1).leadingZeroBitCount
    let count = settings.shards == 1 ? 1 : 1 << bits
    shardShift = UInt64(64 - bits)
    shards = (0..<count).map { _ in
      Shard(
        CacheShard(
          capacity: settings.capacity / count, expectedEntryBytes: settings.expectedEntryBytes))
    }
  }

  /// The key of a question.
  public func key(query: [UInt8], filter: [UInt8] = [], k: Int, rung: Rung) -> CacheKey {
    CacheKey(query: query, filter: filter, k: k, rung: rung, seed: settings.seed)
  }

  /// The most bytes of answers that there may be now.
  var capacity: Int { room.load(ordering: .relaxed) }

  /// Sets how long answers count as new from now on, and how long they may be given as stale ones.
  ///
  /// - Precondition: neither is negative.
  func setAges(fresh: Nanoseconds, stale: Nanoseconds) {
    freshAge.store(fresh, ordering: .relaxed)
    staleAge.store(stale, ordering: .relaxed)
  }

  /// Gives the cache another room; where it is less, what was asked for least goes, a part of the cache at a time.
  ///
  /// The number of parts stays: in a room of less than 4096 bytes for each of them nothing is kept.
  func resize(to capacity: Int) {
    let capacity = min(max(0, capacity), shards.count << 36)
    resizing.withLock { _ in
      guard capacity != self.capacity else { return }
      room.store(capacity, ordering: .relaxed)
      for shard in shards {
        var isDone = false
        // Others may ask meanwhile.
        while !isDone {
          isDone = shard.state.withLock { $0.resize(to: capacity / shards.count) }
        }
      }
    }
  }

  /// Bytes of all answers, with what it takes to find them: never above the capacity.
  public var byteCount: Int { shards.reduce(0) { $0 + $1.state.withLock { $0.byteCount } } }

  /// Answers, stale ones among them.
  public var count: Int { shards.reduce(0) { $0 + $1.state.withLock { $0.count } } }

  /// Changes whenever an answer comes, goes or becomes stale.
  var revision: UInt64 { shards.reduce(0) { $0 &+ $1.state.withLock { $0.revision } } }

  /// What the cache did.
  public var counts: CacheCounts {
    var sum = CacheCounts()
    for shard in shards { sum += shard.state.withLock { $0.counts } }
    return sum
  }

  func shard(_ key: CacheKey) -> Shard {
    shards.count == 1 ? shards[0] : shards[Int(key.hash >> shardShift)]
  }

  /// Who waits for one search at a time.
  package static var mostWaiters: Int { 1_024 }

  /// What a question meets.
  package enum Lookup: Sendable {
    /// An answer is there.
    case hit(CachedAnswer)
    /// The caller searches, for itself and all who come meanwhile.
    case lead(CacheLead)
    /// Somebody searches; the callback is called once.
    case waiting
    /// Somebody searches who matters less, or for whom enough others wait: the caller searches for itself.
    case alone
  }

  /// Looks a question up.
  ///
  /// An answer that was made at a better rung will do, and says so. `done` is called once, on another thread, where the result is
  /// `waiting`, and never otherwise. Who may not wait beyond a deadline is told by `expireWaiters`.
  package func lookup(
    _ key: CacheKey, allowStale: Bool = false, rank: Int = 0, deadline: Nanoseconds,
    at now: Nanoseconds, done: @escaping @Sendable (FlightOutcome) -> Void
  ) -> Lookup {
    shard(key).state.withLock { state in
      if let answer = find(key, &state, allowStale, now) { return .hit(answer) }
      let version = log.version
      // Not the flight itself: a copy would copy who waits.
      if let least = state.flights[key]?.rank, let count = state.flights[key]?.waiters.count {
        guard rank >= least, count < Self.mostWaiters else {
          state.counts.misses += 1
          return .alone
        }
        state.counts.joined += 1
        state.flights[key]?.waiters.append(
          CacheFlight.Waiter(version: version, deadline: deadline, done: done))
        return .waiting
      }
      state.counts.misses += 1
      let lead = lead(key, &state, at: now)
      state.flights[key]?.rank = rank
      return .lead(lead)
    }
  }

  /// An answer that is there, at this rung or a better one; never searches and never waits.
  ///
  /// For whoever may not search: the rungs that serve from the cache alone, and who was refused. It counts as a hit or a miss.
  ///
  /// - Parameters:
  ///   - key: what is asked for; at a rung that does not search, any answer will do.
  ///   - allowStale: whether an answer that a change has touched will do, where none is fresh.
  ///   - now: the present instant.
  /// - Returns: the answer, with its rung and its label; nil where there is none.
  package func peek(_ key: CacheKey, allowStale: Bool, at now: Nanoseconds) -> CachedAnswer? {
    shard(key).state.withLock { state in
      let answer = find(key, &state, allowStale, now)
      if answer == nil { state.counts.misses += 1 }
      return answer
    }
  }

  /// The duty to search for what nobody has asked yet; nil where a fresh answer is there or somebody searches already.
  ///
  /// It is no sign of popularity, and neither a hit nor a miss. Who asks meanwhile waits for this search.
  package func prefetch(_ key: CacheKey, at now: Nanoseconds) -> CacheLead? {
    let freshAge = freshAge.load(ordering: .relaxed)
    return shard(key).state.withLock { state in
      guard state.flights[key] == nil, !state.isFresh(key, freshAge: freshAge, at: now) else {
        return nil
      }
      state.counts.prefetches += 1
      return lead(key, &state, at: now, isPrefetch: true)
    }
  }

  private func find(
    _ key: CacheKey, _ state: inout CacheShard, _ allowStale: Bool, _ now: Nanoseconds
  ) -> CachedAnswer? {
    let found = state.find(
      key, freshAge: freshAge.load(ordering: .relaxed),
      staleAge: allowStale ? staleAge.load(ordering: .relaxed) : 0, at: now)
    guard let found else { return nil }
    if found.isStale { state.counts.staleHits += 1 } else { state.counts.hits += 1 }
    if found.rung < key.rung { state.counts.betterHits += 1 }
    return found
  }

  /// Notes a flight, whose search the caller makes.
  private func lead(
    _ key: CacheKey, _ state: inout CacheShard, at now: Nanoseconds, isPrefetch: Bool = false
  ) -> CacheLead {
    state.flightCount += 1
    let serial = state.flightCount
    state.flights[key] = CacheFlight(serial: serial)
    return CacheLead(
      key: key, version: log.version, serial: serial, begin: now, isPrefetch: isPrefetch
    ) { [weak self] lead, result in
      self?.end(lead, result)
    }
  }
}

extension ResultCache {
  /// What it holds, and what it did.
  var status: CacheStatus {
    CacheStatus(bytes: byteCount, capacity: capacity, answers: count, counts: counts)
  }
}
