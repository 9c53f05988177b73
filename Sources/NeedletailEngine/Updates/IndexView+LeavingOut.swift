import NeedletailCore
import NeedletailStorage

extension IndexView {
  /// The same view without some sealed segments.
  ///
  /// - Parameter hashes: identities of segments' contents; those of others count for nothing.
  /// - Returns: the view without them; itself, where it searches none of them.
  /// - Complexity: O(segments); a bit per row of one segment where no rows remain.
  package func leavingOut(_ hashes: Set<String>) -> IndexView {
    let present = generation.segments.map(\.file.contentHash.description)
    let all = leftOut.union(hashes.intersection(present))
    guard all.count > leftOut.count else { return self }
    let isLeftOut = { (part: SegmentPart) in
      all.contains(part.segment.file.contentHash.description)
    }
    var kept = stack.sealed.filter { !isLeftOut($0) }
    if kept.isEmpty, stack.live.allSatisfy({ $0.count == 0 }), let first = stack.sealed.first {
      // A view without rows judges queries nevertheless: by a segment all of whose rows are gone.
      if let dead = try? RowSet.all(of: first.segment.count) {
        kept = [SegmentPart(segment: first.segment, dead: dead)]
      }
    }
    return IndexView(
      generation: generation, stack: SegmentStack(sealed: kept, live: stack.live),
      withdrawn: withdrawn, lsn: lsn, sourceOffsets: sourceOffsets, leftOut: all)
  }
}

extension RowSet {
  /// Every row of a segment.
  ///
  /// - Throws: `io` when there is no memory for a bit per row.
  fileprivate static func all(of rows: Int) throws(NeedletailError) -> RowSet {
    let bits = try RowBits(rows: rows)
    bits.invert()
    return RowSet(bits)
  }
}
