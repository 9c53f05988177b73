/// Who stays and who goes: entries by the number of their slot, in three lists, without what they are.
///
/// New entries come into a window. What leaves it enters the main part if it was asked for more often than what it would drive out;
/// there, what is asked for again is protected. The main part may use what the window leaves free.
///
/// Source of the idea: Einziger, Friedman, Manes, *TinyLFU* (2017), section W-TinyLFU.
///
/// - Complexity: O(1) for each step; after a change of policy or capacity, entries move over a few at a time.
struct CacheOrder: Sendable {
  /// Where an entry stands.
  enum Region: Int, Sendable, CaseIterable { case window, probation, protected }

  /// An entry that has to go.
  struct Departure: Sendable, Hashable {
    let slot: Int
    /// Whether it is a newcomer that found nobody less popular.
    let isRefused: Bool
  }

  private struct Node: Sendable {
    let hash: UInt64
    let byteCount: Int
    var previous: Int32 = -1
    var next: Int32 = -1
    var region = Region.window
    var isStale = false
  }

  private struct List: Sendable {
    var first = -1
    var last = -1
    var byteCount = 0
  }

  /// How many of the last entries are looked at for one to drive out.
  private static let contenders = 8
  /// The most entries that move from list to list in one step, beyond those that have to.
  private static let moves = 4

  private var nodes: [Node] = []
  private var lists = [List](repeating: List(), count: Region.allCases.count)
  /// Kept for its room alone.
  private var found: [(slot: Int, frequency: Int)] = []
  /// Those whom `makeRoom` took out of the lists; for the caller to take out everywhere else, and to empty.
  var leaving: [Departure] = []
  /// The most bytes of all entries.
  var capacity: Int { didSet { share() } }
  var policy: CachePolicy { didSet { share() } }
  private(set) var windowCapacity = 0
  private var protectedCapacity = 0

  init(capacity: Int, policy: CachePolicy) {
    self.capacity = capacity
    self.policy = policy
    found.reserveCapacity(Self.contenders)
    share()
  }

  private mutating func share() {
    windowCapacity = Int(Double(capacity) * policy.windowShare)
    protectedCapacity = (capacity - windowCapacity) / 5 * 4
  }

  /// Bytes of all entries.
  var byteCount: Int { lists.reduce(0) { $0 + $1.byteCount } }

  /// The first entry of a list, if it has one.
  func first(_ region: Region) -> Int? {
    let first = lists[region.rawValue].first
    return first < 0 ? nil : first
  }

  /// The entry that follows in the same list.
  func next(_ slot: Int) -> Int? {
    let next = nodes[slot].next
    return next < 0 ? nil : Int(next)
  }

  /// The hash that came with an entry.
  func hash(_ slot: Int) -> UInt64 { nodes[slot].hash }

  /// A new entry, in a slot that is free: the first of its list or the last.
  mutating func add(
    _ slot: Int, hash: UInt64, byteCount: Int, to region: Region = .window, front: Bool = true
  ) {
    let node = Node(hash: hash, byteCount: byteCount)
    if slot < nodes.count { nodes[slot] = node } else { nodes.append(node) }
    link(slot, region, front: front)
  }

  /// Takes an entry out.
  mutating func remove(_ slot: Int) { unlink(slot) }

  /// An entry was asked for.
  mutating func touch(_ slot: Int) {
    let region = nodes[slot].region
    if region != .probation, lists[region.rawValue].first == slot { return }
    unlink(slot)
    link(slot, region == .window ? .window : .protected)
    for _ in 0..<Self.moves
    where lists[Region.protected.rawValue].byteCount > protectedCapacity {
      move(lists[Region.protected.rawValue].last, to: .probation)
    }
  }

  /// Makes an entry the first to be driven out.
  mutating func markStale(_ slot: Int) {
    unlink(slot)
    nodes[slot].isStale = true
    link(slot, .probation, front: false)
  }

  /// Takes entries out until the rest is within the capacity; `leaving` has them.
  mutating func makeRoom(_ memory: PopularityMemory) {
    var moves = 0
    while true {
      let isWide = lists[Region.window.rawValue].byteCount > windowCapacity
      guard byteCount > capacity || (isWide && moves < Self.moves) else { return }
      moves += 1
      let newcomer = isWide ? lists[Region.window.rawValue].last : nil
      if let newcomer { move(newcomer, to: .probation) }
      if byteCount > capacity { settle(newcomer, memory) }
    }
  }

  /// Takes out a newcomer, or those that are less popular; without a newcomer, whoever is the least popular.
  private mutating func settle(_ newcomer: Int?, _ memory: PopularityMemory) {
    let frequency = newcomer.map { memory.frequency(nodes[$0].hash, policy) } ?? .max
    findContenders(newcomer, memory)
    var excess = byteCount - capacity
    var victims = 0
    while excess > 0, victims < found.count, found[victims].frequency < frequency {
      excess -= nodes[found[victims].slot].byteCount
      victims += 1
    }
    if let newcomer, excess > 0 { return leave(newcomer, isRefused: true) }
    for place in 0..<victims { leave(found[place].slot, isRefused: false) }
  }

  private mutating func leave(_ slot: Int, isRefused: Bool) {
    unlink(slot)
    leaving.append(Departure(slot: slot, isRefused: isRefused))
  }

  /// The entries that might go: of the last ones, the least popular first, stale ones before all.
  ///
  /// Of equals, those that were not asked for longest.
  private mutating func findContenders(_ newcomer: Int?, _ memory: PopularityMemory) {
    found.removeAll(keepingCapacity: true)
    for region in [Region.probation, .protected] {
      var slot = lists[region.rawValue].last
      while slot >= 0, slot != newcomer, found.count < Self.contenders {
        let node = nodes[slot]
        let frequency = node.isStale ? -1 : memory.frequency(node.hash, policy)
        var place = found.count
        while place > 0, found[place - 1].frequency > frequency { place -= 1 }
        found.insert((slot, frequency), at: place)
        slot = Int(node.previous)
      }
    }
  }

  private mutating func move(_ slot: Int, to region: Region) {
    unlink(slot)
    link(slot, region)
  }

  private mutating func link(_ slot: Int, _ region: Region, front: Bool = true) {
    let place = region.rawValue
    let neighbor = front ? lists[place].first : lists[place].last
    nodes[slot].region = region
    nodes[slot].previous = front ? -1 : Int32(neighbor)
    nodes[slot].next = front ? Int32(neighbor) : -1
    if neighbor >= 0 {
      if front {
        nodes[neighbor].previous = Int32(slot)
      } else {
        nodes[neighbor].next = Int32(slot)
      }
    }
    if front || neighbor < 0 { lists[place].first = slot }
    if !front || neighbor < 0 { lists[place].last = slot }
    lists[place].byteCount += nodes[slot].byteCount
  }

  private mutating func unlink(_ slot: Int) {
    let node = nodes[slot]
    let (place, previous, next) = (node.region.rawValue, Int(node.previous), Int(node.next))
    if previous >= 0 { nodes[previous].next = node.next } else { lists[place].first = next }
    if next >= 0 { nodes[next].previous = node.previous } else { lists[place].last = previous }
    lists[place].byteCount -= node.byteCount
  }
}
