import NeedletailStorage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Takes files out of the system's cache, where that can be asked for.
package enum Eviction {
  /// Drops the pages of a file that nobody has mapped and touched.
  ///
  /// - Returns: whether most of them are gone; they are not where files are nowhere but in memory, or where the system
  ///   has no such call.
  package static func evict(_ path: String) -> Bool {
    #if os(Linux)
      let descriptor = unsafe open(path, O_RDONLY)
      guard descriptor >= 0 else { return false }
      defer { close(descriptor) }
      guard fdatasync(descriptor) == 0,
        posix_fadvise(descriptor, 0, 0, Int32(POSIX_FADV_DONTNEED)) == 0,
        let region = try? LocalFileSystem().map(path)
      else { return false }
      let pages = unsafe MemoryRange(region.bytes, owner: region)
      return pages.residentByteCount(0..<region.count) < region.count / 2
    #else
      return false
    #endif
  }
}
