/// How long a thread that looks after an index sleeps between one piece of work and the next.
struct MaintenancePauses {
  /// What became of a piece of work.
  enum Outcome {
    case worked
    /// Nothing needed doing.
    case idle
    /// It was stopped, or is somebody else's now: no failure, and no success.
    case leftOut
    case failed
  }

  /// Nobody sleeps longer: sums of it with a clock's time never leave their range.
  static let longest = Duration.seconds(86_400)
  /// Nobody sleeps longer after a failure, unless an idle thread does.
  static let longestAfterFailure = Duration.seconds(60)
  /// Nobody sleeps less after a failure.
  private static let shortestAfterFailure = Duration.milliseconds(1)

  private let interval: Duration
  /// Seconds of sleep for one of work.
  private let rest: Double
  /// What the last failure was followed by, if nothing has succeeded since.
  private var afterFailure: Duration?

  /// Takes a share of the time, above 0 and at most 1, and a time that is not negative.
  init(pace: Double, interval: Duration) {
    self.interval = min(interval, Self.longest)
    rest = 1 / pace - 1
  }

  /// Says how long to sleep after a piece of work.
  ///
  /// A failure costs as much as a success, a whole build perhaps, and what caused it may last: each one in a row
  /// is followed by twice the pause.
  ///
  /// - Parameters:
  ///   - outcome: what became of it.
  ///   - busy: how long it took.
  /// - Returns: the pause; `longest` at the most.
  mutating func next(after outcome: Outcome, busy: Duration) -> Duration {
    switch outcome {
    case .idle:
      afterFailure = nil
      return interval
    case .leftOut: return interval
    case .worked:
      afterFailure = nil
      return paced(busy)
    case .failed:
      let first = max(interval, Self.shortestAfterFailure)
      let pause = afterFailure.map { min($0 * 2, max(first, Self.longestAfterFailure)) } ?? first
      afterFailure = pause
      return max(pause, paced(busy))
    }
  }

  private func paced(_ busy: Duration) -> Duration {
    let (seconds, attoseconds) = busy.components
    let pause = (Double(seconds) + Double(attoseconds) * 1e-18) * rest
    let (longest, _) = Self.longest.components
    // The rest of a very small share is infinite, and nothing of that is no number.
    return pause < Double(longest) ? .seconds(pause) : Self.longest
  }
}
