import NeedletailCore

/// One request of a schedule: when, and what a record says about it.
public struct LoadArrival: Sendable, Hashable {
  /// Nanoseconds from the beginning of the run.
  public var offset: Int64
  /// The part of the schedule that it belongs to.
  public var part: Int
  /// What was recorded of it; nil: the mix decides.
  public var recorded: ArrivalLog.Entry?
}

/// The arrival times of a schedule, one by one; never falling.
///
/// Time is stretched so that arrivals come at rate one: a step of one (even) or of an exponential number (Poisson) there
/// is led back through the integral of the rate, which is a quadratic where the rate is a line.
///
/// - Source: Lewis and Shedler, *Simulation of nonhomogeneous Poisson processes* (1979); the inversion method of
///   Çinlar.
public struct LoadArrivals: Sequence, IteratorProtocol, Sendable {
  private let schedule: LoadSchedule
  private var random: SplitMix64
  private var part = 0
  /// Where the part begins.
  private var partStart: Int64 = 0
  /// The piece of the part in which the rate is a line, from the part's beginning.
  private var pieceStart: Int64 = 0
  /// How far the next arrival is, from the piece's beginning, where the rate is one; nil: a part begins.
  private var target: Double?
  /// The next entry of a record.
  private var entry = 0

  init(_ schedule: LoadSchedule, seed: UInt64) {
    self.schedule = schedule
    // Not the numbers that the mix draws from the same seed.
    random = SplitMix64(seed: seed ^ 0x5c4e_d01e_ab1e_0001)
  }

  /// The next arrival; nil at the end.
  public mutating func next() -> LoadArrival? {
    while part < schedule.parts.count {
      let current = schedule.parts[part]
      if case .recorded(let log, let speed) = current.shape {
        if entry < log.count {
          let found = log[entry]
          entry += 1
          return LoadArrival(
            offset: partStart + Int64(Double(found.offset) / speed), part: part, recorded: found)
        }
      } else if let offset = next(in: current) {
        return LoadArrival(offset: partStart + offset, part: part, recorded: nil)
      }
      partStart += current.nanoseconds
      part += 1
      pieceStart = 0
      target = nil
      entry = 0
    }
    return nil
  }

  private mutating func next(in current: LoadSchedule.Part) -> Int64? {
    var goal = target ?? (current.spacing == .even ? 0 : exponential())
    while pieceStart < current.nanoseconds {
      let piece = Self.piece(of: current, at: pieceStart)
      let seconds = Double(piece.nanoseconds) / 1e9
      let whole = (piece.from + piece.to) / 2 * seconds
      if goal < whole {
        let slope = (piece.to - piece.from) / seconds
        let time = Self.time(goal, from: piece.from, slope: slope)
        target = goal + (current.spacing == .even ? 1 : exponential())
        return pieceStart
          + Swift.min(piece.nanoseconds - 1, Swift.max(0, Int64((time * 1e9).rounded(.down))))
      }
      goal -= whole
      pieceStart += piece.nanoseconds
    }
    return nil
  }

  /// A stretch in which the rate is a line.
  private static func piece(
    of part: LoadSchedule.Part, at start: Int64
  ) -> (from: Double, to: Double, nanoseconds: Int64) {
    let left = part.nanoseconds - start
    switch part.shape {
    case .steady(let rate): return (rate, rate, left)
    case .ramp(let low, let high): return (low, high, left)
    case .burst(let low, let high, let period, let length):
      let within = start % period
      let calm = period - length
      return within < calm
        ? (low, low, Swift.min(left, calm - within))
        : (high, high, Swift.min(left, period - within))
    case .recorded: return (0, 0, left)
    }
  }

  /// The seconds t with `from·t + slope·t²/2 = count`, without the difference of two large numbers.
  private static func time(_ count: Double, from: Double, slope: Double) -> Double {
    guard slope != 0 else { return from > 0 ? count / from : 0 }
    let root = Swift.max(0, from * from + 2 * slope * count).squareRoot()
    return from + root > 0 ? 2 * count / (from + root) : 0
  }

  /// A number of mean 1.
  private mutating func exponential() -> Double {
    -GaussianStream.logarithm(1 - random.nextUnit())
  }
}
