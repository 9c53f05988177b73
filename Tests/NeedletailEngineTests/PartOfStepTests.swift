import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

/// From the width k to the next, a walk that ends by distance begins to go on among what codes cannot tell
/// apart; settings between the two go a part of that way.
@Suite("Widths between k and the next")
struct PartOfStepTests {
  @Test("Cost rises from k over the parts to k + 1", arguments: [CodeKind.int8, .int4])
  func monotone(codes: CodeKind) throws {
    let (d, k) = (64, 10)
    var world = World(
      .cosine, RandomVectors.clusters(count: 3_000, dimensions: d, seed: 4), dimensions: d, m: 12,
      ef: 80)
    world.options.codes = codes
    let segment = try world.opened()
    try #require(segment.endsByDistance)
    let queries = (0..<150).map { world.row($0 * 20) }
    func cost(_ width: Int, _ scale: Float) throws -> (evaluations: Int, found: Int) {
      var parameters = SearchParameters(k: k, efSearch: width)
      parameters.stopScale = scale
      var (evaluations, found) = (0, 0)
      for query in queries {
        let outcome = try segment.answers(query, parameters)
        evaluations += outcome.outcome.evaluations
        let exact = Set(world.exact(query, k: k).map(\.id))
        found += outcome.neighbors.count { exact.contains($0.id) }
      }
      return (evaluations, found)
    }
    var costs = [try cost(k, 1)]
    for part in [0.0625, 0.25, 0.5, 0.75, 1] as [Float] { costs.append(try cost(k + 1, part)) }
    for (narrow, wide) in zip(costs, costs.dropFirst()) {
      #expect(narrow.evaluations <= wide.evaluations, "\(costs)")
      // What a query finds by luck on the narrower walk it may miss on the wider one: less than a point in all.
      #expect(narrow.found <= wide.found + 15, "\(costs)")
    }
    #expect(costs[0].evaluations < costs[5].evaluations)
  }
}
