import NeedletailCore
import NeedletailKernels

extension GraphBuilder {
  /// Finds and writes the links of a few rows, one a lane, on each of their levels.
  ///
  /// On level 0, where nearly all of the time goes, the walks of the rows take turns. None of them sees what
  /// another one writes, so turns change nothing.
  ///
  /// - Precondition: at most as many rows as the scratch has lanes.
  @unsafe
  func link(_ ordinals: Range<Int>, _ scratch: BuildScratch) {
    let table = tables[0]
    scratch.walking.removeAll(keepingCapacity: true)
    for (lane, ordinal) in ordinals.enumerated() {
      let memory = scratch.walks[lane]
      let rows = unsafe codedRows(UInt32(ordinal), lane, scratch)
      let start = unsafe linkAbove(UInt32(ordinal), rows, memory, scratch)
      memory.beginEpoch()
      unsafe memory.visit(start.ordinal)
      unsafe memory.pool[0] = start & ~1
      unsafe scratch.walking.append(
        HopWalk(
          kernel, rows.space, rows.query, links: table.row(0), degree: table.degree,
          count: table.count, pool: memory.pool, size: 1, capacity: options.efConstruction,
          window: options.efConstruction, least: 0, visited: memory.visited,
          epoch: memory.epoch, ordinals: memory.ordinals, keys: memory.keys))
    }
    unsafe scratch.walking.withUnsafeMutableBufferPointer { unsafe Self.takeTurns($0) }
    for (lane, ordinal) in ordinals.enumerated() {
      let rows = unsafe codedRows(UInt32(ordinal), lane, scratch)
      unsafe choose(
        UInt32(ordinal), rows, found: scratch.walking[lane].size, table, scratch.walks[lane],
        scratch)
    }
  }

  /// Does the hops of several walks in turn until none has anything left to expand.
  @unsafe
  static func takeTurns(_ walks: UnsafeMutableBufferPointer<HopWalk>) {
    var open = 0
    for lane in walks.indices where unsafe walks[lane].gather() { open |= 1 << lane }
    while open != 0 {
      for lane in walks.indices where open & 1 << lane != 0 {
        unsafe walks[lane].settle()
        if unsafe !walks[lane].gather() { open &= ~(1 << lane) }
      }
    }
  }

  /// The rows of the build, to be scored against one of them, whose code stays in a lane.
  @unsafe
  private func codedRows(_ ordinal: UInt32, _ lane: Int, _ scratch: BuildScratch) -> CodedRows {
    let code = unsafe scratch.code + lane &* space.codeByteCount
    return unsafe CodedRows(
      space: space.space(first: space.count), query: space.query(ordinal, code: code, kernel))
  }

  /// Descends the upper levels and links the row on those it stands on.
  ///
  /// - Returns: where its walk over level 0 begins.
  @unsafe
  private func linkAbove(
    _ ordinal: UInt32, _ rows: CodedRows, _ memory: WalkScratch, _ scratch: BuildScratch
  ) -> CandidateKey {
    var walk = Walk(kernel: kernel, scratch: memory)
    memory.beginEpoch()
    var nearest = unsafe walk.score(0, rows)
    unsafe memory.visit(0)
    let top = plan.level(of: Int(ordinal))
    for level in tables.indices.dropFirst().reversed() {
      let table = tables[level]
      if level > top {
        nearest = unsafe walk.descend(rows, table, from: nearest)
        continue
      }
      unsafe walk.widen(rows, table, from: nearest, width: options.efConstruction)
      unsafe nearest = memory.pool[0] & ~1
      unsafe choose(ordinal, rows, found: walk.size, table, memory, scratch)
    }
    return nearest
  }

  /// Chooses and writes a row's links on one level among what a walk left in its pool.
  @unsafe
  private func choose(
    _ ordinal: UInt32, _ rows: CodedRows, found size: Int, _ table: LinkTable,
    _ memory: WalkScratch, _ scratch: BuildScratch
  ) {
    let count = unsafe takeCandidates(size, rows, table, memory, scratch)
    let chosen = unsafe select(
      scratch, count: count, limit: m, zero: zeroOrder(ordinal), looseness: .some)
    unsafe table.row(ordinal).update(from: scratch.selected, count: chosen)
  }

  /// Moves the pool of a walk into the list of candidates, extended by their links when asked.
  @unsafe
  private func takeCandidates(
    _ size: Int, _ rows: CodedRows, _ table: LinkTable, _ memory: WalkScratch,
    _ scratch: BuildScratch
  ) -> Int {
    let candidates = unsafe scratch.candidates
    for i in 0..<size { unsafe candidates[i] = memory.pool[i] & ~1 }
    guard options.extendsCandidates else { return size }
    var count = size
    let room = max(options.efConstruction, 2 * m) * 4
    // The walk scored all links of its pool; what it found too far for the pool is wanted here.
    memory.beginEpoch()
    for i in 0..<size { unsafe memory.visit(candidates[i].ordinal) }
    for i in 0..<size where count + table.degree <= room {
      let (_, kept) = unsafe rows.expand(
        kernel, memory, links: table.row(candidates[i].ordinal), degree: table.degree,
        count: table.count, threshold: .max)
      for j in 0..<kept { unsafe candidates[count + j] = memory.keys[j] }
      count += kept
    }
    unsafe sortKeys(candidates, count: count)
    return count
  }
}
