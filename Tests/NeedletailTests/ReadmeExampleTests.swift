import Needletail
import Testing
import _NeedletailTestSupport

// The example of the README, as it stands there: when this file compiles, the README does.

func packagesLike(row: Int) throws(NeedletailError) {
  let base = try VectorMatrix(contentsOf: "datasets/debian-packages/base.npy")  // 12 000 × 384
  var configuration = VectorIndex.Configuration(dimensions: base.dimensions, metric: .cosine)
  configuration.graph.m = 16
  configuration.graph.efConstruction = 320
  let index = try VectorIndex.create(at: "packages.needletail", configuration: configuration)

  var writer = try index.makeWriter()  // dropped without a commit, it leaves nothing
  try writer.add(base, ids: 0..<VectorID(base.count))
  let snapshot = try writer.commit(threads: 2)  // on disk when it returns

  var options = SearchOptions(efSearch: 64)
  options.budget = SearchBudget(latency: .milliseconds(2), evaluations: 20_000)
  let result = try snapshot.search(base[row], k: 10, options: options)
  for neighbor in result.neighbors { print(neighbor.id, neighbor.distance) }
  if !result.completion.isComplete { print(result.completion.reasons) }
}

@Suite("README")
struct ReadmeExampleTests {
  @Test("Every Swift example of the README stands in this file, line by line")
  func example() throws {
    let examples = try DocumentedExamples(of: "README.md")
    #expect(!examples.blocks.isEmpty)
    #expect(try examples.missing() == [])
  }
}
