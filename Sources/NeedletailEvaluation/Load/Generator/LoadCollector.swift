public import NeedletailCore
import Synchronization

/// Takes responses from any thread, and hands them to the generator's.
///
/// There is a slot for each request that may be open at once. Whoever finishes a request writes into its slot and links
/// that to the finished ones by one exchange of a word: no lock, no allocation, and no room that could run out.
@safe
public final class LoadCollector: @unchecked Sendable {
  // SAFETY: the generator writes to a slot before it stores the slot's ticket; the one that takes the ticket away
  // writes to it next; the generator reads it after it was linked. The pointers never change.

  /// A request and what became of it.
  struct Record {
    var request: LoadRequest
    var sent: Int64 = 0
    var finished: Int64 = 0
    var response = LoadResponse(.failed)
    var count = 0
    /// The slot that was finished before; negative: none.
    var next = -1
  }

  let capacity: Int
  /// The neighbours that a slot keeps; 0 where nobody judges them.
  let width: Int
  private let clock: any LoadClock
  private let records: UnsafeMutablePointer<Record>
  private let ids: UnsafeMutablePointer<VectorID>
  /// What a slot waits for: the number of its request, from 1; 0: nothing.
  private let tickets: UnsafeMutablePointer<Atomic<Int>>
  private let finished = Atomic<Int>(-1)
  private let strays = Atomic<Int>(0)
  /// Slots that wait for nothing; the generator's own.
  private var free: [Int32]

  /// Makes slots.
  ///
  /// - Parameters:
  ///   - capacity: Requests that may be open at once.
  ///   - width: Neighbours to keep of each; fewer slots are made where that would take more than 64 MiB.
  ///   - clock: What the ends of requests are taken from.
  init(capacity: Int, width: Int, clock: some LoadClock) {
    let capacity = width > 0 ? max(64, min(capacity, (1 << 23) / width)) : capacity
    self.capacity = capacity
    self.width = width
    self.clock = clock
    let empty = LoadRequest(
      number: 0, query: 0, k: 0, priority: .critical, tenant: 0, intended: 0, deadline: nil,
      slot: 0)
    unsafe records = .allocate(capacity: capacity)
    unsafe records.initialize(repeating: Record(request: empty), count: capacity)
    unsafe ids = .allocate(capacity: max(1, capacity * width))
    unsafe ids.initialize(repeating: 0, count: max(1, capacity * width))
    unsafe tickets = .allocate(capacity: capacity)
    for slot in 0..<capacity { unsafe (tickets + slot).initialize(to: Atomic(0)) }
    free = (0..<Int32(capacity)).reversed()
  }

  deinit {
    unsafe tickets.deinitialize(count: capacity)
    unsafe tickets.deallocate()
    unsafe records.deallocate()
    unsafe ids.deallocate()
  }

  /// Takes the end of one request; the time is taken here.
  ///
  /// A second end of the same request is counted as a stray, and so is one that comes after the generator gave up.
  ///
  /// - Parameters:
  ///   - response: What became of it.
  ///   - request: The request, as it was given.
  ///   - neighbors: The answers, nearest first.
  public func receive(
    _ response: LoadResponse, to request: LoadRequest, neighbors: Span<Neighbor>
  ) {
    let now = clock.now
    let slot = Int(request.slot)
    guard (0..<capacity).contains(slot), take(slot, ticket: request.number + 1) else {
      strays.add(1, ordering: .relaxed)
      return
    }
    let record = unsafe records + slot
    unsafe record.pointee.finished = now
    unsafe record.pointee.response = response
    let count = min(neighbors.count, width)
    unsafe record.pointee.count = count
    for rank in 0..<count { unsafe ids[slot * width + rank] = neighbors[rank].id }
    var head = finished.load(ordering: .relaxed)
    while true {
      unsafe record.pointee.next = head
      let (exchanged, found) = finished.weakCompareExchange(
        expected: head, desired: slot, successOrdering: .releasing, failureOrdering: .relaxed)
      if exchanged { return }
      head = found
    }
  }

  /// The same without answers.
  public func receive(_ response: LoadResponse, to request: LoadRequest) {
    let none: [Neighbor] = []
    receive(response, to: request, neighbors: none.span)
  }

  private func take(_ slot: Int, ticket: Int) -> Bool {
    unsafe (tickets + slot).pointee.compareExchange(
      expected: ticket, desired: 0, ordering: .acquiringAndReleasing
    ).exchanged
  }
}

/// What the generator's thread does.
extension LoadCollector {
  /// Requests that are open.
  var openCount: Int { capacity - free.count }
  /// Ends that belonged to no open request.
  var strayCount: Int { strays.load(ordering: .relaxed) }

  /// A slot for a request; nil when all are taken.
  func reserve() -> Int32? { free.popLast() }

  /// Makes a slot wait for the end of its request.
  func begin(_ request: LoadRequest, sent: Int64) {
    let slot = Int(request.slot)
    unsafe records[slot] = Record(request: request, sent: sent)
    unsafe (tickets + slot).pointee.store(request.number + 1, ordering: .releasing)
  }

  /// The first of the finished slots, in the order in which they were finished; negative: none.
  func takeFinished() -> Int {
    var slot = finished.exchange(-1, ordering: .acquiring)
    var first = -1
    // They are linked from the last to the first.
    while slot >= 0 {
      let earlier = unsafe records[slot].next
      unsafe records[slot].next = first
      first = slot
      slot = earlier
    }
    return first
  }

  /// The record of a finished slot.
  subscript(slot: Int) -> Record { unsafe records[slot] }

  /// The answers that a finished slot keeps, nearest first.
  func appendAnswers(of slot: Int, to list: inout [VectorID]) {
    let count = unsafe records[slot].count
    for rank in 0..<width { list.append(rank < count ? unsafe ids[slot * width + rank] : 0) }
  }

  /// Gives a finished slot to other requests.
  func release(_ slot: Int) { free.append(Int32(slot)) }

  /// Gives up requests that should have been sent before an instant and are still open.
  ///
  /// - Complexity: looks at every slot.
  func giveUp(before instant: Int64, _ body: (Record) -> Void) {
    for slot in 0..<capacity {
      let ticket = unsafe (tickets + slot).pointee.load(ordering: .relaxed)
      guard ticket > 0, unsafe records[slot].request.intended < instant, take(slot, ticket: ticket)
      else { continue }
      body(self[slot])
      release(slot)
    }
  }
}
