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
  private(set) var position: UInt64
  private let path: String
  /// Negative once closed.
  private var descriptor: Int32
  private var health = Health.sound

  /// What may still be asked of the file.
  private enum Health {
    case sound
    /// A write failed: the file may hold a part of it, and has to be cut first.
    case torn
    /// It could not be made durable: after that nobody knows what the disk holds, so nothing more
    /// is written.
    case lost
  }

  init(_ descriptor: Int32, path: String, position: UInt64 = 0) {
    self.descriptor = descriptor
    self.path = path
    self.position = position
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
        health = .torn
        throw .system(failure ?? EIO, "Writing \(remaining) bytes at \(place)", path: path)
      }
      unsafe start += moved
      place += Int64(moved)
      remaining -= moved
    }
  }

  func synchronize() throws(NeedletailError) {
    try synchronize { descriptor in
      #if os(Linux)
        Int(fsync(descriptor))
      #else
        // fsync leaves the data in the drive's cache there.
        Int(fcntl(descriptor, F_FULLFSYNC))
      #endif
    }
  }

  func synchronizeData() throws(NeedletailError) {
    #if os(Linux)
      try synchronize { Int(fdatasync($0)) }
    #else
      try synchronize()
    #endif
  }

  func truncate(to byteCount: UInt64) throws(NeedletailError) {
    if health == .lost || descriptor < 0 { try checkUsable("Cutting the file") }
    guard byteCount <= UInt64(Int64.max) else {
      throw .system(EFBIG, "Cutting the file to \(byteCount) bytes", path: path)
    }
    if let failure = retrying({ Int(ftruncate(descriptor, off_t(byteCount))) }).failure {
      throw .system(failure, "Cutting the file to \(byteCount) bytes", path: path)
    }
    position = byteCount
    health = .sound
  }

  private func synchronize(_ call: (Int32) -> Int) throws(NeedletailError) {
    try checkUsable("Making the file durable")
    if let failure = retrying({ call(descriptor) }).failure {
      health = .lost
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
    guard descriptor >= 0, health == .sound else {
      throw NeedletailError(
        .io,
        "\(action) failed: the file is "
          + (descriptor >= 0 ? "unusable after an earlier failure." : "closed."),
        at: .init(path: path))
    }
  }
}
