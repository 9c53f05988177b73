import NeedletailCore
import Synchronization

/// Which rows of a segment one search may answer with: those of a set, without dead and withdrawn ones.
///
/// Plain addresses, valid while the sets are held by whoever searches.
@safe
struct HiddenRows: @unchecked Sendable, BitwiseCopyable {
  // SAFETY: each block has a bit for every row of the segment; withdrawn rows are read atomically.
  private let set: UnsafePointer<UInt64>?
  private let dead: UnsafePointer<UInt64>?
  private let withdrawn: UnsafePointer<Atomic<UInt64>>?
  /// Rows of the segment.
  let rows: Int
  /// Rows that may be answers; there may be more, where rows are dead and withdrawn, never fewer at the time that
  /// this was made.
  let shown: Int

  /// Leaves out what a view does not have, and what is withdrawn.
  init(rows: Int, dead: RowSet?, withdrawn: WithdrawnRows) {
    self.rows = rows
    unsafe set = nil
    unsafe self.dead = dead?.words
    let count = withdrawn.count
    unsafe self.withdrawn = count > 0 ? withdrawn.words.map { unsafe UnsafePointer($0) } : nil
    shown = max(0, rows - (dead?.count ?? 0) - count)
  }

  /// Leaves out what is not in a set, and what is withdrawn.
  init(outside set: RowWords, withdrawn: WithdrawnRows? = nil) {
    rows = set.rows
    unsafe self.set = unsafe set.words
    unsafe dead = nil
    let count = withdrawn?.count ?? 0
    unsafe self.withdrawn = count > 0 ? withdrawn?.words.map { unsafe UnsafePointer($0) } : nil
    shown = max(0, set.count - count)
  }

  /// The part of a sample of 64 rows that stands for the query's neighbourhood.
  static let sampledShare = 4

  /// Whether a sample of the rows tells if those that are not hidden lie near a query.
  ///
  /// There are so many that of the nearest of the sample at least four are to be expected. By chance none is found once
  /// in fifty times.
  ///
  /// Dead rows lie together in places; behind those the others are not far, and the sample tells nothing.
  var areSampled: Bool { unsafe set != nil && 64 / Self.sampledShare * shown >= 4 * rows }

  /// Whether a row is none of the answers.
  ///
  /// - Precondition: it is a row of the segment.
  @inline(__always)
  func contains(_ ordinal: UInt32) -> Bool {
    let word = Int(ordinal) / 64
    var hidden: UInt64 = 0
    if let dead = unsafe dead { hidden = unsafe dead[word] }
    if let set = unsafe set { hidden |= unsafe ~set[word] }
    if let withdrawn = unsafe withdrawn {
      hidden |= unsafe withdrawn[word].load(ordering: .relaxed)
    }
    return hidden &>> UInt64(ordinal % 64) & 1 != 0
  }

  /// Writes down which rows may be answers.
  ///
  /// - Precondition: `words` has a bit for every row; another set's words may stand there.
  /// - Complexity: O(rows/64).
  @unsafe
  func writeShown(except heldOut: UInt32?, into words: UnsafeMutablePointer<UInt64>) -> RowWords {
    var count = 0
    for word in 0..<RowBits.words(rows) {
      var bits = unsafe set.map { unsafe $0[word] } ?? .max
      if let dead = unsafe dead { bits &= unsafe ~dead[word] }
      if let withdrawn = unsafe withdrawn {
        bits &= unsafe ~withdrawn[word].load(ordering: .relaxed)
      }
      let left = rows - 64 * word
      if left < 64 { bits &= 1 &<< UInt64(left) &- 1 }
      if let heldOut, Int(heldOut) / 64 == word { bits &= ~(1 &<< UInt64(heldOut % 64)) }
      unsafe words[word] = bits
      count &+= bits.nonzeroBitCount
    }
    return unsafe RowWords(words: words, rows: rows, count: count)
  }
}

/// The bits of a set of rows, as a search reads them.
@safe
struct RowWords: BitwiseCopyable {
  // SAFETY: a bit for every row, valid while the set lives.
  let words: UnsafePointer<UInt64>
  let rows: Int
  let count: Int

  var wordCount: Int { RowBits.words(rows) }

  @unsafe
  init(words: UnsafePointer<UInt64>, rows: Int, count: Int) {
    unsafe self.words = words
    self.rows = rows
    self.count = count
  }

  /// The bits of a set that is held as long as these are looked at.
  init(_ set: RowSet) { unsafe self.init(words: set.words, rows: set.rows, count: set.count) }
}
