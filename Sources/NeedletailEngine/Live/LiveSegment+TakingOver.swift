import NeedletailCore
import NeedletailStorage
import Synchronization

extension LiveSegment {
  /// Rows that are copied at a time.
  private static let rowsAtATime = 4096

  /// Takes the rows of a sealed segment over, and the links between them: the graph goes on where the segment's ended.
  ///
  /// - Parameters:
  ///   - segment: has precise rows, and this segment's quantizer, dimensions and degree.
  ///   - dead: rows that are there no more; they are taken out of the graph as any that end.
  /// - Precondition: nothing was written yet, and nobody else writes.
  /// - Throws: `corrupted` for a segment with an id twice, or with many rows that no links lead to; what `upsert`
  ///   throws. The segment is of no use then.
  /// - Complexity: coding all rows, and one pass over all links; about as `upsert` with its rows left unlinked.
  func takeOver(_ segment: SealedSegment, except dead: RowSet?) throws(NeedletailError) {
    precondition(segment.hasPreciseRows, "the rows can be given back")
    let dimensions = options.build.dimensions
    var start = 0
    while start < segment.count {
      let range = UInt32(start)..<UInt32(min(segment.count, start + Self.rowsAtATime))
      let components = unsafe [Float](unsafeUninitializedCapacity: range.count * dimensions) {
        buffer, count in
        if let first = buffer.baseAddress {
          for (i, ordinal) in range.enumerated() {
            unsafe segment.export(ordinal, into: first + i * dimensions)
          }
        }
        count = range.count * dimensions
      }
      _ = try upsert(
        try VectorMatrix(components, dimensions: dimensions),
        ids: range.map { unsafe segment.id($0) },
        attributes: segment.columns == nil ? [] : range.map { segment.attributes(of: $0) },
        isDeferred: true)
      start += range.count
    }
    try write { (writer) throws(NeedletailError) in
      guard writer.count == segment.count, writer.ordinals.count == segment.count,
        let links = segment.tables.first, writer.linker.takeOver(links, count: writer.count)
      else {
        throw NeedletailError(
          .corrupted, "An id of the segment stands twice, or its links do not hang together.",
          at: .init(path: segment.file.region.path))
      }
      writer.linked = writer.count
      takenOverCount.store(writer.count, ordering: .releasing)
      linkedCount.store(writer.count, ordering: .releasing)
    }
    guard let dead else { return }
    _ = try remove(dead.ordinals.map { unsafe segment.id($0) })
  }
}

extension LiveLinker {
  /// Of so many rows, one may be without a way to it: a sound segment has none.
  private static let shareOfOrphans = 64

  /// Takes over the links of rows that another graph has linked.
  ///
  /// - Parameters:
  ///   - links: of the rows, by the same ordinals; any bytes.
  ///   - count: all rows; they were coded, and none is linked.
  /// - Returns: whether links lead to nearly all of them; the others were hung below neighbours then.
  func takeOver(_ links: LinkTable, count: Int) -> Bool {
    let scratch = scratches[0]
    for ordinal in 0..<UInt32(count) {
      let row = unsafe links.row(ordinal)
      scratch.chosen.removeAll(keepingCapacity: true)
      for place in 0..<min(links.degree, tables.degree) {
        let link = unsafe row[place]
        guard Int(link) < count else { break }
        if link != ordinal, !scratch.chosen.contains(link) { scratch.chosen.append(link) }
      }
      writeChosen(to: ordinal, scratch)
    }
    let orphans = plantTree(count)
    guard orphans.count <= max(1, count / Self.shareOfOrphans) else { return false }
    rehome(orphans, of: count)
    for ordinal in 0..<UInt32(count) { entries.offer(ordinal) }
    return true
  }

  /// Finds a tree of links from row 0 to all rows, by levels, with as few below each as their lists allow: what a row
  /// leads to by the tree stays in its list.
  ///
  /// - Returns: rows to which no links lead.
  private func plantTree(_ count: Int) -> [UInt32] {
    guard count > 0 else { return [] }
    var depths = [UInt32](repeating: .max, count: count)
    depths[0] = 0
    unsafe tables.parents[0] = 0
    var level: [UInt32] = [0]
    var depth: UInt32 = 0
    while !level.isEmpty {
      var next: [UInt32] = []
      depth += 1
      for ordinal in level {
        let row = unsafe tables.row(ordinal)
        for j in 0..<tables.linkCount(ordinal) {
          let link = unsafe Int(row[j])
          if depths[link] == .max {
            depths[link] = depth
            next.append(UInt32(link))
          } else if depths[link] == depth {
            let parent = unsafe Int(tables.parents[link])
            guard unsafe tables.childCounts[Int(ordinal)] + 1 < tables.childCounts[parent] else {
              continue
            }
            unsafe tables.childCounts[parent] -= 1
          } else {
            continue
          }
          unsafe tables.parents[link] = ordinal
          unsafe tables.childCounts[Int(ordinal)] += 1
        }
      }
      level = next
    }
    return (0..<UInt32(count)).filter { depths[Int($0)] == .max }
  }
}
