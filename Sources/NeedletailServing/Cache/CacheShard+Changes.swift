import NeedletailCore

/// What a change does, in steps that hold the lock of the shard for a short while each.
extension CacheShard {
  /// The most entries that are looked at in one step.
  static let chunk = 64
  /// The most that one step takes out, in entries and the ids that they hold; one entry is always taken out.
  static let workPerStep = 512

  /// An answer that a change may touch.
  struct Suspect: Sendable {
    let slot: Int
    let serial: UInt64
    let answer: KeptAnswer
  }

  /// The fresh answers of one chunk of slots that do not know the change `version` yet.
  ///
  /// An answer stays in its slot for as long as it is there, and those that come later know the change: so a walk over all
  /// chunks, with the lock released between them, misses none.
  ///
  /// - Returns: the suspects, and where to go on; nil when that was the last chunk.
  func suspects(from first: Int, before version: UInt64) -> (suspects: [Suspect], next: Int?) {
    let end = min(slots.count, first + Self.chunk)
    var found: [Suspect] = []
    for slot in first..<max(first, end) {
      guard let entry = slots[slot], entry.staleSince == nil, entry.answer.version < version
      else { continue }
      found.append(Suspect(slot: slot, serial: entry.serial, answer: entry.answer))
    }
    return (found, end < slots.count ? end : nil)
  }

  /// The entries of one chunk of slots with how often they were asked for, and where to go on; nil when that was the last chunk.
  func entries(from first: Int) -> (entries: [(frequency: Int, entry: Entry)], next: Int?) {
    let end = min(slots.count, first + Self.chunk)
    var found: [(frequency: Int, entry: Entry)] = []
    for slot in first..<max(first, end) {
      if let entry = slots[slot] {
        found.append((frequency(entry), entry))
      }
    }
    return (found, end < slots.count ? end : nil)
  }

  /// Labels suspects stale that are still there; gives how many they were.
  mutating func markStale(_ suspects: [Suspect], at now: Nanoseconds) -> Int {
    var ended = 0
    for suspect in suspects where slots[suspect.slot]?.serial == suspect.serial {
      markStale(suspect.slot, at: now)
      ended += 1
    }
    return ended
  }

  /// Takes out entries that hold an id, as long as `work` lasts.
  ///
  /// - Returns: how many of them were fresh; whether none is left is told by `work`, which is positive then.
  /// - Complexity: O(k) expected for each of them.
  mutating func removeHolders(of id: VectorID, work: inout Int) -> Int {
    var fresh = 0
    while work > 0, let slot = holdings.holder(of: id) {
      work -= 1 + (slots[slot]?.answer.neighbors.count ?? 0)
      if slots[slot]?.staleSince == nil { fresh += 1 }
      remove(slot)
    }
    return fresh
  }

  /// Takes out the entries from slot `first` on that do not know the change `version`, as long as `work` lasts.
  ///
  /// - Returns: how many of them were fresh, and where to go on; nil when that was the last slot.
  mutating func removeAll(
    from first: Int, before version: UInt64, work: inout Int
  ) -> (fresh: Int, next: Int?) {
    var fresh = 0
    var slot = first
    while slot < slots.count {
      guard work > 0 else { return (fresh, slot) }
      work -= 1
      if let entry = slots[slot], entry.answer.version < version {
        work -= entry.answer.neighbors.count
        if entry.staleSince == nil { fresh += 1 }
        remove(slot)
      }
      slot += 1
    }
    return (fresh, nil)
  }
}
