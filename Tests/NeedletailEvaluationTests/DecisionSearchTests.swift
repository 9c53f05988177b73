import NeedletailCore
import Testing
import _NeedletailTestSupport

@testable import NeedletailEvaluation

@Suite struct DecisionSearchTests {
  /// Limits that differ by seed: a floor always, the others now and then.
  private func limits(_ seed: UInt64) -> [DecisionLimit] {
    var random = SplitMix64(seed: seed &* 977)
    var limits = [
      DecisionLimit(.recall, 0.8 + 0.17 * random.nextUnit(), field: "tiers[normal].recallFloor")
    ]
    if random.nextUnit() < 0.5 {
      limits.append(
        DecisionLimit(.total, 1e5 * (400 + 1_500 * random.nextUnit()), field: "memory.total"))
    }
    if random.nextUnit() < 0.3 {
      limits.append(
        DecisionLimit(.buildTime, 2 + 10 * random.nextUnit(), field: "envelope.buildTime"))
    }
    if random.nextUnit() < 0.3 {
      limits.append(
        DecisionLimit(.p95, 60 + 300 * random.nextUnit(), field: "tiers[normal].p95"))
    }
    return limits
  }

  /// The search, and the full grid that it is held against.
  private func decide(
    _ surface: SyntheticSurface, _ limits: [DecisionLimit]
  ) throws -> (found: Decision, grid: Decision) {
    var search = try DecisionSearch(SyntheticSurface.space, limits: limits, subject: surface)
    return (
      try search.run(),
      try DecisionGrid.run(SyntheticSurface.space, limits: limits, subject: surface)
    )
  }

  @Test func aQuarterOfTheGridComesWithin5PercentOfIt() throws {
    // Where only the widest windows reach the floor, chance decides which designs are there at all.
    let verge = SyntheticSurface.space.efSearch.suffix(3)
    var misses = 0
    let count = Effort.count(150, long: 1_500)
    for seed in 1...UInt64(count) {
      let (found, grid) = try decide(SyntheticSurface(seed: seed), limits(seed))
      #expect(found.evaluations <= max(8, grid.evaluations / 4), "seed \(seed)")
      #expect(found.builds <= max(2, grid.builds / 4), "seed \(seed)")
      #expect(found.gridEvaluations == grid.evaluations && found.gridBuilds == grid.builds)
      guard let best = grid.fastest, let cost = best.measurement?.cost else {
        #expect(found.fastest == nil && found.front.isEmpty, "seed \(seed)")
        continue
      }
      let ratio = (found.fastest?.measurement?.cost ?? .infinity) / cost
      #expect(ratio <= 1.05 || verge.contains(best.candidate.efSearch), "seed \(seed): \(ratio)")
      if ratio > 1.05 { misses += 1 }
    }
    #expect(misses <= count / 100)
  }

  @Test func theSameIsDecidedAgain() throws {
    for seed in 1...20 as ClosedRange<UInt64> {
      let first = try decide(SyntheticSurface(seed: seed), limits(seed))
      let second = try decide(SyntheticSurface(seed: seed), limits(seed))
      #expect(first.found == second.found && first.grid == second.grid)
    }
  }

  @Test func noLimitIsBroken() throws {
    for seed in 1...60 as ClosedRange<UInt64> {
      let limits = limits(seed)
      let (found, _) = try decide(SyntheticSurface(seed: seed), limits)
      for point in found.front {
        let judged = point.judged
        let measurement = try #require(judged.measurement)
        for limit in limits {
          switch limit.quantity {
          case .recall: #expect(measurement.recall >= limit.bound)
          case .total: #expect(Double(judged.bytes.total) <= limit.bound)
          case .p95: #expect(measurement.p95 * 1.1 <= limit.bound * 1.000_001)
          default: #expect(try #require(judged.buildSeconds) * 1.1 <= limit.bound * 1.000_001)
          }
        }
      }
      #expect(found.front.first?.judged == found.fastest)
    }
  }

  @Test func anIndexThatIsThereIsJudgedByItsWindows() throws {
    var space = SyntheticSurface.space
    space.layouts = [space.layouts[0]]
    space.m = [16]
    space.efConstruction = [200]
    for seed in 1...40 as ClosedRange<UInt64> {
      let surface = SyntheticSurface(seed: seed)
      let floor = [DecisionLimit(.recall, 0.85, field: "tiers[normal].recallFloor")]
      var search = try DecisionSearch(space, limits: floor, subject: surface)
      let found = try search.run()
      let grid = try DecisionGrid.run(space, limits: floor, subject: surface)
      #expect(found.builds == 1 && found.evaluations <= grid.evaluations / 4)
      guard let best = grid.fastest?.measurement?.cost else { continue }
      #expect((found.fastest?.measurement?.cost ?? .infinity) <= 1.05 * best, "seed \(seed)")
    }
  }

  @Test func whatFitsNowhereIsToldWithoutABuild() throws {
    let surface = SyntheticSurface(seed: 5)
    // The least there is takes 132 + 8·8 + 12 bytes a row, 20 800 000 in all.
    let limits = [
      DecisionLimit(.recall, 0.9, field: "tiers[normal].recallFloor"),
      DecisionLimit(.total, 10_400_000, field: "memory.total"),
    ]
    var search = try DecisionSearch(SyntheticSurface.space, limits: limits, subject: surface)
    let decision = try search.run()
    #expect(decision.builds == 0 && decision.evaluations == 0 && decision.fastest == nil)
    let nearest = try #require(decision.nearest)
    #expect(nearest.candidate.design.m == 8 && nearest.candidate.rerank == .none)
    #expect(nearest.bytes.total == 20_800_000 && nearest.measurement == nil)
    #expect(nearest.binding?.limit.field == "memory.total")
    #expect(nearest.binding?.share == 2 && nearest.excess == 1)
  }

  @Test(arguments: [
    DecisionLimit(.recall, 0.9999, field: "tiers[normal].recallFloor"),
    DecisionLimit(.p95, 5, field: "tiers[normal].p95"),
    DecisionLimit(.p99, 5, field: "tiers[normal].p99"),
    DecisionLimit(.buildTime, 0.2, field: "envelope.buildTime"),
  ])
  func theNearestMissNamesTheLimitThatBinds(limit: DecisionLimit) throws {
    let floor = DecisionLimit(.recall, 0.8, field: "objectives[recall].target")
    let (found, grid) = try decide(SyntheticSurface(seed: 3), [floor, limit])
    #expect(found.fastest == nil && found.smallest == nil && found.front.isEmpty)
    #expect(grid.fastest == nil)
    let nearest = try #require(found.nearest)
    #expect(nearest.binding?.limit == limit && nearest.excess > 0)
    // The grid has candidates that miss the floor and the time by half; the search looks for those that reach the floor.
    guard limit.quantity == .recall || limit.quantity == .buildTime else { return }
    let least = try #require(grid.nearest).excess
    #expect(nearest.excess <= 1.25 * least + 0.05, "\(nearest.excess) against \(least)")
  }

  @Test func designsThatTheEngineDoesNotMakeAreNeitherBuiltNorCounted() throws {
    let (found, grid) = try decide(SyntheticSurface(seed: 8, noise: 0), [])
    // Two layouts with six numbers of links, turbo with those that 16 divides, three builds each.
    #expect(grid.builds == 3 * (6 + 6 + 3))
    #expect(
      grid.judged.allSatisfy {
        $0.candidate.design.layout.mode == "compact" || $0.candidate.design.m % 16 == 0
      })
    #expect(found.gridBuilds == 45)
    #expect(found.gridEvaluations == 45 * 3 * SyntheticSurface.space.efSearch.count)
  }

  @Test func aSpaceWithoutAChoiceIsRefused() throws {
    let space = SyntheticSurface.space.limited(m: 6, efConstruction: 400, efSearch: 512)
    #expect(space.emptyAxis == "m")
    #expect {
      _ = try DecisionSearch(space, limits: [], subject: SyntheticSurface(seed: 1))
    } throws: { ($0 as? NeedletailError)?.description.contains("of m ") == true }
    #expect(throws: NeedletailError.self) {
      _ = try DecisionGrid.run(space, limits: [], subject: SyntheticSurface(seed: 1))
    }
  }

  @Test func aCancelledSearchEnds() throws {
    let monitor = WorkMonitor()
    monitor.cancel()
    var search = try DecisionSearch(
      SyntheticSurface.space, limits: [], subject: SyntheticSurface(seed: 1), monitor: monitor)
    #expect {
      _ = try search.run()
    } throws: { ($0 as? NeedletailError)?.code == .cancelled }
  }

  @Test func widthsGrowByAFifth() {
    #expect(DecisionSpace.widths(from: 10, through: 30) == [10, 12, 14, 17, 20, 24, 29, 30])
    #expect(DecisionSpace.widths(from: 1, through: 4) == [1, 2, 3, 4])
    #expect(DecisionSpace.widths(from: 5, through: 5) == [5])
    #expect(DecisionSpace.widths(from: 6, through: 5).isEmpty)
    let narrow = SyntheticSurface.space.limited(m: 16, efConstruction: 200, efSearch: 20)
    #expect(narrow.m == [8, 12, 16] && narrow.efConstruction == [100, 200])
    #expect(narrow.efSearch == [10, 12, 14, 17, 20] && narrow.emptyAxis == nil)
  }
}
