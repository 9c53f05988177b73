import NeedletailCore
import Testing

@Suite struct WorkMonitorTests {
  @Test func progressIsThatOfThePhase() throws {
    let monitor = WorkMonitor()
    #expect(monitor.progress.done == 0)
    #expect(monitor.progress.remaining == nil)
    monitor.begin("reading", total: 10)
    try monitor.advance(by: 4)
    try monitor.advance(by: 3)
    #expect(monitor.progress.phase == "reading")
    #expect(monitor.progress.done == 7)
    #expect(monitor.progress.total == 10)
    monitor.begin("linking", total: 5)
    #expect(monitor.progress.phase == "linking")
    #expect(monitor.progress.done == 0)
  }

  @Test func rateAndTimeLeftFollowFromWhatIsDone() {
    var progress = WorkMonitor().progress
    progress.done = 25
    progress.total = 100
    progress.elapsed = .seconds(5)
    #expect(progress.rate == 5)
    #expect(progress.remaining == .seconds(15))
    progress.done = 0
    #expect(progress.rate == 0)
    #expect(progress.remaining == nil)
    progress.done = 101
    #expect(progress.remaining == nil, "a total that was guessed too low says nothing")
    progress.elapsed = .zero
    #expect(progress.rate == 0)
  }

  @Test func aCancelledWorkerHearsOfItAtItsNextStep() throws {
    let monitor = WorkMonitor()
    monitor.begin("linking", total: 3)
    try monitor.advance(by: 1)
    monitor.cancel()
    #expect(monitor.isCancelled)
    let error = #expect(throws: NeedletailError.self) { try monitor.advance(by: 1) }
    #expect(error?.code == .cancelled)
    #expect(throws: NeedletailError.self) { try monitor.advance(by: 0) }
  }

  @Test func manyThreadsAddUp() async throws {
    let monitor = WorkMonitor()
    monitor.begin("counting", total: 8_000)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask { for _ in 0..<1_000 { try monitor.advance(by: 1) } }
      }
      try await group.waitForAll()
    }
    #expect(monitor.progress.done == 8_000)
  }
}
