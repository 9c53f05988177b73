import Foundation
import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

@Suite("How far a build walks")
struct WalkAllowanceTests {
  @Test("The mean comes to what was asked for, however rows lie", arguments: [2.0, 8, 40])
  func steered(dimensions: Double) throws {
    var allowance = WalkAllowance(efConstruction: 200, m: 16, isSteered: true)
    #expect(allowance.share == nil, "a window to begin with")
    var hops = 0
    for batch in 1...60 {
      // Rows within a distance grow with a power of it, up to what a walk may expand.
      if let share = allowance.share {
        let within = Double(allowance.rank) * pow(1 + Double(share), dimensions / 2)
        hops = Int(min(within, Double(allowance.width)))
      }
      allowance.learn(hops: hops * 100, rows: 100, linked: batch * 2_000)
    }
    #expect(abs(hops - 300) <= 15, "\(hops) candidates expanded by a walk")
  }

  @Test("Narrow windows and products stay as they are")
  func windows() {
    for (width, isSteered) in [(63, true), (200, false)] {
      var allowance = WalkAllowance(efConstruction: width, m: 16, isSteered: isSteered)
      for batch in 1...20 { allowance.learn(hops: 900, rows: 100, linked: batch * 10_000) }
      #expect(allowance.share == nil)
      #expect(allowance.width == width)
    }
  }

  @Test(
    "Rows that are nearly alike are linked to others, too",
    arguments: [Metric.squaredEuclidean, .cosine])
  func nearCopies(metric: Metric) throws {
    let (heap, count, d) = (40, 3_200, 16)
    var random = SplitMix64(seed: 8)
    var centre: [Float] = []
    let components = (0..<count).flatMap { row in
      if row % heap == 0 { centre = (0..<d).map { _ in random.nextGaussian() } }
      return centre.map { $0 * (1 + 0.02 * random.nextGaussian()) }
    }
    var world = World(metric, components, dimensions: d, m: 16, ef: 200)
    world.options.codes = .int8
    let built = try world.built(threads: 2)
    #expect(built.unreachableNodes == 0)
    let alone = (0..<UInt32(count)).filter { ordinal in
      let own = Int(built.order[Int(ordinal)]) / heap
      return built.tables[0].links(of: ordinal).allSatisfy {
        Int(built.order[Int($0)]) / heap == own
      }
    }
    // Links back may push out a few; without windows for rows amid their like it is one row in five.
    #expect(alone.count * 40 < count, "\(alone.count) rows know only their like")
  }
}
