import Foundation
import Needletail
import NeedletailBudgets
import NeedletailServing
import Testing
import _NeedletailTestSupport

/// `needletail stats` on the files of a service.
@Suite struct StatsTests {
  /// An index, and the status of a service that answered some queries.
  private static func served(_ directory: TemporaryDirectory) throws -> String {
    let path = directory("words")
    let index = try VectorIndex.create(
      at: path,
      configuration: VectorIndex.Configuration(dimensions: 16, metric: .squaredEuclidean))
    var writer = try index.makeWriter()
    try writer.add(
      VectorMatrix(
        RandomVectors.gaussian(count: 500, dimensions: 16, seed: 1), dimensions: 16),
      ids: 0..<500)
    _ = try writer.commit()
    let budget = try PerformanceBudget(
      name: "shop", owner: "search@example.com",
      tiers: [LoadTier(name: "normal", p95: .seconds(5), p99: .seconds(10))])
    var options = ServiceOptions()
    options.workers = 1
    let service = try SearchService(index, budget: budget, options: options)
    for number in 0..<5 {
      _ = try service.search(
        ServiceRequest(query: [Float](repeating: Float(number), count: 16), k: 3))
    }
    try service.writeStatus(to: StatusFile.path(beside: path))
    return path
  }

  @Test func anIndexIsShownWithTheStatusBesideIt() throws {
    let directory = try TemporaryDirectory()
    let path = try Self.served(directory)
    let outcome = try Command.run("stats", path)
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    for words in [
      "500 vectors × 16", "words.status.json", "of what 1 worker can do", "criticalPlus",
      "full", "p99 ", "just now",
    ] { #expect(outcome.output.contains(words), "\(words) is not in:\n\(outcome.output)") }
    #expect(!outcome.output.contains("\u{1b}"))
    let json = try Command.run("stats", path + "/", "--json").json()
    #expect((json["index"] as? [String: Any])?["vectors"] as? Int == 500)
    #expect(json["isStale"] as? Bool == false)
    let counts = (json["status"] as? [String: Any])?["counts"] as? [String: Any]
    #expect((counts?["latency"] as? [String: Any])?["count"] as? Int == 5)
  }

  @Test func anOldFileIsSaidToBeStale() throws {
    let directory = try TemporaryDirectory()
    let status = StatusFile.path(beside: try Self.served(directory))
    var file = try StatusFile(contentsOf: status)
    file.writtenAt -= 100
    // Whatever stands there, a terminal takes no command from it.
    file.status.tier = "nor\u{1b}[2Jmal"
    try JSONEncoder().encode(file).write(to: URL(fileURLWithPath: status))
    let output = try Command.run("stats", status).output
    #expect(output.contains("1 min 4") && output.contains("ago: the service has ended"))
    #expect(output.contains("nor [2Jmal") && !output.contains("\u{1b}"))
    #expect(try Command.run("stats", status, "--json").json()["isStale"] as? Bool == true)
  }

  @Test func anIndexWithoutAServiceSaysSo() throws {
    let directory = try TemporaryDirectory()
    let path = try Self.served(directory)
    try FileManager.default.removeItem(atPath: StatusFile.path(beside: path))
    let outcome = try Command.run("stats", path)
    #expect(outcome.status == 0 && outcome.output.contains("No service writes "))
    #expect(try Command.run("stats", path, "--json").json()["status"] == nil)
  }

  @Test func whatIsNoStatusIsRefused() throws {
    let directory = try TemporaryDirectory()
    try Command.expectFailure(66, "no file", "stats", directory("nothing"))
    try Command.expectFailure(66, "holds no index", "stats", directory.path)
    try Data("{}".utf8).write(to: URL(fileURLWithPath: directory("s")))
    try Command.expectFailure(65, "not the status of a service", "stats", directory("s"))
    try Command.expectFailure(64, "--watch", "stats", directory("s"), "--watch", "--json")
  }
}
