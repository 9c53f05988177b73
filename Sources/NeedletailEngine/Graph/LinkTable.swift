import NeedletailCore
import NeedletailStorage

/// The links of one level: `count` rows of `degree` ordinals, unused places at the end of a row filled
/// with `LinkTable.none`.
///
/// Rows of fixed degree in one flat array: row `i` starts at `i·stride`, where the stride is the degree
/// unless other things lie between the rows. A reader stops at the first ordinal that is not below the
/// level's count, so any bytes are safe to walk.
@safe
package struct LinkTable: @unchecked Sendable {
  // SAFETY: readers only read; a build writes rows that no other thread touches at that time.

  /// What fills the unused places of a row.
  package static let none = UInt32.max

  package let count: Int
  package let degree: Int
  let links: UnsafeMutablePointer<UInt32>
  /// Ordinals from the start of one row to that of the next; more than `degree` where other things lie
  /// between them.
  private let stride: Int
  private let owner: any AnyObject & Sendable

  /// Makes a table without links.
  init(count: Int, degree: Int) throws(NeedletailError) {
    let block = try MemoryBlock(count: count * degree, stride: 4)
    self.count = count
    self.degree = degree
    stride = degree
    // SAFETY: the block is new, aligned to 64 bytes and owned by this table.
    unsafe links = UnsafeMutableRawPointer(mutating: block.bytes.baseAddress ?? Self.empty)
      .assumingMemoryBound(to: UInt32.self)
    owner = block
    unsafe links.update(repeating: Self.none, count: count * degree)
  }

  /// Wraps a table that is only read.
  ///
  /// - Precondition: `bytes` holds the ordinals of `count` rows, the first of each `stride` ordinals behind
  ///   that of the row before, aligned to 4, for as long as `owner` lives.
  @unsafe
  init(
    bytes: UnsafeRawBufferPointer, count: Int, degree: Int, stride: Int? = nil,
    owner: any AnyObject & Sendable
  ) {
    let stride = stride ?? degree
    precondition(
      count == 0 || bytes.count >= ((count - 1) * stride + degree) * 4,
      "a table holds all its rows")
    self.count = count
    self.degree = degree
    self.stride = stride
    unsafe links = UnsafeMutableRawPointer(mutating: bytes.baseAddress ?? Self.empty)
      .assumingMemoryBound(to: UInt32.self)
    self.owner = owner
  }

  /// The links of all rows, for those who look after their pages.
  ///
  /// - Precondition: nothing lies between the rows.
  var memory: MemoryRange {
    // SAFETY: checked when the table was made; the owner keeps the bytes.
    unsafe MemoryRange(
      UnsafeRawBufferPointer(start: links, count: count * stride * 4), owner: owner)
  }

  private static var empty: UnsafeRawPointer {
    unsafe UnsafeRawPointer(bitPattern: 64).unsafelyUnwrapped
  }

  /// The first link of a row.
  @unsafe @inline(__always)
  package func row(_ ordinal: UInt32) -> UnsafeMutablePointer<UInt32> {
    unsafe links + Int(truncatingIfNeeded: ordinal) &* stride
  }

  /// How many links a row has.
  package func degree(of ordinal: UInt32) -> Int {
    precondition(Int(ordinal) < count, "row \(ordinal) of \(count)")
    let row = unsafe row(ordinal)
    var degree = 0
    while degree < self.degree, unsafe Int(row[degree]) < count { degree += 1 }
    return degree
  }

  /// The links of a row.
  package func links(of ordinal: UInt32) -> [UInt32] {
    let degree = degree(of: ordinal)
    let row = unsafe row(ordinal)
    return (0..<degree).map { unsafe row[$0] }
  }

  /// All bytes of a table.
  ///
  /// - Precondition: its rows follow one another.
  @unsafe
  package var bytes: UnsafeRawBufferPointer {
    precondition(stride == degree, "rows with other things between them are no table of links")
    return unsafe UnsafeRawBufferPointer(start: links, count: count * degree * 4)
  }
}
