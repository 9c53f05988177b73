package import NeedletailCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension NeedletailError {
  /// The error of a system call that failed, with what was being done and what to do about it.
  ///
  /// `ENOENT` becomes `notFound`, `EEXIST` and `ENOTEMPTY` become `alreadyExists`, everything else
  /// `io`.
  ///
  /// - Parameters:
  ///   - number: the value of `errno`.
  ///   - action: what was being done, as the start of a sentence: `"Writing 512 bytes"`.
  ///   - path: the file or directory.
  /// - Returns: the error, to be thrown.
  package static func system(_ number: Int32, _ action: String, path: String) -> NeedletailError {
    let code: Code
    switch number {
    case ENOENT: code = .notFound
    case EEXIST, ENOTEMPTY: code = .alreadyExists
    default: code = .io
    }
    return NeedletailError(
      code, "\(action) failed: \(meaning(of: number)) (errno \(number)).", at: Location(path: path))
  }

  /// What an `errno` says, in words that tell what to do.
  ///
  /// Our own words, because `strerror` is not safe across threads.
  private static func meaning(of number: Int32) -> String {
    switch number {
    case ENOENT: "it does not exist"
    case EEXIST: "it exists already"
    case ENOTEMPTY: "the directory is not empty"
    case EACCES, EPERM: "permission denied; check its owner and mode"
    case ENOSPC: "the disk is full; free some space and try again"
    case EDQUOT: "the disk quota is used up; free some space and try again"
    case EFBIG: "the file is larger than the file system or the process's limit (ulimit -f) allows"
    case EMFILE: "this process has too many open files; raise its limit (ulimit -n)"
    case ENFILE: "the machine has too many open files"
    case ENOMEM: "not enough memory or address space"
    case EISDIR: "it is a directory"
    case ENOTDIR: "a part of the path is not a directory"
    case EROFS: "the file system is read-only"
    case ENAMETOOLONG: "the name is too long"
    case ELOOP: "too many symbolic links"
    case EXDEV: "the two paths are on different file systems"
    case EBUSY: "it is in use"
    case EIO: "the device reports an input/output error; check the disk and the system log"
    case EINVAL: "the file system does not support it"
    default: "the system refused"
    }
  }
}

/// Runs a system call that returns a negative number on failure, again when a signal interrupts it.
///
/// - Returns: the call's result, or `nil` and the value of `errno`.
func retrying(_ call: () -> Int) -> (result: Int, failure: Int32?) {
  while true {
    let result = call()
    if result >= 0 { return (result, nil) }
    let number = errno
    if number != EINTR { return (result, number) }
  }
}
