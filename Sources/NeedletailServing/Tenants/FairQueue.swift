/// A queue in which tenants get work done by their weights, and each of them in its own order.
///
/// Every entry is given a start in virtual time: when the tenant's work before it is over, and not before now. The least start is next.
/// So a tenant with little work waits for about one entry of each other tenant, however many those have.
///
/// Source of the idea: Goyal, Vin, Cheng, *Start-time Fair Queueing* (1996).
///
/// - Complexity: O(log t) for t tenants that have work waiting.
package struct FairQueue: Sendable {
  /// What waits.
  package struct Entry: Sendable {
    /// The number by which its caller knows it.
    package var ticket: UInt64
    package var tenant: TenantID
    /// The work that is expected, in nanoseconds of one worker.
    package var work: Nanoseconds
    /// The same on the cheapest rung that may be used.
    package var cheapest: Nanoseconds
    package var arrival: Nanoseconds
    package var deadline: Nanoseconds
    /// The longest that it may wait, whatever its deadline.
    package var longestWait: Nanoseconds = .max
  }

  private struct Flow {
    var entries = FIFO<(entry: Entry, start: UInt64)>()
    var finish: UInt64 = 0
    var work: Nanoseconds = 0
    var weight = TenantAllowance.usualWeight
  }

  private struct Head {
    var start: UInt64
    var order: UInt64
    var tenant: TenantID

    static func precedes(_ a: Head, _ b: Head) -> Bool {
      a.start != b.start ? a.start < b.start : a.order < b.order
    }
  }

  /// What a nanosecond of work at the usual weight takes of virtual time is 16: so little is lost by rounding at any weight.
  private static let scale = UInt64(16 * TenantAllowance.usualWeight)

  private var flows: [TenantID: Flow] = [:]
  private var heads: [Head] = []
  private var order: UInt64 = 0
  private var virtualTime: UInt64 = 0
  /// Entries that wait.
  package private(set) var count = 0
  /// The work of all entries.
  package private(set) var work: Nanoseconds = 0
  private var activeWeight = 0
  private var forgetBeyond = 64

  package init() {}

  /// How many entries of a tenant wait.
  package func count(of tenant: TenantID) -> Int { flows[tenant]?.entries.count ?? 0 }

  /// The work that would be done before an entry of this tenant that came now.
  package func workAhead(of tenant: TenantID, weight: Int, work own: Nanoseconds) -> Nanoseconds {
    let flow = flows[tenant]
    let waiting = flow?.work ?? 0
    let isActive = waiting > 0
    let others = activeWeight - (isActive ? flow?.weight ?? 0 : 0)
    // Each other tenant gets its weight's share while this one's work is done.
    let shared = Double(waiting + own) * Double(others) / Double(max(1, weight))
    return min(self.work, waiting + Nanoseconds(min(shared, Double(self.work))))
  }

  /// How long the entry that is next has been waiting.
  package func nextWait(at now: Nanoseconds) -> Nanoseconds {
    guard let head = heads.first, let entry = flows[head.tenant]?.entries.first else { return 0 }
    return now - entry.entry.arrival
  }

  /// Appends an entry to its tenant's; `weight` is in thousandths.
  package mutating func append(_ entry: Entry, weight: Int) {
    var flow = flows.removeValue(forKey: entry.tenant) ?? Flow()
    let wasEmpty = flow.entries.count == 0
    if !wasEmpty { activeWeight -= flow.weight }
    flow.weight = max(1, weight)
    activeWeight += flow.weight
    let start = max(virtualTime, flow.finish)
    flow.finish = start &+ UInt64(max(1, entry.work)) * Self.scale / UInt64(flow.weight) &+ 1
    flow.entries.append((entry, start))
    flow.work += entry.work
    flows[entry.tenant] = flow
    count += 1
    work += entry.work
    if wasEmpty { push(Head(start: start, order: order, tenant: entry.tenant)) }
    order &+= 1
  }

  /// Takes the entry that is next.
  package mutating func popFirst() -> Entry? {
    guard let head = heads.first, var flow = flows.removeValue(forKey: head.tenant),
      let (entry, start) = flow.entries.popFirst()
    else { return nil }
    virtualTime = max(virtualTime, start)
    flow.work -= entry.work
    count -= 1
    work -= entry.work
    if let next = flow.entries.first {
      heads[0] = Head(start: next.start, order: order, tenant: head.tenant)
      order &+= 1
      sink()
    } else {
      activeWeight -= flow.weight
      removeTop()
    }
    flows[head.tenant] = flow
    forget()
    return entry
  }

  /// Takes out an entry whose caller has given up, wherever it stands.
  ///
  /// The tenant's work behind it moves up only where nothing is behind it; elsewhere it keeps the time that it was given.
  ///
  /// - Returns: the entry; `nil`: it does not wait here.
  /// - Complexity: O(entries of the tenant behind it, and tenants that wait).
  package mutating func remove(_ ticket: UInt64, of tenant: TenantID) -> Entry? {
    guard var flow = flows.removeValue(forKey: tenant) else { return nil }
    // Numbers ascend, as the calls did.
    let place = flow.entries.place { $0.entry.ticket < ticket }
    guard flow.entries[place]?.entry.ticket == ticket,
      let (entry, start) = flow.entries.remove(at: place)
    else {
      flows[tenant] = flow
      return nil
    }
    flow.work -= entry.work
    count -= 1
    work -= entry.work
    if place == flow.entries.count { flow.finish = start }
    if flow.entries.count == 0 { activeWeight -= flow.weight }
    if place == 0 { moveHead(of: tenant, to: flow.entries.first?.start) }
    flows[tenant] = flow
    forget()
    return entry
  }

  /// Another entry of a tenant is its next; `nil`: none is left.
  private mutating func moveHead(of tenant: TenantID, to start: UInt64?) {
    guard let place = heads.firstIndex(where: { $0.tenant == tenant }) else { return }
    if let start {
      heads[place] = Head(start: start, order: order, tenant: tenant)
      order &+= 1
      sink(from: place)
    } else {
      heads.swapAt(place, heads.count - 1)
      heads.removeLast()
      guard place < heads.count else { return }
      sink(from: place)
      rise(from: place)
    }
  }

  /// Forgets tenants without work whose past no longer matters: all of them when nothing waits.
  private mutating func forget() {
    if count == 0 {
      flows.removeAll(keepingCapacity: true)
      virtualTime = 0
      forgetBeyond = 64
    } else if flows.count > forgetBeyond {
      flows = flows.filter { $0.value.entries.count > 0 || $0.value.finish > virtualTime }
      // So that looking at all of them is paid for by as many that came since.
      forgetBeyond = 2 * flows.count + 64
    }
  }

  private mutating func push(_ head: Head) {
    heads.append(head)
    rise(from: heads.count - 1)
  }

  private mutating func rise(from place: Int) {
    var place = place
    while place > 0, Head.precedes(heads[place], heads[(place - 1) / 2]) {
      heads.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  private mutating func removeTop() {
    heads.swapAt(0, heads.count - 1)
    heads.removeLast()
    sink()
  }

  private mutating func sink(from place: Int = 0) {
    var place = place
    while 2 * place + 1 < heads.count {
      var child = 2 * place + 1
      if child + 1 < heads.count, Head.precedes(heads[child + 1], heads[child]) { child += 1 }
      guard Head.precedes(heads[child], heads[place]) else { return }
      heads.swapAt(place, child)
      place = child
    }
  }
}
