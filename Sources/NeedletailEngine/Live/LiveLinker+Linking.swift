import NeedletailCore
import NeedletailKernels

extension LiveLinker {
  /// Finds and writes the links of a few new rows, one a lane.
  ///
  /// - Precondition: at most as many rows as the scratch has lanes; `bound` is above zero and at most the first of
  ///   them.
  @unsafe
  func findLinks(_ ordinals: Range<Int>, below bound: Int, _ scratch: Scratch) {
    let build = scratch.build
    for (number, chooser) in choosers.enumerated() {
      let rows = unsafe chooser.space.space(first: bound)
      build.walking.removeAll(keepingCapacity: true)
      for (lane, ordinal) in ordinals.enumerated() {
        let code = unsafe build.code + lane &* chooser.space.codeByteCount
        let query = unsafe chooser.space.query(UInt32(ordinal), code: code, kernel)
        unsafe build.walking.append(
          begin(rows, query, below: bound, width: chooser.options.efConstruction, build, lane))
      }
      unsafe build.walking.withUnsafeMutableBufferPointer {
        unsafe GraphBuilder.takeTurns($0)
      }
      for (lane, ordinal) in ordinals.enumerated() {
        let count = unsafe takeCandidates(build.walking[lane].size, build, lane)
        let taken = unsafe chooser.select(
          build, count: count, limit: options.m / choosers.count,
          zero: chooser.zeroOrder(UInt32(ordinal)), looseness: .some)
        unsafe write(taken, to: UInt32(ordinal), isFirst: number == 0, scratch)
      }
    }
  }

  /// Begins a walk over all links at the nearest of the entries.
  @unsafe
  func begin(
    _ rows: HopSpace, _ query: HopQuery, below bound: Int, width: Int, _ build: BuildScratch,
    _ lane: Int
  ) -> HopWalk {
    let memory = build.walks[lane]
    let entries = unsafe self.entries.copy(below: bound, into: build.ordinals)
    unsafe kernel.score(rows, query, ordinals: build.ordinals, count: entries, keys: build.keys)
    var nearest = unsafe build.keys[0]
    for i in 1..<max(1, entries) { unsafe nearest = min(nearest, build.keys[i]) }
    memory.beginEpoch()
    unsafe memory.visit(nearest.ordinal)
    unsafe memory.pool[0] = nearest & ~1
    return unsafe HopWalk(
      kernel, rows, query, links: tables.links, degree: tables.degree, count: bound,
      pool: memory.pool, size: 1, capacity: width, window: width, least: 0,
      visited: memory.visited, epoch: memory.epoch, ordinals: memory.ordinals, keys: memory.keys)
  }

  /// Moves those of a pool that have not ended into the list of candidates; all of them when there are no others.
  @unsafe
  private func takeCandidates(_ size: Int, _ build: BuildScratch, _ lane: Int) -> Int {
    let pool = unsafe build.walks[lane].pool
    var count = 0
    for i in 0..<size {
      let key = unsafe pool[i] & ~1
      unsafe build.candidates[count] = key
      count += tables.end(of: key.ordinal) == LiveTables.endless ? 1 : 0
    }
    guard count == 0 else { return count }
    for i in 0..<size { unsafe build.candidates[i] = pool[i] & ~1 }
    return size
  }

  /// Writes what was selected for a new row, beside what another rule has written.
  @unsafe
  private func write(_ taken: Int, to ordinal: UInt32, isFirst: Bool, _ scratch: Scratch) {
    scratch.chosen.removeAll(keepingCapacity: true)
    if !isFirst {
      let row = unsafe tables.row(ordinal)
      for j in 0..<tables.linkCount(ordinal) { unsafe scratch.chosen.append(row[j]) }
    }
    for i in 0..<taken {
      let link = unsafe scratch.build.selected[i]
      if isFirst || !scratch.chosen.contains(link) { scratch.chosen.append(link) }
    }
    writeChosen(to: ordinal, scratch)
  }

  /// Writes the chosen links of a row.
  func writeChosen(to ordinal: UInt32, _ scratch: Scratch) {
    unsafe scratch.chosen.withUnsafeMutableBufferPointer { chosen in
      guard let start = chosen.baseAddress else { return }
      unsafe tables.setLinks(of: ordinal, start, count: chosen.count)
    }
  }

  /// Adds links back to one row; where they do not fit, its links are chosen anew.
  @unsafe
  func addLinks(_ group: Range<Int>, _ scratch: Scratch) {
    let target = UInt32(truncatingIfNeeded: backLinks[group.lowerBound] >> 32)
    let row = unsafe tables.row(target)
    let count = tables.linkCount(target)
    if count + group.count <= tables.degree {
      // New rows have the highest ordinals: the list stays in order.
      for (j, i) in group.enumerated() {
        unsafe tables.store(UInt32(truncatingIfNeeded: backLinks[i]), row, count + j)
      }
      return
    }
    scratch.list.removeAll(keepingCapacity: true)
    for j in 0..<count { unsafe scratch.list.append(row[j]) }
    for i in group { scratch.list.append(UInt32(truncatingIfNeeded: backLinks[i])) }
    unsafe chooseAnew(target, scratch)
    writeChosen(to: target, scratch)
  }

  /// Chooses links of a row among the scratch's list; those of the tree always.
  @unsafe
  private func chooseAnew(_ target: UInt32, _ scratch: Scratch) {
    let (build, degree, list) = (scratch.build, tables.degree, scratch.list)
    scratch.chosen.removeAll(keepingCapacity: true)
    for (number, chooser) in choosers.enumerated() {
      let query = unsafe chooser.space.query(target, code: build.code, kernel)
      for i in list.indices { unsafe build.ordinals[i] = list[i] }
      unsafe chooser.rank(build, query, count: list.count)
      let taken = unsafe chooser.select(
        build, count: list.count, limit: degree / choosers.count,
        zero: chooser.zeroOrder(target), looseness: .none)
      for i in 0..<taken {
        let link = unsafe build.selected[i]
        if number == 0 || !scratch.chosen.contains(link) { scratch.chosen.append(link) }
      }
    }
    for child in list where unsafe tables.parents[Int(child)] == target {
      if scratch.chosen.contains(child) { continue }
      if scratch.chosen.count < degree {
        scratch.chosen.append(child)
        continue
      }
      // The last are the farthest.
      let place = scratch.chosen.lastIndex { unsafe tables.parents[Int($0)] != target }
      if let place { scratch.chosen[place] = child }
    }
  }
}
