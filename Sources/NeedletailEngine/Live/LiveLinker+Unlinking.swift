import NeedletailCore
import NeedletailKernels

/// Takes rows that ended out of the graph.
///
/// Every list that leads to such a row loses that link and may take as many others in its place, chosen among the
/// links of the rows that went, as IP-DiskANN (2025) does for one row at a time. The lists are found by one pass
/// over all of them, as in FreshDiskANN (2021): a pass misses none, and for some hundred rows at a time it costs less
/// than to look for the neighbours of each.
extension LiveLinker {
  /// Whether a row is linked: a part of the tree.
  @inline(__always)
  func isLinked(_ ordinal: UInt32) -> Bool {
    unsafe tables.parents[Int(truncatingIfNeeded: ordinal)] != LinkTable.none
  }

  /// Whether links lead from row 0 to a row, by the tree.
  func isSound(_ ordinal: UInt32) -> Bool {
    var ordinal = ordinal
    while ordinal != 0 {
      ordinal = unsafe tables.parents[Int(ordinal)]
      if ordinal == LinkTable.none { return false }
    }
    return true
  }

  /// Unlinks rows that ended and that no view shows.
  ///
  /// - Parameters:
  ///   - gone: linked rows, each once; row 0 is left where it is.
  ///   - count: all rows.
  /// - Returns: how many were unlinked.
  /// - Complexity: one pass over all links; for each list that leads to one of the rows, about `2·m` evaluations.
  func unlink(_ gone: [UInt32], of count: Int) -> Int {
    let gone = gone.filter { $0 != 0 }
    var orphans: [UInt32] = []
    for ordinal in gone {
      let row = unsafe tables.row(ordinal)
      for j in 0..<tables.linkCount(ordinal) where unsafe tables.parents[Int(row[j])] == ordinal {
        unsafe orphans.append(row[j])
      }
      unsafe tables.childCounts[Int(tables.parents[Int(ordinal)])] -= 1
    }
    for ordinal in gone { unsafe tables.parents[Int(ordinal)] = LinkTable.none }
    rehome(orphans.filter { isLinked($0) }, of: count)
    let stripe = 1024
    unthrowing(count: (count + stripe - 1) / stripe, grain: 1) { (scratch, index) in
      for ordinal in index * stripe..<min(count, (index + 1) * stripe)
      where self.isLinked(UInt32(ordinal)) {
        unsafe self.bridge(UInt32(ordinal), scratch)
      }
    }
    entries.refresh(below: count) {
      self.isLinked($0) && self.tables.end(of: $0) == LiveTables.endless
    }
    return gone.count
  }

  /// Replaces the links of one row to rows that are linked no more by some of those rows' own links.
  @unsafe
  private func bridge(_ ordinal: UInt32, _ scratch: Scratch) {
    let row = unsafe tables.row(ordinal)
    let count = tables.linkCount(ordinal)
    scratch.chosen.removeAll(keepingCapacity: true)
    for j in 0..<count where unsafe isLinked(row[j]) { unsafe scratch.chosen.append(row[j]) }
    let lost = count - scratch.chosen.count
    guard lost > 0 else { return }
    scratch.list.removeAll(keepingCapacity: true)
    for j in 0..<count where unsafe !isLinked(row[j]) {
      let other = unsafe tables.row(row[j])
      for i in 0..<tables.linkCount(unsafe row[j]) where scratch.list.count < 4 * tables.degree {
        let link = unsafe other[i]
        if link != ordinal, isLinked(link), tables.end(of: link) == LiveTables.endless,
          !scratch.chosen.contains(link), !scratch.list.contains(link)
        {
          scratch.list.append(link)
        }
      }
    }
    if choosers.count == 1 {
      unsafe extend(ordinal, choosers[0], scratch)
    } else {
      scratch.list += scratch.chosen
      for chooser in choosers { unsafe extendByRule(ordinal, to: count, chooser, scratch) }
    }
    writeChosen(to: ordinal, scratch)
  }

  /// Takes the nearest of the scratch's list that no link taken before covers.
  @unsafe
  private func extend(
    _ ordinal: UInt32, _ chooser: Chooser, _ scratch: Scratch
  ) {
    let (build, count) = (scratch.build, scratch.list.count)
    let whole = unsafe chooser.space.space(first: chooser.space.count)
    for i in 0..<count { unsafe build.ordinals[i] = scratch.list[i] }
    let query = unsafe chooser.space.query(ordinal, code: build.code, kernel)
    unsafe chooser.rank(build, query, count: count)
    for (i, link) in scratch.chosen.enumerated() { unsafe build.selected[i] = link }
    for i in 0..<count where scratch.chosen.count < tables.degree {
      let key = unsafe build.candidates[i]
      let other = unsafe chooser.space.query(key.ordinal, code: build.otherCode, kernel)
      let taken = scratch.chosen.count
      if scratch.chosen.contains(key.ordinal) { continue }
      if unsafe chooser.isCovered(below: key.order, by: taken, other, whole, build) { continue }
      unsafe build.selected[taken] = key.ordinal
      scratch.chosen.append(key.ordinal)
    }
  }

  /// Takes what one of several rules selects of the scratch's list, and then the nearest until there are as many
  /// links as there were.
  ///
  /// What another rule has taken covers nothing: a link by product is near to many that a link by distance is for.
  @unsafe
  private func extendByRule(
    _ ordinal: UInt32, to former: Int, _ chooser: Chooser, _ scratch: Scratch
  ) {
    let (build, count) = (scratch.build, scratch.list.count)
    for i in 0..<count { unsafe build.ordinals[i] = scratch.list[i] }
    let query = unsafe chooser.space.query(ordinal, code: build.code, kernel)
    unsafe chooser.rank(build, query, count: count)
    let taken = unsafe chooser.select(
      build, count: count, limit: tables.degree / choosers.count,
      zero: chooser.zeroOrder(ordinal), looseness: .some)
    for i in 0..<taken where scratch.chosen.count < tables.degree {
      let link = unsafe build.selected[i]
      if !scratch.chosen.contains(link) { scratch.chosen.append(link) }
    }
    for i in 0..<count where scratch.chosen.count < former {
      let link = unsafe build.candidates[i].ordinal
      if !scratch.chosen.contains(link) { scratch.chosen.append(link) }
    }
  }

  /// Hangs rows whose parents went below others, from which a way leads back to row 0.
  func rehome(_ orphans: [UInt32], of count: Int) {
    var waiting = orphans
    while !waiting.isEmpty {
      var left: [UInt32] = []
      for orphan in waiting where !adoptByNeighbor(orphan) { left.append(orphan) }
      if left.count == waiting.count {
        // None of them has a neighbour on firm ground: one is carried there, and the others may follow it.
        carry(left.removeLast(), of: count)
      }
      waiting = left
    }
  }

  /// Hangs an orphan below one of its neighbours; prefers one that leads to it already.
  private func adoptByNeighbor(_ orphan: UInt32) -> Bool {
    let row = unsafe tables.row(orphan)
    var best: UInt32?
    for j in 0..<tables.linkCount(orphan) {
      let other = unsafe row[j]
      guard isLinked(other), hasPlace(other), isSound(other) else { continue }
      if links(other, leadTo: orphan) {
        hang(orphan, below: other)
        return true
      }
      best = best ?? other
    }
    guard let best else { return false }
    hang(orphan, below: best)
    return true
  }

  /// Hangs an orphan below the nearest row on firm ground that a walk finds, or else below any.
  private func carry(_ orphan: UInt32, of count: Int) {
    let build = scratches[0].build
    let chooser = choosers[0]
    let found = unsafe walk(orphan, chooser, below: count, build)
    for i in 0..<found {
      let other = unsafe build.walks[0].pool[i].ordinal
      if other != orphan, isLinked(other), hasPlace(other), isSound(other) {
        return hang(orphan, below: other)
      }
    }
    hang(orphan, below: rowWithPlace())
  }

  @unsafe
  private func walk(
    _ orphan: UInt32, _ chooser: Chooser, below count: Int, _ build: BuildScratch
  ) -> Int {
    let query = unsafe chooser.space.query(orphan, code: build.code, kernel)
    var walk = unsafe begin(
      chooser.space.space(first: count), query, below: count,
      width: chooser.options.efConstruction, build, 0)
    walk.run()
    return walk.size
  }

  private func hasPlace(_ ordinal: UInt32) -> Bool {
    unsafe tables.childCounts[Int(ordinal)] < UInt32(tables.degree) / 2
  }

  private func links(_ ordinal: UInt32, leadTo target: UInt32) -> Bool {
    let row = unsafe tables.row(ordinal)
    for j in 0..<tables.linkCount(ordinal) where unsafe row[j] == target { return true }
    return false
  }

  /// Makes a row the parent of another, and links them.
  private func hang(_ ordinal: UInt32, below parent: UInt32) {
    unsafe tables.parents[Int(ordinal)] = parent
    unsafe tables.childCounts[Int(parent)] += 1
    guard !links(parent, leadTo: ordinal) else { return }
    let scratch = scratches[0]
    let row = unsafe tables.row(parent)
    scratch.chosen.removeAll(keepingCapacity: true)
    for j in 0..<tables.linkCount(parent) { unsafe scratch.chosen.append(row[j]) }
    if scratch.chosen.count < tables.degree {
      scratch.chosen.append(ordinal)
    } else if let place = scratch.chosen.firstIndex(where: { !isLinked($0) })
      ?? scratch.chosen.lastIndex(where: { unsafe tables.parents[Int($0)] != parent })
    {
      scratch.chosen[place] = ordinal
    }
    writeChosen(to: parent, scratch)
  }
}
