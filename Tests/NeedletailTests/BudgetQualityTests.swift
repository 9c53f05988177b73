import NeedletailEngine
import Testing
import _NeedletailTestSupport

@testable import Needletail

/// What a budget on evaluations costs in recall, and what a walk saves that ends by distance: on real vectors.
@Suite("Quality under a budget, real vectors", .serialized, .enabled(if: !Effort.isBrief))
struct BudgetQualityTests {
  /// Answers and evaluations of all queries.
  private struct Run {
    var answers: [[Neighbor]]
    var evaluations: Double
    /// Whether an answer was cut short.
    var isCut: Bool
  }

  private static func run(_ set: RealSet, _ options: SearchOptions) throws -> Run {
    let results = try set.snapshot.search(batch: set.queries, k: RealSet.k, options: options)
    return Run(
      answers: results.map(\.neighbors),
      evaluations: Double(results.reduce(0) { $0 + $1.statistics.evaluations })
        / Double(results.count),
      isCut: results.contains { !$0.completion.reasons.isEmpty })
  }

  @Test(
    "Recall rises with the evaluations that are allowed, and a quarter of many gives most of it")
  func anytime() throws {
    for set in RealSet.all {
      for width in [64, 256] {
        let full = try Self.run(set, SearchOptions(efSearch: width))
        let best = set.recall(full.answers)
        var recalls: [Double] = []
        for step in 1...8 {
          var options = SearchOptions(efSearch: width)
          options.budget = SearchBudget(evaluations: Int(full.evaluations) * step / 8)
          let found = try Self.run(set, options)
          recalls.append(set.recall(found.answers))
          #expect(found.isCut, "\(set.name), \(width): nothing was cut short")
        }
        for (former, recall) in zip(recalls, recalls.dropFirst()) {
          #expect(recall >= former - 0.005, "\(set.name), \(width): \(recalls)")
        }
        // Near the queries there is little to give up: what a walk of 64 needs to come there is a quarter of it.
        if width == 256 {
          #expect(recalls[1] >= 0.8 * best, "\(set.name): \(recalls[1]) of \(best)")
        }
        print(
          "\(set.name), efSearch \(width): recall \(best) by \(full.evaluations) evaluations;",
          "by each eighth of them", recalls)
      }
    }
  }

  @Test("A walk that ends by distance needs fewer evaluations than a fixed window of equal recall")
  func earlyStop() throws {
    for set in RealSet.all {
      let curve = try Self.fixedWindows(set)
      var compared = 0
      for width in [16, 24, 32, 48, 64, 96, 128] {
        let found = try Self.run(set, SearchOptions(efSearch: width))
        let recall = set.recall(found.answers)
        guard let fixed = Self.evaluations(on: curve, for: recall) else { continue }
        compared += 1
        let share = found.evaluations / fixed
        // Products have no distances that grow with the ball around a query: there windows end walks.
        let most = set.snapshot.metric == .innerProduct ? 1.01 : recall >= 0.985 ? 0.85 : 1.01
        #expect(share <= most, "\(set.name), \(width): \(share) at \(recall)")
        print(
          "\(set.name), efSearch \(width): recall \(recall) by \(share) of a fixed window's evaluations"
        )
      }
      #expect(compared > 0, "\(set.name)")
    }
  }

  /// Recall and evaluations a query of windows that end walks by their width alone.
  private static func fixedWindows(
    _ set: RealSet
  ) throws -> [(recall: Double, evaluations: Double)] {
    var curve: [(recall: Double, evaluations: Double)] = []
    for width in [
      10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 128, 160, 192, 256, 320, 400,
    ] {
      var parameters = try set.snapshot.parameters(RealSet.k, SearchOptions(efSearch: width))
      parameters.stopsByDistance = false
      let batch = try set.snapshot.answer(
        batch: set.queries, parameters, nil, among: nil, threads: 2)
      let answers = batch.outcomes.indices.map { row in
        let start = row * batch.answersPerQuery
        return Array(batch.answers[start..<(start + batch.outcomes[row].count)])
      }
      let evaluations = batch.outcomes.reduce(0) { $0 + $1.evaluations }
      curve.append((set.recall(answers), Double(evaluations) / Double(answers.count)))
    }
    return curve
  }

  /// Read off between two points; `nil` outside of them.
  private static func evaluations(
    on curve: [(recall: Double, evaluations: Double)], for recall: Double
  ) -> Double? {
    guard let above = curve.firstIndex(where: { $0.recall >= recall }), above > 0 else {
      return nil
    }
    let (a, b) = (curve[above - 1], curve[above])
    let part = b.recall > a.recall ? (recall - a.recall) / (b.recall - a.recall) : 1
    return a.evaluations + part * (b.evaluations - a.evaluations)
  }
}
