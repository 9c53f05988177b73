package import NeedletailCore
import NeedletailStorage

/// The attributes of a sealed segment: one column for each name and kind of value.
final class SealedColumns: Sendable {
  /// By ascending bytes of the names; of one name, by ascending kind.
  let columns: [SealedColumn]
  let component: Component

  /// Takes the columns of a file; `nil` where it has none.
  ///
  /// - Throws: `corrupted` where the directory and the values disagree; `io` where memory runs out.
  /// - Complexity: O(columns), and the copy of what is placed resident.
  init?(_ file: SectionedFile, rows: Int, _ placement: Placement) throws(NeedletailError) {
    guard file.hasSection(SegmentSection.attributes) else { return nil }
    let directory = try file.section(SegmentSection.attributes)
    let section = try file.section(SegmentSection.attributeValues)
    var reader = file.reader(directory)
    guard directory.count <= directory.byteCount / ColumnLayout.leastByteCount else {
      throw reader.corrupted(
        "\(directory.byteCount) bytes cannot hold \(directory.count) columns.")
    }
    var layouts: [ColumnLayout] = []
    var end = 0
    for _ in 0..<directory.count {
      var layout = try ColumnLayout(&reader, rows: rows)
      guard layouts.last?.precedes(layout) ?? true else {
        throw reader.corrupted("The column \(layout.name) stands out of order, or twice.")
      }
      guard layout.place(from: end), layout.end <= section.byteCount else {
        throw reader.corrupted(
          "The column \(layout.name) does not fit into the \(section.byteCount) bytes of values.")
      }
      end = layout.end
      layouts.append(layout)
    }
    try reader.finish()
    guard end == section.byteCount, section.count == layouts.count else {
      throw reader.corrupted(
        "\(layouts.count) columns take \(end) bytes; there are \(section.byteCount), of"
          + " \(section.count) columns.")
    }
    let component = try Component(file, section, placement)
    self.component = component
    columns = layouts.map { unsafe SealedColumn($0, component.start) }
  }

  /// The columns of a name: as many as there are kinds of values under it.
  func columns(of name: String) -> ArraySlice<SealedColumn> {
    var (low, high) = (0, columns.count)
    while low < high {
      let middle = (low + high) / 2
      if columns[middle].layout.name.precedesByBytes(name) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    var end = low
    while end < columns.count, !name.precedesByBytes(columns[end].layout.name) { end += 1 }
    return columns[low..<end]
  }

  /// The attributes of a row.
  func attributes(_ row: UInt32) -> Attributes {
    var entries: [(name: String, value: AttributeValue)] = []
    for column in columns {
      // Only damaged bytes have values of two kinds.
      if let before = entries.last, !before.name.precedesByBytes(column.layout.name) { continue }
      if let value = column.value(row) { entries.append((column.layout.name, value)) }
    }
    return Attributes(ascending: entries)
  }
}

extension ColumnLayout {
  /// Whether its column stands before another one.
  func precedes(_ other: ColumnLayout) -> Bool {
    if name.precedesByBytes(other.name) { return true }
    return !other.name.precedesByBytes(name) && kind.rawValue < other.kind.rawValue
  }
}

extension SealedSegment {
  /// The attributes that a row was written with.
  ///
  /// - Precondition: `ordinal` is below the count.
  /// - Complexity: O(columns + tags).
  package func attributes(of ordinal: UInt32) -> Attributes {
    precondition(Int(ordinal) < count, "row \(ordinal) of \(count)")
    return columns?.attributes(ordinal) ?? Attributes()
  }

  /// Bytes of all columns.
  package var attributeByteCount: Int {
    columns?.columns.last?.layout.end ?? 0
  }

  /// The rows whose attributes pass a test.
  func bits(_ predicate: AttributePredicate) throws(NeedletailError) -> RowBits {
    let bits = try RowBits(rows: count)
    for column in columns?.columns(of: predicate.name) ?? [] {
      bits.formUnion(try column.bits(predicate.test))
    }
    return bits
  }
}
