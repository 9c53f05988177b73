import NeedletailCore
import NeedletailKernels

extension LiveSegment {
  /// Rows that are scored at a time: with a round of links more they fit into what a round has room for.
  private static let scanned = HopKernel.breadth * 64 - 64

  /// Scores all rows in sight from one row on by their codes, and merges the nearest into the pool.
  ///
  /// - Parameters:
  ///   - rows: the codes, and the query's.
  ///   - sight: which rows count.
  ///   - first: rows before it are in the pool already, or not to be found.
  ///   - heldOut: a row that is left out.
  ///   - size: keys of the pool, ascending, of rows before `first`.
  ///   - capacity: keys that the pool keeps.
  ///   - bounds: the most rows that are scored, and until when; one block is scored at any rate where the pool is empty.
  ///   - memory: of the thread.
  /// - Returns: the keys that the pool holds, ascending, the rows that were scored, and the bounds that were met.
  /// - Complexity: O(rows · dimensions); no allocation.
  @unsafe
  func scan(
    _ rows: CodedRows, _ sight: LiveSight, from first: Int, heldOut: UInt32?, size: Int,
    capacity: Int, within bounds: WalkBounds, _ memory: WalkScratch
  ) -> (size: Int, scored: Int, cuts: SearchCuts) {
    var (size, scored, at) = (size, 0, first)
    while at < sight.count {
      if scored >= bounds.evaluations { return (size, scored, .evaluations) }
      if bounds.deadline != .max, size > 0, nanoseconds() >= bounds.deadline {
        return (size, scored, .deadline)
      }
      let part = unsafe sight.collect(
        from: at, room: min(Self.scanned, bounds.evaluations - scored), heldOut, memory.ordinals)
      at = part.next
      guard part.count > 0 else { continue }
      unsafe kernel.score(
        rows.space, rows.query, ordinals: memory.ordinals, count: part.count, keys: memory.keys)
      scored += part.count
      let threshold = size == capacity ? unsafe memory.pool[size - 1] : .max
      var kept = 0
      for i in 0..<part.count {
        let key = unsafe memory.keys[i] & ~1
        unsafe memory.keys[kept] = key
        kept &+= key < threshold ? 1 : 0
      }
      // Merging takes the square of what is new: a few at a time.
      var start = 0
      while start < kept {
        let next = min(kept - start, 32)
        size =
          unsafe mergeIntoPool(
            memory.pool, size: size, capacity: capacity, keys: memory.keys + start, count: next
          ).size
        start += next
      }
    }
    return (size, scored, [])
  }
}
