package import NeedletailCore
import NeedletailStorage
import Synchronization

/// Rows of one segment that no search shows from now on, whatever view it reads.
///
/// One bit per row in atomic words: rows are withdrawn and given back while searches read, without a lock. A
/// search sees every withdrawal that was over when it began. While no row is withdrawn, all that a search does is
/// to look at one number, and there are no words.
@safe
package final class WithdrawnRows: Sendable {
  /// Rows that the set is drawn from.
  package let rows: Int
  private let number = Atomic<Int>(0)
  private let block = AtomicLazyReference<MemoryBlock>()

  package init(rows: Int) { self.rows = rows }

  /// Rows that are withdrawn.
  package var count: Int { number.load(ordering: .acquiring) }

  package var isEmpty: Bool { count == 0 }

  /// Whether a row is withdrawn.
  package func contains(_ ordinal: UInt32) -> Bool {
    guard Int(ordinal) < rows, !isEmpty, let words = unsafe self.words else { return false }
    return unsafe words[Int(ordinal) / 64].load(ordering: .relaxed) & Self.bit(ordinal) != 0
  }

  /// Withdraws a row.
  ///
  /// - Returns: whether it was not withdrawn before.
  /// - Throws: `invalidConfiguration` for a row that the segment does not have; `io` when the first one finds no
  ///   memory for a bit per row.
  @discardableResult
  package func insert(_ ordinal: UInt32) throws(NeedletailError) -> Bool {
    try RowSet.check(ordinal, of: rows)
    var block = block.load()
    if block == nil {
      block = self.block.storeIfNil(try MemoryBlock(count: RowBits.words(rows), stride: 8))
    }
    guard let words = unsafe words else { return false }
    let before = unsafe words[Int(ordinal) / 64].bitwiseOr(Self.bit(ordinal), ordering: .relaxed)
    guard before.oldValue & Self.bit(ordinal) == 0 else { return false }
    // Whoever reads this number reads the bit behind it too.
    number.wrappingAdd(1, ordering: .releasing)
    return true
  }

  /// Gives a row back.
  ///
  /// - Returns: whether it was withdrawn.
  @discardableResult
  package func remove(_ ordinal: UInt32) -> Bool {
    guard Int(ordinal) < rows, let words = unsafe words else { return false }
    let before = unsafe words[Int(ordinal) / 64].bitwiseAnd(~Self.bit(ordinal), ordering: .relaxed)
    guard before.oldValue & Self.bit(ordinal) != 0 else { return false }
    number.wrappingSubtract(1, ordering: .releasing)
    return true
  }

  /// Atomic words, once a row was withdrawn.
  var words: UnsafeMutablePointer<Atomic<UInt64>>? {
    // SAFETY: the block is never replaced and lives as long as this; an atomic word has the size and alignment of
    // its value, and all who touch it do so atomically.
    unsafe block.load()?.mutableBytes.baseAddress?.assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  private static func bit(_ ordinal: UInt32) -> UInt64 { 1 << UInt64(ordinal % 64) }
}
