import NeedletailCore

/// The lists, and who goes when there is no room.
extension CacheShard {
  /// How many of the last entries are looked at for one to drive out.
  private static let contenders = 8

  /// Bytes of what is not in the window beyond what it may have.
  ///
  /// The window keeps its bytes, also while it is empty: so both together never exceed the capacity.
  var excess: Int {
    lists[Region.probation.rawValue].byteCount + lists[Region.protected.rawValue].byteCount
      - (capacity - windowCapacity)
  }

  mutating func touch(_ slot: Int) {
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
  mutating func settle(_ slot: Int) {
    guard let entry = slots[slot] else { return }
    unlink(slot)
    link(slot, .probation, front: true)
    var excess = self.excess
    if excess <= 0 { return }
    let frequency = sketch.frequency(entry.answer.key.hash)
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
        let frequency = entry.staleSince == nil ? sketch.frequency(entry.answer.key.hash) : -1
        found.append((slot, frequency))
        slot = entry.previous
      }
    }
    // Of equals, those that were not asked for longest.
    return found.enumerated().sorted { a, b in
      (a.element.frequency, a.offset) < (b.element.frequency, b.offset)
    }.map(\.element)
  }

  mutating func link(_ slot: Int, _ region: Region, front: Bool) {
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

  mutating func unlink(_ slot: Int) {
    // Field by field: a copy of the entry would count references to all that it holds.
    guard let place = slots[slot]?.region.rawValue, let previous = slots[slot]?.previous,
      let next = slots[slot]?.next, let byteCount = slots[slot]?.byteCount
    else { return }
    if previous >= 0 { slots[previous]?.next = next } else { lists[place].first = next }
    if next >= 0 { slots[next]?.previous = previous } else { lists[place].last = previous }
    lists[place].byteCount -= byteCount
  }
}
