import NeedletailBudgets
import NeedletailCore
import Testing

@testable import NeedletailServing

@Suite("Admission")
struct AdmissionTests {
  /// Two workers, a millisecond a query.
  private static let capacity = 2_000.0

  @Test(
    "At 2, 5 and 10 times the capacity for a minute, goodput stays and admitted queries are in time",
    arguments: [(2.0, 1.0), (5, 1), (10, 1), (5, 3)])
  func overload(factor: Double, modelError: Double) throws {
    var simulation = ServiceSimulation([
      .init(rate: { Self.capacity * ($0 < 5 * .second ? 0.5 : factor) })
    ])
    simulation.modelError = 1 / modelError
    simulation.isExponential = modelError == 1
    try simulation.run(until: 65 * .second)
    // From a second after the surge on, every single second holds.
    var goodput = [Int](repeating: 0, count: 65)
    var latencies = [[Nanoseconds]](repeating: [], count: 65)
    for record in simulation.records {
      let second = Int(record.arrival / .second)
      if record.isInTime { goodput[second] += 1 }
      if let latency = record.latency { latencies[second].append(latency) }
    }
    for second in 6..<64 {
      #expect(Double(goodput[second]) >= 0.9 * Self.capacity, "second \(second)")
      #expect(percentile(latencies[second], 0.99) <= 30 * .millisecond, "second \(second)")
    }
    #expect(simulation.longest[.critical] <= 200)
    // Few of those that were let in are dropped.
    let dropped = simulation.records.filter { $0.latency == nil }
    #expect(Double(dropped.count) < 0.02 * Double(simulation.records.count))
  }

  @Test(
    "At 5 times the capacity the top class is served, and importance is never inverted",
    arguments: 1...2)
  func priorities(seed: UInt64) throws {
    let shares = [0.5, 1, 1.5, 2]
    var simulation = ServiceSimulation(
      zip(PriorityClass.allCases, shares).map { priority, share in
        .init(priority: priority, rate: { _ in Self.capacity * share })
      })
    simulation.seed = seed
    try simulation.run(until: 60 * .second)
    let asked = simulation.asked
    var served = [[Int]](repeating: [0, 0, 0, 0], count: 60)
    for record in simulation.records {
      if record.isInTime { served[Int(record.arrival / .second)][record.source] += 1 }
    }
    let top = served.reduce(0) { $0 + $1[0] }
    #expect(Double(top) >= 0.999 * Double(asked.reduce(0) { $0 + $1[0] }))
    var inversions = 0
    for second in 0..<60 {
      let shares = (0..<4).map { Double(served[second][$0]) / Double(asked[second][$0]) }
      // A percentage point is left for chance: a worker that is free for a moment takes whoever comes.
      if zip(shares, shares.dropFirst()).contains(where: { $0 + 0.01 < $1 }) { inversions += 1 }
    }
    #expect(inversions == 0)
    for priority in PriorityClass.allCases { #expect(simulation.longest[priority] <= 200) }
    #expect(served.reduce(0) { $0 + $1.reduce(0, +) } >= Int(0.9 * 60 * Self.capacity))
  }

  @Test("What matters least is not starved where its deadline is long")
  func starvation() throws {
    var simulation = ServiceSimulation([
      .init(priority: .criticalPlus, rate: { _ in 3 * Self.capacity }),
      .init(priority: .sheddable, rate: { _ in 50 }, deadline: 10 * .second),
    ])
    try simulation.run(until: 30 * .second)
    let low = simulation.asked.reduce(0) { $0 + $1[1] }
    let served = simulation.records.filter { $0.source == 1 && $0.isInTime }
    #expect(Double(served.count) > 0.5 * Double(low))
    let all = simulation.records.filter(\.isInTime).count
    #expect(Double(served.count) < 0.07 * Double(all))
  }

  @Test("Refusals name the reason and a time to ask again, and bounds are never passed")
  func refusals() throws {
    var settings = AdmissionSettings(workers: 1, bound: 4)
    settings.bounds[.sheddable] = 2
    var queue = try AdmissionQueue(settings, start: 0)
    func request(
      _ priority: PriorityClass, tenant: UInt64 = 0, deadline: Nanoseconds = .second
    ) -> AdmissionRequest {
      AdmissionRequest(
        priority, tenant: TenantID(rawValue: tenant), work: 10 * .millisecond,
        cheapest: 2 * .millisecond, deadline: deadline)
    }
    #expect(
      queue.offer(0, request(.critical, deadline: .millisecond), at: 0)
        == .rejected(.deadline, retryAfter: 5 * .millisecond))
    // Somebody else asks, so that the tenant is held to its share.
    _ = queue.offer(9, request(.critical, tenant: 1, deadline: .millisecond), at: 0)
    #expect(queue.offer(1, request(.critical), at: 0) == .admitted(wait: 0))
    let taken = queue.take(at: 0, expired: { _ in })
    let first = try #require(taken)
    #expect(first.entry.ticket == 1)
    #expect(queue.offer(2, request(.critical), at: 0) == .admitted(wait: 5 * .millisecond))
    #expect(queue.offer(3, request(.critical), at: 0) == .admitted(wait: 15 * .millisecond))
    #expect(
      queue.offer(4, request(.critical), at: 0)
        == .rejected(.tenantFull, retryAfter: 25 * .millisecond))
    // Another tenant waits for its own share of the work only.
    #expect(
      queue.offer(5, request(.critical, tenant: 1), at: 0) == .admitted(wait: 15 * .millisecond))
    #expect(queue.offer(6, request(.sheddable), at: 0) != .admitted(wait: 0))
    guard
      case .rejected(.deadline, let after) = queue.offer(
        7, request(.sheddable, tenant: 9, deadline: 40 * .millisecond), at: 0)
    else { Issue.record("a query was let in that could not be in time"); return }
    #expect(after >= 10 * .millisecond)
    #expect(queue.count == 4)
    queue.isDraining = true
    #expect(
      queue.offer(8, request(.critical), at: 0) == .rejected(.draining, retryAfter: 10 * .second))
    queue.finished(first, planned: 10 * .millisecond, actual: 10 * .millisecond)
    // The deadlines of all that wait pass.
    var expired: [UInt64] = []
    #expect(queue.take(at: 2 * .second, expired: { expired.append($0.entry.ticket) }) == nil)
    #expect(expired.sorted() == [2, 3, 5, 6] && queue.count == 0)
  }

  @Test("A tenant alone has the whole queue; beside one that waits or asks it has its share")
  func alone() throws {
    var queue = try AdmissionQueue(AdmissionSettings(workers: 1, bound: 100), start: 0)
    var ticket: UInt64 = 0
    func offer(_ tenant: UInt64, at now: Nanoseconds) -> Admission {
      ticket += 1
      let request = AdmissionRequest(
        .critical, tenant: TenantID(rawValue: tenant), work: 1, cheapest: 1, deadline: .max / 2)
      return queue.offer(ticket, request, at: now)
    }
    func admitted(_ tenant: UInt64, of count: Int, at now: Nanoseconds) -> Int {
      (0..<count).reduce(0) { sum, _ in
        if case .admitted = offer(tenant, at: now) { return sum + 1 }
        return sum
      }
    }
    /// Serves some; gives whose they were.
    func serve(_ count: Int, at now: Nanoseconds) -> [UInt64] {
      (0..<count).compactMap { _ in
        guard let turn = queue.take(at: now, expired: { _ in }) else { return nil }
        queue.finished(turn, planned: 1, actual: 1)
        return turn.entry.tenant.rawValue
      }
    }
    #expect(admitted(1, of: 150, at: 0) == 100)
    // Another one comes: the first gives way, as its queue empties.
    #expect(admitted(2, of: 10, at: 1) == 0)
    #expect(serve(30, at: 2) == [UInt64](repeating: 1, count: 30))
    #expect(admitted(1, of: 50, at: 3) == 0 && admitted(2, of: 50, at: 3) == 30)
    #expect(serve(100, at: 4).count == 100 && queue.count == 0)
    #expect(admitted(1, of: 150, at: 5) == 50)
    // Neither waits nor has asked for a second: it is alone again.
    #expect(admitted(1, of: 150, at: .second) == 0)
    #expect(admitted(1, of: 150, at: .second + 3) == 50)
    #expect(admitted(2, of: 1, at: .second + 4) == 0)
  }

  @Test("Times that no clock shows, and work without end, are refused or wait: nothing traps")
  func extremes() throws {
    var settings = AdmissionSettings(workers: 1, bound: 100)
    settings.waitShare = 1
    settings.tenantShare = 1
    var queue = try AdmissionQueue(settings, start: 0)
    var random = SplitMix64(seed: 4)
    let times: [Nanoseconds] = [.min, -1, 0, 1, .second, .max]
    for step in 0..<20_000 {
      func any() -> Nanoseconds { times[Int(random.next(below: 6))] }
      let request = AdmissionRequest(
        PriorityClass.allCases[Int(random.next(below: 4))],
        tenant: TenantID(rawValue: random.next(below: 5)), weight: Int(any() / 4), work: any(),
        cheapest: any(), deadline: any())
      let now = Int64(step) * .millisecond
      _ = queue.offer(UInt64(step), request, at: now)
      #expect(queue.count <= 400)
      if random.next(below: 3) == 0, let turn = queue.take(at: now, expired: { _ in }) {
        queue.finished(turn, planned: any(), actual: any())
      }
    }
  }
}
