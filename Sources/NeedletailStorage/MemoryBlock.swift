package import NeedletailCore
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Zero-filled memory of a fixed size: written while it is built, then shared and only read.
///
/// | Size            | Where from | Alignment | Pages                                           |
/// |-----------------|------------|-----------|-------------------------------------------------|
/// | under 4 MiB     | the heap   | 64 bytes  | as they come                                    |
/// | 4 MiB and above | `mmap`     | 2 MiB     | huge where the system grants them, asked before |
/// |                 |            |           | the first touch; untouched pages cost nothing   |
///
/// The builder must be done writing before other threads read: hand the block over through
/// something that synchronises, and never call `mutableBytes` afterwards.
@safe
package final class MemoryBlock: @unchecked Sendable {
  // SAFETY: the pointer never changes; the contents are written by the builder only, as said above.

  /// From this size on a block is mapped, not taken from the heap.
  package static let mappedByteCount = 4 << 20
  private static let hugePage = 2 << 20

  /// The number of usable bytes.
  package let byteCount: Int
  let start: UnsafeMutableRawPointer
  /// Bytes to unmap; 0 when the block is from the heap.
  private let mappedLength: Int
  /// Whether pages of it were locked in memory.
  private let isLocked = Atomic<Bool>(false)

  /// Takes zero-filled memory from the system; `byteCount` 0 gives an empty block with an address.
  ///
  /// - Throws: `capacityExceeded` for a negative size or one that no address space holds, `io` when
  ///   there is not enough memory.
  package init(byteCount: Int) throws(NeedletailError) {
    guard byteCount >= 0, byteCount <= 1 << 47 else {
      throw NeedletailError(
        .capacityExceeded, "A block of \(byteCount) bytes does not fit into the address space.")
    }
    self.byteCount = byteCount
    if byteCount >= Self.mappedByteCount {
      let (address, length) = unsafe try Self.map(byteCount)
      unsafe start = address
      mappedLength = length
    } else {
      unsafe start = try Self.allocate(byteCount)
      mappedLength = 0
    }
  }

  /// Takes memory for `count` elements of `stride` bytes, with the product checked.
  ///
  /// - Throws: `capacityExceeded` when the product overflows, `io` when there is not enough memory.
  package convenience init(count: Int, stride: Int) throws(NeedletailError) {
    let (product, overflow) = count.multipliedReportingOverflow(by: stride)
    guard !overflow, count >= 0, stride >= 0 else {
      throw NeedletailError(
        .capacityExceeded, "\(count) elements of \(stride) bytes do not fit into the address space."
      )
    }
    try self.init(byteCount: product)
  }

  /// Takes memory for a copy of bytes.
  ///
  /// - Throws: `io` when there is not enough memory.
  package convenience init(copying bytes: UnsafeRawBufferPointer) throws(NeedletailError) {
    try self.init(byteCount: bytes.count)
    unsafe mutableBytes.copyMemory(from: bytes)
  }

  deinit {
    // SAFETY: the block owns the memory, from `mmap` or `posix_memalign`, and nobody outlives it.
    if mappedLength > 0 {
      unsafe munmap(start, mappedLength)
      return
    }
    // The heap goes on with these pages.
    if isLocked.load(ordering: .relaxed) { unsafe munlock(start, byteCount) }
    unsafe free(start)
  }

  /// Takes note that pages of it were locked.
  func noteLock() { isLocked.store(true, ordering: .relaxed) }

  /// The bytes, for the builder alone; valid while the block lives.
  package var mutableBytes: UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(start: start, count: byteCount)
  }

  /// The bytes, for readers; valid while the block lives; `baseAddress` is never `nil`.
  package var bytes: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: start, count: byteCount)
  }

  /// The bytes, with their lifetime checked by the compiler.
  package var span: RawSpan {
    @_lifetime(borrow self)
    get {
      // SAFETY: the block keeps its bytes, and the span may not outlive the block.
      unsafe _overrideLifetime(RawSpan(_unsafeBytes: bytes), borrowing: self)
    }
  }

  private static func allocate(_ byteCount: Int) throws(NeedletailError) -> UnsafeMutableRawPointer
  {
    let size = max(64, byteCount)
    var pointer: UnsafeMutableRawPointer?
    let status = unsafe posix_memalign(&pointer, 64, size)
    guard status == 0, let pointer = unsafe pointer else { throw outOfMemory(byteCount) }
    unsafe memset(pointer, 0, size)
    return unsafe pointer
  }

  private static func map(
    _ byteCount: Int
  ) throws(NeedletailError) -> (UnsafeMutableRawPointer, Int) {
    // The last part, less than a huge page, is left to small ones: it would be a waste of up to 2 MiB.
    let page = Int(getpagesize())
    let length = (byteCount + page - 1) & ~(page - 1)
    #if os(Linux)
      let flags = MAP_PRIVATE | MAP_ANONYMOUS
    #else
      let flags = MAP_PRIVATE | MAP_ANON
    #endif
    // One huge page more than asked for, so that an aligned start can be cut out of it.
    guard
      let whole = unsafe mmap(nil, length + hugePage, PROT_READ | PROT_WRITE, flags, -1, 0),
      unsafe whole != MAP_FAILED
    else { throw outOfMemory(byteCount) }
    let head = -Int(bitPattern: whole) & (hugePage - 1)
    let start = unsafe whole + head
    // SAFETY: both cuts lie inside the mapping made above, outside the part that is kept.
    if head > 0 { unsafe munmap(whole, head) }
    if head < hugePage { unsafe munmap(start + length, hugePage - head) }
    #if os(Linux)
      _ = unsafe madvise(start, length, 14)  // MADV_HUGEPAGE; refused where the kernel has none
    #endif
    return (unsafe start, length)
  }

  private static func outOfMemory(_ byteCount: Int) -> NeedletailError {
    NeedletailError(
      .io, "The system has no \(byteCount) bytes of memory left; free some or ask for less.")
  }
}
