/// Small caches beside a shard that hold no answers, one for each policy: what they would have hit says which policy suits.
///
/// Only a sample of the keys takes part, and each small cache has room for the same share of entries: so it hits about as the whole
/// would. All see the same requests; the policy changes when another one's lead is beyond chance.
///
/// Sources of the idea: Waldspurger, Saemundsson, Ahmad, Park, *Cache modeling and optimization using miniature simulations* (2017);
/// that a cache should find its policy while it runs, Einziger, Eytan, Friedman, Manes, *Adaptive software cache management* (2018);
/// the test, McNemar (1947).
///
/// - Complexity: O(1) for a request of the sample, and next to nothing for others; 192 bytes for each entry of a small cache.
struct CacheRehearsal: Sendable {
  /// One of the small caches: every entry counts as one byte.
  private struct Stage: Sendable {
    private var order: CacheOrder
    private var places: [UInt64: Int32] = [:]
    private var free: [Int32] = []

    init(room: Int, most: Int, policy: CachePolicy) {
      order = CacheOrder(capacity: room, policy: policy)
      places.reserveCapacity(most + 1)
    }

    mutating func resize(_ room: Int) { order.capacity = room }

    /// Whether a key is there; it is afterwards, unless others are more popular.
    mutating func ask(_ hash: UInt64, _ memory: PopularityMemory) -> Bool {
      if let slot = places[hash] {
        order.touch(Int(slot))
        return true
      }
      let slot = free.popLast() ?? Int32(places.count)
      places[hash] = slot
      order.add(Int(slot), hash: hash, byteCount: 1)
      order.makeRoom(memory)
      for departure in order.leaving {
        places[order.hash(departure.slot)] = nil
        free.append(Int32(departure.slot))
      }
      order.leaving.removeAll(keepingCapacity: true)
      return false
    }
  }

  /// The most entries of a small cache: with 32, a change of policy comes late; more than 128 decide the same.
  private static let mostEntries = 128
  /// Fewer tell nothing.
  private static let leastEntries = 16
  private static let bytesPerEntry = 192
  /// The requests for each entry of a small cache between two decisions; each counts half as much as the next.
  private static let requestsPerEntry = 10

  private let most: Int
  private var stages: [Stage] = []
  /// Of how many requests one takes part, as a power of 2.
  private var shift: UInt64 = 0
  private var room = 0
  private var asked = 0
  /// Requests by who hit: a bit for each policy.
  private var outcomes = [Int](repeating: 0, count: 1 << CachePolicy.allCases.count)
  /// The policy that suits, as far as is known.
  private(set) var policy: CachePolicy

  /// The entries of a small cache beside a shard of so many bytes; 0 where the shard is too small to have any.
  private static func most(_ capacity: Int) -> Int {
    let most = min(mostEntries, capacity / 32 / bytesPerEntry)
    return most < leastEntries ? 0 : most
  }

  /// Bytes of what goes with a shard of so many bytes: at most a 32nd of them.
  static func byteCount(capacity: Int) -> Int { most(capacity) * bytesPerEntry }

  /// A rehearsal that begins with `begin`.
  init(capacity: Int) {
    most = Self.most(capacity)
    // What cannot be found out should do no great harm.
    policy = most == 0 ? .moving : .lasting
  }

  /// The shard is full for the first time: from now on, who goes makes a difference.
  mutating func begin(entries: Int) {
    guard room == 0 else { return }
    fit(entries)
  }

  /// A key was asked for, of a shard that has so many entries.
  ///
  /// - Returns: whether another policy suits now.
  mutating func observe(_ hash: UInt64, _ memory: PopularityMemory, entries: Int) -> Bool {
    guard room > 0, shift == 0 || (hash &* 0x9e37_79b9_7f4a_7c15) >> (64 - shift) == 0 else {
      return false
    }
    var outcome = 0
    for place in stages.indices where stages[place].ask(hash, memory) { outcome |= 1 << place }
    outcomes[outcome] += 1
    asked += 1
    guard asked >= Self.requestsPerEntry * room else { return false }
    asked = 0
    let best = best()
    for outcome in outcomes.indices { outcomes[outcome] /= 2 }
    fit(entries)
    defer { policy = best }
    return best != policy
  }

  /// The policy with most hits, if its lead over the present one is more than two standard deviations of what chance makes.
  private func best() -> CachePolicy {
    var (best, lead) = (policy, 0)
    for other in CachePolicy.allCases where other != policy {
      var (more, less) = (0, 0)
      for outcome in outcomes.indices {
        let (hits, misses) = (outcome >> other.rawValue & 1, outcome >> policy.rawValue & 1)
        if hits > misses { more += outcomes[outcome] }
        if hits < misses { less += outcomes[outcome] }
      }
      let difference = more - less
      if difference > lead, difference * difference > 4 * (more + less) {
        (best, lead) = (other, difference)
      }
    }
    return best
  }

  /// Takes the share of keys that goes with so many entries; where that is another one, all begins anew.
  private mutating func fit(_ entries: Int) {
    guard most > 0, entries >= Self.leastEntries else { return }
    var wanted: UInt64 = 0
    while entries >> wanted > most { wanted += 1 }
    let isFitting =
      room > 0 && (shift == wanted || (shift == wanted + 1 && entries >> shift >= most / 3))
    if !isFitting { shift = wanted }
    room = max(1, entries >> shift)
    if isFitting {
      for place in stages.indices { stages[place].resize(room) }
    } else {
      asked = 0
      for outcome in outcomes.indices { outcomes[outcome] = 0 }
      stages = CachePolicy.allCases.map { Stage(room: room, most: most, policy: $0) }
    }
  }
}
