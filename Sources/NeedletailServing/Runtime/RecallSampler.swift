import Needletail
import NeedletailBudgets
import NeedletailCore

/// Answers that wait to be compared with exact ones, when nobody waits for an answer.
struct RecallSampler: Sendable {
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
  private static let longest = 60 * Nanoseconds.second

  private let share: Double
  private var random: SplitMix64
  private var waiting: [Sample] = []
  private var current: (sample: Sample, search: ExactSearch)?

  /// - Parameter share: of the answers, 0 to 1.
  init(share: Double, seed: UInt64) {
    self.share = share
    random = SplitMix64(seed: seed)
  }

  /// Whether the next answer is to be kept.
  mutating func draws() -> Bool {
    share > 0 && waiting.count < Self.most && Double(random.next() >> 11) * 0x1p-53 < share
  }

  mutating func add(_ sample: Sample) { waiting.append(sample) }

  /// Compares some more rows; gives a sample with what of it was found, when that is told.
  ///
  /// - Complexity: about 100 µs.
  mutating func advance(at now: Nanoseconds) -> (Sample, found: Int, all: Int)? {
    if current == nil {
      waiting.removeAll { now - $0.taken > Self.longest }
      guard !waiting.isEmpty else { return nil }
      let sample = waiting.removeFirst()
      guard
        let search = try? sample.snapshot.exactSearch(
          sample.query, k: sample.k, filter: sample.filter)
      else { return nil }
      current = (sample, search)
    }
    guard var (sample, search) = current else { return nil }
    if search.advance(rows: 1_000) {
      current = (sample, search)
      return nil
    }
    current = nil
    let all = search.neighbors.count
    // Nothing is found of what is not there.
    return all == 0 ? nil : (sample, search.found(in: sample.neighbors), all)
  }

  /// Whether there is something to compare.
  var isEmpty: Bool { current == nil && waiting.isEmpty }
}
