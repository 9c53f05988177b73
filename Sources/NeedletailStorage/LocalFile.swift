import NeedletailCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A descriptor open for writing.
final class LocalFile: WritableFile {
  private(set) var position: UInt64 = 0
  private let path: String
  /// Negative once closed.
  private var descriptor: Int32
  /// Set by the first failure: after it nobody knows what the disk holds, so nothing more is
  /// written.
  private var isPoisoned = false

  init(_ descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  deinit { closeDescriptor() }

  func write(_ bytes: UnsafeRawBufferPointer) throws(NeedletailError) {
    unsafe try write(bytes, at: position)
    position += UInt64(bytes.count)
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(NeedletailError) {
    try checkUsable("Writing")
    guard var start = bytes.baseAddress else { return }
    var remaining = bytes.count
    guard let begin = Int64(exactly: offset), begin <= Int64.max - Int64(remaining) else {
      throw .system(EFBIG, "Writing \(remaining) bytes at \(offset)", path: path)
    }
    var place = begin
    while remaining > 0 {
      // One call moves at most about 2 GiB, and may move less.
      let (moved, failure) = retrying {
        unsafe pwrite(descriptor, start, min(remaining, 1 << 30), off_t(place))
      }
      guard failure == nil, moved > 0 else {
        isPoisoned = true
        throw .system(failure ?? EIO, "Writing \(remaining) bytes at \(place)", path: path)
      }
      unsafe start += moved
      place += Int64(moved)
      remaining -= moved
    }
  }

  func synchronize() throws(NeedletailError) {
    try checkUsable("Making the file durable")
    let (_, failure) = retrying {
      #if os(Linux)
        Int(fsync(descriptor))
      #else
        // fsync leaves the data in the drive's cache there.
        Int(fcntl(descriptor, F_FULLFSYNC))
      #endif
    }
    if let failure {
      isPoisoned = true
      throw .system(failure, "Making the file durable", path: path)
    }
  }

  func close() throws(NeedletailError) {
    guard descriptor >= 0 else { return }
    if let failure = closeDescriptor(), failure != EINTR {
      throw .system(failure, "Closing the file", path: path)
    }
  }

  /// Closes once, whatever the answer: the descriptor is gone even after a failure.
  @discardableResult
  private func closeDescriptor() -> Int32? {
    guard descriptor >= 0 else { return nil }
    let open = descriptor
    descriptor = -1
    #if canImport(Glibc)
      let status = Glibc.close(open)
    #elseif canImport(Musl)
      let status = Musl.close(open)
    #else
      let status = Darwin.close(open)
    #endif
    return status == 0 ? nil : errno
  }

  private func checkUsable(_ action: String) throws(NeedletailError) {
    guard descriptor >= 0, !isPoisoned else {
      throw NeedletailError(
        .io,
        "\(action) failed: the file is "
          + (isPoisoned ? "unusable after an earlier failure." : "closed."),
        at: .init(path: path))
    }
  }
}
