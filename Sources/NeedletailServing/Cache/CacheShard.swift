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
    let key: CacheKey
    let neighbors: [Neighbor]
    /// Changes up to this one were looked at.
    let version: UInt64
    /// Told apart from another entry that comes into its slot.
    let serial: UInt64
    let byteCount: Int
    /// What it holds, in the list of who holds what.
    let holding: Int32
    var region = Region.window
    var previous = -1
    var next = -1
    var staleSince: Nanoseconds?
  }

  struct List: Sendable {
    var first = -1
    var last = -1
    var byteCount = 0
  }

  /// How many of the last entries are looked at for one to drive out.
  private static let contenders = 8

  private var slots: [Entry?] = []
  private var free: [Int] = []
  private var places: [CacheKey: Int] = [:]
  private(set) var holdings = CacheHoldings()
  private var lists = [List(), List(), List()]
  private var sketch: FrequencySketch
  private var serial: UInt64 = 0
  private let capacity: Int
  private let windowCapacity: Int
  private let protectedCapacity: Int
  /// Searches that are under way.
  var flights: [CacheKey: CacheFlight] = [:]
  var counts = CacheCounts()

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

  /// What an entry takes: the key, twice the ids for finding it by them, and what stands around.
  package static func byteCount(_ key: CacheKey, _ neighbors: Int) -> Int {
    320 + key.query.count + key.filter.count + neighbors * 64
  }

  /// Looks a key up, and counts that it was asked for.
  ///
  /// A stale answer is given only where it is asked for and not older than `staleAge`.
  mutating func find(
    _ key: CacheKey, staleAge: Nanoseconds, at now: Nanoseconds
  ) -> CachedAnswer? {
    sketch.record(key.hash)
    guard let slot = places[key], let neighbors = slots[slot]?.neighbors else { return nil }
    if let since = slots[slot]?.staleSince {
      guard staleAge > 0, now - since <= staleAge else { return nil }
      return CachedAnswer(neighbors: neighbors, isStale: true)
    }
    touch(slot)
    return CachedAnswer(neighbors: neighbors)
  }

  /// Takes an answer in, instead of one that is there already; whatever is more popular stays.
  mutating func insert(_ key: CacheKey, _ neighbors: [Neighbor], version: UInt64) {
    if let slot = places[key] { remove(slot) }
    let byteCount = Self.byteCount(key, neighbors.count)
    guard byteCount <= capacity / 8 else { return }
    let slot = add(key, neighbors, byteCount, version)
    link(slot, .window, front: true)
    while lists[Region.window.rawValue].byteCount > windowCapacity {
      settle(lists[Region.window.rawValue].last)
    }
  }

  /// Takes out the entries that hold an id; gives how many of them were fresh.
  ///
  /// - Complexity: O(k) expected for each of them.
  mutating func removeHolders(of id: VectorID) -> Int {
    var fresh = 0
    while let slot = holdings.holder(of: id) {
      if slots[slot]?.staleSince == nil { fresh += 1 }
      remove(slot)
    }
    return fresh
  }

  /// Takes out all entries; gives how many of them were fresh.
  mutating func removeAll() -> Int {
    var all: [(Int, Bool)] = []
    forEach { slot, entry in all.append((slot, entry.staleSince == nil)) }
    for (slot, _) in all { remove(slot) }
    return all.reduce(0) { $0 + ($1.1 ? 1 : 0) }
  }

  /// Takes an answer in from before a restart, as long as there is room.
  mutating func restore(_ key: CacheKey, _ neighbors: [Neighbor], version: UInt64) -> Bool {
    let byteCount = Self.byteCount(key, neighbors.count)
    guard places[key] == nil, byteCount <= capacity / 8,
      self.byteCount + byteCount <= capacity - windowCapacity
    else { return false }
    let slot = add(key, neighbors, byteCount, version)
    link(slot, .probation, front: false)
    return true
  }

  private mutating func add(
    _ key: CacheKey, _ neighbors: [Neighbor], _ byteCount: Int, _ version: UInt64
  ) -> Int {
    serial += 1
    let slot = free.popLast() ?? slots.count
    let entry = Entry(
      key: key, neighbors: neighbors, version: version, serial: serial, byteCount: byteCount,
      holding: holdings.add(neighbors, slot: slot))
    if slot == slots.count { slots.append(entry) } else { slots[slot] = entry }
    places[key] = slot
    return slot
  }

  /// The entry of a slot.
  func entry(_ slot: Int) -> Entry? { slots.indices.contains(slot) ? slots[slot] : nil }

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
    slots[slot]?.staleSince = now
    unlink(slot)
    link(slot, .probation, front: false)
    // It may come from the window, whose bytes are none of theirs.
    while excess > 0, lists[Region.probation.rawValue].last >= 0 {
      remove(lists[Region.probation.rawValue].last)
      counts.evictions += 1
    }
  }

  /// Bytes of what is not in the window beyond what it may have.
  ///
  /// The window keeps its bytes, also while it is empty: so both together never exceed the capacity.
  private var excess: Int {
    lists[Region.probation.rawValue].byteCount + lists[Region.protected.rawValue].byteCount
      - (capacity - windowCapacity)
  }

  /// Takes an entry out.
  ///
  /// - Complexity: O(k) expected in the neighbours of the entry.
  mutating func remove(_ slot: Int) {
    guard let entry = slots[slot] else { return }
    unlink(slot)
    places[entry.key] = nil
    holdings.remove(entry.holding)
    slots[slot] = nil
    free.append(slot)
  }

  // MARK: The lists

  private mutating func touch(_ slot: Int) {
    guard let region = slots[slot]?.region else { return }
    if region != .probation, lists[region.rawValue].first == slot { return }
    unlink(slot)
    link(slot, region == .window ? .window : .protected, front: true)
    while lists[Region.protected.rawValue].byteCount > protectedCapacity {
      let last = lists[Region.protected.rawValue].last
      unlink(last)
      link(last, .probation, front: true)
    }
  }

  /// Decides about an entry that leaves the window.
  private mutating func settle(_ slot: Int) {
    guard let entry = slots[slot] else { return }
    unlink(slot)
    link(slot, .probation, front: true)
    var excess = self.excess
    if excess <= 0 { return }
    let frequency = sketch.frequency(entry.key.hash)
    var victims: [Int] = []
    for contender in contenders(slot) where excess > 0 {
      guard contender.frequency < frequency, let other = slots[contender.slot] else { break }
      victims.append(contender.slot)
      excess -= other.byteCount
    }
    guard excess <= 0 else { return remove(slot) }
    for victim in victims { remove(victim) }
    counts.evictions += victims.count
  }

  /// The entries that might go instead of one that comes: of the last ones, the least popular first, stale ones before all.
  private func contenders(_ newcomer: Int) -> [(slot: Int, frequency: Int)] {
    var found: [(slot: Int, frequency: Int)] = []
    found.reserveCapacity(Self.contenders)
    for region in [Region.probation, .protected] {
      var slot = lists[region.rawValue].last
      while slot >= 0, slot != newcomer, found.count < Self.contenders, let entry = slots[slot] {
        let frequency = entry.staleSince == nil ? sketch.frequency(entry.key.hash) : -1
        found.append((slot, frequency))
        slot = entry.previous
      }
    }
    // Of equals, those that were not asked for longest.
    return found.enumerated().sorted { a, b in
      (a.element.frequency, a.offset) < (b.element.frequency, b.offset)
    }.map(\.element)
  }

  private mutating func link(_ slot: Int, _ region: Region, front: Bool) {
    guard let byteCount = slots[slot]?.byteCount else { return }
    let place = region.rawValue
    let neighbor = front ? lists[place].first : lists[place].last
    slots[slot]?.region = region
    slots[slot]?.previous = front ? -1 : neighbor
    slots[slot]?.next = front ? neighbor : -1
    if neighbor >= 0 {
      if front { slots[neighbor]?.previous = slot } else { slots[neighbor]?.next = slot }
    }
    if front || neighbor < 0 { lists[place].first = slot }
    if !front || neighbor < 0 { lists[place].last = slot }
    lists[place].byteCount += byteCount
  }

  private mutating func unlink(_ slot: Int) {
    // Field by field: a copy of the entry would count references to all that it holds.
    guard let place = slots[slot]?.region.rawValue, let previous = slots[slot]?.previous,
      let next = slots[slot]?.next, let byteCount = slots[slot]?.byteCount
    else { return }
    if previous >= 0 { slots[previous]?.next = next } else { lists[place].first = next }
    if next >= 0 { slots[next]?.previous = previous } else { lists[place].last = previous }
    lists[place].byteCount -= byteCount
  }
}
