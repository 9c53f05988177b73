package import NeedletailCore
import NeedletailStorage

extension LiveSegment {
  /// The rows that a view shows whose ids and attributes match a filter.
  ///
  /// - Throws: `capacityExceeded` for a filter beyond `Limits`, before anything is allocated; `io` when there
  ///   is no memory for a bit per row.
  /// - Complexity: O(rows), and as much for each part of the filter; O(ids listed).
  package func rows(
    matching filter: Filter, _ view: LiveView
  ) throws(NeedletailError) -> RowSet {
    try filter.validate()
    let bits = try LiveRows(segment: self, view: view).bits(matching: filter)
    // Withdrawn rows stay in: they may be reinstated while the set is used, and every search asks.
    let shown = try RowBits(rows: view.count)
    for ordinal in 0..<UInt32(view.count) where shows(ordinal, view) { shown.insert(ordinal) }
    bits.formIntersection(shown)
    return RowSet(bits)
  }

  /// The rows that a view shows and nobody withdrew.
  ///
  /// - Complexity: O(rows).
  func shownRows(_ view: LiveView) throws(NeedletailError) -> RowBits {
    let bits = try RowBits(rows: view.count)
    let hasWithdrawn = withdrawnCount > 0
    for ordinal in 0..<UInt32(view.count) where shows(ordinal, view) {
      if !hasWithdrawn || !isWithdrawn(ordinal) { bits.insert(ordinal) }
    }
    return bits
  }

  /// The rows of ids that a view shows; `nil`: it shows none.
  ///
  /// - Complexity: one pass over the rows.
  func ordinals(
    of ids: [VectorID], _ view: LiveView
  ) throws(NeedletailError) -> [UInt32?] {
    var found: [VectorID: UInt32] = [:]
    let table = try IDTable(ids)
    for ordinal in 0..<UInt32(view.count) {
      let id = unsafe tables.ids[Int(ordinal)]
      if table.contains(id), shows(ordinal, view) { found[id] = ordinal }
    }
    return ids.map { found[$0] }
  }

  /// The attributes that a row was written with.
  ///
  /// - Precondition: the view is of this segment and counts the row.
  /// - Complexity: O(columns + tags).
  package func attributes(of ordinal: UInt32, _ view: LiveView) -> Attributes {
    precondition(Int(ordinal) < view.count, "row \(ordinal) of \(view.count)")
    return tables.attributes.attributes(ordinal, rows: view.count)
  }
}

extension LiveSegment {
  /// Takes up the names and texts of attributes to come, so that a write of them does not fail for want of room.
  ///
  /// - Throws: as a write of them; what was taken up stays, and no row has it.
  package func admit(_ items: [Attributes]) throws(NeedletailError) {
    for item in items { try item.validate() }
    try write { (_) throws(NeedletailError) in
      try tables.attributes.admit(items, budget: tables.attributeBudget)
    }
  }
}

/// The rows of a live segment that a view counts, those that have ended among them.
struct LiveRows: FilterableRows {
  let segment: LiveSegment
  let view: LiveView

  var count: Int { view.count }

  func bits(ids: [VectorID]) throws(NeedletailError) -> RowBits {
    let bits = try RowBits(rows: count)
    guard !ids.isEmpty else { return bits }
    let table = try IDTable(ids)
    for row in 0..<count where unsafe table.contains(segment.tables.ids[row]) {
      bits.insert(UInt32(row))
    }
    return bits
  }

  func bits(_ words: [UInt64], from first: VectorID) throws(NeedletailError) -> RowBits {
    let bits = try RowBits(rows: count)
    for row in 0..<count {
      let id = unsafe segment.tables.ids[row]
      guard id >= first, id - first < UInt64(words.count) * 64 else { continue }
      let place = Int(id - first)
      if words[place / 64] >> UInt64(place % 64) & 1 != 0 { bits.insert(UInt32(row)) }
    }
    return bits
  }

  func bits(_ predicate: AttributePredicate) throws(NeedletailError) -> RowBits {
    let bits = try RowBits(rows: count)
    for column in segment.tables.attributes.columns(of: predicate.name, rows: count) {
      bits.formUnion(try column.bits(predicate.test))
    }
    return bits
  }
}

/// A set of ids in a flat table, for many questions about few ids: twice as many places as ids, each of which
/// stands at its own place or at the next free one.
@safe
private struct IDTable: ~Copyable {
  private let memory: MemoryBlock
  private let mask: Int
  /// Whether 0 is one of them: a place of 0 is free.
  private let hasZero: Bool
  // SAFETY: the block's own memory, written by the initializer alone.
  private let places: UnsafeMutablePointer<VectorID>

  init(_ ids: [VectorID]) throws(NeedletailError) {
    var size = 16
    while size < 2 * ids.count { size *= 2 }
    memory = try MemoryBlock(count: size, stride: 8)
    mask = size - 1
    unsafe places = memory.mutableBytes.baseAddress.unsafelyUnwrapped
      .assumingMemoryBound(to: VectorID.self)
    var hasZero = false
    for id in ids {
      if id == 0 { hasZero = true }
      var place = Self.hash(id) & mask
      while unsafe places[place] != 0 && places[place] != id { place = (place &+ 1) & mask }
      unsafe places[place] = id
    }
    self.hasZero = hasZero
  }

  @inline(__always)
  func contains(_ id: VectorID) -> Bool {
    guard id != 0 else { return hasZero }
    var place = Self.hash(id) & mask
    while true {
      let present = unsafe places[place]
      if present == id { return true }
      if present == 0 { return false }
      place = (place &+ 1) & mask
    }
  }

  /// Neighbouring ids fall far apart, and so do those that differ in their upper bits alone.
  @inline(__always)
  private static func hash(_ id: VectorID) -> Int {
    var generator = SplitMix64(seed: id)
    return Int(truncatingIfNeeded: generator.next())
  }
}
