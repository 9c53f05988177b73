import NeedletailCore

/// The rows of a sealed part by the values of a category.
struct SealedGroups: GroupedPart {
  let part: SegmentPart
  /// The category; `nil` where no row has it.
  let column: SealedColumn?

  init(_ part: SegmentPart, _ cap: GroupCap) {
    self.part = part
    column = part.segment.columns?.columns(of: cap.attribute).first { $0.kind == .category }
  }

  var count: Int { part.count }
  var isGrouped: Bool { column != nil }

  @unsafe
  func search(
    _ query: UnsafePointer<Float>, _ parameters: SearchParameters, among set: RowSet?,
    into answers: UnsafeMutablePointer<Neighbor>
  ) throws(NeedletailError) -> SearchOutcome {
    guard let set else { return unsafe try part.search(query, parameters, into: answers) }
    return unsafe try part.segment.search(query, parameters, among: set, into: answers)
  }

  func groups(of answers: [Neighbor]) -> [UInt32] {
    answers.map { answer in
      guard let column, let ordinal = part.segment.findOrdinal(of: answer.id) else { return 0 }
      return column.textNumber(ordinal) ?? 0
    }
  }

  func rows(outside groups: Set<UInt32>, of set: RowSet?) throws(NeedletailError) -> RowSet {
    let bits = try RowBits(rows: part.segment.count)
    column?.match(groups, bits)
    if let dead = part.dead { bits.formUnion(dead) }
    let withdrawn = part.segment.withdrawn
    if !withdrawn.isEmpty {
      for ordinal in 0..<UInt32(part.segment.count) where withdrawn.contains(ordinal) {
        bits.insert(ordinal)
      }
    }
    bits.invert()
    if let set { bits.formIntersection(set) }
    return RowSet(bits)
  }

  func text(_ group: UInt32) -> String { column?.text(group) ?? "" }
}

/// The rows of a live part by the values of a category.
struct LiveGroups: GroupedPart {
  let part: LivePart
  /// The category; `nil` where no row has it.
  let column: LiveColumnView?

  init(_ part: LivePart, _ cap: GroupCap) {
    self.part = part
    column = part.segment.tables.attributes.columns(of: cap.attribute, rows: part.view.count)
      .first { $0.kind == .category }
  }

  var count: Int { part.count }
  var isGrouped: Bool { column != nil }

  @unsafe
  func search(
    _ query: UnsafePointer<Float>, _ parameters: SearchParameters, among set: RowSet?,
    into answers: UnsafeMutablePointer<Neighbor>
  ) throws(NeedletailError) -> SearchOutcome {
    unsafe try part.segment.search(query, parameters, part.view, among: set, into: answers)
  }

  /// - Complexity: one pass over the rows.
  func groups(of answers: [Neighbor]) throws(NeedletailError) -> [UInt32] {
    guard let column else { return Array(repeating: 0, count: answers.count) }
    let ordinals = try part.segment.ordinals(of: answers.map(\.id), part.view)
    return ordinals.map { $0.flatMap { column.textNumber($0) } ?? 0 }
  }

  func rows(outside groups: Set<UInt32>, of set: RowSet?) throws(NeedletailError) -> RowSet {
    let bits = try RowBits(rows: part.view.count)
    column?.match(groups, bits)
    bits.invert()
    // Whether a row is shown, every search asks itself; here it says how many there are.
    bits.formIntersection(try part.segment.shownRows(part.view))
    if let set { bits.formIntersection(set) }
    return RowSet(bits)
  }

  func text(_ group: UInt32) -> String { part.segment.tables.attributes.texts.text(group) }
}

extension RowBits {
  /// Keeps the rows that a finished set of the same segment has too.
  func formIntersection(_ set: RowSet) {
    for word in 0..<min(Self.words(rows), set.wordCount) { unsafe words[word] &= set.words[word] }
  }

  /// Adds the rows of a finished set of the same segment.
  func formUnion(_ set: RowSet) {
    for word in 0..<min(Self.words(rows), set.wordCount) { unsafe words[word] |= set.words[word] }
  }
}
