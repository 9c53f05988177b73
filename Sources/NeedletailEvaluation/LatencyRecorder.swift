#if Tools
  import Histogram
#endif

/// Collects the times of single queries and tells their percentiles.
///
/// With the trait `Tools` it keeps a high-dynamic-range histogram (three significant digits, constant
/// memory); without, it keeps every time and sorts.
///
/// - Source: Gil Tene, HdrHistogram.
public struct LatencyRecorder: Sendable {
  #if Tools
    private var histogram = Histogram<UInt64>(
      lowestDiscernibleValue: 1, highestTrackableValue: LatencyRecorder.longest,
      numberOfSignificantValueDigits: .three)
  #else
    private var times: [UInt64] = []
  #endif

  /// Longer times are counted as this one, in nanoseconds.
  private static let longest: UInt64 = 3_600_000_000_000

  /// Makes an empty recorder.
  public init() {}

  /// Adds the time of one query.
  ///
  /// - Parameter nanoseconds: the time from the call to its return.
  public mutating func record(nanoseconds: UInt64) {
    let time = max(1, min(nanoseconds, Self.longest))
    #if Tools
      _ = histogram.record(time)
    #else
      times.append(time)
    #endif
  }

  /// The times recorded.
  public var count: Int {
    #if Tools
      Int(histogram.totalCount)
    #else
      times.count
    #endif
  }

  /// The time that a share of the queries did not exceed, in microseconds; 0 before the first one.
  ///
  /// - Parameter percentile: from 0 to 100.
  /// - Returns: microseconds, in three significant digits.
  public func microseconds(atPercentile percentile: Double) -> Double {
    guard count > 0 else { return 0 }
    #if Tools
      return Double(histogram.valueAtPercentile(percentile)) / 1000
    #else
      let sorted = times.sorted()
      let rank = Int((percentile / 100 * Double(sorted.count)).rounded(.up))
      return Double(sorted[max(0, min(sorted.count, rank) - 1)]) / 1000
    #endif
  }

  /// The longest time that was recorded, in microseconds; 0 before the first one.
  public var greatestMicroseconds: Double { microseconds(atPercentile: 100) }

  /// Forgets every time, and keeps the room.
  mutating func reset() {
    #if Tools
      histogram.reset()
    #else
      times.removeAll(keepingCapacity: true)
    #endif
  }
}
