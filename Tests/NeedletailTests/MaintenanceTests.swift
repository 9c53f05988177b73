import Foundation
import Testing
import _NeedletailTestSupport

@testable import Needletail

@Suite("Looking after an index")
struct MaintenanceTests {
  private let home: TemporaryDirectory

  init() throws { home = try TemporaryDirectory() }

  private func index() throws -> VectorIndex {
    let index = try VectorIndex.create(
      at: home("index"), configuration: VectorIndex.Configuration(dimensions: 8, metric: .cosine))
    try index.upsert(
      VectorMatrix(RandomVectors.clusters(count: 60, dimensions: 8, seed: 1), dimensions: 8),
      ids: 0..<60)
    return index
  }

  /// Waits until something was sealed; fails after a minute.
  private func waitForSeal(_ maintenance: Maintenance) {
    let end = ContinuousClock.now + .seconds(60)
    while maintenance.status.sealedSegments == 0, ContinuousClock.now < end {
      Thread.sleep(forTimeInterval: 0.001)
    }
    #expect(maintenance.status.sealedSegments >= 1)
  }

  @Test("No pace and no interval is too long to stop")
  func extremes() throws {
    let index = try index()
    for (pace, interval) in [
      (1e-300, .milliseconds(1)), (.leastNonzeroMagnitude, .seconds(Int64.max)),
      (1, .seconds(Int64.max)), (1, .zero),
    ] as [(Double, Duration)] {
      var options = MaintenanceOptions()
      options.sealCount = 10
      options.pace = pace
      options.interval = interval
      let maintenance = try index.startMaintenance(options)
      try index.upsert(
        VectorMatrix(RandomVectors.clusters(count: 20, dimensions: 8, seed: 2), dimensions: 8),
        ids: 100..<120)
      // Otherwise it may have looked before there was anything to seal.
      if interval < .seconds(1) { waitForSeal(maintenance) }
      maintenance.stop()
      #expect(maintenance.status.failure == nil)
    }
    for change in [
      { $0.pace = 0 }, { $0.pace = .nan }, { $0.pace = 1.5 }, { $0.interval = .seconds(-1) },
    ] as [(inout MaintenanceOptions) -> Void] {
      var options = MaintenanceOptions()
      change(&options)
      let error = #expect(throws: NeedletailError.self) { try index.startMaintenance(options) }
      #expect(error?.code == .invalidConfiguration)
    }
  }

  #if os(Linux)
    /// The signals that each thread of this process blocks.
    private func blocked() throws -> [String: UInt64] {
      var masks: [String: UInt64] = [:]
      for thread in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task") {
        // A thread may end meanwhile.
        guard
          let status = try? String(
            contentsOfFile: "/proc/self/task/\(thread)/status", encoding: .utf8),
          let line = status.split(separator: "\n").first(where: { $0.hasPrefix("SigBlk:") })
        else { continue }
        masks[thread] = UInt64(line.split(separator: "\t")[1], radix: 16)
      }
      return masks
    }

    @Test("Signals are for the program's own threads")
    func signals() throws {
      let index = try index()
      let before = try Set(blocked().keys)
      let maintenance = try index.startMaintenance()
      let new = try blocked().filter { !before.contains($0.key) }
      let wanted = [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGALRM, SIGPROF].reduce(0 as UInt64) {
        $0 | 1 << UInt64($1 - 1)
      }
      // Other tests may have started threads meanwhile.
      #expect(new.values.contains { $0 & wanted == wanted })
      maintenance.stop()
    }
  #endif
}
