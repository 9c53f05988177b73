/// A stretch of a schedule with one rate.
public struct LoadStep: Sendable, Hashable, Codable {
  /// Seconds from the beginning of the run.
  public var start: Double
  /// Seconds from the beginning of the run.
  public var end: Double
  /// Requests a second.
  public var rate: Double

  /// Makes a step.
  public init(start: Double, end: Double, rate: Double) {
    self.start = start
    self.end = end
    self.rate = rate
  }

  /// The steps of a schedule in their order, as far as it has any; at most 1 000.
  ///
  /// A ramp and a record have none.
  public static func steps(of schedule: LoadSchedule) -> [LoadStep] {
    var steps: [LoadStep] = []
    var start: Int64 = 0
    for part in schedule.parts {
      let end = start + part.nanoseconds
      switch part.shape {
      case .steady(let rate): add(rate, start, end, to: &steps)
      case .burst(let low, let high, let period, let length):
        var place = start
        while place < end, steps.count < 1000 {
          add(low, place, min(end, place + period - length), to: &steps)
          add(high, place + period - length, min(end, place + period), to: &steps)
          place += period
        }
      case .ramp, .recorded: break
      }
      start = end
    }
    return steps
  }

  private static func add(_ rate: Double, _ start: Int64, _ end: Int64, to steps: inout [LoadStep])
  {
    guard end > start, steps.count < 1000 else { return }
    let step = LoadStep(start: Double(start) / 1e9, end: Double(end) / 1e9, rate: rate)
    if let last = steps.last, last.rate == rate, last.end == step.start {
      steps[steps.count - 1].end = step.end
    } else {
      steps.append(step)
    }
  }
}
