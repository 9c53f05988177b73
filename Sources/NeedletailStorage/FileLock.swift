#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The system's calls for an exclusive lock of a whole file.
///
/// On Linux the lock belongs to the open file description: it works over network file systems that
/// have locks, conflicts within one process too, and is not lost when an unrelated descriptor of the
/// file is closed.
enum FileLock {
  #if os(Linux)
    private static let set: Int32 = 37  // F_OFD_SETLK
  #endif

  /// Takes the lock without waiting.
  ///
  /// - Returns: `nil`, or the system's error: `EWOULDBLOCK` or `EACCES` when somebody else has it.
  static func take(_ descriptor: Int32) -> Int32? {
    #if os(Linux)
      let failure = apply(F_WRLCK, to: descriptor)
      // A kernel without such locks says so; it has the older ones.
      if failure != EINVAL { return failure }
    #endif
    return retrying { Int(flock(descriptor, LOCK_EX | LOCK_NB)) }.failure
  }

  /// Gives the lock back, for all who share the open file.
  static func release(_ descriptor: Int32) {
    #if os(Linux)
      if apply(F_UNLCK, to: descriptor) != EINVAL { return }
    #endif
    _ = flock(descriptor, LOCK_UN)
  }

  /// Writes a process's number into the file, in place of what is there.
  static func put(number: Int32, into descriptor: Int32) {
    let line = Array("\(number)\n".utf8)
    guard ftruncate(descriptor, 0) == 0 else { return }
    unsafe line.withUnsafeBytes { _ = unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) }
  }

  /// The number in the file; `nil` where there is none yet.
  static func number(in descriptor: Int32) -> Int32? {
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe pread(descriptor, $0.baseAddress, $0.count, 0)
    }
    guard count > 1, bytes[count - 1] == UInt8(ascii: "\n") else { return nil }
    return Int32(String(decoding: bytes[..<(count - 1)], as: UTF8.self))
  }

  #if os(Linux)
    private static func apply(_ kind: Int32, to descriptor: Int32) -> Int32? {
      var lock = flock()
      lock.l_type = Int16(kind)
      lock.l_whence = Int16(SEEK_SET)
      return unsafe withUnsafeMutablePointer(to: &lock) { lock in
        retrying { unsafe Int(fcntl(descriptor, set, lock)) }.failure
      }
    }
  #endif
}
