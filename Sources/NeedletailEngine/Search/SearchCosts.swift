import NeedletailKernels
import Synchronization

/// What evaluations and re-ranked rows of a segment take, learned from the searches that were timed.
///
/// A search that has a deadline keeps as much time for its re-rank as this says. Numbers of several threads may get
/// lost in each other: each of them is a measurement, and none is missed.
final class SearchCosts: Sendable {
  // Picoseconds.
  private let evaluation: Atomic<Int>
  private let row: Atomic<Int>

  /// The weight of one search beside those before it: after thirty of them the first guess is forgotten.
  private static let shift = 4
  /// A search that waited for the processor says nothing of what it did.
  private static let mostStep = 8

  /// - Parameters:
  ///   - codeByteCount: of one row's code.
  ///   - rowByteCount: of one precise row.
  init(codeByteCount: Int, rowByteCount: Int) {
    // Lines of memory that come from far: 8 bytes a nanosecond, after the first.
    evaluation = Atomic(20_000 + 125 * min(codeByteCount, 1 << 20))
    row = Atomic(60_000 + 125 * min(rowByteCount, 1 << 20))
  }

  /// Nanoseconds that it takes to re-rank so many rows.
  func rerank(_ rows: Int) -> Int {
    Self.nanoseconds(rows, row.load(ordering: .relaxed))
  }

  /// Nanoseconds that so many evaluations of a walk take.
  func walk(_ evaluations: Int) -> Int {
    Self.nanoseconds(evaluations, evaluation.load(ordering: .relaxed))
  }

  /// Rows that can be re-ranked in so many nanoseconds.
  func rows(in nanoseconds: Int) -> Int {
    guard nanoseconds > 0 else { return 0 }
    let (picoseconds, overflow) = nanoseconds.multipliedReportingOverflow(by: 1000)
    return overflow ? .max : picoseconds / max(1, row.load(ordering: .relaxed))
  }

  /// Takes what a search took that was timed.
  func learn(_ outcome: SearchOutcome) {
    Self.learn(evaluation, outcome.walkNanoseconds, outcome.evaluations)
    Self.learn(row, outcome.rerankNanoseconds, outcome.rerankedRows)
  }

  private static func learn(_ cost: borrowing Atomic<Int>, _ nanoseconds: Int, _ count: Int) {
    // Of few, the clock and what comes around them are most of it.
    guard count >= 8, nanoseconds > 0, nanoseconds < 1 << 50 else { return }
    let old = cost.load(ordering: .relaxed)
    let sample = min(nanoseconds &* 1000 / count, old &* mostStep &+ 1000)
    cost.store(max(1, old &+ (sample &- old) >> shift), ordering: .relaxed)
  }

  private static func nanoseconds(_ count: Int, _ cost: Int) -> Int {
    let (product, overflow) = max(0, count).multipliedReportingOverflow(by: cost)
    return overflow ? .max / 2 : product / 1000
  }
}
