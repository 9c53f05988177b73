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
/// ends, so that nothing stale can stop the next one; the file stays, with the number of the process
/// that had the lock last. Readers take no lock.
///
/// A process that is forked off shares the lock without owning it: `requireOwner` refuses there, and
/// dropping the value there releases nothing. If the owner is killed while it has such a child, the lock
/// is free when the child has ended too.
package struct DirectoryLock: ~Copyable {
  private let descriptor: Int32
  private let path: String
  /// The process that took the lock.
  private let owner: pid_t

  /// Takes the lock, or refuses at once.
  ///
  /// - Parameters:
  ///   - directory: the index's.
  ///   - process: who owns the lock from then on; `nil`: this process, as anywhere but in tests.
  /// - Throws: `locked` while another process, or another part of this one, holds it; `notFound` when
  ///   there is no such directory; `io`, also where the file system has no locks.
  package init(_ directory: String, for process: Int32? = nil) throws(NeedletailError) {
    let path = IndexDirectory(directory, in: LocalFileSystem()).path + "/LOCK"
    descriptor = try Self.take(path)
    self.path = path
    owner = process ?? getpid()
    // For messages only: the lock holds without it.
    FileLock.put(number: owner, into: descriptor)
  }

  deinit {
    // Unlocking in a child would take the lock from its parent.
    if getpid() == owner { FileLock.release(descriptor) }
    _ = close(descriptor)
  }

  /// Refuses to write in a process that was forked off the lock's owner.
  ///
  /// - Throws: `locked`.
  /// - Complexity: one system call.
  package func requireOwner() throws(NeedletailError) { try requireOwner(getpid()) }

  /// As `requireOwner()`, for a process of this number.
  package func requireOwner(_ process: Int32) throws(NeedletailError) {
    guard process == owner else {
      throw NeedletailError(
        .locked,
        "The index is open for writing in process \(owner), of which this one, \(process), is a child. Write"
          + " there, or open the index anew when it is done.", at: .init(path: path))
    }
  }

  /// Why a lock was not given.
  ///
  /// - Parameters:
  ///   - number: the system's error.
  ///   - path: the file.
  ///   - holder: the process that has the lock, where it is known.
  /// - Returns: the error, to be thrown.
  package static func refusal(
    _ number: Int32, path: String, holder: Int32? = nil
  ) -> NeedletailError {
    switch number {
    case EWOULDBLOCK, EACCES:
      let who = holder.map { "process \($0)" } ?? "another writer"
      return NeedletailError(
        .locked, "The index is held by \(who); try again when it is done.", at: .init(path: path))
    case ENOLCK, ENOSYS, EOPNOTSUPP, EINVAL:
      return NeedletailError(
        .io,
        "The file system has no locks (errno \(number)), and without one two writers could damage the"
          + " index. Keep it on a local disk, or open it for reading only.", at: .init(path: path))
    default: return .system(number, "Locking the file", path: path)
    }
  }

  private static func take(_ path: String) throws(NeedletailError) -> Int32 {
    let descriptor = try open(path)
    guard let failure = FileLock.take(descriptor) else { return descriptor }
    let holder = FileLock.number(in: descriptor)
    _ = close(descriptor)
    throw refusal(failure, path: path, holder: holder)
  }

  private static func open(_ path: String) throws(NeedletailError) -> Int32 {
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
    return Int32(truncatingIfNeeded: opened)
  }
}
