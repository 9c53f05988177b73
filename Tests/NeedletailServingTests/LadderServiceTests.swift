import NeedletailBudgets
import NeedletailCore
import Testing

@testable import NeedletailServing

@Suite("A service with a ladder")
struct LadderServiceTests {
  private static let cost: [Double] = [1, 0.75, 0.6, 0.45, 0.3, 0.25, 0]

  /// A service of two workers that begins at rest.
  private func service(
    _ sources: [ServiceSimulation.Source]
  ) throws -> ServiceSimulation {
    var simulation = ServiceSimulation(sources)
    simulation.control = .init(
      meter: LoadMeter(LoadMeter.Settings(workers: 2), start: 0),
      tiers: TierController([LoadTier(name: "any", p95: .seconds(1), p99: .seconds(1))]),
      ladder: try LadderController(
        LadderSettings(cost: PerRung { Self.cost[$0.order] }, recall: PerRung { _ in 1 }),
        tiers: [LoadTier(name: "any", p95: .seconds(1), p99: .seconds(1))], start: 0))
    return simulation
  }

  @Test(
    "From half to thrice the capacity and back, all but one of a thousand are served in time, rung by rung"
  )
  func sweep() throws {
    var simulation = try service([
      .init(rate: { now in
        let second = Double(now) / 1e9
        let load =
          second < 200 ? 0.5 + 2.5 * second / 200 : max(0.4, 3 - 2.6 * (second - 200) / 200)
        return 2_000 * load
      })
    ])
    try simulation.run(until: 440 * .second)
    let moves = try #require(simulation.control?.moves.map(\.rung))
    #expect(moves.first == .smallerWindow && moves.last == .full)
    for (a, b) in zip(moves, moves.dropFirst()) { #expect(abs(a.order - b.order) == 1) }
    let deepest = try #require(moves.max())
    #expect(deepest == .cachedFresh || deepest == .cachedStale)
    let served = simulation.records.filter(\.isInTime).count
    let asked = simulation.asked.reduce(0) { $0 + $1[0] }
    #expect(Double(served) >= 0.999 * Double(asked), "\(served) of \(asked)")
  }

  @Test(
    "A surge to twice the capacity is over in seconds: the queue holds until the ladder has moved")
  func surge() throws {
    var simulation = try service([
      .init(rate: { $0 < 20 * .second ? 1_000 : 4_000 })
    ])
    try simulation.run(until: 60 * .second)
    var served = [Int](repeating: 0, count: 60)
    for record in simulation.records where record.isInTime {
      served[Int(record.arrival / .second)] += 1
    }
    // What is lost, is lost within 12 s; from then on, everything is served.
    for second in 32..<59 {
      #expect(Double(served[second]) >= 0.999 * Double(simulation.asked[second][0]))
    }
    for second in 21..<59 { #expect(served[second] >= 1_800, "second \(second)") }
  }
}
