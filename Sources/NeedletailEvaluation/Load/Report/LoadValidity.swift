/// Whether a run kept to its own schedule, so that its figures mean what they say.
public struct LoadValidity: Sendable, Hashable, Codable {
  /// The most that may be late by more than a millisecond.
  public static let lateShare = 0.001
  /// The most that 99 % may be late by, in microseconds.
  public static let lagMicroseconds = 500.0
  /// From how many nanoseconds on a request counts as late.
  static let late: Int64 = 1_000_000

  /// Requests that were sent.
  public var sent = 0
  /// Requests that were sent more than a millisecond after their intended time.
  public var late = 0
  /// Requests that found too many others open, and were not sent.
  public var unsent = 0
  /// What 99 % of the requests were not later than.
  public var lagP99Microseconds = 0.0
  /// The latest.
  public var greatestLagMicroseconds = 0.0
  /// Responses that belonged to no open request: second ones, and those after the request was given up.
  public var strays = 0
  /// Whether the generator had a processor of its own.
  public var isPinned = false
  /// Why the figures do not mean what they say; none: the run is valid.
  public var faults: [String] = []

  /// Makes one of a run that has not begun.
  public init() {}

  /// Whether the run kept to its schedule.
  public var isValid: Bool { faults.isEmpty }

  /// Adds what the numbers give away.
  mutating func judge() {
    if sent == 0 { faults.append("Nothing was sent.") }
    if Double(late) > Self.lateShare * Double(sent) {
      let share = Numerals.fixed(100 * Double(late) / Double(max(1, sent)), 2)
      faults.append(
        "\(Numerals.counted(late, "request", "requests")) of \(Numerals.grouped(sent)) (\(share) %) "
          + "were sent more than 1 ms late; 0.1 % may be.")
    }
    if lagP99Microseconds > Self.lagMicroseconds {
      faults.append(
        "99 % of the requests were sent up to \(Numerals.measured(lagP99Microseconds)) µs late; "
          + "\(Numerals.measured(Self.lagMicroseconds)) µs may be.")
    }
    if unsent > 0 {
      faults.append(
        "\(Numerals.counted(unsent, "request was", "requests were")) not sent, because too many "
          + "were open.")
    }
  }
}
