import NeedletailCore
import NeedletailStorage

/// Which sealed segments are merged with the rows in memory when these are sealed.
package enum MergePolicy: Sendable, Hashable {
  /// None: what is in memory becomes a segment of its own.
  case none
  /// Those of which much is dead, and the newest as long as they are not much larger than what they are merged
  /// with: so segments stay few, and a row is merged a few times in its life.
  case automatic
  /// All: one segment, with codes trained on all its rows.
  case all
}

/// What sealing may take.
package struct SealLimits: Sendable, Hashable {
  /// Bytes of memory besides what the index uses already; `nil`: no limit.
  package var memory: Int?
  /// Bytes of new files; `nil`: no limit.
  package var disk: Int?

  package init() {}
}

/// What sealing will do.
package struct SealPlan: Sendable, Hashable {
  /// Segments that are merged, by their places in the generation.
  package var merged: [Int] = []
  /// Rows that the new segment will have.
  package var rows = 0
  /// The most bytes of memory that it takes, above what the index uses already.
  package var memoryByteCount = 0
  /// Bytes of the new files.
  package var diskByteCount = 0

  /// Segments in which more than this part is dead are merged.
  static let deadShare = 0.2
  /// A segment is merged with newer rows when it has at most so many times as many.
  static let growth = 3

  /// - Parameters:
  ///   - view: what is to be sealed.
  ///   - policy: what is merged with it.
  ///   - build: how.
  package init(_ view: IndexView, _ policy: MergePolicy, _ build: BuildOptions) {
    let sealed = view.stack.sealed
    let inMemory = view.stack.live.reduce(0) { $0 + $1.view.liveCount }
    rows = inMemory
    for (place, part) in sealed.enumerated().reversed() {
      let alive = part.segment.count - (part.dead?.count ?? 0)
      guard part.segment.count == 0 || part.segment.canBeMerged else { continue }
      let isDead =
        Double(part.segment.count - alive) > Self.deadShare * Double(part.segment.count)
      let isTaken =
        switch policy {
        case .none: alive == 0
        case .all: true
        case .automatic: isDead || alive == 0 || (rows > 0 && alive <= Self.growth * rows)
        }
      guard isTaken else { continue }
      merged.append(place)
      rows += alive
    }
    merged.reverse()
    let row = build.dimensions * 4
    let codes = build.codes == .none ? 0 : Quantizer.blocks(build.dimensions) * 64 + 8
    let links = 10 * build.graph.m
    let precise = build.precise.byteCount * build.dimensions
    let turbo = build.layout == .turbo ? build.turboRowByteCount : 0
    diskByteCount = rows * (codes + links + precise + turbo + 20) + 8192
    // The rows as they are given, what is built, and the finished segment as it is opened.
    memoryByteCount = rows * (row + 2 * (codes + links) + 2 * turbo + 64) + (8 << 20)
  }

  /// Whether sealing would change nothing.
  package func isIdle(_ view: IndexView) -> Bool {
    view.lsn == view.generation.manifest.sealedLSN && (merged.isEmpty || isWhole(view))
  }

  /// Whether the one segment that there is would be made anew as it is.
  private func isWhole(_ view: IndexView) -> Bool {
    merged.count == 1 && view.stack.sealed.count == 1 && view.stack.live.isEmpty
      && view.stack.sealed[0].dead == nil
  }

  /// Refuses work that takes more than it may.
  ///
  /// - Throws: `overBudget`, with what is needed and the limit.
  func check(_ limits: SealLimits) throws(NeedletailError) {
    if let limit = limits.memory, memoryByteCount > limit {
      throw NeedletailError(
        .overBudget,
        "Sealing \(rows) rows takes up to \(memoryByteCount) bytes of memory; the limit is \(limit). Raise it, or"
          + " merge fewer segments.")
    }
    if let limit = limits.disk, diskByteCount > limit {
      throw NeedletailError(
        .overBudget,
        "A segment of \(rows) rows takes up to \(diskByteCount) bytes on disk; the limit is \(limit). Raise it, or"
          + " merge fewer segments.")
    }
  }
}

extension SealedSegment {
  /// Whether its rows can be written into another segment.
  var canBeMerged: Bool { hasPreciseRows }
}
