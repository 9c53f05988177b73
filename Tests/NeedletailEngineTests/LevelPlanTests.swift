import NeedletailCore
import Testing

@testable import NeedletailEngine

@Suite("Levels")
struct LevelPlanTests {
  @Test func oneRowInMStandsOnEachFurtherLevel() {
    for m in [2, 4, 16, 64] {
      let plan = LevelPlan(count: 100_000, m: m, seed: 3)
      #expect(plan.counts[0] == 100_000)
      for level in 1..<plan.counts.count {
        let mean = Double(plan.counts[level - 1]) / Double(m)
        // Six deviations of a binomial count.
        #expect(
          abs(Double(plan.counts[level]) - mean) < 6 * mean.squareRoot() + 2,
          "m \(m), level \(level): \(plan.counts)")
      }
      #expect(plan.counts.count <= 16)
      #expect(plan.counts.allSatisfy { $0 > 0 })
    }
  }

  @Test func theOrderHasEveryRowOnce() {
    for count in [0, 1, 2, 3, 17, 1_000] {
      let plan = LevelPlan(count: count, m: 8, seed: 5)
      #expect(plan.order.sorted() == (0..<UInt32(count)).map { $0 })
      #expect(plan.counts[0] == count)
    }
    #expect(
      LevelPlan(count: 1_000, m: 8, seed: 5).order != LevelPlan(count: 1_000, m: 8, seed: 6).order)
    #expect(
      LevelPlan(count: 1_000, m: 8, seed: 5).order == LevelPlan(count: 1_000, m: 8, seed: 5).order)
  }

  @Test func aRowsLevelIsTheLastThatHoldsIt() {
    let plan = LevelPlan(count: 5_000, m: 4, seed: 9)
    for ordinal in 0..<5_000 {
      let level = plan.level(of: ordinal)
      #expect(ordinal < plan.counts[level])
      #expect(level + 1 == plan.counts.count || ordinal >= plan.counts[level + 1])
    }
  }
}
