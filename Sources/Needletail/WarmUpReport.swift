/// What warming up an index did, and what it found afterwards.
public struct WarmUpReport: Sendable, Hashable, Codable {
  /// Bytes that searches may read: components in memory and in mapped files.
  public var byteCount = 0
  /// Bytes whose pages were brought in; all of them unless the time was over before.
  public var touchedByteCount = 0
  /// Bytes that are locked in memory; fewer than all where the system's limit (`ulimit -l`) or the time ended it.
  public var lockedByteCount = 0
  /// Bytes that were in memory after everything else.
  ///
  /// Of mapped files these are the ones that the system has cached, for whichever process.
  public var residentByteCount = 0
  /// Whether the time was over before everything was done.
  ///
  /// The rest of the report says how far it came.
  public var isCutShort = false
  /// Rounds of all queries that were made to the end.
  public var rounds = 0
  /// Searches in all rounds.
  public var searches = 0
  /// Whether the 95th percentile had ceased to fall when the rounds ended.
  public var isSettled = false
  /// Half of the last round's searches took at most this; `nil` where there was none.
  ///
  /// Percentiles are of the last round that was made to the end, or of the searches there were where none was.
  public var p50: Duration?
  /// 95 % of the last round's searches took at most this.
  public var p95: Duration?
  /// 99 % of the last round's searches took at most this.
  public var p99: Duration?
  /// How long it took altogether.
  public var duration = Duration.zero

  /// The share of `byteCount` that was in memory, from 0 to 1; 1 where there is nothing.
  public var residency: Double {
    byteCount == 0 ? 1 : Double(residentByteCount) / Double(byteCount)
  }

  /// Nothing done yet.
  public init() {}

  /// Takes the percentiles of a round, by nearest rank.
  mutating func take(_ times: [Duration]) {
    let sorted = times.sorted()
    func rank(_ percent: Int) -> Duration? {
      sorted.isEmpty ? nil : sorted[max(0, (sorted.count * percent + 99) / 100 - 1)]
    }
    (p50, p95, p99) = (rank(50), rank(95), rank(99))
  }
}
