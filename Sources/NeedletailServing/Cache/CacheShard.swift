import NeedletailBudgets
import NeedletailCore

/// One part of the cache: entries in three lists, found by their key and by the ids that they hold.
///
/// New entries come into a small window. What leaves it enters the main part if it was asked for more often than what it would drive
/// out; there, what is asked for again is protected. Under the lock of its shard, and without anybody else's code.
///
/// Source of the idea: Einziger, Friedman, Manes, *TinyLFU* (2017), section W-TinyLFU.
package struct CacheShard: Sendable {
  /// Where an entry stands.
  enum Region: Int, Sendable { case window, probation, protected }

  struct Entry: Sendable {
    let answer: KeptAnswer
    /// Told apart from another entry that comes into its slot.
    let serial: UInt64
    let byteCount: Int
    /// What it holds, in the list of who holds what.
    let holding: Int32
    var region = Region.window
    var previous = -1
    var next = -1
    var staleSince: Nanoseconds?
    /// Whether it was searched for before anybody asked, and nobody has yet.
    var isPrefetched = false
  }

  struct List: Sendable {
    var first = -1
    var last = -1
    var byteCount = 0
  }

  var slots: [Entry?] = []
  private var free: [Int] = []
  private var places: [CacheKey: Int] = [:]
  private(set) var holdings = CacheHoldings()
  var lists = [List(), List(), List()]
  var sketch: FrequencySketch
  private var serial: UInt64 = 0
  let capacity: Int
  let windowCapacity: Int
  let protectedCapacity: Int
  /// Searches that are under way.
  var flights: [CacheKey: CacheFlight] = [:]
  /// Flights so far.
  var flightCount: UInt64 = 0
  var counts = CacheCounts()
  /// Answers that came, went or became stale.
  private(set) var revision: UInt64 = 0

  /// An empty shard of at most `capacity` bytes.
  package init(capacity: Int, expectedEntryBytes: Int, windowShare: Double = 0.01) {
    self.capacity = capacity
    windowCapacity = max(capacity / 64, Int(Double(capacity) * windowShare))
    protectedCapacity = (capacity - windowCapacity) / 5 * 4
    sketch = FrequencySketch(entries: capacity / max(1, expectedEntryBytes))
  }

  /// Bytes of all entries, with what it takes to find them.
  package var byteCount: Int { lists.reduce(0) { $0 + $1.byteCount } }

  /// Entries.
  package var count: Int { places.count }

  /// What an entry takes: the key, four times the ids for finding it by them, and what stands around.
  package static func byteCount(_ key: CacheKey, _ neighbors: Int) -> Int {
    320 + key.query.count + key.filter.count + neighbors * 64
  }

  /// Looks a key up, and counts that it was asked for.
  ///
  /// An answer of a better rung will do, the best first; a stale one only where none is fresh, where it is asked for, and while it
  /// is not older than `staleAge`.
  mutating func find(
    _ key: CacheKey, staleAge: Nanoseconds, at now: Nanoseconds
  ) -> CachedAnswer? {
    sketch.record(key.hash)
    var stale: Int?
    for rung in Rung.searching where rung <= key.rung {
      guard let slot = places[rung == key.rung ? key : key.at(rung)] else { continue }
      guard let since = slots[slot]?.staleSince else {
        touch(slot)
        if slots[slot]?.isPrefetched == true {
          slots[slot]?.isPrefetched = false
          counts.prefetchHits += 1
        }
        return answer(slot, isStale: false)
      }
      if stale == nil, staleAge > 0, now - since <= staleAge { stale = slot }
    }
    return stale.flatMap { answer($0, isStale: true) }
  }

  /// Whether a fresh answer is there, at this rung or a better one; nobody asked for it.
  func isFresh(_ key: CacheKey) -> Bool {
    Rung.searching.contains { rung in
      guard rung <= key.rung, let slot = places[key.at(rung)] else { return false }
      return slots[slot]?.staleSince == nil
    }
  }

  private func answer(_ slot: Int, isStale: Bool) -> CachedAnswer? {
    guard let answer = slots[slot]?.answer else { return nil }
    return CachedAnswer(neighbors: answer.neighbors, rung: answer.key.rung, isStale: isStale)
  }

  /// Takes an answer in, instead of one that is there already; whatever is more popular stays.
  mutating func insert(
    _ key: CacheKey, _ neighbors: [Neighbor], version: UInt64, isPrefetched: Bool = false
  ) {
    if let slot = places[key] { remove(slot) }
    let byteCount = Self.byteCount(key, neighbors.count)
    guard byteCount <= capacity / 8 else { return }
    // Whoever asks for less is given this one.
    for rung in Rung.searching where rung > key.rung {
      if let slot = places[key.at(rung)] { remove(slot) }
    }
    let slot = add(KeptAnswer(key, neighbors, version: version), byteCount)
    slots[slot]?.isPrefetched = isPrefetched
    link(slot, .window, front: true)
    while lists[Region.window.rawValue].byteCount > windowCapacity {
      settle(lists[Region.window.rawValue].last)
    }
  }

  /// Takes an answer in from before a restart, as long as there is room.
  mutating func restore(_ key: CacheKey, _ neighbors: [Neighbor], version: UInt64) -> Bool {
    let byteCount = Self.byteCount(key, neighbors.count)
    guard places[key] == nil, byteCount <= capacity / 8,
      self.byteCount + byteCount <= capacity - windowCapacity
    else { return false }
    let slot = add(KeptAnswer(key, neighbors, version: version), byteCount)
    link(slot, .probation, front: false)
    // Or the first scan would drive it out.
    sketch.record(key.hash)
    return true
  }

  private mutating func add(_ answer: KeptAnswer, _ byteCount: Int) -> Int {
    serial += 1
    revision += 1
    let slot = free.popLast() ?? slots.count
    let entry = Entry(
      answer: answer, serial: serial, byteCount: byteCount,
      holding: holdings.add(answer.neighbors, slot: slot))
    if slot == slots.count { slots.append(entry) } else { slots[slot] = entry }
    places[answer.key] = slot
    return slot
  }

  /// Every entry, the best protected ones first.
  func forEach(_ body: (Int, Entry) -> Void) {
    for region in [Region.protected, .probation, .window] {
      var slot = lists[region.rawValue].first
      while slot >= 0, let entry = slots[slot] {
        body(slot, entry)
        slot = entry.next
      }
    }
  }

  /// Labels an entry stale, and makes it the first to be driven out.
  mutating func markStale(_ slot: Int, at now: Nanoseconds) {
    guard let entry = slots[slot], entry.staleSince == nil else { return }
    revision += 1
    slots[slot]?.staleSince = now
    unlink(slot)
    link(slot, .probation, front: false)
    // It may come from the window, whose bytes are none of theirs.
    while excess > 0, lists[Region.probation.rawValue].last >= 0 {
      remove(lists[Region.probation.rawValue].last)
      counts.evictions += 1
    }
  }

  /// Takes an entry out.
  ///
  /// - Complexity: O(k) expected in the neighbours of the entry.
  mutating func remove(_ slot: Int) {
    guard let entry = slots[slot] else { return }
    revision += 1
    unlink(slot)
    places[entry.answer.key] = nil
    holdings.remove(entry.holding)
    slots[slot] = nil
    free.append(slot)
  }
}
