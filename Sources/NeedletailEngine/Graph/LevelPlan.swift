import NeedletailCore

/// Which rows stand on which level, and in which order rows are inserted.
///
/// Every row is on level 0, one in `m` of those on each further level. Rows are numbered from the top
/// level down, at random within a level, so that level `l` is simply the first `counts[l]` ordinals.
/// Levels are drawn without looking at the data, so this is as random an order as any.
struct LevelPlan {
  /// Rows on each level, from level 0 up; never empty.
  let counts: [Int]
  /// `order[ordinal]` is the row's number in the input.
  let order: [UInt32]

  init(count: Int, m: Int, seed: UInt64) {
    precondition(count <= Limits.rowsPerSegment, "ordinals have 31 bits")
    var random = SplitMix64(seed: seed)
    var order = (0..<UInt32(count)).map { $0 }
    // Fisher and Yates, written out: how the library shuffles may change, and with it every segment.
    for i in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(i, Int(random.next(below: UInt64(i) + 1)))
    }
    // A draw below 2⁶⁴/m promotes: the geometric distribution of ⌊−ln u / ln m⌋, without a logarithm,
    // whose last bit differs between machines.
    let promotes = UInt64.max / UInt64(m)
    var counts = [count]
    while counts.count < 16, let below = counts.last {
      var next = 0
      for _ in 0..<below where random.next() < promotes { next += 1 }
      if next == 0 { break }
      counts.append(next)
    }
    self.counts = counts
    self.order = order
  }

  /// The highest level of a row.
  func level(of ordinal: Int) -> Int {
    var level = 0
    while level + 1 < counts.count, ordinal < counts[level + 1] { level += 1 }
    return level
  }
}
