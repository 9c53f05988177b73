package import NeedletailCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Immutable bytes of a file: mapped from it, or a copy of it in memory.
///
/// The address is aligned to at least 64 bytes. The bytes stay valid while the region lives. A
/// mapped file that another process shortens raises SIGBUS on access, so files are replaced by
/// renaming only.
@safe
package final class MappedRegion: @unchecked Sendable {
  // SAFETY: every property is constant, and nobody writes to the bytes after `init`.

  /// How the bytes will be read next.
  package enum Advice: Sendable, Hashable {
    /// In no order: no read-ahead.
    case random
    /// From front to back: read far ahead, drop soon.
    case sequential
    /// Soon, all of them: start reading.
    case willNeed
    /// Often: use huge pages where the system has them for this memory.
    case hugePages
    /// Not soon: the pages may go. Their contents come back from the file; no effect on a copy.
    case dontNeed
  }

  /// The file the bytes come from; for messages.
  package let path: String
  /// The number of bytes.
  package let count: Int
  /// Whether the bytes are file-backed, not anonymous memory.
  package let isMapped: Bool
  private let start: UnsafeRawPointer
  private let owner: MemoryBlock?

  /// Takes over a read-only mapping, which is unmapped with the region.
  ///
  /// - Precondition: `start` comes from `mmap` with this length, `count > 0`.
  init(mapping start: UnsafeRawPointer, count: Int, path: String) {
    unsafe self.start = start
    self.count = count
    self.path = path
    isMapped = true
    owner = nil
  }

  /// Shares a block of memory, which nobody may change any more.
  package init(_ block: MemoryBlock, path: String) {
    unsafe start = UnsafeRawPointer(block.start)
    count = block.byteCount
    self.path = path
    isMapped = false
    owner = block
  }

  /// Copies bytes into memory of its own.
  ///
  /// - Throws: `io` when there is not enough memory.
  package convenience init(
    copying bytes: UnsafeRawBufferPointer, path: String
  ) throws(NeedletailError) {
    self.init(unsafe try MemoryBlock(copying: bytes), path: path)
  }

  /// Copies an array into memory of its own.
  ///
  /// - Throws: `io` when there is not enough memory.
  package convenience init(copying bytes: [UInt8], path: String) throws(NeedletailError) {
    let block: Result<MemoryBlock, NeedletailError> = unsafe bytes.withUnsafeBytes { bytes in
      Result { () throws(NeedletailError) in unsafe try MemoryBlock(copying: bytes) }
    }
    self.init(try block.get(), path: path)
  }

  deinit {
    // SAFETY: the mapping was handed over whole in `init(mapping:)`, and nobody outlives the
    // region.
    if isMapped { unsafe munmap(UnsafeMutableRawPointer(mutating: start), count) }
  }

  /// All bytes, valid while the region lives; `baseAddress` is never `nil`.
  ///
  /// Keep the region in a variable or property: one that is only a temporary may be gone before its
  /// bytes are read. `span` and `array()` have no such trap.
  package var bytes: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: start, count: count)
  }

  /// All bytes, with their lifetime checked by the compiler.
  package var span: RawSpan {
    @_lifetime(borrow self)
    get {
      // SAFETY: the region keeps its bytes, and the span may not outlive the region.
      unsafe _overrideLifetime(RawSpan(_unsafeBytes: bytes), borrowing: self)
    }
  }

  /// A copy of all bytes, for small files.
  package func array() -> [UInt8] { withExtendedLifetime(self) { unsafe [UInt8](bytes) } }

  /// A copy of the bytes in anonymous memory, in huge pages when it is large.
  ///
  /// - Throws: `io` when there is not enough memory.
  package func resident() throws(NeedletailError) -> MappedRegion {
    unsafe try MappedRegion(copying: bytes, path: path)
  }

  /// Tells the system how the bytes will be read; a hint, ignored where it is not known.
  package func advise(_ advice: Advice) {
    advise(advice, 0..<count)
  }

  /// Tells the system how a range of the bytes will be read; clamped to the region, widened to
  /// pages.
  package func advise(_ advice: Advice, _ range: Range<Int>) {
    let range = range.clamped(to: 0..<count)
    guard !range.isEmpty else { return }
    let option: Int32
    switch advice {
    case .random: option = Int32(MADV_RANDOM)
    case .sequential: option = Int32(MADV_SEQUENTIAL)
    case .willNeed: option = Int32(MADV_WILLNEED)
    case .dontNeed:
      // On anonymous memory this would throw the contents away.
      guard isMapped else { return }
      option = Int32(MADV_DONTNEED)
    case .hugePages:
      #if os(Linux)
        option = 14  // MADV_HUGEPAGE
      #else
        return
      #endif
    }
    let page = Int(getpagesize())
    let misalignment = unsafe Int(bitPattern: start + range.lowerBound) & (page - 1)
    let low = max(range.lowerBound - misalignment, isMapped ? 0 : range.lowerBound)
    guard unsafe Int(bitPattern: start + low).isMultiple(of: page) else { return }
    // SAFETY: whole pages of our own memory; none of the options changes what is read there.
    _ = unsafe madvise(
      UnsafeMutableRawPointer(mutating: start + low), range.upperBound - low, option)
  }
}
