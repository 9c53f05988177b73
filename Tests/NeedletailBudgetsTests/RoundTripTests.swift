import Foundation
import NeedletailBudgets
import NeedletailBudgetsYAML
import NeedletailCore
import Testing
import _NeedletailTestSupport

@Suite("A budget is read as it was written")
struct RoundTripTests {
  @Test("By seed, as JSON and as YAML: equal values, and equal texts of equal values")
  func random() throws {
    for seed in 0..<UInt64(Effort.count(400, long: 20_000)) {
      let budget = try RandomBudget.make(seed: seed)
      let json = budget.json
      let read = try PerformanceBudget(json: json)
      #expect(read == budget, "seed \(seed)")
      #expect(read.json == json, "seed \(seed)")
      #if YAML
        #expect(try PerformanceBudget(yaml: budget.yaml) == budget, "seed \(seed)")
        #expect(try PerformanceBudget(yaml: json) == budget, "seed \(seed)")
      #endif
    }
  }

  @Test("Ten lines are a budget, and the rest is what the documentation says")
  func minimal() throws {
    let budget = try PerformanceBudget(
      json: """
        {
          "name": "shop",
          "owner": "search@example.com",
          "tiers": [
            {
              "name": "normal",
              "p95": "150ms", "p99": "250ms"
            }
          ]
        }
        """)
    #expect(
      try budget
        == PerformanceBudget(
          name: "shop", owner: "search@example.com",
          tiers: [LoadTier(name: "normal", p95: .milliseconds(150), p99: .milliseconds(250))]))
    #expect(budget.version == 1 && budget.ladder.rungs == Rung.allCases)
    #expect(budget.envelope == .limits && budget.memory.headroom == 0.05)
    #expect(abs(budget.stages.total - 1) < 1e-12)
    #expect(budget.priorities[.sheddable].length == 64)
  }

  #if YAML
    @Test("The example of the fixtures has every section")
    func example() throws {
      let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/budgets/shop.yaml").path
      let budget = try PerformanceBudget(contentsOfYAML: path)
      #expect(budget.tiers.map(\.name) == ["normal", "elevated", "peak"])
      #expect(budget.tiers[2].exit == LoadCondition(load: 0.85, for: .seconds(3)))
      #expect(budget.tier("peak")?.rungs == Rung.allCases)
      #expect(budget.memory.total == 7 << 30)
      #expect(budget.objectives[0].indicator == .latency(.p99, tier: "normal"))
      #expect(budget.objectives[1].alerts.count == 1 && budget.objectives[2].alerts.count == 3)
      #expect(budget.ladder.window == .efSearch(32))
      #expect(budget.tenants[0].isDefault && budget.tenants[1].rate == 2_000)
      #expect(try PerformanceBudget(yaml: budget.yaml) == budget)
    }
  #endif

  @Test("Units: nothing is rounded, and nonsense is nothing")
  func units() {
    let good: [(String, Int)] = [
      ("150ms", 150_000_000), ("2s", 2_000_000_000), ("500us", 500_000), ("500µs", 500_000),
      ("1.5h", 5_400_000_000_000), ("0.000001ms", 1), ("28d", 2_419_200_000_000_000),
      ("4w", 2_419_200_000_000_000), ("5 min", 300_000_000_000), ("0s", 0),
    ]
    for (text, nanoseconds) in good {
      #expect(Units.duration(text) == .nanoseconds(nanoseconds), "\(text)")
    }
    for text in [
      "", "150", "ms", "-1s", "1e3s", "1.s", ".5s", "0.0000001ms", "1 000ms", "99999999999999999d",
      "1ss", "٣s", "+1s", "nan", "infs", String(repeating: "9", count: 100) + "s",
    ] { #expect(Units.duration(text) == nil, "\(text)") }
    let sizes: [(String, Int)] = [
      ("512MiB", 512 << 20), ("1GB", 1_000_000_000), ("1.5GiB", 3 << 29), ("4096", 4_096),
      ("0.5KiB", 512), ("1kB", 1_000), ("1KB", 1_000), ("12 B", 12),
    ]
    for (text, bytes) in sizes { #expect(Units.bytes(text) == bytes, "\(text)") }
    for text in ["", "GB", "-1B", "0.3B", "1e9", "1gb", "99999999TiB", "1MiBs"] {
      #expect(Units.bytes(text) == nil, "\(text)")
    }
    #expect(Units.share("95%") == 0.95 && Units.share("0.95") == 0.95 && Units.share("100 %") == 1)
    for text in ["%", "a%", "1e-2%", "--5%", "NaN", "inf", "0x1p3"] {
      #expect(Units.share(text) == nil, "\(text)")
    }
  }

  @Test("Shares and times come back from their texts, by seed")
  func textsOfUnits() {
    var random = SplitMix64(seed: 9)
    for _ in 0..<5_000 {
      let share = random.nextUnit() * (random.next(below: 2) == 0 ? 1 : 1e-7)
      #expect(Double(Units.text(share: share)) ?? Units.share(Units.text(share: share)) == share)
      let time = Duration.nanoseconds(Int(random.next(below: 1 << 60)))
      #expect(Units.duration(Units.text(time)) == time)
      let bytes = Int(random.next(below: 1 << 60))
      #expect(Units.bytes(Units.text(bytes: bytes)) == bytes)
    }
  }

  @Test("Unspent time flows on: a stage ends where the shares behind it begin")
  func stages() {
    let shares = StageShares()
    let whole = Duration.milliseconds(100)
    #expect(shares.time(of: .traversal, in: whole) == .milliseconds(50))
    #expect(abs(shares.end(of: .merge, in: whole) / .milliseconds(1) - 100) < 1e-6)
    #expect(abs(shares.end(of: .traversal, in: whole) / .milliseconds(1) - 75) < 1e-6)
  }
}
