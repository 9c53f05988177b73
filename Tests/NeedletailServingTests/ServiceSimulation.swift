import NeedletailCore

@testable import NeedletailServing

/// A service in virtual time: Poisson arrivals, some workers, one admission queue; the same for the same seed.
struct ServiceSimulation {
  /// What comes.
  struct Source {
    var priority: PriorityClass = .critical
    var tenant = TenantID(rawValue: 0)
    var weight = 1
    /// Queries a second, as a function of time.
    var rate: (Nanoseconds) -> Double
    var deadline: Nanoseconds = 20 * .millisecond
  }

  /// What became of a query that was let in.
  struct Record {
    var source: Int
    var arrival: Nanoseconds
    /// From arrival to answer; nil where there was none.
    var latency: Nanoseconds?
    var isInTime = false
  }

  struct Query: Sendable {
    var record: Int
    var service: Nanoseconds
    var reservation: TenantLedger.Reservation?
  }

  var sources: [Source]
  var settings = AdmissionSettings(workers: 2, bound: 200)
  var meanService: Nanoseconds = .millisecond
  var isExponential = false
  var ledger: TenantLedger?
  var seed: UInt64 = 1
  /// What the cost model says of a nanosecond of work.
  var modelError = 1.0

  private(set) var records: [Record] = []
  /// Queries that came, for each second and source.
  private(set) var asked: [[Int]] = []
  private(set) var longest = PerClass(repeating: 0)
  private(set) var charged: [TenantID: Int64] = [:]

  init(_ sources: [Source]) { self.sources = sources }

  mutating func run(until end: Nanoseconds) throws {
    asked = (0..<Int(end / .second)).map { _ in sources.map { _ in 0 } }
    var random = SplitMix64(seed: seed)
    var queue = try AdmissionQueue<Query>(settings, start: 0)
    var running: [(end: Nanoseconds, turn: AdmissionQueue<Query>.Turn)] = []
    var next = sources.map { random.exponential(mean: Self.gap($0.rate(0))) }
    while true {
      let source = next.indices.min { next[$0] < next[$1] } ?? 0
      let ending = running.indices.min { running[$0].end < running[$1].end }
      let now = min(next[source], ending.map { running[$0].end } ?? .max)
      if now >= end && running.isEmpty { return }
      if let ending, running[ending].end == now {
        let (_, turn) = running.remove(at: ending)
        finish(turn, &queue, at: now)
      } else {
        arrive(source, &queue, &random, at: now)
        next[source] =
          now + random.exponential(mean: Self.gap(sources[source].rate(now)))
        if next[source] >= end { next[source] = .max }
      }
      while running.count < settings.workers, let turn = queue.take(at: now, expired: { _ in }) {
        running.append((now + turn.entry.item.service, turn))
      }
    }
  }

  private static func gap(_ rate: Double) -> Nanoseconds { Nanoseconds(1e9 / rate) }

  private mutating func arrive(
    _ index: Int, _ queue: inout AdmissionQueue<Query>, _ random: inout SplitMix64,
    at now: Nanoseconds
  ) {
    let source = sources[index]
    let service =
      isExponential
      ? random.exponential(mean: meanService) : random.uniform(mean: meanService)
    asked[Int(now / .second)][index] += 1
    var query = Query(record: records.count, service: service)
    // A microsecond of work is a thousandth of a unit.
    let estimate = CostUnits(millionths: meanService)
    if ledger != nil {
      guard case .granted(let reservation)? = ledger?.reserve(estimate, for: source.tenant, at: now)
      else { return }
      query.reservation = reservation
    }
    let work = Nanoseconds(Double(meanService) * modelError)
    let request = AdmissionRequest(
      source.priority, tenant: source.tenant, weight: source.weight, work: work,
      cheapest: work, deadline: now + source.deadline)
    if case .admitted = queue.offer(query, request, at: now) {
      records.append(Record(source: index, arrival: now))
    } else if let reservation = query.reservation {
      ledger?.settle(reservation, actual: CostUnits(millionths: 0), at: now)
    }
    longest[source.priority] = max(longest[source.priority], queue.count(source.priority))
  }

  private mutating func finish(
    _ turn: AdmissionQueue<Query>.Turn, _ queue: inout AdmissionQueue<Query>, at now: Nanoseconds
  ) {
    let query = turn.entry.item
    queue.finished(turn, planned: turn.entry.work, actual: query.service)
    records[query.record].latency = now - turn.entry.arrival
    records[query.record].isInTime = now <= turn.entry.deadline
    guard let reservation = query.reservation else { return }
    ledger?.settle(reservation, actual: CostUnits(millionths: query.service), at: now)
    charged[turn.entry.tenant, default: 0] += query.service
  }
}
