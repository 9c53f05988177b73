import NeedletailCore
import NeedletailStorage

/// The columns of a segment to be, collected from the attributes of its rows.
struct ColumnsWriter {
  private struct Key: Hashable {
    let name: ExactText
    let kind: AttributeKind
  }

  /// One column: the rows that have a value, ascending, and their values.
  private struct Column {
    let name: String
    let kind: AttributeKind
    var rows: [UInt32] = []
    /// The bits of numbers.
    var numbers: [UInt64] = []
    /// Texts in the order in which they came: one of each row's for a category, all of a row's tags in turn.
    var codes: [UInt32] = []
    /// Where the tags of each row that has any end among the codes.
    var tagEnds: [Int] = []
    var known: [ExactText: UInt32] = [:]
    var texts: [String] = []

    init(_ name: String, _ kind: AttributeKind) {
      self.name = name
      self.kind = kind
    }

    mutating func code(of text: String) -> UInt32 {
      let next = UInt32(texts.count)
      let code = known[ExactText(text), default: next]
      if code == next {
        known[ExactText(text)] = next
        texts.append(text)
      }
      return code
    }
  }

  private let rowCount: Int
  private var columns: [Column] = []
  private var places: [Key: Int] = [:]

  /// Collects the columns.
  ///
  /// - Parameters:
  ///   - items: the attributes of the rows as they were given, validated; none, or one for each.
  ///   - order: the number of each row among those given.
  /// - Throws: `capacityExceeded` for more tags than 32 bits count.
  /// - Complexity: O(values); memory for a copy of all of them.
  init(_ items: [Attributes], order: [UInt32]) throws(NeedletailError) {
    rowCount = order.count
    guard !items.isEmpty else { return }
    for (row, source) in order.enumerated() {
      for (name, value) in items[Int(source)].entries { put(value, name, UInt32(row)) }
    }
    columns.sort { left, right in
      if left.name.precedesByBytes(right.name) { return true }
      return !right.name.precedesByBytes(left.name) && left.kind.rawValue < right.kind.rawValue
    }
    for column in columns where column.codes.count > Int(UInt32.max) {
      throw NeedletailError(
        .capacityExceeded,
        "The attribute \(column.name) has \(column.codes.count) tags in one segment; the most is \(UInt32.max)."
      )
    }
  }

  private mutating func put(_ value: AttributeValue, _ name: String, _ row: UInt32) {
    let key = Key(name: ExactText(name), kind: value.kind)
    let place = places[key, default: columns.count]
    if place == columns.count {
      places[key] = place
      columns.append(Column(name, value.kind))
    }
    columns[place].rows.append(row)
    switch value {
    case .integer(let number): columns[place].numbers.append(UInt64(bitPattern: number))
    // Zero has one sign.
    case .real(let number): columns[place].numbers.append((number + 0).bitPattern)
    case .category(let text): columns[place].codes.append(columns[place].code(of: text))
    case .tags(let tags):
      for tag in AttributeValue.sorted(tags) {
        columns[place].codes.append(columns[place].code(of: tag))
      }
      columns[place].tagEnds.append(columns[place].codes.count)
    }
  }

  /// Writes both sections; nothing where no row has attributes.
  func write(to writer: SectionedFileWriter) throws(NeedletailError) {
    guard !columns.isEmpty else { return }
    var layouts: [ColumnLayout] = []
    for column in columns {
      var layout = ColumnLayout(column.name, column.kind, rows: rowCount)
      layout.textCount = column.texts.count
      layout.textByteCount = column.texts.reduce(0) { $0 + $1.utf8.count }
      layout.tagCount = column.kind == .tags ? column.codes.count : 0
      guard layout.place(from: layouts.last?.end ?? 0) else {
        throw NeedletailError(
          .capacityExceeded, "The attributes of \(rowCount) rows are longer than a file can be.")
      }
      layouts.append(layout)
    }
    try writer.beginSection(SegmentSection.attributes, count: columns.count)
    for layout in layouts { try writer.append(layout.encoded) }
    writer.endSection()
    try writer.beginSection(SegmentSection.attributeValues, count: columns.count)
    for column in columns { try write(column, to: writer) }
    writer.endSection()
  }

  private func write(
    _ column: Column, to writer: SectionedFileWriter
  ) throws(NeedletailError) {
    if column.kind != .category {
      var presence = [UInt64](repeating: 0, count: (rowCount + 63) / 64)
      for row in column.rows { presence[Int(row) / 64] |= 1 << UInt64(row % 64) }
      try append(presence, to: writer)
    }
    switch column.kind {
    case .integer, .real:
      var values = [UInt64](repeating: 0, count: rowCount)
      for (row, number) in zip(column.rows, column.numbers) { values[Int(row)] = number }
      try append(values, to: writer)
      return
    case .category:
      let numbers = Self.numbers(column)
      var values = [UInt32](repeating: 0, count: rowCount)
      for (row, code) in zip(column.rows, column.codes) { values[Int(row)] = numbers[Int(code)] }
      try append(values, to: writer)
    case .tags: try writeTags(column, to: writer)
    }
    try writeTexts(column, to: writer)
  }

  /// The tags row by row, and the rows tag by tag.
  private func writeTags(
    _ column: Column, to writer: SectionedFileWriter
  ) throws(NeedletailError) {
    let numbers = Self.numbers(column)
    var ends = [UInt32](repeating: 0, count: rowCount + 1)
    var tags: [UInt32] = []
    tags.reserveCapacity(column.codes.count)
    var counts = [UInt32](repeating: 0, count: column.texts.count + 1)
    var first = 0
    for (row, end) in zip(column.rows, column.tagEnds) {
      ends[Int(row) + 1] = UInt32(end - first)
      for code in column.codes[first..<end] {
        tags.append(numbers[Int(code)])
        counts[Int(numbers[Int(code)])] += 1
      }
      first = end
    }
    for row in 0..<rowCount { ends[row + 1] += ends[row] }
    for text in 0..<column.texts.count { counts[text + 1] += counts[text] }
    try append(ends, to: writer)
    try append(tags, to: writer)
    try append(counts, to: writer)
    var rows = [UInt32](repeating: 0, count: tags.count)
    var free = counts
    for row in column.rows {
      for place in Int(ends[Int(row)])..<Int(ends[Int(row) + 1]) {
        let text = Int(tags[place]) - 1
        rows[Int(free[text])] = row
        free[text] += 1
      }
    }
    try append(rows, to: writer)
  }

  private func writeTexts(
    _ column: Column, to writer: SectionedFileWriter
  ) throws(NeedletailError) {
    var starts: [UInt64] = [0]
    var bytes: [UInt8] = []
    for text in column.texts.sorted(by: { $0.precedesByBytes($1) }) {
      bytes.append(contentsOf: text.utf8)
      starts.append(UInt64(bytes.count))
    }
    try append(starts, to: writer)
    try append(bytes, to: writer)
  }

  /// The number of each text, from 1, in the order of their bytes.
  private static func numbers(_ column: Column) -> [UInt32] {
    var numbers = [UInt32](repeating: 0, count: column.texts.count)
    let order = column.texts.indices.sorted { column.texts[$0].precedesByBytes(column.texts[$1]) }
    for (place, code) in order.enumerated() { numbers[code] = UInt32(place) + 1 }
    return numbers
  }

  /// Appends a part, and zeros to the next multiple of 64.
  private func append<Element: BitwiseCopyable>(
    _ elements: [Element], to writer: SectionedFileWriter
  ) throws(NeedletailError) {
    let result: Result<Int, NeedletailError> = unsafe elements.withUnsafeBytes { bytes in
      Result { () throws(NeedletailError) in
        unsafe try writer.append(bytes)
        return bytes.count
      }
    }
    let excess = try result.get() % 64
    if excess > 0 { try writer.append([UInt8](repeating: 0, count: 64 - excess)) }
  }
}
