/// How often keys were asked for: over a long time, and over a short one.
struct PopularityMemory: Sendable {
  private static let longCounters = 6
  private static let shortCounters = 3
  private var long: FrequencySketch
  private var short: FrequencySketch

  /// A memory for about so many entries.
  init(entries: Int) {
    long = FrequencySketch(entries: entries, countersPerEntry: Self.longCounters, memory: 160)
    short = FrequencySketch(entries: entries, countersPerEntry: Self.shortCounters, memory: 10)
  }

  /// Bytes of a memory.
  static func byteCount(entries: Int) -> Int {
    FrequencySketch.byteCount(entries: entries, countersPerEntry: longCounters)
      + FrequencySketch.byteCount(entries: entries, countersPerEntry: shortCounters)
  }

  mutating func record(_ hash: UInt64) {
    long.record(hash)
    short.record(hash)
  }

  /// How often a key was asked for, within the time that a policy looks at.
  func frequency(_ hash: UInt64, _ policy: CachePolicy) -> Int {
    policy == .lasting ? long.frequency(hash) : short.frequency(hash)
  }
}
