import NeedletailBudgets
import NeedletailCore

@testable import NeedletailServing

/// A service in virtual time: Poisson arrivals, some workers, one admission queue; the same for the same seed.
struct ServiceSimulation {
  /// What comes.
  struct Source {
    var priority: PriorityClass = .critical
    var tenant = TenantID(rawValue: 0)
    var weight = TenantAllowance.usualWeight
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

  /// The controllers of quality, updated ten times a second.
  struct Control {
    var meter: LoadMeter
    var tiers: TierController
    var ladder: LadderController
    /// Every rung that the second class had, and when it came to it.
    var moves: [(instant: Nanoseconds, rung: Rung)] = []

    mutating func update(at now: Nanoseconds, nextWait: Nanoseconds) {
      let sample = meter.sample(at: now, oldestWait: nextWait)
      let tier = tiers.update(load: sample.load, at: now)
      if ladder.update(sample, tier: tier, at: now) {
        moves.append((now, ladder.rung(.critical)))
      }
    }
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
  var control: Control?
  var seed: UInt64 = 1
  /// What the cost model says of a nanosecond of work.
  var modelError = 1.0

  private(set) var records: [Record] = []
  private var queries: [Query] = []
  /// Queries that came, for each second and source.
  private(set) var asked: [[Int]] = []
  private(set) var longest = PerClass(repeating: 0)
  private(set) var charged: [TenantID: Int64] = [:]

  init(_ sources: [Source]) { self.sources = sources }

  mutating func run(until end: Nanoseconds) throws {
    asked = (0..<Int(end / .second)).map { _ in sources.map { _ in 0 } }
    var random = SplitMix64(seed: seed)
    var queue = try AdmissionQueue(settings, start: 0)
    var running: [(end: Nanoseconds, turn: AdmissionQueue.Turn)] = []
    var next = sources.map { random.exponential(mean: Self.gap($0.rate(0))) }
    var tick: Nanoseconds = 0
    while true {
      let source = next.indices.min { next[$0] < next[$1] } ?? 0
      let ending = running.indices.min { running[$0].end < running[$1].end }
      let now = min(next[source], ending.map { running[$0].end } ?? .max)
      if now >= end && running.isEmpty { return }
      while tick <= now, tick < end {
        control?.update(at: tick, nextWait: queue.nextWait(at: tick))
        tick += 100 * .millisecond
      }
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
        control?.meter.dequeued(after: now - turn.entry.arrival, at: now)
        running.append((now + queries[Int(turn.entry.ticket)].service, turn))
      }
    }
  }

  private static func gap(_ rate: Double) -> Nanoseconds { Nanoseconds(1e9 / rate) }

  private mutating func arrive(
    _ index: Int, _ queue: inout AdmissionQueue, _ random: inout SplitMix64,
    at now: Nanoseconds
  ) {
    let source = sources[index]
    let whole =
      isExponential
      ? random.exponential(mean: meanService) : random.uniform(mean: meanService)
    asked[Int(now / .second)][index] += 1
    control?.meter.offered(meanService, source.priority, at: now)
    // On the rung of now, everything is as much cheaper as its cost says.
    var cost = 1.0
    if let control {
      let rung = control.ladder.rung(source.priority)
      if rung == .reject { return }
      cost = control.ladder.settings.cost[rung]
    }
    let service = Nanoseconds(Double(whole) * cost)
    var query = Query(record: records.count, service: service)
    // A microsecond of work is a thousandth of a unit.
    let estimate = CostUnits(millionths: meanService)
    if ledger != nil {
      guard case .granted(let reservation)? = ledger?.reserve(estimate, for: source.tenant, at: now)
      else { return }
      query.reservation = reservation
    }
    let work = Nanoseconds(Double(meanService) * modelError * cost)
    let request = AdmissionRequest(
      source.priority, tenant: source.tenant, weight: source.weight, work: work,
      cheapest: work, deadline: now + source.deadline)
    if case .admitted = queue.offer(UInt64(queries.count), request, at: now) {
      queries.append(query)
      records.append(Record(source: index, arrival: now))
    } else if let reservation = query.reservation {
      ledger?.settle(reservation, actual: CostUnits(millionths: 0), at: now)
    }
    longest[source.priority] = max(longest[source.priority], queue.count(source.priority))
  }

  private mutating func finish(
    _ turn: AdmissionQueue.Turn, _ queue: inout AdmissionQueue, at now: Nanoseconds
  ) {
    let query = queries[Int(turn.entry.ticket)]
    queue.finished(turn, planned: turn.entry.work, actual: query.service)
    records[query.record].latency = now - turn.entry.arrival
    records[query.record].isInTime = now <= turn.entry.deadline
    guard let reservation = query.reservation else { return }
    ledger?.settle(reservation, actual: CostUnits(millionths: query.service), at: now)
    charged[turn.entry.tenant, default: 0] += query.service
  }
}
