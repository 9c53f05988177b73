import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

@Suite("An index that takes writes, against an array")
struct LiveIndexModelTests {
  @Test("Whatever fails, what was acknowledged is there, and nothing else")
  func seeds() throws {
    try run(Effort.count(2_000, long: 100_000), cutsPower: true) { seed throws(NeedletailError) in
      .simulated(SimulatedDisk(seed: seed))
    }
  }

  @Test("The same on this machine's disk, where a process can be ended, and the power not be cut")
  func realDisk() throws {
    try run(Effort.count(40, long: 2_000), cutsPower: false) { _ throws(NeedletailError) in
      try .real()
    }
  }

  private func run(
    _ seeds: Int, cutsPower: Bool, on disk: (UInt64) throws(NeedletailError) -> ModelDisk
  ) throws {
    var happened: Set<String> = []
    for seed in 0..<UInt64(seeds) {
      var model = try LiveIndexModel(seed: seed, disk: disk(seed))
      do { try model.run() } catch {
        Issue.record("seed \(seed): \(error)")
        return
      }
      happened.formUnion(model.happened)
    }
    // So few seeds as a sanitizer's run has meet not all of them.
    guard !Effort.isBrief else { return }
    for event in [
      "upsert", "remove", "failed write", "sealed", "rolled back", "kill", "followed", "withdrawn",
      "moved into memory",
    ] + (cutsPower ? ["failed seal", "failed rollback", "power cut"] : []) {
      #expect(happened.contains(event), "\(event) never came to pass")
    }
  }
}

@Suite("An index whose recovery ends the process")
struct SafeModeTests {
  @Test(
    "After three attempts that were cut off it is read as of its last generation; repair tries again"
  )
  func safeMode() throws {
    let disk = SimulatedDisk(seed: 1)
    let directory = IndexDirectory("index", in: disk)
    let build = BuildOptions(dimensions: 2, metric: .squaredEuclidean)
    let empty = SegmentOrder(
      options: build, rows: [], ids: [], findings: RowFindings(), threads: 1, monitor: nil)
    try OpenGeneration.create("index", in: disk, empty, identity: Array(0..<16))
    let index = try LiveIndex.open(directory, options: UpdateOptions()).index
    try index.update(.upsert(ids: [1], rows: try VectorMatrix([1, 2], dimensions: 2)))
    try index.seal(.none)
    try index.update(.upsert(ids: [2], rows: try VectorMatrix([3, 4], dimensions: 2)))
    for attempt in 0..<3 {
      // An attempt that was killed leaves its mark, and no more.
      disk.kill()
      var mark = try RecoveryMark(directory)
      #expect(mark.failures == attempt)
      mark.begin("reading the log")
    }
    let error = #expect(throws: NeedletailError.self) {
      try LiveIndex.open(directory, options: UpdateOptions())
    }
    #expect(error?.message.contains("safe mode") == true)
    let follower = try IndexFollower(
      directory, options: UpdateOptions(), verification: .structure)
    #expect(follower.safeMode != nil && follower.view.ids == [1])
    let again = try LiveIndex.open(directory, options: UpdateOptions(), triesAgain: true).index
    #expect(again.view.ids == [1, 2])
    // One who read meanwhile notices, though no generation was published.
    #expect(try follower.refresh())
    #expect(follower.safeMode == nil && follower.view.ids == [1, 2])
    let next = try IndexFollower(directory, options: UpdateOptions(), verification: .structure)
    #expect(next.safeMode == nil && next.view.ids == [1, 2])
    // An attempt that ends with an error has ended.
    disk.kill()
    disk.arm(.init(call: 12, isPermanent: true))
    _ = try? LiveIndex.open(directory, options: UpdateOptions())
    disk.kill()
    #expect(try RecoveryMark(directory).failures <= 1)
  }
}
