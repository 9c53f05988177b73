import NeedletailCore
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

@Suite("Very long and very short rows under cosine")
struct LiveNormTests {
  private static let dimensions = 12

  /// Rows in all directions, of every length that `Float` has.
  private func world(_ count: Int) -> World {
    let d = Self.dimensions
    var components = RandomVectors.clusters(
      count: count, dimensions: d, clusters: count, spread: 1, seed: 7)
    let lengths: [Float] = [
      3e38, 1e38, 1e30, 1e20, 1, 1e-20, 1e-30, 1e-36, 0x1p-126, 0x1p-132, 0x1p-142,
    ]
    for i in 0..<count {
      let row = (i * d)..<(i * d + d)
      let largest = components[row].reduce(0) { max($0, abs($1)) }
      for j in row { components[j] = components[j] / largest * lengths[i % lengths.count] }
    }
    return World(.cosine, components, dimensions: d)
  }

  @Test("The longest rows there are have the cosine that they have")
  func overflow() throws {
    let huge: Float = 3e38
    let world = World(
      .cosine, [huge, huge, huge, -huge, -huge, -huge, 1, 1.25, 0x1p-146, 0x1p-145], dimensions: 2)
    var live = try LiveWorld(world)
    try live.insert(0..<5)
    for query in [[1, 1], [huge, huge], [1, -1], [-1, 1], [0x1p-132, 0x1p-132]] as [[Float]] {
      let answers = try live.answers(query, SearchParameters(k: 5, efSearch: 10)).neighbors
      #expect(answers.count == 5)
      for answer in answers {
        let row = try #require(live.rows[answer.id])
        #expect(abs(Double(answer.distance) - world.distance(query, row)) < 1e-6)
      }
      #expect(answers.map(\.distance) == answers.map(\.distance).sorted())
    }
  }

  /// Few rows are scanned, many are walked through.
  @Test("Every length gives distances that an oracle in double gives", arguments: [200, 3_000])
  func everyLength(count: Int) throws {
    let world = self.world(count)
    var live = try LiveWorld(world)
    try live.insert(0..<count)
    var random = SplitMix64(seed: 1)
    for number in 0..<60 {
      let scale: Float = [1, 0x1p-127, 1e37][number % 3]
      let query = (0..<Self.dimensions).map { _ in random.nextGaussian() * scale }
      let answers = try live.answers(query, SearchParameters(k: 20, efSearch: 80)).neighbors
      #expect(answers.count == 20)
      for answer in answers {
        let row = try #require(live.rows[answer.id])
        #expect(abs(Double(answer.distance) - world.distance(query, row)) < 1e-6, "row \(row)")
      }
    }
    #expect(
      try live.recall((0..<40).map { world.row($0 * 5) }, SearchParameters(k: 10, efSearch: 80))
        > 0.95)
  }
}
