import NeedletailCore

extension LiveSegment {
  /// What a look at the whole graph found.
  struct GraphShape {
    /// What must never be, in words.
    var faults: [String] = []
    /// Rows that have not ended and to which no links lead from row 0.
    var unreachable = 0
    /// Rows that ended and are linked yet.
    var ended = 0
    /// Links of rows that are linked, on average.
    var meanDegree = 0.0
  }

  /// Looks at every link and every parent, as the writer.
  ///
  /// - Complexity: one pass over all links, and a walk over all of them.
  func inspectGraph() throws(NeedletailError) -> GraphShape {
    try write { (writer) throws(NeedletailError) -> GraphShape in
      var shape = GraphShape()
      let linker = writer.linker
      var linkCount = 0
      var linked = 0
      for ordinal in 0..<UInt32(writer.count) where linker.isLinked(ordinal) {
        linked += 1
        let links = links(of: ordinal)
        linkCount += links.count
        if tables.end(of: ordinal) != LiveTables.endless { shape.ended += 1 }
        if !linker.isSound(ordinal) { shape.faults.append("row \(ordinal) is not of the tree") }
        if links != links.sorted() || Set(links).count != links.count || links.contains(ordinal) {
          shape.faults.append("row \(ordinal) has the links \(links)")
        }
        for link in links where !linker.isLinked(link) {
          shape.faults.append("row \(ordinal) leads to \(link), which is linked no more")
        }
        let parent = unsafe tables.parents[Int(ordinal)]
        if ordinal != 0, !self.links(of: parent).contains(ordinal) {
          shape.faults.append("row \(ordinal) hangs below \(parent), which does not lead to it")
        }
      }
      shape.meanDegree = Double(linkCount) / Double(max(1, linked))
      let reached = reachable(writer.count)
      for ordinal in writer.ordinals.values where !reached[Int(ordinal)] { shape.unreachable += 1 }
      return shape
    }
  }

  /// The links of a row.
  ///
  /// - Precondition: the writer asks.
  private func links(of ordinal: UInt32) -> [UInt32] {
    let row = unsafe tables.row(ordinal)
    return (0..<tables.linkCount(ordinal)).map { unsafe row[$0] }
  }

  private func reachable(_ count: Int) -> [Bool] {
    var reached = Array(repeating: false, count: count)
    guard count > 0 else { return reached }
    reached[0] = true
    var waiting: [UInt32] = [0]
    while let ordinal = waiting.popLast() {
      for link in links(of: ordinal) where !reached[Int(link)] {
        reached[Int(link)] = true
        waiting.append(link)
      }
    }
    return reached
  }
}
