import NeedletailBudgets
import NeedletailCore

/// A valid budget drawn by seed, with every field set one time or another.
enum RandomBudget {
  static func make(seed: UInt64) throws(InvalidBudget) -> PerformanceBudget {
    var random = SplitMix64(seed: seed)
    let hasCache = random.next(below: 2) == 0
    let rungs = Rung.allCases.filter {
      $0 == .full
        || random.next(below: 3) > 0 && (hasCache || ![.cachedFresh, .cachedStale].contains($0))
    }
    let budget = try PerformanceBudget(
      name: "budget-\(seed)", owner: owners[Int(random.next(below: 4))],
      version: 1 + Int(random.next(below: 50)),
      tiers: tiers(&random, rungs), stages: stages(&random), memory: memory(&random, hasCache),
      envelope: envelope(&random), objectives: objectives(&random), priorities: queues(&random),
      tenants: tenants(&random),
      ladder: Ladder(
        rungs: rungs,
        window: random.next(below: 2) == 0
          ? .efSearch(1 + Int(random.next(below: 64))) : .recall(1),
        retryAfter: time(&random, 1_000_000...3_600_000_000_000),
        hold: time(&random, 0...60_000_000_000),
        noise: random.nextUnit() / 2),
      cache: CacheSettings(
        isEnabled: hasCache, freshFor: time(&random, 0...1_000_000_000),
        staleFor: time(&random, 1_000_000_000...2_000_000_000_000),
        prefetches: random.next(below: 2) == 0, isPersistent: random.next(below: 2) == 0))
    return budget
  }

  private static let owners = [
    "search@example.com", "Zoë „Quote\" \\ back", "true", "a: b # not a comment",
  ]

  private static func time(_ random: inout SplitMix64, _ range: ClosedRange<Int>) -> Duration {
    let span = UInt64(range.upperBound - range.lowerBound) + 1
    return .nanoseconds(range.lowerBound + Int(random.next(below: span)))
  }

  /// A number of a range, a bound of it one time in eight.
  private static func number(
    _ random: inout SplitMix64, _ range: ClosedRange<Double>
  ) -> Double {
    switch random.next(below: 16) {
    case 0: range.lowerBound
    case 1: range.upperBound
    default:
      min(
        range.upperBound,
        range.lowerBound + random.nextUnit() * (range.upperBound - range.lowerBound))
    }
  }

  private static func tiers(_ random: inout SplitMix64, _ rungs: [Rung]) -> [LoadTier] {
    var load = 0.1
    let count = random.next(below: 16) == 0 ? 32 : 1 + Int(random.next(below: 5))
    return (0..<count).map { index in
      let p95 = time(&random, 1_000...1_000_000_000)
      load += 0.01 + random.nextUnit()
      var tier = LoadTier(
        name: "tier.\(index)", p95: p95, p99: p95 + time(&random, 0...1_000_000_000),
        enter: index == 0 ? nil : LoadCondition(load: load, for: time(&random, 0...9_000_000_000)),
        rungs: random.next(below: 3) == 0 ? Rung.allCases : rungs, recallFloor: random.nextUnit())
      if index > 0, random.next(below: 2) == 0 {
        tier.exit = LoadCondition(load: load * 0.5, for: .seconds(1))
      }
      return tier
    }
  }

  private static func stages(_ random: inout SplitMix64) -> StageShares {
    func share() -> Double { random.nextUnit() / 6 }
    return StageShares(
      admission: share(), cache: share(), filter: share(), traversal: share() + 1e-9,
      rerank: share(), merge: share())
  }

  private static func memory(_ random: inout SplitMix64, _ hasCache: Bool) -> MemoryCeilings {
    func bytes() -> Int? {
      let unit = [1, 1_000, 1_024, 1_000_000, 1 << 20, 1 << 30][Int(random.next(below: 6))]
      return random.next(below: 2) == 0 ? nil : unit * (1 + Int(random.next(below: 5_000)))
    }
    func cache() -> Int? { bytes().map { hasCache ? max(4_096, $0) : $0 } }
    return MemoryCeilings(
      codes: bytes(), graph: bytes(), precise: bytes(), ids: bytes(), filters: bytes(),
      cache: cache(), scratch: bytes(), log: bytes(),
      total: random.next(below: 2) == 0 ? nil : 1 << 50, headroom: random.nextUnit() * 0.9)
  }

  private static func envelope(_ random: inout SplitMix64) -> ComplexityEnvelope {
    ComplexityEnvelope(
      dimensions: 1 + Int(random.next(below: 16_384)), m: 2 + Int(random.next(below: 127)),
      efConstruction: 1 + Int(random.next(below: 1 << 20)),
      efSearch: 1_000 + Int(random.next(below: 1_000_000)), k: 1 + Int(random.next(below: 1_000)),
      filterSize: Int(random.next(below: 1 << 24)),
      bytesPerVector: random.next(below: 2) == 0 ? nil : 1 + Int(random.next(below: 1 << 20)),
      buildTime: random.next(below: 2) == 0 ? nil : time(&random, 1_000_000...86_400_000_000_000))
  }

  private static func objectives(_ random: inout SplitMix64) -> [Objective] {
    (0..<Int(random.next(below: 4))).map { index in
      let indicators: [Indicator] = [
        .latency(.p95), .latency(.p99, tier: "tier.0"), .fullQuality, .recall,
      ]
      let short = Duration.nanoseconds(1_000_000_000 + Int(random.next(below: 800_000_000_000)))
      let alert = BurnRateAlert(
        burnRate: number(&random, 0.001...1_000), long: short * (1 + Int(random.next(below: 100))),
        short: short,
        severity: random.next(below: 2) == 0 ? .page : .ticket)
      return Objective(
        name: "objective-\(index)", indicator: indicators[Int(random.next(below: 4))],
        target: number(&random, 0.001...0.999_999),
        window: .seconds(86_400 * (1 + Int(random.next(below: 90)))),
        alerts: [BurnRateAlert.standard, [], [alert]][Int(random.next(below: 3))])
    }
  }

  private static func queues(_ random: inout SplitMix64) -> PriorityQueues {
    func bound() -> QueueBound {
      QueueBound(
        length: Int(number(&random, 1...1_048_576)),
        wait: random.next(below: 2) == 0 ? nil : time(&random, 1_000...1_000_000_000))
    }
    return PriorityQueues(
      criticalPlus: bound(), critical: bound(), sheddablePlus: bound(), sheddable: bound())
  }

  private static func tenants(_ random: inout SplitMix64) -> [TenantQuota] {
    (0..<Int(random.next(below: 4))).map { index in
      let rate = random.next(below: 2) == 0 ? nil : number(&random, 0.001...1e9)
      return TenantQuota(
        name: "tenant_\(index)", weight: number(&random, 0.001...1_000), rate: rate,
        burst: rate.map { _ in number(&random, 0.001...1e9) }, isDefault: index == 1)
    }
  }
}
