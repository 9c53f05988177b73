#if Tools
  import NeedletailCore

  #if canImport(Glibc)
    import Glibc
  #else
    import Darwin
  #endif

  /// Inside `IDList` the name `read` means another function.
  private func readBytes(_ descriptor: Int32, into block: inout [UInt8]) -> Int {
    // SAFETY: `read` writes at most the length of the buffer that it is given.
    unsafe block.withUnsafeMutableBytes { buffer in
      unsafe read(descriptor, buffer.baseAddress, buffer.count)
    }
  }

  extension IDList {
    /// All bytes of a file, pipe or device.
    static func bytes(of path: String) throws(NeedletailError) -> [UInt8] {
      let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw failure(errno, path) }
      defer { close(descriptor) }
      var bytes: [UInt8] = []
      var block = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        let got = readBytes(descriptor, into: &block)
        if got > 0 {
          bytes.append(contentsOf: block[..<got])
        } else if got == 0 {
          return bytes
        } else if errno != EINTR {
          throw failure(errno, path)
        }
      }
    }

    private static func failure(_ number: Int32, _ path: String) -> NeedletailError {
      let (code, sentence): (NeedletailError.Code, String) =
        switch number {
        case ENOENT: (.notFound, "There is no such file; give the ids, one a line.")
        case EISDIR: (.corrupted, "It is a directory; give a file of ids, one a line.")
        case ENOTDIR: (.notFound, "A part of the path is not a directory.")
        case EACCES, EPERM: (.io, "The ids cannot be read: permission denied.")
        case EIO: (.io, "The ids cannot be read: the device reports an error.")
        default: (.io, "The ids cannot be read (errno \(number)).")
        }
      return NeedletailError(code, sentence, at: .init(path: path))
    }

    /// What follows the mark that some editors put before text.
    static func withoutMark(_ bytes: [UInt8], path: String) throws(NeedletailError) -> [UInt8] {
      if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return Array(bytes.dropFirst(3)) }
      if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
        throw NeedletailError(
          .corrupted, "The ids are written in UTF-16; save them as plain text (UTF-8).",
          at: .init(path: path))
      }
      return bytes
    }
  }
#endif
