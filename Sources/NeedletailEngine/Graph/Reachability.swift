import NeedletailCore
import NeedletailKernels

/// Which rows a walk over level 0 can come to at all.
struct Reachability {
  private(set) var isReached: [Bool]
  private(set) var unreachedCount: Int
  private var queue: [UInt32] = []

  /// Follows the links of level 0 from the first row.
  init(_ table: LinkTable) {
    isReached = Array(repeating: false, count: table.count)
    unreachedCount = table.count
    if table.count > 0 { reach(0, table) }
  }

  /// Follows the links from one more row.
  mutating func reach(_ start: UInt32, _ table: LinkTable) {
    guard !isReached[Int(start)] else { return }
    isReached[Int(start)] = true
    unreachedCount -= 1
    queue.removeAll(keepingCapacity: true)
    queue.append(start)
    while let ordinal = queue.popLast() {
      let row = unsafe table.row(ordinal)
      for j in 0..<table.degree(of: ordinal) {
        let target = unsafe row[j]
        if !isReached[Int(target)] {
          isReached[Int(target)] = true
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
  }

  /// Links every row of level 0 that no walk from the first row can reach.
  ///
  /// A row that is not reached gets a link from the nearest rows that are, where one has a free place;
  /// otherwise from the nearest one, in place of its last link, and the reach is checked again.
  ///
  /// - Complexity: one pass over all links a round; one walk for each lost row.
  func repair() throws(NeedletailError) -> Repair {
    var result = Repair()
    guard space.count > 0 else { return result }
    let table = tables[0]
    let scratch = scratches[0]
    for _ in 0..<8 {
      var reach = Reachability(table)
      result.unreachable = reach.unreachedCount
      if reach.unreachedCount == 0 { break }
      for ordinal in 0..<UInt32(space.count) where !reach.isReached[Int(ordinal)] {
        unsafe admit(ordinal, reach, scratch)
        result.repaired += 1
        reach.reach(ordinal, table)
      }
    }
    return result
  }

  /// Gives a lost row a link from a row that is reached.
  @unsafe
  private func admit(_ ordinal: UInt32, _ reach: Reachability, _ scratch: BuildScratch) {
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
      let degree = table.degree(of: near)
      if near != ordinal, degree < table.degree {
        unsafe table.row(near)[degree] = ordinal
        return
      }
    }
    let near = unsafe scratch.walk.pool[0].ordinal
    unsafe table.row(near)[table.degree - 1] = ordinal
  }
}
