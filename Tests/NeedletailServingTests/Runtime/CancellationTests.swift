@testable import Needletail
import NeedletailBudgets
import NeedletailCore
import Testing

@testable import NeedletailServing

/// Callers that give up.
@Suite("Cancellation")
struct CancellationTests {
  /// A search that waits until it is let go on.
  private struct Gate: SearchBackend {
    let open = Monitor(false)
    let searches = Shared<[Float]>([])
    var dimensions: Int { 1 }
    var rungs: [Rung] { [.full] }
    var leastWindow: Double { 1 }

    func search(_ request: BackendRequest) throws(NeedletailError) -> BackendAnswer {
      searches.change { $0 += request.queries.flatMap(\.self) }
      let _: Void = open.waiting { $0 ? .done(()) : .sleep(nil) }
      return BackendAnswer(
        results: request.queries.map { _ in
          SearchResult(
            neighbors: [], completion: Completion(), statistics: SearchStatistics())
        }, generation: 1)
    }

    func letGo() {
      open.withLock { $0 = true }
      open.wakeAll()
    }
  }

  private static func service(
    _ gate: Gate, tenants: [TenantQuota] = []
  ) throws -> SearchService {
    let budget = try PerformanceBudget(
      name: "shop", owner: "search@example.com",
      tiers: [LoadTier(name: "normal", p95: .seconds(50), p99: .seconds(100))], tenants: tenants,
      cache: CacheSettings(isEnabled: false))
    var options = ServiceOptions()
    options.workers = 1
    if !tenants.isEmpty { options.clock = SetClock() }
    return try SearchService(backend: gate, budget: budget, options: options)
  }

  private static func isCancelled(_ result: Result<ServedAnswer, any Error>) -> Bool {
    if case .failure(ServiceError.failed(let fault)) = result { return fault.code == .cancelled }
    return false
  }

  @Test("A query whose caller gave up leaves the queue, is not searched for, and costs nothing")
  func waiting() async throws {
    let gate = Gate()
    // Of one component a query is put at 0.0078 units: three are all that the tenant has, as time stands still.
    let service = try Self.service(
      gate, tenants: [TenantQuota(name: "web", rate: 0.001, burst: 0.024, isDefault: true)])
    let first = Task { try await service.search(ServiceRequest(query: [1], k: 1)) }
    try await eventually { gate.searches.value == [1] }
    let tasks = (2...3).map { number in
      Task { try await service.search(ServiceRequest(query: [Float(number)], k: 1)) }
    }
    try await eventually { service.status.waiting == 2 }
    // All that the tenant has is reserved.
    let none = Result { () throws(ServiceError) in try blocking(service, [9]) }
    guard case .failure(.rejected(let rejection)) = none, rejection.reason == .quota else {
      Issue.record("\(none)")
      return
    }
    tasks[0].cancel()
    #expect(Self.isCancelled(await tasks[0].result))
    #expect(service.status.waiting == 1 && service.status.counts.cancelled == 1)
    // What was given back is there for another one.
    let fourth = Task { try await service.search(ServiceRequest(query: [4], k: 1)) }
    try await eventually { service.status.waiting == 2 }
    gate.letGo()
    for task in [first, tasks[1], fourth] { _ = try await task.value }
    #expect(gate.searches.value == [1, 3, 4])
    #expect(service.drain(within: .seconds(60)))
  }

  private func blocking(
    _ service: SearchService, _ query: [Float]
  ) throws(ServiceError) -> ServedAnswer { try service.search(ServiceRequest(query: query, k: 1)) }

  @Test("Who gives up while it is searched for, or before it asked, is told so at once")
  func underWay() async throws {
    let gate = Gate()
    let service = try Self.service(gate)
    let first = Task { try await service.search(ServiceRequest(query: [1], k: 1)) }
    try await eventually { gate.searches.value == [1] }
    first.cancel()
    #expect(Self.isCancelled(await first.result))
    #expect(service.status.busy == 1 && service.status.counts.cancelled == 0)
    let late = Task {
      // Until it is cancelled.
      while !Task.isCancelled { await Task.yield() }
      return try await service.search(ServiceRequest(query: [2], k: 1))
    }
    late.cancel()
    #expect(Self.isCancelled(await late.result))
    gate.letGo()
    try await eventually { service.status.busy == 0 }
    #expect(gate.searches.value == [1])
    #expect(service.drain(within: .seconds(60)))
  }

  @Test("A service is shut down without a thread that sleeps; who gives up refuses what waits")
  func shutDown() async throws {
    let gate = Gate()
    let service = try Self.service(gate)
    let tasks = (1...2).map { number in
      Task { try await service.search(ServiceRequest(query: [Float(number)], k: 1)) }
    }
    try await eventually { service.status.waiting == 1 && service.status.busy == 1 }
    #expect(await !service.shutDown(within: .milliseconds(1)))
    // One is being searched for, the other one was refused.
    try await eventually { service.status.counts.rejected[.draining] == 1 }
    let again = Task { await service.shutDown(within: .seconds(600)) }
    again.cancel()
    #expect(await !again.value)
    gate.letGo()
    #expect(await service.shutDown(within: .seconds(60)))
    var answered = 0
    for task in tasks {
      if case .success = await task.result { answered += 1 }
    }
    #expect(answered == 1 && service.status.isDraining)
  }

  @Test("Many callers who give up at any time: each is answered once, and nothing is left behind")
  func many() async throws {
    let world = try SearchServiceTests.world()
    var options = ServiceOptions()
    options.workers = 1
    let service = try SearchService(
      world.index, budget: SearchServiceTests.budget(cache: CacheSettings()), options: options)
    let ended = await withTaskGroup(of: Int.self) { group in
      for round in 0..<20 {
        for (number, query) in world.queries.enumerated() {
          let task = Task {
            // Many ask the same, so that some wait for others' searches.
            try await service.search(ServiceRequest(query: query, k: 3 + round % 5))
          }
          if (round + number) % 3 == 0 { task.cancel() }
          group.addTask {
            if (round + number) % 3 == 1 { task.cancel() }
            _ = await task.result
            return 1
          }
        }
      }
      return await group.reduce(0, +)
    }
    #expect(ended == 1_000)
    #expect(service.drain(within: .seconds(60)))
    let status = service.status
    #expect(status.waiting == 0 && status.busy == 0)
    let shards = try #require(service.runtime.cache?.answers.shards)
    #expect(shards.allSatisfy { $0.state.withLock { $0.flights.isEmpty } })
  }

  @Test("A fair queue out of which entries are taken serves the others in their order")
  func fairQueue() {
    for seed in 0..<UInt64(200) {
      var random = SplitMix64(seed: seed)
      var queue = FairQueue()
      var held: [TenantID: [UInt64]] = [:]
      var count = 0
      for ticket in 0..<UInt64(300) {
        switch random.next(below: 5) {
        case 0...2:
          let tenant = TenantID(rawValue: random.next(below: 5))
          queue.append(
            FairQueue.Entry(
              ticket: ticket, tenant: tenant, work: 1 + Int64(random.next(below: 1_000)),
              cheapest: 1, arrival: 0, deadline: 1), weight: 1 + Int(random.next(below: 3_000)))
          held[tenant, default: []].append(ticket)
          count += 1
        case 3:
          let tenant = TenantID(rawValue: random.next(below: 5))
          guard let tickets = held[tenant], !tickets.isEmpty else {
            #expect(queue.remove(ticket, of: tenant) == nil)
            continue
          }
          let place = Int(random.next(below: UInt64(tickets.count)))
          #expect(queue.remove(tickets[place], of: tenant)?.ticket == tickets[place])
          #expect(queue.remove(tickets[place], of: tenant) == nil)
          held[tenant]?.remove(at: place)
          count -= 1
        default:
          let entry = queue.popFirst()
          #expect((entry == nil) == (count == 0))
          // Of each tenant, in the order in which they came.
          if let entry {
            #expect(held[entry.tenant]?.first == entry.ticket, "seed \(seed)")
            held[entry.tenant]?.removeFirst()
            count -= 1
          }
        }
        #expect(queue.count == count)
        for (tenant, tickets) in held { #expect(queue.count(of: tenant) == tickets.count) }
      }
      while let entry = queue.popFirst() {
        #expect(held[entry.tenant]?.first == entry.ticket, "seed \(seed)")
        held[entry.tenant]?.removeFirst()
      }
      #expect(held.values.allSatisfy(\.isEmpty) && queue.work == 0)
    }
  }

  @Test("A tenant that gives up much does not keep others from their share")
  func share() {
    var queue = FairQueue()
    func entry(_ ticket: UInt64, _ tenant: UInt64) -> FairQueue.Entry {
      FairQueue.Entry(
        ticket: ticket, tenant: TenantID(rawValue: tenant), work: 1_000, cheapest: 1, arrival: 0,
        deadline: 1)
    }
    // A hundred that are taken back at once count for nothing.
    queue.append(entry(0, 1), weight: 1_000)
    for ticket in 1...100 as ClosedRange<UInt64> {
      queue.append(entry(ticket, 0), weight: 1_000)
      #expect(queue.remove(ticket, of: TenantID(rawValue: 0)) != nil)
    }
    for ticket in 101...104 as ClosedRange<UInt64> {
      queue.append(entry(ticket, ticket % 2), weight: 1_000)
    }
    var order: [UInt64] = []
    while let entry = queue.popFirst() { order.append(entry.tenant.rawValue) }
    #expect(order.prefix(2).sorted() == [0, 1] && order.count == 5)
  }
}
