import Needletail
import NeedletailBudgets
import NeedletailCore

/// Answers that wait to be compared with exact ones, when nobody waits for an answer.
struct RecallInbox: Sendable {
  /// An answer, and what it is compared with.
  struct Sample: Sendable {
    var rung: Rung
    var k: Int
    var query: [Float]
    var neighbors: [Neighbor]
    var snapshot: Snapshot
    var filter: CompiledFilter?
    var taken: Nanoseconds
  }

  /// Samples that wait: each keeps a snapshot.
  private static let most = 16
  /// What waited longer is let go, with the generation that it keeps.
  static let longest = 60 * Nanoseconds.second

  private let share: Double
  private var random: SplitMix64
  private var waiting: [Sample] = []

  /// Keeps a share of the answers, 0 to 1.
  init(share: Double, seed: UInt64) {
    self.share = share
    random = SplitMix64(seed: seed)
  }

  /// Whether the next answer is to be kept.
  mutating func draws() -> Bool {
    share > 0 && waiting.count < Self.most && Double(random.next() >> 11) * 0x1p-53 < share
  }

  mutating func add(_ sample: Sample) { waiting.append(sample) }

  /// The sample that has waited longest; what has waited too long is let go.
  mutating func next(at now: Nanoseconds) -> Sample? {
    prune(at: now)
    return waiting.isEmpty ? nil : waiting.removeFirst()
  }

  mutating func prune(at now: Nanoseconds) { waiting.removeAll { now - $0.taken > Self.longest } }

  mutating func removeAll() { waiting = [] }
}
