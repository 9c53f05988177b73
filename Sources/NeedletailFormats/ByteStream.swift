package import NeedletailCore
import NeedletailStorage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Bytes that come one after the other, and can't be gone back to: a file, a pipe.
package protocol ByteStream: AnyObject {
  /// What the bytes are called, for messages and for the format.
  var path: String { get }
  /// How many bytes there are in all, when that can be told.
  var byteCount: Int? { get }
  /// Reads some of the next bytes into the buffer.
  ///
  /// - Returns: how many; 0 at the end.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(NeedletailError) -> Int
}

extension ByteStream {
  /// Reads until the buffer is full or the stream ends; how many bytes came.
  func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(NeedletailError) -> Int {
    var filled = 0
    while filled < buffer.count {
      let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
      let count = unsafe try read(into: rest)
      guard count > 0 else { break }
      filled += count
    }
    return filled
  }
}

/// The bytes of a file or named pipe, through a descriptor.
final class FileByteStream: ByteStream {
  let path: String
  let byteCount: Int?
  private let descriptor: Int32

  /// Opens a file; opening a pipe waits for its writer.
  init(_ path: String) throws(NeedletailError) {
    guard !path.utf8.contains(0) else {
      throw NeedletailError(
        .invalidConfiguration, "The path holds a zero byte, which no file name may.",
        at: .init(path: path))
    }
    self.path = path
    var opened: Int32
    repeat { opened = unsafe open(path, O_RDONLY | O_CLOEXEC) } while opened < 0 && errno == EINTR
    guard opened >= 0 else { throw .system(errno, "Opening the file", path: path) }
    descriptor = opened
    var status = stat()
    guard unsafe fstat(opened, &status) == 0 else {
      let number = errno
      byteCount = nil
      throw .system(number, "Asking for the file's length", path: path)
    }
    switch status.st_mode & S_IFMT {
    case S_IFDIR:
      byteCount = nil
      throw NeedletailError(
        .io, "It is a directory, not a file; give a file.", at: .init(path: path))
    case S_IFREG: byteCount = Int(status.st_size)
    default: byteCount = nil
    }
  }

  deinit { _ = close(descriptor) }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(NeedletailError) -> Int {
    guard let start = buffer.baseAddress else { return 0 }
    while true {
      #if canImport(Glibc)
        let count = unsafe Glibc.read(descriptor, start, min(buffer.count, 1 << 30))
      #elseif canImport(Musl)
        let count = unsafe Musl.read(descriptor, start, min(buffer.count, 1 << 30))
      #else
        let count = unsafe Darwin.read(descriptor, start, min(buffer.count, 1 << 30))
      #endif
      if count >= 0 { return count }
      if errno != EINTR { throw .system(errno, "Reading", path: path) }
    }
  }
}
