import NeedletailCore
import NeedletailKernels

/// Which rows a walk over level 0 can come to at all, and over which links.
struct Reachability {
  /// The row whose link first led to each row; `LinkTable.none` where none did.
  ///
  /// These links make a tree: as long as they stay, every row stays reachable, whatever happens to the
  /// others.
  private var parents: [UInt32]
  private(set) var unreachedCount: Int
  private var queue: [UInt32] = []

  /// Follows the links of level 0 from the first row.
  init(_ table: LinkTable) {
    parents = Array(repeating: LinkTable.none, count: table.count)
    unreachedCount = table.count
    if table.count > 0 { reach(0, from: 0, table) }
  }

  func isReached(_ ordinal: UInt32) -> Bool { parents[Int(ordinal)] != LinkTable.none }

  /// Whether a row is reached over the link from `source` to it, and over no other.
  func isHeld(_ ordinal: UInt32, by source: UInt32) -> Bool { parents[Int(ordinal)] == source }

  /// Follows the links from one more row, to which a link leads from `source` now.
  mutating func reach(_ start: UInt32, from source: UInt32, _ table: LinkTable) {
    guard !isReached(start) else { return }
    parents[Int(start)] = source
    unreachedCount -= 1
    queue.removeAll(keepingCapacity: true)
    queue.append(start)
    while let ordinal = queue.popLast() {
      let row = unsafe table.row(ordinal)
      for j in 0..<table.degree(of: ordinal) {
        let target = unsafe row[j]
        if !isReached(target) {
          parents[Int(target)] = ordinal
          unreachedCount -= 1
          queue.append(target)
        }
      }
    }
  }
}

extension GraphBuilder {
  /// What a repair did.
  struct Repair {
    /// Rows that got a link so that a walk can come to them.
    var repaired = 0
    /// Rows that no walk can come to even so.
    var unreachable = 0
    /// Where the search for any row with a place to give goes on.
    fileprivate var fullBelow: UInt32 = 0
  }

  /// Links every row of level 0 that no walk from the first row can reach.
  ///
  /// A row that is not reached gets a link from the nearest row that is reached and has a place to give: a
  /// free one, or that of a link over which no row is reached. So nothing that was reached is lost, and one
  /// pass is enough. Among heaps of copies the nearest rows may all be full; then any row serves.
  ///
  /// - Complexity: one pass over all links; one walk for each lost row.
  func repair() throws(NeedletailError) -> Repair {
    var result = Repair()
    guard space.count > 0 else { return result }
    let table = tables[0]
    var reach = Reachability(table)
    for ordinal in 0..<UInt32(space.count) where !reach.isReached(ordinal) {
      guard let source = unsafe admit(ordinal, reach, scratches[0], &result.fullBelow) else {
        continue
      }
      result.repaired += 1
      reach.reach(ordinal, from: source, table)
    }
    result.unreachable = reach.unreachedCount
    return result
  }

  /// Gives a lost row a link, and says from which row.
  @unsafe
  private func admit(
    _ ordinal: UInt32, _ reach: Reachability, _ scratch: BuildScratch, _ fullBelow: inout UInt32
  ) -> UInt32? {
    let table = tables[0]
    let query = unsafe space.query(ordinal, code: scratch.code, kernel)
    let rows = unsafe CodedRows(space: space.space(first: space.count), query: query)
    var walk = Walk(kernel: kernel, scratch: scratch.walk)
    scratch.walk.beginEpoch()
    let start = unsafe walk.score(0, rows)
    unsafe walk.widen(rows, table, from: start, width: options.efConstruction)
    // A walk from the first row only comes to rows that are reached.
    for i in 0..<walk.size {
      let near = unsafe scratch.walk.pool[i].ordinal
      if let place = freePlace(near, reach) {
        unsafe table.row(near)[place] = ordinal
        return near
      }
    }
    // There is one: a tree over n rows has n − 1 links, and every row has at least four places. A second
    // round finds it among rows that were not reached yet when the first one passed them.
    for _ in 0..<2 {
      while Int(fullBelow) < table.count {
        if reach.isReached(fullBelow), let place = freePlace(fullBelow, reach) {
          unsafe table.row(fullBelow)[place] = ordinal
          return fullBelow
        }
        fullBelow += 1
      }
      fullBelow = 0
    }
    return nil
  }

  /// A place among a row's links that may be given away: the first free one, or the last of those over
  /// which no row is reached.
  private func freePlace(_ ordinal: UInt32, _ reach: Reachability) -> Int? {
    let table = tables[0]
    let degree = table.degree(of: ordinal)
    if degree < table.degree { return degree }
    let row = unsafe table.row(ordinal)
    var place = degree
    while place > 0 {
      place -= 1
      if unsafe !reach.isHeld(row[place], by: ordinal) { return place }
    }
    return nil
  }
}
