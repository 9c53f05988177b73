import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A stretch of memory whose pages can be brought in, locked and counted: part of a mapped file, or anonymous.
///
/// Every call does what it is asked for a range of the bytes, so that its caller can stop between two of them.
@safe
package struct MemoryRange: @unchecked Sendable {
  // SAFETY: the owner keeps the bytes where they are; they are read as atomic bytes, since somebody may write some of
  // them meanwhile.
  private let start: UnsafeRawPointer
  private let owner: any AnyObject & Sendable
  /// The number of bytes.
  package let byteCount: Int

  /// Bytes that one step of a longer work should take: so much comes from a slow disk in some ms, and a lock
  /// that ends there splits no huge page.
  package static let stepByteCount = 2 << 20

  private static let page = Int(getpagesize())

  /// Takes a stretch that `owner` keeps.
  @unsafe
  package init(_ bytes: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) {
    unsafe start = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 64).unsafelyUnwrapped
    byteCount = bytes.count
    self.owner = owner
  }

  /// The bytes from one place on that make one step; its end is at a multiple of a step's size in memory.
  ///
  /// - Precondition: `0 ≤ offset`.
  package func step(from offset: Int) -> Range<Int> {
    guard offset < byteCount else { return byteCount..<byteCount }
    let address = unsafe Int(bitPattern: start) + offset
    let end = (address / Self.stepByteCount + 1) * Self.stepByteCount
    return offset..<min(byteCount, offset + end - address)
  }

  /// Brings the pages of a range into memory: reads a byte of each.
  ///
  /// - Complexity: as long as the disk takes, where the pages are not in memory.
  package func touch(_ range: Range<Int>) {
    guard let pages = unsafe pages(range) else { return }
    // Asked for together first: pages of a region that is read at random would come one by one.
    _ = unsafe madvise(pages.start, pages.byteCount, Int32(MADV_WILLNEED))
    let range = range.clamped(to: 0..<byteCount)
    var address = unsafe start + range.lowerBound
    let end = unsafe start + range.upperBound
    while unsafe address < end {
      // SAFETY: inside the range; an atomic byte has the size and alignment of a byte.
      _ = unsafe UnsafeMutableRawPointer(mutating: address).assumingMemoryBound(
        to: Atomic<UInt8>.self
      )
      .pointee.load(ordering: .relaxed)
      unsafe address += Self.page - Int(bitPattern: address) % Self.page
    }
  }

  /// Bytes of a range that are in memory now.
  ///
  /// Of a file they are those that the system has cached, for whichever process.
  ///
  /// - Complexity: some ns a page.
  package func residentByteCount(_ range: Range<Int>) -> Int {
    let range = range.clamped(to: 0..<byteCount)
    let low = unsafe Int(bitPattern: start) + range.lowerBound
    let high = unsafe Int(bitPattern: start) + range.upperBound
    var resident = 0
    var first = low
    let most = 4_096
    unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: most) { states in
      while first < high, let answers = states.baseAddress {
        let page = first / Self.page * Self.page
        let count = min(most, (high - page + Self.page - 1) / Self.page)
        guard unsafe Self.look(page, count, answers) else { break }
        for i in 0..<count where unsafe answers[i] & 1 != 0 {
          let begin = page + i * Self.page
          resident += min(high, begin + Self.page) - max(low, begin)
        }
        first = page + count * Self.page
      }
    }
    return resident
  }

  /// Keeps the pages of a range in memory for as long as they are mapped.
  ///
  /// A block on the heap shares pages with others at its ends, which are kept with it, and given back with it.
  ///
  /// - Returns: whether the system agreed; it has a limit for each process (`ulimit -l`).
  package func lock(_ range: Range<Int>) -> Bool {
    guard let pages = unsafe pages(range) else { return true }
    // SAFETY: whole pages that hold bytes of our own.
    guard unsafe mlock(pages.start, pages.byteCount) == 0 else { return false }
    (owner as? MemoryBlock)?.noteLock()
    return true
  }

  /// The whole pages that a range touches; `nil` for an empty one.
  private func pages(_ range: Range<Int>) -> (start: UnsafeMutableRawPointer, byteCount: Int)? {
    let range = range.clamped(to: 0..<byteCount)
    guard !range.isEmpty else { return nil }
    let offset = unsafe Int(bitPattern: start + range.lowerBound) % Self.page
    return unsafe (
      UnsafeMutableRawPointer(mutating: start + (range.lowerBound - offset)), range.count + offset
    )
  }

  /// Asks of each page whether it is in memory.
  @unsafe
  private static func look(
    _ address: Int, _ count: Int, _ answers: UnsafeMutablePointer<UInt8>
  ) -> Bool {
    guard let start = unsafe UnsafeMutableRawPointer(bitPattern: address) else { return false }
    // SAFETY: one answer for each page.
    #if os(Linux)
      return unsafe mincore(start, count * page, answers) == 0
    #else
      return unsafe answers.withMemoryRebound(to: CChar.self, capacity: count) {
        unsafe mincore(start, count * page, $0) == 0
      }
    #endif
  }
}
