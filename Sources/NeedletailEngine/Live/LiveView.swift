import NeedletailCore

/// What a live segment held at one moment: every reader of one view sees the same rows, whatever is written
/// meanwhile.
///
/// Rows below `count` were there; of these, rows that ended at or before `sequence` were there no more. A view
/// is taken in O(1) and keeps no row from anybody; as long as it is held, rows that ended after it stay linked.
package struct LiveView: Sendable {
  let moment: LiveMoment

  /// Rows, versions that had ended among them.
  package var count: Int { moment.count }
  /// Rows that had not ended: the vectors.
  package var liveCount: Int { moment.liveCount }
  /// Versions that had ended.
  package var endedCount: Int { count - liveCount }
  /// The number of the last write that the view shows.
  package var sequence: UInt64 { moment.sequence }
}

/// The moment after one write, shared by the views of it.
///
/// An object, so that the writer can tell that nobody looks at a moment any more: it has the only reference then.
final class LiveMoment: Sendable {
  let count: Int
  let liveCount: Int
  let sequence: UInt64

  init(count: Int, liveCount: Int, sequence: UInt64) {
    self.count = count
    self.liveCount = liveCount
    self.sequence = sequence
  }
}

/// The moments that somebody may still look at, the oldest first; the writer's.
struct LiveMoments {
  private var moments: [LiveMoment] = []
  private var sparseBelow = 64

  /// Takes note of the moment that views show from now on.
  mutating func append(_ moment: LiveMoment) {
    moments.append(moment)
    // One view that is held for long keeps those behind it from being found out of use one by one.
    if moments.count > sparseBelow {
      forget()
      sparseBelow = max(64, 2 * moments.count)
    }
  }

  /// The number of the oldest write that a view shows, now or later.
  mutating func oldestSequence() -> UInt64 {
    var unused = 0
    while unused + 1 < moments.count, isKnownUniquelyReferenced(&moments[unused]) { unused += 1 }
    moments.removeFirst(unused)
    return moments.first?.sequence ?? 0
  }

  /// Drops all that nobody looks at; the last one is what views are taken of.
  private mutating func forget() {
    var kept: [LiveMoment] = []
    for i in moments.indices
    where i + 1 == moments.count || !isKnownUniquelyReferenced(&moments[i]) {
      kept.append(moments[i])
    }
    moments = kept
  }
}
