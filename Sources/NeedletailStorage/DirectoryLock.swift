package import NeedletailCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The right to publish generations of an index on this machine's disk, held by one owner at a time.
///
/// An advisory lock of the file `LOCK` in the index's directory. It ends with its owner, however that
/// ends, so that nothing stale can stop the next one; the empty file stays. Readers take no lock.
package struct DirectoryLock: ~Copyable {
  private let descriptor: Int32

  /// Takes the lock, or refuses at once.
  ///
  /// - Throws: `locked` while another process, or another part of this one, holds it; `notFound` when
  ///   there is no such directory; `io`.
  package init(_ directory: String) throws(NeedletailError) {
    descriptor = try Self.lock(IndexDirectory(directory, in: LocalFileSystem()).path + "/LOCK")
  }

  // Closing gives the lock back.
  deinit { _ = close(descriptor) }

  private static func lock(_ path: String) throws(NeedletailError) -> Int32 {
    let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW
    let (opened, failure) = retrying {
      #if canImport(Glibc)
        unsafe Int(Glibc.open(path, flags, 0o666))
      #elseif canImport(Musl)
        unsafe Int(Musl.open(path, flags, 0o666))
      #else
        unsafe Int(Darwin.open(path, flags, 0o666))
      #endif
    }
    if let failure { throw .system(failure, "Opening the lock file", path: path) }
    let descriptor = Int32(truncatingIfNeeded: opened)
    guard let failure = retrying({ Int(flock(descriptor, LOCK_EX | LOCK_NB)) }).failure else {
      return descriptor
    }
    _ = close(descriptor)
    guard failure == EWOULDBLOCK else {
      throw .system(failure, "Locking the file", path: path)
    }
    throw NeedletailError(
      .locked, "Another writer holds the index; try again when it is done.", at: .init(path: path))
  }
}
