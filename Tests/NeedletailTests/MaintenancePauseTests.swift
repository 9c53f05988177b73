import Testing

@testable import Needletail

@Suite("How long an index is left alone")
struct MaintenancePauseTests {
  @Test("Work that fails is tried again after ever longer pauses, up to a minute")
  func failures() {
    var pauses = MaintenancePauses(pace: 1, interval: .milliseconds(50))
    var taken: [Duration] = []
    for _ in 0..<20 { taken.append(pauses.next(after: .failed, busy: .seconds(3))) }
    #expect(taken[0] == .milliseconds(50))
    for (pause, next) in zip(taken, taken.dropFirst()) {
      #expect(next == min(pause * 2, .seconds(60)))
    }
    #expect(taken[19] == .seconds(60))
    // Somebody else at work is no success, and no failure.
    #expect(pauses.next(after: .leftOut, busy: .zero) == .milliseconds(50))
    #expect(pauses.next(after: .failed, busy: .zero) == .seconds(60))
    for success in [MaintenancePauses.Outcome.worked, .idle] {
      _ = pauses.next(after: success, busy: .zero)
      #expect(pauses.next(after: .failed, busy: .zero) == .milliseconds(50))
      #expect(pauses.next(after: .failed, busy: .zero) == .milliseconds(100))
    }
  }

  @Test("Neither a pace nor an interval leaves the range of durations")
  func extremes() {
    let day = Duration.seconds(86_400)
    for (pace, busy, pause) in [
      (1, .seconds(5), .zero), (0.5, .seconds(5), .seconds(5)), (0.25, .seconds(2), .seconds(6)),
      (1e-300, .seconds(5), day), (.leastNonzeroMagnitude, .seconds(5), day),
      (.leastNonzeroMagnitude, .zero, day), (0.5, .seconds(Int64.max), day),
    ] as [(Double, Duration, Duration)] {
      var pauses = MaintenancePauses(pace: pace, interval: .zero)
      #expect(pauses.next(after: .worked, busy: busy) == pause)
      #expect(pauses.next(after: .idle, busy: busy) == .zero)
      // A failure costs its share of the time too.
      #expect(pauses.next(after: .failed, busy: busy) == max(pause, .milliseconds(1)))
    }
    for interval in [Duration.seconds(100), .seconds(Int64.max)] {
      var pauses = MaintenancePauses(pace: 1, interval: interval)
      for _ in 0..<3 {
        #expect(pauses.next(after: .failed, busy: .zero) == min(interval, day))
      }
      #expect(pauses.next(after: .idle, busy: .zero) == min(interval, day))
    }
  }
}
