import NeedletailCore
import NeedletailKernels
import NeedletailStorage

/// The memory of a walk: visited words, the pool of candidates, buffers for one hop.
///
/// Grows when a walk needs more than any before; otherwise reused without being cleared: a visited word
/// counts only under the epoch of its walk.
@safe
package final class WalkScratch: @unchecked Sendable {
  // SAFETY: used by one thread at a time.

  @exclusivity(unchecked) private(set) var visited: UnsafeMutablePointer<UInt64>
  @exclusivity(unchecked) private(set) var pool: UnsafeMutablePointer<CandidateKey>
  @exclusivity(unchecked) private(set) var keys: UnsafeMutablePointer<CandidateKey>
  @exclusivity(unchecked) private(set) var ordinals: UnsafeMutablePointer<UInt32>
  @exclusivity(unchecked) private(set) var estimates: UnsafeMutablePointer<Float>
  private(set) var epoch: UInt64 = 0
  private var memory: MemoryBlock
  private var wordCount = 0
  private var rows = 0
  /// Keys that the pool has room for, besides those that a round adds.
  private(set) var width = 0
  private var degree = 0

  init(rows: Int, width: Int, degree: Int) throws(NeedletailError) {
    memory = try MemoryBlock(byteCount: 0)
    unsafe visited = UnsafeMutablePointer(bitPattern: 64).unsafelyUnwrapped
    unsafe pool = visited
    unsafe keys = visited
    unsafe ordinals = UnsafeMutablePointer(bitPattern: 64).unsafelyUnwrapped
    unsafe estimates = UnsafeMutablePointer(bitPattern: 64).unsafelyUnwrapped
    try reserve(rows: rows, width: width, degree: degree)
  }

  /// Makes room for walks over `rows` rows with pools of `width` and lists of `degree` links.
  func reserve(rows: Int, width: Int, degree: Int) throws(NeedletailError) {
    if rows <= self.rows, width <= self.width, degree <= self.degree { return }
    let rows = max(rows, self.rows)
    // Doubled, so that a slowly widening sweep does not allocate at each step.
    let width = width <= self.width ? self.width : max(width, 2 * self.width, 256)
    let degree = max(degree, self.degree, 64)
    let wordCount = rows / HopKernel.rowsPerVisitedWord + 1
    let list = Self.list(degree)
    let words = wordCount + width + 3 * list
    // Nothing is claimed before the memory is there.
    memory = try MemoryBlock(byteCount: words * 8)
    self.rows = rows
    self.width = width
    self.degree = degree
    self.wordCount = wordCount
    // SAFETY: the parts lie one behind the other in the block.
    unsafe visited = memory.mutableBytes.baseAddress.unsafelyUnwrapped
      .assumingMemoryBound(to: UInt64.self)
    unsafe pool = visited + wordCount
    unsafe keys = pool + width + list
    unsafe ordinals = UnsafeMutableRawPointer(keys + list).assumingMemoryBound(to: UInt32.self)
    unsafe estimates = UnsafeMutableRawPointer(ordinals + list).assumingMemoryBound(to: Float.self)
    epoch = 0
  }

  /// Places of a list of one round's rows.
  private static func list(_ degree: Int) -> Int {
    HopKernel.passingBreadth * degree + 2 * HopKernel.slack
  }

  /// Bytes that room for such walks takes, the first time it is asked for.
  static func byteCount(rows: Int, width: Int, degree: Int) -> Int {
    8 * (rows / HopKernel.rowsPerVisitedWord + 1 + max(width, 256) + 3 * list(max(degree, 64)))
  }

  /// Forgets every visit.
  @inline(__always)
  func beginEpoch() {
    epoch &+= 1
    if epoch > 0xffff {
      unsafe visited.update(repeating: 0, count: wordCount)
      epoch = 1
    }
  }

  /// Marks one row visited.
  ///
  /// - Precondition: `ordinal` is below the rows reserved.
  @unsafe @inline(__always)
  func visit(_ ordinal: UInt32) {
    let (word, bit) = Int(ordinal).quotientAndRemainder(dividingBy: HopKernel.rowsPerVisitedWord)
    let tag = epoch &<< UInt64(HopKernel.rowsPerVisitedWord)
    let present = unsafe visited[word]
    let base = present &>> UInt64(HopKernel.rowsPerVisitedWord) == epoch ? present : tag
    unsafe visited[word] = base | 1 &<< UInt64(bit)
  }
}
