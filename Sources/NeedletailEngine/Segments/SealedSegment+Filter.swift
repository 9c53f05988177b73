package import NeedletailCore

extension SealedSegment: FilterableRows {
  /// The rows whose ids match a filter.
  ///
  /// - Throws: `capacityExceeded` for a filter beyond `Limits`, before anything is allocated; `io` when there
  ///   is no memory for a bit per row.
  /// - Complexity: O(ids listed + bits set + parts·rows/64), and a pass over a column for each predicate; an id takes a few looks into the order of ids, as
  ///   many as its logarithm where ids are spread very unevenly.
  package func rows(matching filter: Filter) throws(NeedletailError) -> RowSet {
    try rows(matching: filter, except: nil)
  }

  /// The same without dead rows.
  func rows(matching filter: Filter, except dead: RowSet?) throws(NeedletailError) -> RowSet {
    try filter.validate()
    let bits = try bits(matching: filter)
    if let dead { bits.subtract(dead) }
    return RowSet(bits)
  }

  /// The rows of a list of ids.
  func bits(ids: [VectorID]) throws(NeedletailError) -> RowBits {
    let bits = try RowBits(rows: count)
    for id in ids {
      if let ordinal = findOrdinal(of: id) { bits.insert(ordinal) }
    }
    return bits
  }

  /// The rows whose ids have their bits set: looks up each row, or each bit where those are fewer.
  func bits(
    _ words: [UInt64], from first: VectorID
  ) throws(NeedletailError) -> RowBits {
    let bits = try RowBits(rows: count)
    if words.reduce(0, { $0 + $1.nonzeroBitCount }) < count / 4 {
      for (number, word) in words.enumerated() {
        var left = word
        while left != 0 {
          let place = UInt64(number * 64 + left.trailingZeroBitCount)
          left &= left &- 1
          let (id, overflow) = first.addingReportingOverflow(place)
          if !overflow, let ordinal = findOrdinal(of: id) { bits.insert(ordinal) }
        }
      }
      return bits
    }
    for ordinal in 0..<UInt32(count) {
      let id = unsafe id(ordinal)
      guard id >= first, id - first < UInt64(words.count) * 64 else { continue }
      let place = Int(id - first)
      if words[place / 64] >> UInt64(place % 64) & 1 != 0 { bits.insert(ordinal) }
    }
    return bits
  }

  /// The row that has an id, found from where it would stand if ids were spread evenly.
  ///
  /// - Complexity: one or two looks where ids are consecutive or random; O(log n) at worst.
  func findOrdinal(of id: VectorID) -> UInt32? {
    guard count > 0, let lowest = entry(0), let highest = entry(count - 1) else { return nil }
    if lowest.id == id { return lowest.ordinal }
    if highest.id == id { return highest.ordinal }
    // The id lies between those at `low` and `high`, neither of which is its own.
    var (low, high) = (0, count - 1)
    var (floor, ceiling) = (lowest.id, highest.id)
    guard floor < id, id < ceiling else { return nil }
    var step = 0
    while high - low > 1 {
      // Every third look halves what is left, however ids are spread.
      let share = step % 3 == 2 ? 0.5 : Double(id - floor) / Double(ceiling - floor)
      let guess = low + Int(share * Double(high - low))
      let middle = min(max(guess, low + 1), high - 1)
      guard let present = entry(middle) else { return nil }
      if present.id == id { return present.ordinal }
      if present.id < id {
        (low, floor) = (middle, present.id)
      } else {
        (high, ceiling) = (middle, present.id)
      }
      step += 1
    }
    return nil
  }

  /// The id at a place of their order, and its row; `nil` where damaged bytes name no row.
  ///
  /// - Precondition: `place` is below the count.
  @inline(__always)
  private func entry(_ place: Int) -> (id: VectorID, ordinal: UInt32)? {
    let ordinal = unsafe idOrder.start.load(fromByteOffset: place &* 4, as: UInt32.self)
    guard Int(ordinal) < count else { return nil }
    return (unsafe id(ordinal), ordinal)
  }
}
