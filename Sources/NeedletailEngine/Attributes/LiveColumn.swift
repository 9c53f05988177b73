import NeedletailCore
import NeedletailStorage
import Synchronization

/// One column of a live segment: values by row, in memory that grows and never moves.
///
/// | Kind          | Bytes a row | Content                                                              |
/// |---------------|-------------|----------------------------------------------------------------------|
/// | integer, real | 8 and 1     | the number; 1 where there is one                                     |
/// | category      | 4           | the number of the text; 0: no value                                  |
/// | tags          | 8           | bit 63 where there is a value, then where its tags begin, then how many in 9 bits |
///
/// Memory is zero until it is written: rows that came before the column, and those without a value, need nothing.
@safe
final class LiveColumn: @unchecked Sendable {
  // SAFETY: addresses never change; a row is written before the segment publishes it, and then only read.

  let name: String
  let kind: AttributeKind
  let memory: ReservedMemory
  let presence: ReservedMemory?
  /// The column that came next.
  let next = AtomicLazyReference<LiveColumn>()

  init(_ name: String, _ kind: AttributeKind, rowLimit: Int) throws(NeedletailError) {
    self.name = name
    self.kind = kind
    memory = try ReservedMemory(count: rowLimit, stride: kind == .category ? 4 : 8)
    presence =
      kind == .integer || kind == .real ? try ReservedMemory(count: rowLimit, stride: 1) : nil
  }

  var byteCount: Int { memory.byteCount + (presence?.byteCount ?? 0) }

  /// Bytes that the column has once it is usable up to so many rows.
  func byteCount(rows: Int) -> Int {
    memory.byteCount(grownTo: rows * stride) + (presence?.byteCount(grownTo: rows) ?? 0)
  }

  func grow(rows: Int) throws(NeedletailError) {
    try memory.grow(to: rows * stride)
    try presence?.grow(to: rows)
  }

  /// The values of the first rows.
  func memory(rows: Int) -> [MemoryRange] {
    [memory.range(byteCount: rows * stride)] + (presence.map { [$0.range(byteCount: rows)] } ?? [])
  }

  private var stride: Int { kind == .category ? 4 : 8 }

  /// Writes the value of a row that is not published yet.
  ///
  /// - Precondition: the row is within what was grown.
  func store<Value: BitwiseCopyable>(_ value: Value, _ row: Int) {
    unsafe memory.start.storeBytes(
      of: value, toByteOffset: row * MemoryLayout<Value>.size, as: Value.self)
    unsafe presence?.start.storeBytes(of: 1, toByteOffset: row, as: UInt8.self)
  }
}

/// A column of a live segment, up to the rows of a view.
@safe
struct LiveColumnView: AttributeColumn {
  let column: LiveColumn
  let attributes: LiveAttributes
  let rows: Int

  var kind: AttributeKind { column.kind }
  var values: UnsafeRawPointer { unsafe UnsafeRawPointer(column.memory.start) }
  var textCount: Int { attributes.texts.count }

  func number(of text: String) -> UInt32? { attributes.texts.number(of: text) }

  func keepPresent(_ bits: borrowing RowBits) {
    switch kind {
    case .integer, .real:
      guard let presence = column.presence else { return }
      unsafe FlagTest(flags: presence.start.assumingMemoryBound(to: UInt8.self))
        .keep(rows: rows, bits.words)
    case .category: unsafe PresenceTest(values, .max).keep(rows: rows, bits.words)
    case .tags: unsafe TagsTest(values).keep(rows: rows, bits.words)
    }
  }

  func insertRows(tagged number: UInt32, into bits: borrowing RowBits) {
    for row in 0..<rows where unsafe attributes.tags(entry(row)).contains(number) {
      bits.insert(UInt32(row))
    }
  }

  /// The number of a category's text, from 1.
  @inline(__always)
  func textNumber(_ row: UInt32) -> UInt32? {
    let number = unsafe values.load(fromByteOffset: Int(row) * 4, as: UInt32.self)
    return number > 0 ? number : nil
  }

  /// The value of a row; `nil`: it has none.
  func value(_ row: UInt32) -> AttributeValue? {
    switch kind {
    case .integer, .real:
      guard unsafe column.presence?.start.load(fromByteOffset: Int(row), as: UInt8.self) == 1
      else { return nil }
      return kind == .integer
        ? unsafe .integer(values.load(fromByteOffset: Int(row) * 8, as: Int64.self))
        : unsafe .real(values.load(fromByteOffset: Int(row) * 8, as: Double.self))
    case .category: return textNumber(row).map { .category(attributes.texts.text($0)) }
    case .tags:
      let entry = entry(Int(row))
      guard entry != 0 else { return nil }
      return unsafe .tags(Set(attributes.tags(entry).map { attributes.texts.text($0) }))
    }
  }

  private func entry(_ row: Int) -> UInt64 {
    unsafe values.load(fromByteOffset: row * 8, as: UInt64.self)
  }
}

/// Rows whose byte is 1.
@safe
private struct FlagTest: RowTest {
  let flags: UnsafePointer<UInt8>

  @inline(__always)
  func result(_ row: Int) -> UInt8 { unsafe flags[row] }
}

/// Rows that have tags, or none of them but the attribute.
@safe
private struct TagsTest: RowTest {
  private let entries: UnsafePointer<UInt64>

  @unsafe
  init(_ entries: UnsafeRawPointer) {
    unsafe self.entries = entries.assumingMemoryBound(to: UInt64.self)
  }

  @inline(__always)
  func result(_ row: Int) -> UInt8 { unsafe entries[row] != 0 ? 1 : 0 }
}
