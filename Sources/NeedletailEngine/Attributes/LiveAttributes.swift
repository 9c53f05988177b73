import NeedletailCore
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

  /// Takes up all columns, texts and room that items need, so that writing them cannot fail.
  ///
  /// What was taken up stays when this throws; no row has it, and the next write finds it there.
  ///
  /// - Parameters:
  ///   - items: validated.
  ///   - budget: bytes of memory that may become usable; `nil`: no limit but the system's.
  /// - Throws: `capacityExceeded`, `overBudget`, `io`.
  func admit(_ items: some Sequence<Attributes>, budget: Int?) throws(NeedletailError) {
    let limit = budget.map { $0 + byteCount }
    var tags = tagCount
    for item in items {
      for (name, value) in item.entries {
        try addColumn(name, value.kind, limit)
        switch value {
        case .integer, .real: break
        case .category(let text): _ = try texts.add(text, budget: left(limit))
        case .tags(let values):
          for tag in values { _ = try texts.add(tag, budget: left(limit)) }
          tags += values.count
        }
      }
    }
    guard tags > tagCount else { return }
    guard tags * 4 <= tagNumbers.reservedByteCount else {
      throw NeedletailError(
        .capacityExceeded,
        "The live segment would have \(tags) tags; it has room for \(tagNumbers.reservedByteCount / 4)."
          + " Seal it first.")
    }
    let needed = tagNumbers.byteCount(grownTo: tags * 4) - tagNumbers.byteCount
    if let left = left(limit), needed > left { throw Self.overBudget(needed, left) }
    try tagNumbers.grow(to: tags * 4)
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
      case .category(let text): column.store(try texts.add(text, budget: nil), row)
      case .tags(let values):
        let start = tagCount
        for tag in values {
          unsafe tagNumbers.start.storeBytes(
            of: try texts.add(tag, budget: nil), toByteOffset: tagCount * 4, as: UInt32.self)
          tagCount += 1
        }
        column.store(1 << 63 | UInt64(start) << 9 | UInt64(values.count), row)
      }
    }
  }

  private func addColumn(
    _ name: String, _ kind: AttributeKind, _ limit: Int?
  ) throws(NeedletailError) {
    let key = Key(name: ExactText(name), kind: kind)
    guard columns[key] == nil else { return }
    guard columns.count < Limits.columnsPerSegment else {
      throw NeedletailError(
        .capacityExceeded,
        "There are attributes of \(columns.count) names and kinds, the most that there may be; \(name) would be"
          + " one more.")
    }
    let column = try LiveColumn(name, kind, rowLimit: rowLimit)
    let needed = column.byteCount(rows: capacity)
    if let left = left(limit), needed > left { throw Self.overBudget(needed, left) }
    try column.grow(rows: capacity)
    columns[key] = column
    if let last { _ = last.next.storeIfNil(column) } else { _ = first.storeIfNil(column) }
    last = column
  }

  /// Bytes left of a limit on the memory of attributes.
  private func left(_ limit: Int?) -> Int? { limit.map { max(0, $0 - byteCount) } }

  static func overBudget(_ needed: Int, _ left: Int) -> NeedletailError {
    NeedletailError(
      .overBudget,
      "The attributes of new rows need \(needed) bytes of memory more; \(left) are left of the limit. Seal the rows"
        + " that are there, or raise the limit.")
  }
}
