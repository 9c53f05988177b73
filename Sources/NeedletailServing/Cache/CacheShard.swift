import NeedletailBudgets
import NeedletailCore

/// One part of the cache: entries found by their key and by the ids that they hold.
///
/// `CacheOrder` says who stays, from what `PopularityMemory` knows, by the policy that `CacheRehearsal` finds to suit. Under the lock
/// of its shard, and without anybody else's code.
package struct CacheShard: Sendable {
  struct Entry: Sendable {
    let answer: KeptAnswer
    /// Told apart from another entry that comes into its slot.
    let serial: UInt64
    let byteCount: Int
    /// What it holds, in the list of who holds what.
    let holding: Int32
    var staleSince: Nanoseconds?
    /// When its search began; it counts as new for a while from then on.
    var found: Nanoseconds = 0
    /// Whether it was searched for before anybody asked, and nobody has yet.
    var isPrefetched = false
  }

  var slots: [Entry?] = []
  private var free: [Int] = []
  private var places: [CacheKey: Int] = [:]
  private(set) var holdings = CacheHoldings()
  private var order: CacheOrder
  private var memory: PopularityMemory
  private var rehearsal: CacheRehearsal
  private var serial: UInt64 = 0
  private(set) var capacity: Int
  /// Bytes of what is remembered and rehearsed.
  private let reserved: Int
  /// Searches that are under way.
  var flights: [CacheKey: CacheFlight] = [:]
  /// Flights so far.
  var flightCount: UInt64 = 0
  var counts = CacheCounts()
  /// Answers that came, went or became stale.
  private(set) var revision: UInt64 = 0

  /// An empty shard of at most `capacity` bytes, what it remembers and rehearses among them.
  package init(capacity: Int, expectedEntryBytes: Int) {
    self.capacity = capacity
    let entries = capacity / max(Self.leastEntryBytes, expectedEntryBytes)
    memory = PopularityMemory(entries: entries)
    rehearsal = CacheRehearsal(capacity: capacity)
    reserved =
      PopularityMemory.byteCount(entries: entries) + CacheRehearsal.byteCount(capacity: capacity)
    order = CacheOrder(capacity: capacity - reserved, policy: rehearsal.policy)
  }

  /// Gives the shard another room; takes out what does not fit, a bounded number of entries in one call.
  ///
  /// What it remembers keeps its size: in a room that has grown much, popularity is told apart less well.
  ///
  /// - Returns: whether all fits now; otherwise to be called again.
  mutating func resize(to capacity: Int) -> Bool {
    self.capacity = capacity
    let room = max(0, capacity - reserved)
    order.capacity = max(room, order.byteCount - Self.workPerStep * Self.leastEntryBytes)
    makeRoom()
    return order.capacity == room
  }

  /// Bytes of all entries, with what it takes to find them.
  package var byteCount: Int { order.byteCount }

  /// The policy that decides who stays.
  var policy: CachePolicy { order.policy }

  /// Entries.
  package var count: Int { places.count }

  /// What an entry takes: the key, four times the ids for finding it by them, and what stands around.
  package static func byteCount(_ key: CacheKey, _ neighbors: Int) -> Int {
    leastEntryBytes + key.query.count + key.filter.count + neighbors * 64
  }

  private static let leastEntryBytes = 320

  /// How often an entry was asked for lately, as far as the policy looks back.
  func frequency(_ entry: Entry) -> Int { memory.frequency(entry.answer.key.hash, policy) }

  /// Looks a key up, and counts that it was asked for.
  ///
  /// An answer of a better rung will do, the best first; a stale one only where none is fresh, where it is asked for, and while it
  /// has not been stale for longer than `staleAge`. One that was found longer than `freshAge` ago is stale from then on.
  mutating func find(
    _ key: CacheKey, freshAge: Nanoseconds = .max, staleAge: Nanoseconds, at now: Nanoseconds
  ) -> CachedAnswer? {
    memory.record(key.hash)
    if rehearsal.observe(key.hash, memory, entries: count) { order.policy = rehearsal.policy }
    var stale: Int?
    for rung in Rung.searching where rung <= key.rung {
      guard let slot = places[rung == key.rung ? key : key.at(rung)] else { continue }
      if let found = slots[slot]?.found, now - found >= freshAge {
        markStale(slot, at: found + freshAge)
      }
      guard let since = slots[slot]?.staleSince else {
        order.touch(slot)
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
  func isFresh(_ key: CacheKey, freshAge: Nanoseconds, at now: Nanoseconds) -> Bool {
    Rung.searching.contains { rung in
      guard rung <= key.rung, let slot = places[key.at(rung)], let entry = slots[slot] else {
        return false
      }
      return entry.staleSince == nil && now - entry.found < freshAge
    }
  }

  private func answer(_ slot: Int, isStale: Bool) -> CachedAnswer? {
    guard let answer = slots[slot]?.answer else { return nil }
    return CachedAnswer(neighbors: answer.neighbors, rung: answer.key.rung, isStale: isStale)
  }

  /// Takes an answer in, instead of one that is there already; whatever is more popular stays.
  mutating func insert(
    _ key: CacheKey, _ neighbors: [Neighbor], version: UInt64, found: Nanoseconds = 0,
    isPrefetched: Bool = false
  ) {
    if let slot = places[key] { remove(slot) }
    let byteCount = Self.byteCount(key, neighbors.count)
    guard byteCount <= capacity / 8 else { return }
    // Whoever asks for less is given this one.
    for rung in Rung.searching where rung > key.rung {
      if let slot = places[key.at(rung)] { remove(slot) }
    }
    let slot = add(KeptAnswer(key, neighbors, version: version), byteCount)
    slots[slot]?.found = found
    slots[slot]?.isPrefetched = isPrefetched
    order.add(slot, hash: key.hash, byteCount: byteCount)
    makeRoom()
  }

  private mutating func makeRoom() {
    order.makeRoom(memory)
    guard !order.leaving.isEmpty else { return }
    rehearsal.begin(entries: count)
    for place in order.leaving.indices {
      let departure = order.leaving[place]
      if !departure.isRefused { counts.evictions += 1 }
      forget(departure.slot)
    }
    order.leaving.removeAll(keepingCapacity: true)
  }

  /// Takes an answer in from before a restart, as long as there is room.
  mutating func restore(
    _ key: CacheKey, _ neighbors: [Neighbor], version: UInt64, found: Nanoseconds = 0
  ) -> Bool {
    let byteCount = Self.byteCount(key, neighbors.count)
    guard places[key] == nil, byteCount <= capacity / 8,
      self.byteCount + byteCount <= order.capacity - order.windowCapacity
    else { return false }
    let slot = add(KeptAnswer(key, neighbors, version: version), byteCount)
    slots[slot]?.found = found
    order.add(slot, hash: key.hash, byteCount: byteCount, to: .probation, front: false)
    // Or the first scan would drive it out.
    memory.record(key.hash)
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
    for region in [CacheOrder.Region.protected, .probation, .window] {
      var next = order.first(region)
      while let slot = next, let entry = slots[slot] {
        body(slot, entry)
        next = order.next(slot)
      }
    }
  }

  /// Labels an entry stale, and makes it the first to be driven out.
  mutating func markStale(_ slot: Int, at now: Nanoseconds) {
    guard let entry = slots[slot], entry.staleSince == nil else { return }
    revision += 1
    slots[slot]?.staleSince = now
    order.markStale(slot)
  }

  /// Takes an entry out.
  ///
  /// - Complexity: O(k) expected in the neighbours of the entry.
  mutating func remove(_ slot: Int) {
    guard slots[slot] != nil else { return }
    order.remove(slot)
    forget(slot)
  }

  /// Takes out what stands in no list any more.
  private mutating func forget(_ slot: Int) {
    guard let entry = slots[slot] else { return }
    revision += 1
    places[entry.answer.key] = nil
    holdings.remove(entry.holding)
    slots[slot] = nil
    free.append(slot)
  }
}
