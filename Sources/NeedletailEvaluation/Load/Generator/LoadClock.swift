#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#endif

/// What the generator goes by: the machine's monotonic clock, or a test's own.
public protocol LoadClock: Sendable {
  /// The present instant in nanoseconds; never earlier than one that was given before.
  var now: Int64 { get }

  /// Returns at an instant, or soon after it; at once where it has passed.
  func wait(until instant: Int64)
}

/// The machine's monotonic clock: sleeps first, and looks at the clock without pause for the last microseconds.
public struct SteadyClock: LoadClock {
  /// How long before an instant sleeping ends; wakers of an idle core are 50 to 100 µs late.
  private static let watch: Int64 = 120_000

  /// Makes the clock; all of them show the same.
  public init() {}

  /// Nanoseconds since the machine started; `CLOCK_MONOTONIC`.
  public var now: Int64 {
    var time = timespec()
    // SAFETY: the pointer is valid for the call, which writes one timespec.
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// Sleeps until shortly before `instant`, then watches the clock.
  public func wait(until instant: Int64) {
    let left = instant - now
    if left > Self.watch {
      let pause = left - Self.watch
      var time = timespec(tv_sec: Int(pause / 1_000_000_000), tv_nsec: Int(pause % 1_000_000_000))
      // SAFETY: the pointer is valid for the call. A signal ends the sleep early, which watching makes up for.
      unsafe nanosleep(&time, nil)
    }
    while now < instant {}
  }
}
