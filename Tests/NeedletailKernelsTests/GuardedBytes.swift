#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Bytes whose last one is the last before a page that may not be touched.
@safe final class GuardedBytes {
  private let mapping: UnsafeMutableRawPointer
  private let pages: Int
  let capacity: Int

  /// Room for at least `byteCount` bytes.
  init(byteCount: Int) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    capacity = (byteCount + page - 1) / page * page
    pages = capacity + page
    #if canImport(Darwin)
      let flags = MAP_PRIVATE | MAP_ANON
    #else
      let flags = MAP_PRIVATE | MAP_ANONYMOUS
    #endif
    guard
      let start = unsafe mmap(nil, pages, PROT_READ | PROT_WRITE, flags, -1, 0),
      unsafe start != MAP_FAILED
    else { preconditionFailure("the test needs \(pages) bytes") }
    unsafe mapping = unsafe start
    unsafe precondition(mprotect(mapping + capacity, page, PROT_NONE) == 0, "the guard page")
  }

  deinit { unsafe munmap(mapping, pages) }

  /// The last `count` bytes before the guard.
  func tail(_ count: Int) -> UnsafeMutableRawPointer {
    precondition(count <= capacity, "\(count) of \(capacity) bytes")
    return unsafe mapping + (capacity - count)
  }
}
