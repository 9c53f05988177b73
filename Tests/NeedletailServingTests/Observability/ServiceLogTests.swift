#if Logging
  import InMemoryLogging
  import Logging
  import NeedletailBudgets
  import NeedletailCore
  import Testing

  @testable import NeedletailServing

  /// Events as lines of a log.
  @Suite("Service log")
  struct ServiceLogTests {
    private static func alert(_ isFiring: Bool) -> ServiceEvent {
      .alert(
        BurnAlert(
          objective: "fast", rule: .fast, isFiring: isFiring, longBurn: 15_000, shortBurn: 20_500,
          instant: 0))
    }

    private static func log(
      burst: Int = 10, _ clock: SetClock = SetClock()
    ) -> (ServiceLog, InMemoryLogHandler) {
      var handler = InMemoryLogHandler()
      handler.logLevel = .trace
      let kept = handler
      let logger = Logger(label: "test") { _ in kept }
      return (ServiceLog(logger, burst: burst, interval: .seconds(60), clock: clock), handler)
    }

    @Test("Each event is one line at its level, with its numbers")
    func lines() throws {
      let (log, handler) = Self.log()
      var rungs = PerClass(repeating: Rung.full)
      rungs[.sheddable] = .reject
      let events: [ServiceEvent] = [
        .tier(from: "normal", to: "peak", load: 1.23456), .rungs(rungs, load: 1.2),
        Self.alert(true), Self.alert(false), .scale(workers: 5, load: 2),
        .recallDrift(.full, estimate: 0.81, floor: 0.9), .flag("noPreview", isOn: true),
        .failure(NeedletailError(.overBudget, "10 bytes are needed and 5 are there.")),
      ]
      for event in events { log.write(event) }
      let entries = handler.entries
      try #require(entries.count == events.count)
      #expect(
        entries.map(\.level) == [
          .notice, .notice, .error, .notice, .info, .warning, .notice, .error,
        ])
      #expect(entries[0].metadata == ["from": "normal", "to": "peak", "load": "1.235"])
      #expect(entries[1].metadata["sheddable"] == "reject")
      #expect(entries[1].metadata["critical"] == "full")
      #expect(
        entries[2].metadata["longBurn"] == "15.0" && entries[2].metadata["severity"] == "page")
      #expect(entries[2].metadata["shortSeconds"] == "300")
      #expect(entries[4].metadata["workers"] == "5")
      #expect(entries[5].metadata == ["rung": "full", "recall": "0.81", "floor": "0.9"])
      #expect("\(entries[7].message)".contains("10 bytes"))
      #expect(entries[7].metadata["code"] == "overBudget")
    }

    @Test(
      "Of one kind so many lines are written in an interval, and the next one says how many are missing"
    )
    func limited() throws {
      let clock = SetClock()
      let (log, handler) = Self.log(burst: 2, clock)
      for number in 0..<10 { log.write(.scale(workers: number, load: 1)) }
      // Another kind has its own count.
      log.write(.tier(from: "a", to: "b", load: 1))
      #expect(handler.entries.count == 3)
      clock.advance(59 * .second)
      log.write(.scale(workers: 11, load: 1))
      #expect(handler.entries.count == 3)
      clock.advance(.second)
      log.write(.scale(workers: 12, load: 1))
      log.write(.scale(workers: 13, load: 1))
      let entries = handler.entries
      try #require(entries.count == 5)
      #expect(entries[3].metadata["suppressed"] == "9" && entries[3].metadata["workers"] == "12")
      #expect(entries[4].metadata["suppressed"] == nil)
    }

    @Test("Alerts are never left out")
    func alerts() {
      let (log, handler) = Self.log(burst: 1)
      for _ in 0..<20 {
        log.write(Self.alert(true))
        log.write(Self.alert(false))
      }
      #expect(handler.entries.count == 40)
    }

    @Test("The hook writes, and goes on to the user's own")
    func hook() {
      let (log, handler) = Self.log()
      let count = Guarded(0)
      let hook = log.hook { _ in count.withLock { $0 += 1 } }
      hook(.scale(workers: 2, load: 1))
      hook(Self.alert(true))
      log.hook()(Self.alert(false))
      #expect(handler.entries.count == 3 && count.withLock { $0 } == 2)
    }
  }
#endif
