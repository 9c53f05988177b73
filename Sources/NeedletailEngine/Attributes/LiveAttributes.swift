import NeedletailCore
import NeedletailStorage
import Synchronization

/// The attributes of a live segment's rows: one writer, any number of readers without a lock.
///
/// Columns come when a value of a new name or kind does, and stay; each leads to the one that came next. A row is
/// written before the segment publishes it, in columns that were there or that lead on from these by then.
@safe
final class LiveAttributes: @unchecked Sendable {
  // SAFETY: as for the columns and the texts; what is left is the writer's alone.

  private static let tagsPerRow = 16

  let texts: LiveTexts
  private let rowLimit: Int
  private let first = AtomicLazyReference<LiveColumn>()
  /// The numbers of all rows' tags, one row's behind the other's.
  private let tagNumbers: ReservedMemory
  /// The writer's: columns by their names and kinds, tags written, and rows that there is room for.
  private var columns: [Key: LiveColumn] = [:]
  private var last: LiveColumn?
  private var tagCount = 0
  private var capacity = 0

  private struct Key: Hashable {
    let name: ExactText
    let kind: AttributeKind
  }

  init(rowLimit: Int) throws(NeedletailError) {
    self.rowLimit = rowLimit
    texts = try LiveTexts(rowLimit: rowLimit)
    tagNumbers = try ReservedMemory(count: max(rowLimit, 1 << 15), stride: 4 * Self.tagsPerRow)
  }

  // MARK: - Reading

  /// The columns of a name, up to the rows of a view.
  ///
  /// - Complexity: O(columns).
  func columns(of name: String, rows: Int) -> [LiveColumnView] {
    var found: [LiveColumnView] = []
    var next = first.load()
    while let column = next {
      if column.name.utf8.elementsEqual(name.utf8) {
        found.append(LiveColumnView(column: column, attributes: self, rows: rows))
      }
      next = column.next.load()
    }
    return found
  }

  /// The attributes of a row.
  ///
  /// - Precondition: the row is below `rows`, and these were published.
  func attributes(_ row: UInt32, rows: Int) -> Attributes {
    var values = Attributes()
    var next = first.load()
    while let column = next {
      let view = LiveColumnView(column: column, attributes: self, rows: rows)
      if let value = view.value(row) { values[column.name] = value }
      next = column.next.load()
    }
    return values
  }

  /// The numbers of the tags that an entry of a column stands for.
  @inline(__always)
  func tags(_ entry: UInt64) -> UnsafeBufferPointer<UInt32> {
    let start = Int((entry << 1) >> 10)
    return unsafe UnsafeBufferPointer(
      start: tagNumbers.start.assumingMemoryBound(to: UInt32.self) + start,
      count: Int(entry & 0x1ff))
  }

  /// The memory of the first rows' values; that of texts is not among it.
  ///
  /// - Precondition: the rows were published.
  func memory(rows: Int) -> [MemoryRange] {
    var ranges: [MemoryRange] = []
    var next = first.load()
    while let column = next {
      ranges += column.memory(rows: rows)
      next = column.next.load()
    }
    return ranges
  }

  // MARK: - Writing

  /// Bytes that are usable, written or not.
  var byteCount: Int { byteCount(rows: 0) }

  /// Bytes that would be usable with room for so many rows.
  func byteCount(rows: Int) -> Int {
    columns.values.reduce(texts.byteCount + tagNumbers.byteCount) {
      $0 + $1.byteCount(rows: max(rows, capacity))
    }
  }

  /// Makes room for `rows` rows in every column.
  func grow(rows: Int) throws(NeedletailError) {
    for column in columns.values { try column.grow(rows: rows) }
    capacity = max(capacity, rows)
  }

  /// Takes up all columns and room that items need, so that writing them cannot fail.
  ///
  /// Everything is counted first: when this throws, there are no more columns and texts than before, so that
  /// items which do not fit leave room for others.
  ///
  /// - Parameters:
  ///   - items: validated.
  ///   - budget: bytes of memory that may become usable; `nil`: no limit but the system's.
  /// - Throws: `capacityExceeded`, `overBudget`, `io`.
  func admit(_ items: some Sequence<Attributes>, budget: Int?) throws(NeedletailError) {
    let more = needs(items)
    let tags = tagCount + more.tagCount
    try check(more)
    var new: [(key: Key, column: LiveColumn)] = []
    for key in more.columns {
      new.append((key, try LiveColumn(key.name.text, key.kind, rowLimit: rowLimit)))
    }
    let needed =
      new.reduce(0) { $0 + $1.column.byteCount(rows: capacity) }
      + texts.bytesNeeded(texts: more.texts.count, bytes: more.textByteCount)
      + tagNumbers.byteCount(grownTo: tags * 4) - tagNumbers.byteCount
    if let budget, needed > budget { throw Self.overBudget(needed, budget) }
    for (_, column) in new { try column.grow(rows: capacity) }
    if !more.texts.isEmpty {
      try texts.grow(texts: more.texts.count, bytes: more.textByteCount)
    }
    try tagNumbers.grow(to: tags * 4)
    for (key, column) in new {
      columns[key] = column
      if let last { _ = last.next.storeIfNil(column) } else { _ = first.storeIfNil(column) }
      last = column
    }
  }

  /// What items have that is not there yet.
  private struct Needs {
    /// In the order in which they came.
    var columns: [Key] = []
    var texts: Set<ExactText> = []
    var textByteCount = 0
    var tagCount = 0
  }

  private func needs(_ items: some Sequence<Attributes>) -> Needs {
    var needs = Needs()
    var keys: Set<Key> = []
    func take(_ text: String) {
      guard texts.number(of: text) == nil, needs.texts.insert(ExactText(text)).inserted else {
        return
      }
      needs.textByteCount += text.utf8.count
    }
    for item in items {
      for (name, value) in item.entries {
        let key = Key(name: ExactText(name), kind: value.kind)
        if columns[key] == nil, keys.insert(key).inserted { needs.columns.append(key) }
        switch value {
        case .integer, .real: break
        case .category(let text): take(text)
        case .tags(let values):
          for tag in values { take(tag) }
          needs.tagCount += values.count
        }
      }
    }
    return needs
  }

  /// Refuses what there are no places for.
  private func check(_ more: Needs) throws(NeedletailError) {
    let count = columns.count + more.columns.count
    guard count <= Limits.columnsPerSegment else {
      throw NeedletailError(
        .capacityExceeded,
        "There would be attributes of \(count) names and kinds, \(columns.count) of them are there already; there"
          + " may be \(Limits.columnsPerSegment).")
    }
    try texts.check(texts: more.texts.count, bytes: more.textByteCount)
    let (tags, most) = (tagCount + more.tagCount, tagNumbers.reservedByteCount / 4)
    guard tags <= most else {
      throw NeedletailError(
        .capacityExceeded,
        "The live segment would have \(tags) tags; it has room for \(most). Seal it first.")
    }
  }

  /// Writes the attributes of a row that is not published yet.
  ///
  /// - Precondition: they were admitted, there is room for the row, and nothing else was admitted that has not been
  ///   written.
  func write(_ item: Attributes, row: Int) throws(NeedletailError) {
    for (name, value) in item.entries {
      guard let column = columns[Key(name: ExactText(name), kind: value.kind)] else { continue }
      switch value {
      case .integer(let number): column.store(number, row)
      case .real(let number): column.store(number + 0, row)
      case .category(let text): column.store(try texts.add(text), row)
      case .tags(let values):
        let start = tagCount
        for tag in values {
          unsafe tagNumbers.start.storeBytes(
            of: try texts.add(tag), toByteOffset: tagCount * 4, as: UInt32.self)
          tagCount += 1
        }
        column.store(1 << 63 | UInt64(start) << 9 | UInt64(values.count), row)
      }
    }
  }

  static func overBudget(_ needed: Int, _ left: Int) -> NeedletailError {
    NeedletailError(
      .overBudget,
      "The attributes of new rows need \(needed) bytes of memory more; \(left) are left of the limit. Seal the rows"
        + " that are there, or raise the limit.")
  }
}
