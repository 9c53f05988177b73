#if Tools
  import Foundation

  #if canImport(Glibc)
    import Glibc
  #else
    import Darwin
  #endif

  /// Refuses an output that cannot be made, before any work is done for it.
  enum Outputs {
    /// Refuses a path that is taken, and one in a directory that is missing or may not be written.
    ///
    /// - Parameters:
    ///   - path: What will be made.
    ///   - noun: `file` or `directory`.
    ///   - isTried: Whether to make something beside it for a moment, which only the system can judge.
    /// - Throws: 73, or 74 when the disk is full.
    static func checkNew(
      _ path: String, noun: String = "file", isTried: Bool = true
    ) throws(CommandFailure) {
      var status = stat()
      // SAFETY: the call fills the structure that it is given.
      if unsafe lstat(path, &status) == 0 {
        throw CommandFailure(
          .cannotCreate, "There is already a \(noun) at \(path); name another, or remove it first.")
      }
      try checkParent(of: path)
      guard isTried else { return }
      let probe = trimmed(path) + ".trial-\(getpid())"
      guard unsafe mkdir(probe, 0o700) == 0 else {
        let number = errno
        throw CommandFailure(
          number == ENOSPC || number == EIO ? .io : .cannotCreate,
          "Nothing can be made at \(path): \(meaning(of: number)).")
      }
      _ = unsafe rmdir(probe)
    }

    /// Refuses a page that would replace anything but a page.
    static func checkPage(_ path: String) throws(CommandFailure) {
      var status = stat()
      // SAFETY: the call fills the structure that it is given.
      guard unsafe stat(path, &status) == 0 else {
        if unsafe lstat(path, &status) == 0 {
          throw CommandFailure(.cannotCreate, "\(path) is a link to nothing; name another file.")
        }
        try checkNew(path)
        return
      }
      guard status.st_mode & S_IFMT == S_IFREG else {
        throw CommandFailure(
          .cannotCreate,
          "\(path) is no regular file, so no page is written to it; name another file.")
      }
      guard let handle = FileHandle(forReadingAtPath: path),
        let start = try? handle.read(upToCount: 15) ?? Data()
      else { throw CommandFailure(.cannotCreate, "\(path) exists and cannot be read.") }
      let text = String(decoding: start, as: UTF8.self).lowercased()
      guard start.isEmpty || text == "<!doctype html>" else {
        throw CommandFailure(
          .cannotCreate,
          "\(path) exists and is no page, so it is not replaced; name another file.")
      }
      guard unsafe access(path, W_OK) == 0 else {
        throw CommandFailure(.cannotCreate, "\(path) exists and may not be written.")
      }
    }

    private static func checkParent(of path: String) throws(CommandFailure) {
      let parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
      switch Inputs.isDirectory(parent) {
      case nil:
        throw CommandFailure(.cannotCreate, "There is no directory \(parent); make it first.")
      case false:
        throw CommandFailure(.cannotCreate, "\(parent) is not a directory.")
      default: break
      }
      guard unsafe access(parent, W_OK | X_OK) == 0 else {
        throw CommandFailure(.cannotCreate, "The directory \(parent) may not be written.")
      }
    }

    /// Without the slashes at the end, which would put a probe inside.
    private static func trimmed(_ path: String) -> String {
      var path = Substring(path)
      while path.count > 1, path.hasSuffix("/") { path.removeLast() }
      return String(path)
    }

    private static func meaning(of number: Int32) -> String {
      switch number {
      case EACCES, EPERM: "permission denied"
      case EROFS: "the file system is read-only"
      case ENAMETOOLONG: "the name is too long"
      case ENOENT: "the file system does not allow it"
      case ENOSPC, EDQUOT: "the disk is full"
      default: "the system refuses (errno \(number))"
      }
    }
  }
#endif
