import NeedletailCore
import NeedletailStorage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A range of addresses that is claimed at once and becomes memory bit by bit.
///
/// What grows in it keeps its address, so that readers need not know that it grows. Addresses alone cost
/// nothing; pages cost when they are written for the first time, and are zero until then.
@safe
final class ReservedMemory: @unchecked Sendable {
  // SAFETY: the address never changes. One thread makes bytes usable, and hands them over through something that
  // synchronises; who writes which bytes is its owner's business.

  /// Reserved and made usable in multiples of this, where there is enough of it, so that huge pages fit.
  private static let hugePage = 2 << 20
  private static let smallStep = 64 << 10

  /// The first byte, aligned to 2 MiB.
  let start: UnsafeMutableRawPointer
  /// Bytes that may become usable.
  let reservedByteCount: Int
  /// Bytes that are usable, from the start on.
  private(set) var byteCount = 0
  private let mapping: UnsafeMutableRawPointer
  private let mappedLength: Int

  /// Reserves addresses; none of them is usable yet.
  ///
  /// - Throws: `capacityExceeded` for a size that no address space holds, `io` when the system refuses.
  init(count: Int, stride: Int) throws(NeedletailError) {
    let (product, overflow) = count.multipliedReportingOverflow(by: stride)
    guard !overflow, product >= 0, product <= 1 << 46 else {
      throw NeedletailError(
        .capacityExceeded,
        "\(count) rows of \(stride) bytes do not fit into the address space; lower the limit on rows."
      )
    }
    reservedByteCount = Self.rounded(max(1, product))
    mappedLength = reservedByteCount + Self.hugePage
    #if os(Linux)
      let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    #else
      let flags = MAP_PRIVATE | MAP_ANON | MAP_NORESERVE
    #endif
    guard let mapping = unsafe mmap(nil, mappedLength, PROT_NONE, flags, -1, 0),
      unsafe mapping != MAP_FAILED
    else {
      throw NeedletailError(
        .io,
        "The system has no \(reservedByteCount) bytes of addresses left for rows to come; lower the limit on"
          + " rows, or raise the process's limit on address space.")
    }
    unsafe self.mapping = mapping
    unsafe start = mapping + (-Int(bitPattern: mapping) & (Self.hugePage - 1))
    #if os(Linux)
      // MADV_HUGEPAGE; refused where there are none.
      _ = unsafe madvise(start, reservedByteCount, 14)
    #endif
  }

  deinit {
    // SAFETY: the mapping is this object's own, and nobody outlives it.
    unsafe munmap(mapping, mappedLength)
  }

  /// How many bytes would be usable after `grow(to: count)`.
  func byteCount(grownTo count: Int) -> Int { max(byteCount, Self.rounded(count)) }

  /// Makes the first `count` bytes usable.
  ///
  /// - Precondition: `count` is within what was reserved.
  /// - Throws: `io` when the system has no memory; what was usable stays usable.
  func grow(to count: Int) throws(NeedletailError) {
    let larger = byteCount(grownTo: count)
    guard larger > byteCount else { return }
    precondition(larger <= reservedByteCount, "memory grows within what was reserved")
    // SAFETY: the range lies in the mapping, behind what is usable already.
    let status = unsafe mprotect(start + byteCount, larger - byteCount, PROT_READ | PROT_WRITE)
    guard status == 0 else {
      throw NeedletailError(
        .io,
        "The system has no \(larger - byteCount) bytes of memory left for new rows; free some, or seal the"
          + " rows that are there.")
    }
    byteCount = larger
  }

  /// The first bytes.
  ///
  /// - Precondition: they are usable.
  func range(byteCount: Int) -> MemoryRange {
    // SAFETY: the owner keeps the addresses.
    unsafe MemoryRange(UnsafeRawBufferPointer(start: start, count: byteCount), owner: self)
  }

  /// The bytes that are made usable for so many.
  static func rounded(_ count: Int) -> Int {
    let step = count >= hugePage ? hugePage : smallStep
    return (count + step - 1) & ~(step - 1)
  }
}
