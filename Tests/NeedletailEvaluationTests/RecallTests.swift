import NeedletailCore
import NeedletailEvaluation
import Testing
import _NeedletailTestSupport

/// Which answers count, and which do not.
@Suite struct RecallTests {
  /// A judge of one query over two-dimensional rows.
  private func judge(
    _ rows: [[Float]], query: [Float], truth: [Int], metric: Metric, k: Int? = nil
  ) throws -> RecallJudge {
    let base = try VectorMatrix(rows.flatMap { $0 }, dimensions: query.count)
    return try RecallJudge(
      rows: base, basis: .base, rowCount: rows.count,
      queries: try VectorMatrix(query, dimensions: query.count),
      groundTruth: try GroundTruth(rows: truth, width: truth.count), metric: metric,
      k: k ?? truth.count)
  }

  private func recall(_ judge: RecallJudge, k: Int, _ ids: [VectorID]) -> Double {
    var answers = SearchAnswers(queries: 1, k: k)
    for (rank, id) in ids.prefix(k).enumerated() {
      answers.neighbors[rank] = Neighbor(id: id, distance: 0)
    }
    answers.counts[0] = ids.count
    return judge.recall(of: answers)
  }

  @Test func exactAnswersInAnyOrderAreAllRight() throws {
    let judge = try judge(
      [[1], [2], [3], [4]], query: [0], truth: [0, 1, 2], metric: .squaredEuclidean)
    #expect(recall(judge, k: 3, [2, 0, 1]) == 1)
    #expect(recall(judge, k: 3, [0, 1, 3]) == 2.0 / 3)
  }

  @Test func aTieWithTheLastNeighbourIsRight() throws {
    let rows: [[Float]] = [[1], [2], [-2], [3]]
    let judge = try judge(rows, query: [0], truth: [0, 1], metric: .squaredEuclidean)
    #expect(recall(judge, k: 2, [0, 2]) == 1)
    #expect(recall(judge, k: 2, [1, 2]) == 1)
    #expect(recall(judge, k: 2, [0, 3]) == 0.5)
  }

  @Test func theSecondMentionOfAnIdIsWrong() throws {
    let judge = try judge([[1], [1], [2]], query: [0], truth: [0, 1], metric: .squaredEuclidean)
    #expect(recall(judge, k: 2, [0, 0]) == 0.5)
    #expect(recall(judge, k: 2, [2, 2]) == 0)
  }

  @Test func missingAnswersAndUnknownIdsAreWrong() throws {
    let judge = try judge([[1], [2], [3]], query: [0], truth: [0, 1], metric: .squaredEuclidean)
    #expect(recall(judge, k: 2, [0]) == 0.5)
    #expect(recall(judge, k: 2, []) == 0)
    #expect(recall(judge, k: 2, [0, 3]) == 0.5)
    #expect(recall(judge, k: 2, [0, .max]) == 0.5)
  }

  @Test func squaredEuclideanToleratesAMillionthOfTheLastDistance() throws {
    let ulp = Float(1).ulp
    let rows: [[Float]] = [[1000], [1000 * (1 + 2 * ulp)], [1000 * (1 + 12 * ulp)]]
    let judge = try judge(rows, query: [0], truth: [0], metric: .squaredEuclidean)
    #expect(recall(judge, k: 1, [1]) == 1)
    #expect(recall(judge, k: 1, [2]) == 0)
  }

  @Test func squaredEuclideanOfZeroToleratesNothing() throws {
    let judge = try judge([[0], [1e-20]], query: [0], truth: [0], metric: .squaredEuclidean)
    #expect(recall(judge, k: 1, [0]) == 1)
    #expect(recall(judge, k: 1, [1]) == 0)
  }

  @Test func cosineToleratesAMillionthWhateverTheNorms() throws {
    for scale: Float in [1, 1e15, 1e-12] {
      let rows: [[Float]] = [[scale, 0], [scale, scale * 1e-3], [scale, scale * 2e-3]]
      let judge = try judge(rows, query: [3, 0], truth: [0], metric: .cosine)
      #expect(recall(judge, k: 1, [1]) == 1)
      #expect(recall(judge, k: 1, [2]) == 0)
    }
  }

  @Test func innerProductToleratesAMillionthOfTheLargestNorm() throws {
    let rows: [[Float]] = [[1, 0], [0.9995, 0], [0.99, 0], [0, 1000]]
    let wide = try judge(rows, query: [2, 0], truth: [0], metric: .innerProduct)
    #expect(recall(wide, k: 1, [1]) == 1)
    #expect(recall(wide, k: 1, [2]) == 0)
    let narrow = try judge(
      Array(rows.prefix(3)), query: [2, 0], truth: [0], metric: .innerProduct)
    #expect(recall(narrow, k: 1, [1]) == 0)
  }

  @Test func distancesAreRecomputedInDouble() throws {
    // In Float both products are 2^24, and the second row would look as near as the first.
    let rows: [[Float]] = [[16_777_216, 1], [16_777_216, 0], [0, 0]]
    let judge = try judge(rows, query: [1, 1], truth: [0], metric: .innerProduct)
    let exact = ExactDistance.between(rows[0], [1, 1], metric: .innerProduct)
    #expect(exact == -16_777_217)
    #expect(recall(judge, k: 1, [2]) == 0)
  }

  @Test func aZeroRowUnderCosineIsNeverRight() throws {
    let judge = try judge([[1, 0], [0, 0]], query: [1, 0], truth: [0], metric: .cosine)
    #expect(recall(judge, k: 1, [1]) == 0)
  }

  @Test func withFewerRowsThanKEveryRowIsAnAnswer() throws {
    let judge = try judge([[1], [2]], query: [0], truth: [0, 1], metric: .squaredEuclidean, k: 5)
    #expect(judge.neighborsPerQuery == 2)
    #expect(recall(judge, k: 5, [1, 0]) == 1)
  }

  @Test func withoutRowsIdsDecide() throws {
    let judge = try RecallJudge(
      rows: nil, basis: .ids, rowCount: 4, queries: try VectorMatrix([0, 0], dimensions: 1),
      groundTruth: try GroundTruth(rows: [0, 1, 3, 2], width: 2), metric: .cosine, k: 2)
    #expect(judge.basis == .ids)
    var answers = SearchAnswers(queries: 2, k: 2)
    answers.neighbors = [1, 0, 2, 0].map { Neighbor(id: $0, distance: 0) }
    answers.counts = [2, 2]
    #expect(judge.recall(of: answers) == 0.75)
  }

  @Test func idsAreMappedToRows() throws {
    let ids: [VectorID] = [90, 7, 12]
    let judge = try RecallJudge(
      rows: try VectorMatrix([1, 2, 3], dimensions: 1), basis: .indexRows, rowCount: 3,
      identities: ids, queries: try VectorMatrix([0], dimensions: 1),
      groundTruth: try GroundTruth(rows: [0, 1], width: 2), metric: .squaredEuclidean, k: 2)
    #expect(recall(judge, k: 2, [7, 90]) == 1)
    #expect(recall(judge, k: 2, [0, 1]) == 0)
    #expect(recall(judge, k: 2, [90, 12]) == 0.5)
  }

  @Test func agreesWithASlowDefinitionOnRandomWorlds() throws {
    for metric in Metric.allCases {
      var generator = SplitMix64(seed: 11)
      let (n, k) = (60, 7)
      let rows = (0..<n).map { _ in (0..<3).map { _ in Float(generator.next(below: 5)) + 1 } }
      let query = (0..<3).map { _ in Float(generator.next(below: 5)) + 1 }
      let distances = rows.map { ExactDistance.between($0, query, metric: metric) }
      let order = (0..<n).sorted { (distances[$0], $0) < (distances[$1], $1) }
      let judge = try judge(rows, query: query, truth: Array(order.prefix(k)), metric: metric)
      let bound = distances[order[k - 1]]
      for _ in 0..<200 {
        let answer = (0..<k).map { _ in VectorID(generator.next(below: UInt64(n))) }
        let right = Set(answer).filter { distances[Int($0)] <= bound + 1e-9 }.count
        #expect(recall(judge, k: k, answer) == Double(right) / Double(k))
      }
    }
  }

  @Test func shapesThatDoNotFitAreRefused() throws {
    let base = try VectorMatrix([1, 2, 3, 4], dimensions: 2)
    let queries = try VectorMatrix([1, 2], dimensions: 2)
    func code(
      rows: VectorMatrix? = base, count: Int = 2, truth: [Int] = [0, 1], width: Int = 2, k: Int = 2,
      ids: [VectorID]? = nil
    ) throws -> NeedletailError.Code? {
      let groundTruth = try GroundTruth(rows: truth, width: width)
      do {
        _ = try RecallJudge(
          rows: rows, basis: .base, rowCount: count, identities: ids, queries: queries,
          groundTruth: groundTruth, metric: .cosine, k: k)
        return nil
      } catch {
        return error.code
      }
    }
    #expect(try code() == nil)
    #expect(try code(k: 0) == .invalidConfiguration)
    #expect(try code(truth: [0], width: 1) == .invalidConfiguration)
    #expect(try code(truth: [0, 1, 1, 0]) == .dimensionMismatch)
    #expect(try code(truth: [0, 2]) == .dimensionMismatch)
    #expect(try code(count: 3) == .dimensionMismatch)
    #expect(try code(ids: [1]) == .dimensionMismatch)
    #expect(try code(rows: VectorMatrix([1, 2], dimensions: 1)) == .dimensionMismatch)
  }

  /// A judge of one query over numbers, with stated distances.
  private func judge(
    _ rows: [Float], query: Float, truth: [Int], stated: [Float], metric: Metric
  ) throws -> RecallJudge {
    try RecallJudge(
      rows: try VectorMatrix(rows, dimensions: 1), basis: .base, rowCount: rows.count,
      queries: try VectorMatrix([query], dimensions: 1),
      groundTruth: try GroundTruth(rows: truth, distances: stated, width: truth.count),
      metric: metric, k: truth.count)
  }

  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return ""
    } catch let error as NeedletailError {
      return "\(error.code): \(error.message)"
    } catch {
      return "\(error)"
    }
  }

  @Test func anAnswerNearerThanTheGroundTruthProvesItWrong() throws {
    let judge = try judge(
      [[1], [2], [3], [4]], query: [0], truth: [0, 2], metric: .squaredEuclidean)
    var answers = SearchAnswers(queries: 1, k: 2)
    answers.counts[0] = 2
    answers.neighbors = [0, 2].map { Neighbor(id: $0, distance: 0) }
    #expect(try judge.checkedRecall(of: answers) == 1)
    answers.neighbors = [0, 1].map { Neighbor(id: $0, distance: 0) }
    let text = message { _ = try judge.checkedRecall(of: answers) }
    for part in ["corrupted", "Query 0", "id 1", "4.0", "9.0"] {
      #expect(text.contains(part), "\(text)")
    }
  }

  @Test func roundingProvesNothing() throws {
    let rows: [[Float]] = [[1000], [1000 * (1 + Float(1).ulp)], [999.999]]
    let judge = try judge(rows, query: [0], truth: [0, 1], metric: .squaredEuclidean)
    var answers = SearchAnswers(queries: 1, k: 2)
    answers.counts[0] = 2
    answers.neighbors = [2, 0].map { Neighbor(id: $0, distance: 0) }
    #expect(try judge.checkedRecall(of: answers) == 1)
  }

  @Test func statedDistancesMustBeThoseOfTheRows() throws {
    let rows: [Float] = [1, 2, 3, 4, 5]
    let truth = [0, 1, 2, 3, 4]
    func verdict(_ stated: [Float], _ metric: Metric) -> String {
      message { _ = try judge(rows, query: 0.5, truth: truth, stated: stated, metric: metric) }
    }
    let squared = rows.map { ($0 - 0.5) * ($0 - 0.5) }
    #expect(verdict(squared, .squaredEuclidean).isEmpty)
    #expect(verdict(rows.map { $0 - 0.5 }, .squaredEuclidean).isEmpty)
    #expect(verdict(rows.map { $0 * -0.5 }, .innerProduct).isEmpty)
    #expect(verdict(rows.map { $0 * 0.5 }, .innerProduct).isEmpty)
    #expect(verdict(rows.map { _ in 0 }, .cosine).isEmpty)
    var wrong = squared
    wrong[4] += 1
    let text = verdict(wrong, .squaredEuclidean)
    for part in ["corrupted", "query 0", "place 4", "21.25", "20.25"] {
      #expect(text.contains(part), "\(text)")
    }
    wrong[4] = .nan
    #expect(!verdict(wrong, .squaredEuclidean).isEmpty)
    #expect(!verdict(squared, .innerProduct).isEmpty)
  }

  @Test func aRowNamedTwiceIsRefused() throws {
    let text = message {
      _ = try judge([[1], [2], [3]], query: [0], truth: [0, 1, 0], metric: .squaredEuclidean)
    }
    #expect(text.contains("row 0 twice"))
    // Beyond k nobody looks.
    _ = try judge([[1], [2], [3]], query: [0], truth: [0, 1, 0], metric: .squaredEuclidean, k: 2)
  }
}
