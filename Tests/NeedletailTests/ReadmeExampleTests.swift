import Foundation
import Needletail
import Testing

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
  options.evaluationLimit = 20_000
  let result = try snapshot.search(base[row], k: 10, options: options)
  for neighbor in result.neighbors { print(neighbor.id, neighbor.distance) }
  if !result.completion.isComplete { print(result.completion.reasons) }
}

@Suite("README")
struct ReadmeExampleTests {
  @Test("Every Swift example of the README stands in this file, line by line")
  func example() throws {
    let here = URL(fileURLWithPath: #filePath)
    let readme = here.deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("README.md")
    let text = try String(contentsOf: readme, encoding: .utf8)
    let source = try String(contentsOf: here, encoding: .utf8)
    let blocks = text.components(separatedBy: "```swift\n").dropFirst().compactMap {
      $0.components(separatedBy: "```").first
    }
    #expect(!blocks.isEmpty)
    for block in blocks {
      let code = block.split(separator: "\n").filter { !$0.hasPrefix("import ") }
        .joined(separator: "\n")
      let lines = source.split(separator: "\n").joined(separator: "\n")
      #expect(lines.contains(code), "the README has:\n\(code)")
    }
  }
}
