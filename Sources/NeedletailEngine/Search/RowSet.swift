import NeedletailCore
import NeedletailStorage

/// A set of a segment's rows, one bit per ordinal; constant once it is made.
@safe
package final class RowSet: Sendable {
  /// Rows that the set is drawn from.
  package let rows: Int
  /// Rows in the set.
  package let count: Int
  private let memory: MemoryBlock

  init(_ bits: consuming RowBits) {
    rows = bits.rows
    count = bits.count
    memory = bits.memory
  }

  /// Bit `i` of word `w`, from the lowest up, stands for the ordinal `64·w + i`; bits beyond the rows are 0.
  ///
  /// Valid while the set lives.
  var words: UnsafePointer<UInt64> {
    // SAFETY: the block is aligned to 64 bytes, holds whole words, and is only read.
    unsafe memory.bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt64.self)
  }

  var wordCount: Int { RowBits.words(rows) }

  /// Whether a row is in the set.
  package func contains(_ ordinal: UInt32) -> Bool {
    guard Int(ordinal) < rows else { return false }
    return unsafe words[Int(ordinal) / 64] >> UInt64(ordinal % 64) & 1 != 0
  }
}

/// A set of rows while it is made.
@safe
struct RowBits: ~Copyable {
  let rows: Int
  fileprivate let memory: MemoryBlock
  // SAFETY: the block's own memory; written through this alone until the set is made.
  private let words: UnsafeMutablePointer<UInt64>

  static func words(_ rows: Int) -> Int { (rows + 63) / 64 }

  /// Takes memory for a set of none of the rows.
  ///
  /// - Throws: `io` when there is not enough memory.
  init(rows: Int) throws(NeedletailError) {
    self.rows = rows
    memory = try MemoryBlock(count: max(1, Self.words(rows)), stride: 8)
    unsafe words = memory.mutableBytes.baseAddress.unsafelyUnwrapped
      .assumingMemoryBound(to: UInt64.self)
  }

  var count: Int {
    var count = 0
    for word in 0..<Self.words(rows) { unsafe count &+= words[word].nonzeroBitCount }
    return count
  }

  /// Puts a row into the set.
  ///
  /// - Precondition: `ordinal` is below the rows.
  @inline(__always)
  func insert(_ ordinal: UInt32) {
    precondition(Int(ordinal) < rows, "row \(ordinal) of \(rows)")
    unsafe words[Int(ordinal) / 64] |= 1 << UInt64(ordinal % 64)
  }

  /// Turns the set into that of all other rows.
  func invert() {
    let last = Self.words(rows) - 1
    guard last >= 0 else { return }
    for word in 0...last { unsafe words[word] = ~words[word] }
    unsafe words[last] &= ~0 >> UInt64((64 - rows % 64) % 64)
  }

  /// Keeps the rows that another set of the same segment has too.
  func formIntersection(_ other: borrowing RowBits) {
    for word in 0..<Self.words(rows) { unsafe words[word] &= other.words[word] }
  }

  /// Adds the rows of another set of the same segment.
  func formUnion(_ other: borrowing RowBits) {
    for word in 0..<Self.words(rows) { unsafe words[word] |= other.words[word] }
  }
}
