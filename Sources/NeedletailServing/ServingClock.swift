#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A monotonic instant, in nanoseconds from an origin that does not matter; never negative.
///
/// Controllers take the present instant as an argument, so that tests run in virtual time and are the same every time.
public typealias Nanoseconds = Int64

/// Where instants come from: the machine's monotonic clock, or a test's own.
public protocol ServingClock: Sendable {
  /// The present instant; never earlier than one that was given before.
  var now: Nanoseconds { get }
}

/// The machine's monotonic clock: what happens to the wall clock does not reach it.
public struct MonotonicClock: ServingClock {
  /// Makes the clock; all of them show the same.
  public init() {}

  /// Nanoseconds since the machine started.
  public var now: Nanoseconds {
    var time = timespec()
    // SAFETY: the pointer is valid for the call, which writes one timespec.
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Nanoseconds(time.tv_sec) * 1_000_000_000 + Nanoseconds(time.tv_nsec)
  }
}

extension Nanoseconds {
  /// The longest that one piece of work is expected to take, an hour.
  ///
  /// Sums of a million of them fit.
  static let longestWork: Nanoseconds = 3_600 * second

  /// The instant or length nearest to a number of nanoseconds; 0 for NaN.
  init(nearest value: Double) {
    self = value.isNaN ? 0 : Nanoseconds(Swift.min(9e18, Swift.max(-9e18, value)))
  }

  /// The nanoseconds of a duration, rounded down; what 63 bits do not hold is taken as the most that they do.
  package init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self = Nanoseconds(
      clamping: Int128(seconds) * 1_000_000_000 + Int128(attoseconds / 1_000_000_000))
  }

  /// One second.
  package static let second: Nanoseconds = 1_000_000_000
  /// One thousandth of a second.
  package static let millisecond: Nanoseconds = 1_000_000
  /// One millionth of a second.
  package static let microsecond: Nanoseconds = 1_000
}
