package import NeedletailCore
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

  /// Makes a set of rows named one by one, in any order; a row may be named twice.
  ///
  /// - Throws: `invalidConfiguration` for a row beyond the segment's; `io` when there is not enough memory.
  package convenience init(rows: Int, ordinals: [UInt32]) throws(NeedletailError) {
    let bits = try RowBits(rows: rows)
    for ordinal in ordinals {
      try Self.check(ordinal, of: rows)
      bits.insert(ordinal)
    }
    self.init(bits)
  }

  /// The set with more rows; this one stays as it is.
  ///
  /// - Throws: as making a set.
  /// - Complexity: O(rows/64), a copy of all words.
  package func adding(_ ordinals: [UInt32]) throws(NeedletailError) -> RowSet {
    let bits = try RowBits(rows: rows)
    for word in 0..<wordCount { unsafe bits.formUnion(words[word], at: word) }
    for ordinal in ordinals {
      try Self.check(ordinal, of: rows)
      bits.insert(ordinal)
    }
    return RowSet(bits)
  }

  static func check(_ ordinal: UInt32, of rows: Int) throws(NeedletailError) {
    guard Int(ordinal) < rows else {
      throw NeedletailError(
        .invalidConfiguration, "Row \(ordinal) is not of a segment of \(rows) rows.")
    }
  }

  /// The rows of the set, ascending.
  package var ordinals: Ordinals { Ordinals(set: self) }

  /// The rows of a set, one after the other.
  package struct Ordinals: Sequence, IteratorProtocol {
    private let set: RowSet
    private var word = -1
    /// Rows of the word that are yet to come.
    private var left: UInt64 = 0

    fileprivate init(set: RowSet) { self.set = set }

    package mutating func next() -> UInt32? {
      while left == 0 {
        word += 1
        guard word < set.wordCount else {
          word = set.wordCount
          return nil
        }
        left = unsafe set.words[word]
      }
      defer { left &= left &- 1 }
      return UInt32(word * 64 + left.trailingZeroBitCount)
    }
  }

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
  let words: UnsafeMutablePointer<UInt64>

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

  /// Takes a row out of the set.
  ///
  /// - Precondition: `ordinal` is below the rows.
  func remove(_ ordinal: UInt32) {
    precondition(Int(ordinal) < rows, "row \(ordinal) of \(rows)")
    unsafe words[Int(ordinal) / 64] &= ~(1 << UInt64(ordinal % 64))
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

  /// Adds the rows of a word of another set of the same segment.
  func formUnion(_ bits: UInt64, at word: Int) { unsafe words[word] |= bits }

  /// Takes the rows of another set of the same segment out.
  func subtract(_ other: RowSet) {
    for word in 0..<Self.words(rows) { unsafe words[word] &= ~other.words[word] }
  }

  /// Adds the rows of another set of the same segment.
  func formUnion(_ other: borrowing RowBits) {
    for word in 0..<Self.words(rows) { unsafe words[word] |= other.words[word] }
  }
}
