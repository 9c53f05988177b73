import NeedletailBudgets
import NeedletailCore
import Testing

@testable import NeedletailServing

@Suite("Tenants")
struct TenantTests {
  private static let quiet = TenantID(rawValue: 1)
  private static let noisy = TenantID(rawValue: 2)

  /// A quiet tenant that uses 0.3 of the capacity, and one that asks for a multiple of its 0.4.
  private func simulation(_ multiple: Double, seed: UInt64) throws -> ServiceSimulation {
    // Two workers make 2 000 queries of a millisecond; a query is charged its microseconds, in millionths.
    let perSecond = { (share: Double) in CostUnits(millionths: Int64(share * 2e9)) }
    var ledger = try TenantLedger(
      usual: TenantAllowance(perSecond: perSecond(0.01), burst: perSecond(0.01)))
    try ledger.set(
      TenantAllowance(perSecond: perSecond(0.5), burst: perSecond(0.5)), for: Self.quiet)
    try ledger.set(
      TenantAllowance(perSecond: perSecond(0.4), burst: perSecond(0.04)), for: Self.noisy)
    var simulation = ServiceSimulation([
      .init(tenant: Self.quiet, rate: { _ in 600 }),
      .init(tenant: Self.noisy, rate: { _ in 800 * multiple }),
    ])
    simulation.ledger = ledger
    simulation.seed = seed
    try simulation.run(until: 60 * .second)
    return simulation
  }

  @Test(
    "A neighbour at 20 times its quota moves a quiet tenant's p99 by at most 10 %", arguments: 1...3
  )
  func neighbour(seed: UInt64) throws {
    let calm = try simulation(1, seed: seed)
    let loud = try simulation(20, seed: seed)
    func p99(_ simulation: ServiceSimulation) -> Nanoseconds {
      percentile(simulation.records.filter { $0.source == 0 }.compactMap(\.latency), 0.99)
    }
    #expect(Double(p99(loud)) <= 1.1 * Double(p99(calm)))
    // All that the quiet one asked for was served, and the loud one got its quota.
    let quiet = loud.records.filter { $0.source == 0 && $0.isInTime }
    #expect(quiet.count == loud.asked.reduce(0) { $0 + $1[0] })
    let ledger = try #require(loud.ledger)
    let used = Double(ledger.usage(of: Self.noisy).charged.millionths) / (60 * 2e9)
    #expect(abs(used - 0.4) < 0.004)
    #expect(ledger.usage(of: Self.noisy).refused > 800_000)
    for tenant in [Self.quiet, Self.noisy] {
      #expect(ledger.usage(of: tenant).charged.millionths == loud.charged[tenant])
    }
  }

  @Test("Without quotas, weights alone share the workers of one class")
  func weights() throws {
    var simulation = ServiceSimulation(
      [1, 2, 5].enumerated().map { index, weight in
        .init(
          tenant: TenantID(rawValue: UInt64(index)), weight: weight, rate: { _ in 4_000 },
          deadline: 200 * .millisecond)
      })
    simulation.settings = AdmissionSettings(workers: 2, bound: 600)
    try simulation.run(until: 20 * .second)
    var served = [0.0, 0, 0]
    for record in simulation.records where record.isInTime { served[record.source] += 1 }
    let all = served.reduce(0, +)
    #expect(all > 0.97 * 40_000)
    for (share, weight) in zip(served, [1.0, 2, 5]) {
      #expect(abs(share / all - weight / 8) < 0.02)
    }
  }

  @Test("The order is that of start times, however entries come: against a plain model by seed")
  func fairOrder() throws {
    var random = SplitMix64(seed: 31)
    for _ in 0..<200 {
      var queue = FairQueue()
      var waiting: [(item: UInt64, tenant: UInt64, start: UInt64, order: UInt64)] = []
      var finish: [UInt64: UInt64] = [:]
      var now: UInt64 = 0
      for item in 0..<UInt64(200) {
        if random.next(below: 5) < 3 {
          let tenant = random.next(below: 6)
          let work = Nanoseconds(random.next(below: 1_000)) + 1
          let start = max(now, finish[tenant] ?? 0)
          finish[tenant] = start + UInt64(work) * 16 / (tenant + 1) + 1
          waiting.append((item, tenant, start, item))
          queue.append(
            .init(
              ticket: item, tenant: TenantID(rawValue: tenant), work: work, cheapest: work,
              arrival: 0, deadline: 0), weight: (Int(tenant) + 1) * TenantAllowance.usualWeight)
        } else if let entry = queue.popFirst() {
          let least = waiting.map(\.start).min()
          let place = try #require(waiting.firstIndex { $0.item == entry.ticket })
          #expect(waiting[place].start == least)
          // A tenant's own entries never pass each other.
          #expect(!waiting[..<place].contains { $0.tenant == waiting[place].tenant })
          now = max(now, waiting.remove(at: place).start)
          if waiting.isEmpty { (now, finish) = (0, [:]) }
        } else {
          #expect(waiting.isEmpty)
        }
        #expect(queue.count == waiting.count)
      }
    }
  }

  @Test(
    "Charges are exact: what was let in never exceeds the quota by more than a burst and what ran")
  func accounting() throws {
    var random = SplitMix64(seed: 12)
    let quota = TenantAllowance(
      perSecond: CostUnits(millionths: 1_234_567), burst: CostUnits(millionths: 700_001))
    var ledger = try TenantLedger(usual: quota)
    var now: Nanoseconds = 0
    var (charged, dearest): (Int64, Int64) = (0, 0)
    for _ in 0..<200_000 {
      now += Nanoseconds(random.next(below: 20_000_000))
      let estimate = CostUnits(millionths: Int64(random.next(below: 100_000)))
      guard case .granted(let reservation) = ledger.reserve(estimate, for: Self.quiet, at: now)
      else { continue }
      let actual = Int64(random.next(below: 150_000))
      ledger.settle(reservation, actual: CostUnits(millionths: actual), at: now)
      charged += actual
      dearest = max(dearest, actual)
    }
    #expect(ledger.usage(of: Self.quiet).charged.millionths == charged)
    let allowed = Double(now) / 1e9 * 1_234_567
    #expect(Double(charged) <= allowed + 700_001 + Double(dearest))
    #expect(Double(charged) >= 0.99 * allowed)
  }

  @Test("Costs in units, and what is beyond all numbers")
  func costs() {
    #expect(CostUnits(evaluations: 1_000, dimensions: 128).millionths == 1_000_000)
    #expect(CostUnits(evaluations: 2_500, dimensions: 384, codeFactor: 500).millionths == 3_750_000)
    #expect(CostUnits(evaluations: .max, dimensions: .max, codeFactor: .max).millionths == .max)
    #expect(CostUnits(evaluations: -1, dimensions: 128).millionths == 0)
  }

  @Test(
    "Who asks for more than its quota is degraded first, at once and step by step, and comes back slowly"
  )
  func steps() throws {
    let quota = TenantAllowance(
      perSecond: CostUnits(millionths: 1_000_000), burst: CostUnits(millionths: 100_000))
    var ledger = try TenantLedger(usual: quota)
    func ask(_ multiple: Double, from: Int64, to: Int64) -> [Int] {
      (from..<to).map { step in
        let now = step * 10 * .millisecond
        _ = ledger.reserve(
          CostUnits(millionths: Int64(10_000 * multiple)), for: Self.noisy, at: now)
        return ledger.extraSteps(Self.noisy, at: now)
      }
    }
    #expect(ask(1, from: 0, to: 500).max() == 0)
    #expect(ask(3, from: 500, to: 1_000).last == 2)
    #expect(ask(16, from: 1_000, to: 1_500).last == 4)
    let back = ask(1, from: 1_500, to: 5_000)
    #expect(back.last == 0)
    #expect(zip(back, back.dropFirst()).allSatisfy { $0 >= $1 && $0 - $1 <= 1 })
    #expect(ledger.extraSteps(Self.quiet, at: 0) == 0)
  }

  @Test("What the quota lets be used at once is used at full quality; what goes beyond it is not")
  func burst() throws {
    let allowance = TenantAllowance(
      perSecond: CostUnits(millionths: 1_000_000), burst: CostUnits(millionths: 10_000_000))
    var ledger = try TenantLedger(usual: allowance)
    /// Asks for a hundredth of a unit every millisecond, ten times the rate; gives the steps of each.
    func ask(from: Int64, to: Int64) -> [Int] {
      (from..<to).map { step in
        let now = step * .millisecond
        _ = ledger.reserve(CostUnits(millionths: 10_000), for: Self.noisy, at: now)
        return ledger.extraSteps(Self.noisy, at: now)
      }
    }
    // The bucket lasts for 10 / 9 of a second.
    #expect(ask(from: 0, to: 1_100).max() == 0)
    #expect(ledger.usage(of: Self.noisy).refused == 0)
    #expect(ask(from: 1_100, to: 1_300).last == 4)
    // After a rest another burst is none too much; the steps of the first are gone by then.
    for second in 2..<Int64(60) { _ = ledger.extraSteps(Self.noisy, at: second * .second) }
    #expect(ask(from: 60_000, to: 61_000).max() == 0)
    // Work that was dearer than expected leaves a debt, which is no burst.
    guard
      case .granted(let reservation) = ledger.reserve(
        CostUnits(millionths: 1), for: Self.noisy, at: 61 * .second)
    else { Issue.record("nothing was left"); return }
    ledger.settle(reservation, actual: CostUnits(millionths: 30_000_000), at: 61 * .second)
    #expect(ledger.extraSteps(Self.noisy, at: 61 * .second) > 0)
  }

  @Test("A bucket in debt, dear work, and amounts that no bucket holds")
  func extremes() throws {
    let quota = TenantAllowance(
      perSecond: CostUnits(millionths: 1_000), burst: CostUnits(millionths: 500))
    var bucket = TokenBucket(quota, at: 0)
    #expect(bucket.reserve(CostUnits(millionths: 2_000), at: 0) == nil)
    #expect(bucket.level == -1_500)
    #expect(bucket.reserve(CostUnits(millionths: 1), at: 0) == 1_501_000_001)
    bucket.settle(
      reserved: CostUnits(millionths: 0), actual: CostUnits(millionths: .max), at: 0)
    #expect(bucket.level == -8_000)
    #expect(bucket.reserve(CostUnits(millionths: .min), at: .max) == nil)
    #expect(bucket.isFull(at: .max))
  }

  @Test("Accounts are bounded: those who rest are forgotten, the rest share one")
  func bounded() throws {
    let quota = TenantAllowance(
      perSecond: CostUnits(millionths: 1_000), burst: CostUnits(millionths: 1_000))
    var ledger = try TenantLedger(usual: quota, capacity: 10)
    for tenant in 0..<UInt64(1_000) {
      _ = ledger.reserve(CostUnits(millionths: 100), for: TenantID(rawValue: tenant), at: 0)
    }
    #expect(ledger.count == 11)
    #expect(ledger.usage(of: .others).granted == 10 && ledger.usage(of: .others).refused == 980)
    ledger = try TenantLedger(usual: quota, capacity: 10)
    for tenant in 0..<UInt64(1_000) {
      // Half of a bucket, which is filled again before the next one comes.
      let (cost, now) = (CostUnits(millionths: 500), Nanoseconds(tenant) * .second)
      if case .granted(let reservation) = ledger.reserve(
        cost, for: TenantID(rawValue: tenant), at: now)
      {
        ledger.settle(reservation, actual: cost, at: now)
      }
    }
    #expect(ledger.count <= 10 && ledger.usage(of: .others).granted == 0)
    // Whoever has a quota of its own has its account, too, however many there are.
    for tenant in 2_000..<UInt64(2_020) {
      _ = ledger.reserve(
        CostUnits(millionths: 900), for: TenantID(rawValue: tenant), at: 1_000 * .second)
    }
    let paying = TenantID(rawValue: 3_000)
    try ledger.set(quota, for: paying)
    _ = ledger.reserve(CostUnits(millionths: 900), for: paying, at: 1_000 * .second)
    #expect(ledger.usage(of: paying).granted == 1)
    #expect(throws: NeedletailError.self) {
      try ledger.set(
        TenantAllowance(perSecond: quota.perSecond, burst: quota.burst, weight: 0),
        for: TenantID(rawValue: 5))
    }
  }
}
