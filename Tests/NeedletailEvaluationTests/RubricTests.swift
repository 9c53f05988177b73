import Testing

@testable import NeedletailEvaluation

/// Values that are computed by hand.
@Suite struct RubricTests {
  private let floor = DecisionLimit(.recall, 0.9, field: "tiers[normal].recallFloor")
  private let p95 = DecisionLimit(.p95, 110, field: "tiers[normal].p95")
  private let total = DecisionLimit(.total, 4_000, field: "memory.total")
  private let build = DecisionLimit(.buildTime, 22, field: "envelope.buildTime")

  private func judged(
    _ recall: Double, _ cost: Double, bytes: Int = 1_000, seconds: Double? = 4, efSearch: Int = 10,
    limits: [DecisionLimit]
  ) -> JudgedCandidate {
    JudgedCandidate(
      DecisionCandidate(
        design: IndexDesign(
          layout: IndexLayout(mode: "compact", codes: "int8"), m: 16, efConstruction: 200),
        efSearch: efSearch, rerank: .automatic),
      bytes: DesignBytes(codes: bytes, graph: 0, precise: 0, ids: 0, rows: 10),
      buildSeconds: seconds,
      measurement: DecisionMeasurement(
        recall: recall, cost: cost, costP95: cost, measured: cost, p95: cost, p99: cost),
      limits: limits)
  }

  private func isNear(_ a: Double?, _ b: Double) -> Bool { abs((a ?? .nan) - b) < 1e-9 }

  @Test func theUseOfALimitIsAShareOfIt() {
    // Half of the misses that are allowed; a tenth of a time is kept free.
    #expect(isNear(floor.use(0.95), 0.5))
    #expect(floor.use(0.9) == 1 && floor.use(1) == 0)
    #expect(isNear(floor.use(0.8), 2))
    #expect(isNear(p95.use(50), 0.5))
    #expect(isNear(total.use(3_000), 0.75))
    #expect(isNear(build.use(4), 0.2))
    let exact = DecisionLimit(.recall, 1, field: "tiers[normal].recallFloor")
    #expect(exact.use(1) == 0 && exact.use(0.999) > 1)
    let nothing = DecisionLimit(.total, 0, field: "memory.total")
    #expect(nothing.use(1) == .infinity && nothing.use(0) == 0)
  }

  @Test func aScoreIsWhatIsSparedByWeight() {
    // Spared: recall 0.5, latency 0.5, memory 0.75, build 0.8.
    let all = judged(0.95, 50, limits: [floor, p95, total, build])
    #expect(isNear(Rubric.score(all.uses), 100 * (0.4 * 0.5 + 0.3 * 0.5 + 0.2 * 0.75 + 0.1 * 0.8)))
    // Without limits on latency and build the others count in full: (0.4·0.5 + 0.2·0.75) / 0.6.
    let some = judged(0.95, 50, limits: [floor, total])
    #expect(isNear(Rubric.score(some.uses), 100 * 0.35 / 0.6))
    // The tighter of two limits of one group: 1 − 1 000/1 250.
    let tight = DecisionLimit(.codes, 1_250, field: "memory.codes")
    let both = judged(0.95, 50, limits: [total, tight])
    #expect(isNear(Rubric.score(both.uses), 20))
    #expect(Rubric.score([]) == 0)
    #expect(Rubric.score(judged(0.89, 50, limits: [floor, p95]).uses) == 0)
    var weights = Rubric.Weights()
    weights.recall = 0
    weights.latency = -1
    #expect(isNear(Rubric.score(all.uses, weights: weights), 100 * (0.2 * 0.75 + 0.1 * 0.8) / 0.3))
  }

  @Test func aFrontRisesAndSaysWhatEachStepCosts() {
    let limits = [floor, total]
    let front = ParetoFront.points([
      judged(0.96, 60, bytes: 1_000, limits: limits),
      judged(0.92, 20, bytes: 800, limits: limits),
      // Beaten: dearer than 0.96 and no better; as dear as 0.92 and worse; below the floor; over the ceiling.
      judged(0.96, 70, limits: limits), judged(0.91, 20, limits: limits),
      judged(0.89, 5, limits: limits), judged(0.99, 10, bytes: 5_000, limits: limits),
      judged(0.97, 110, bytes: 1_000, limits: limits),
    ])
    #expect(front.map(\.recall) == [0.92, 0.96, 0.97])
    #expect(front[0].recallPerMicrosecond == nil && front[0].recallPerByte == nil)
    // 0.04 for 40 µs, and for (1 000 − 800) / 10 bytes a row.
    #expect(isNear(front[1].recallPerMicrosecond, 0.001))
    #expect(isNear(front[1].recallPerByte, 0.002))
    #expect(isNear(front[1].microsecondsPerPoint, 10))
    // 0.01 for 50 µs, and for no more bytes.
    #expect(isNear(front[2].recallPerMicrosecond, 0.000_2) && front[2].recallPerByte == nil)
    #expect(isNear(front[2].microsecondsPerPoint, 50))
    #expect(ParetoFront.points([]).isEmpty)
  }

  @Test func aFrontOfBytesSaysWhatTheyBuy() {
    let front = ParetoFront.points(
      [
        judged(0.92, 20, bytes: 800, limits: [floor]),
        judged(0.94, 15, bytes: 1_000, limits: [floor]),
        // Beaten: more bytes for no more recall.
        judged(0.93, 10, bytes: 1_100, limits: [floor]),
        judged(0.99, 90, bytes: 2_000, limits: [floor]),
      ], by: .bytes)
    #expect(front.map(\.recall) == [0.92, 0.94, 0.99])
    // 0.02 for 20 bytes a row, and less work; 0.05 for 100 bytes a row and 75 µs.
    #expect(isNear(front[1].recallPerByte, 0.001) && front[1].recallPerMicrosecond == nil)
    #expect(isNear(front[1].bytesPerPoint, 10))
    #expect(isNear(front[2].bytesPerPoint, 20))
    #expect(isNear(front[2].microsecondsPerPoint, 15))
  }

  @Test func ofEqualsTheSmallerOneStays() {
    let front = ParetoFront.points([
      judged(0.95, 20, bytes: 900, efSearch: 12, limits: [floor]),
      judged(0.95, 20, bytes: 800, efSearch: 14, limits: [floor]),
      judged(0.95, 20, bytes: 800, efSearch: 13, limits: [floor]),
    ])
    #expect(front.map(\.judged.candidate.efSearch) == [13])
  }

  @Test func oneStopsWhereAPointOfRecallCostsAWholeSearch() throws {
    // 100·recall − ln cost: 92 − 2.996 = 89.004, 96 − 3.401 = 92.599, 97 − 4.605 = 92.395.
    let front = ParetoFront.points([
      judged(0.92, 20, limits: [floor]), judged(0.96, 30, efSearch: 24, limits: [floor]),
      judged(0.97, 100, limits: [floor]),
    ])
    let stop = try #require(StopRule(front))
    #expect(stop.place == 1)
    // 70 µs for one point, with a search that takes 30.
    #expect(isNear(stop.microsecondsPerPoint, 70))
    #expect(stop.reason.contains("efSearch 24") && stop.reason.contains("70.0 µs"))
    #expect(stop.reason.contains("2.33 times what a whole search takes"))
    // e times the work for one point is as good as to stay: 97 − ln(30·2.7) is more, 97 − ln(30·2.8) is less.
    for (cost, place) in [(81.0, 2), (84.0, 1)] {
      let front = ParetoFront.points([
        judged(0.92, 20, limits: [floor]), judged(0.96, 30, limits: [floor]),
        judged(0.97, cost, limits: [floor]),
      ])
      #expect(StopRule(front)?.place == place)
    }
    #expect(StopRule([]) == nil)
  }

  @Test func furtherOnEveryPointCostsAtLeastAWholeSearch() throws {
    for seed in 1...30 as ClosedRange<UInt64> {
      let floor = [DecisionLimit(.recall, 0.7, field: "tiers[normal].recallFloor")]
      let front = try DecisionGrid.run(
        SyntheticSurface.space, limits: floor, subject: SyntheticSurface(seed: seed)
      ).front
      let stop = try #require(StopRule(front))
      let here = front[stop.place]
      for point in front.dropFirst(stop.place + 1) {
        #expect((point.cost - here.cost) / (point.recall - here.recall) / 100 >= here.cost * 0.999)
      }
    }
  }

  @Test func theEndOfAFrontSaysThatNothingFindsMore() throws {
    let front = ParetoFront.points([judged(0.99, 20, limits: [floor])])
    let end = try #require(StopRule(front))
    #expect(end.place == 0 && end.microsecondsPerPoint == nil)
    #expect(end.reason.contains("nothing finds more"))
  }
}
