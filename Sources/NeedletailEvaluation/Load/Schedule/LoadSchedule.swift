/// When requests are sent: parts that follow each other, each with its rate.
///
/// Arrival times are produced one by one (`arrivals(seed:)`), so that a schedule of a day takes no more room than one of
/// a second.
public struct LoadSchedule: Sendable, Hashable {
  /// How the gaps between requests are drawn.
  public enum Spacing: Sendable, Hashable {
    /// All alike, as the rate says.
    case even
    /// Independent of each other, as those of many users are.
    case poisson
  }

  /// How the rate runs.
  public enum Shape: Sendable, Hashable {
    /// The same all the time, in requests a second; 0: a pause.
    case steady(Double)
    /// From one rate to another, in a straight line.
    case ramp(from: Double, to: Double)
    /// One rate, and another one for the last nanoseconds `length` of every `period`.
    case burst(from: Double, to: Double, period: Int64, length: Int64)
    /// As it was recorded, so many times as fast.
    case recorded(ArrivalLog, speed: Double)
  }

  /// A stretch of time.
  public struct Part: Sendable, Hashable {
    /// How its rate runs.
    public var shape: Shape
    /// How its gaps are drawn; nothing is drawn of what was recorded.
    public var spacing: Spacing
    /// Its length.
    public var nanoseconds: Int64

    init(_ shape: Shape, _ spacing: Spacing = .even, nanoseconds: Int64) {
      self.shape = shape
      self.spacing = spacing
      self.nanoseconds = nanoseconds
    }

    /// How many requests are expected.
    var expected: Double {
      let seconds = Double(nanoseconds) / 1e9
      switch shape {
      case .steady(let rate): return rate * seconds
      case .ramp(let low, let high): return (low + high) / 2 * seconds
      case .burst(let low, let high, let period, let length):
        let whole = nanoseconds / period
        let rest = nanoseconds % period
        let high = Double(whole * length + max(0, rest - (period - length))) / 1e9 * (high - low)
        return low * seconds + high
      case .recorded(let log, _): return Double(log.count)
      }
    }

    /// The rate that the shape has at a place; of a record its mean.
    func rate(at offset: Int64) -> Double {
      switch shape {
      case .steady(let rate): return rate
      case .ramp(let low, let high):
        return low + (high - low) * (Double(offset) / Double(max(1, nanoseconds)))
      case .burst(let low, let high, let period, let length):
        return offset % period >= period - length ? high : low
      case .recorded(let log, _): return Double(log.count) / (Double(max(1, nanoseconds)) / 1e9)
      }
    }
  }

  /// The parts, in their order; at least one.
  public let parts: [Part]
  /// What it was parsed from.
  public let text: String

  init(_ parts: [Part], text: String) {
    self.parts = parts
    self.text = text
  }

  /// The length of all parts.
  public var nanoseconds: Int64 { parts.reduce(0) { $0 + $1.nanoseconds } }

  /// How many requests are expected: exactly, where gaps are even or were recorded.
  public var expectedCount: Double { parts.reduce(0) { $0 + $1.expected } }

  /// The rate at an offset from the beginning, in requests a second; 0 outside.
  public func rate(at offset: Int64) -> Double {
    var start: Int64 = 0
    for part in parts {
      if (start..<start + part.nanoseconds).contains(offset) {
        return part.rate(at: offset - start)
      }
      start += part.nanoseconds
    }
    return 0
  }

  /// The arrival times, from the beginning on; the same for the same seed.
  public func arrivals(seed: UInt64) -> LoadArrivals { LoadArrivals(self, seed: seed) }

  /// The most that a schedule may ask for.
  enum Bounds {
    static let rate = 1e7
    static let nanoseconds: Int64 = 86_400_000_000_000
    static let requests = 1e9
    static let parts = 1000
    /// How many times as fast a record may be sent.
    static let speeds = 0.001...1000.0
  }
}
