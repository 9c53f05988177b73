/// The time that the stages of answers account for, beside the time that answers took by the generator's clock.
public struct LoadLedger: Sendable, Hashable, Codable {
  /// Answers that were compared.
  public var answers = 0
  /// The middle of the times from sending to the answer.
  public var callP50Microseconds = 0.0
  /// What 99 % of them did not exceed.
  public var callP99Microseconds = 0.0
  /// The middle of the sums of stages.
  public var stagesP50Microseconds = 0.0
  /// What 99 % of them did not exceed.
  public var stagesP99Microseconds = 0.0

  /// Makes an empty ledger.
  public init() {}
}

/// Collects both kinds of times while the run goes on.
struct LedgerTally {
  private var calls = LatencyRecorder()
  private var stages = LatencyRecorder()

  mutating func add(_ sum: Int64, of call: Int64) {
    calls.record(nanoseconds: UInt64(max(0, call)))
    stages.record(nanoseconds: UInt64(max(0, sum)))
  }

  /// Nil where no answer told its stages.
  func finished() -> LoadLedger? {
    guard calls.count > 0 else { return nil }
    var ledger = LoadLedger()
    ledger.answers = calls.count
    ledger.callP50Microseconds = calls.microseconds(atPercentile: 50)
    ledger.callP99Microseconds = calls.microseconds(atPercentile: 99)
    ledger.stagesP50Microseconds = stages.microseconds(atPercentile: 50)
    ledger.stagesP99Microseconds = stages.microseconds(atPercentile: 99)
    return ledger
  }
}
