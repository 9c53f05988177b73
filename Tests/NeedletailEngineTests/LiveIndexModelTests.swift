import NeedletailCore
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

@Suite("An index that takes writes, against an array")
struct LiveIndexModelTests {
  @Test("Whatever fails, what was acknowledged is there, and nothing else")
  func seeds() throws {
    var happened: Set<String> = []
    for seed in 0..<UInt64(Effort.count(2_000, long: 100_000)) {
      var model = try LiveIndexModel(seed: seed)
      do { try model.run() } catch {
        Issue.record("seed \(seed): \(error)")
        return
      }
      happened.formUnion(model.happened)
    }
    for event in [
      "upsert", "remove", "failed write", "sealed", "failed seal", "rolled back",
      "failed rollback", "power cut", "kill", "followed", "withdrawn",
    ] { #expect(happened.contains(event), "\(event) never came to pass") }
  }
}
