#if Governance
  import NeedletailCore
  import NeedletailStorage

  #if canImport(Glibc)
    import Glibc
  #elseif canImport(Musl)
    import Musl
  #else
    import Darwin
  #endif

  /// The file of a log, open for one append, under a lock that no other process can have meanwhile.
  struct LogFile: ~Copyable {
    /// Beyond this nobody wrote it: 64 MiB are tens of thousands of changes.
    static let largest = 64 << 20

    private let descriptor: Int32
    private let path: String

    /// Opens a file and takes its lock, or refuses at once.
    ///
    /// - Throws: `locked` while somebody else appends; `notFound`, `alreadyExists` or `io`.
    init(_ path: String, isNew: Bool) throws(NeedletailError) {
      guard !path.utf8.contains(0) else {
        throw NeedletailError(
          .invalidConfiguration, "The path holds a zero byte, which no file name may.",
          at: .init(path: path))
      }
      descriptor = try Self.openLocked(path, isNew: isNew)
      self.path = path
    }

    private static func openLocked(_ path: String, isNew: Bool) throws(NeedletailError) -> Int32 {
      let flags = O_RDWR | O_APPEND | O_CLOEXEC | (isNew ? O_CREAT | O_EXCL : 0)
      let opened = retrying { unsafe Int(open(path, flags, 0o644)) }
      guard opened >= 0 else { throw .system(errno, "Opening the log", path: path) }
      let descriptor = Int32(truncatingIfNeeded: opened)
      guard retrying({ Int(flock(descriptor, LOCK_EX | LOCK_NB)) }) < 0 else { return descriptor }
      let number = errno
      _ = close(descriptor)
      guard number == EWOULDBLOCK else { throw .system(number, "Locking the log", path: path) }
      throw NeedletailError(
        .locked, "Somebody else appends to the log; try again.", at: .init(path: path))
    }

    deinit {
      // A child that was forked and has not begun another program yet has the descriptor too: the lock is given back
      // for both, or the next append would find it taken.
      _ = flock(descriptor, LOCK_UN)
      _ = close(descriptor)
    }

    /// Every byte of the file.
    func read() throws(NeedletailError) -> [UInt8] {
      try Self.read(descriptor, path: path)
    }

    /// Cuts off what a crash left behind the last record.
    func truncate(to count: Int) throws(NeedletailError) {
      guard Self.retrying({ Int(ftruncate(descriptor, off_t(count))) }) >= 0 else {
        throw .system(errno, "Cutting off what a crash left", path: path)
      }
    }

    /// Appends bytes and makes them durable; after a failure the file is as long as it was, as far as the
    /// system allows.
    func append(_ bytes: [UInt8], behind count: Int) throws(NeedletailError) {
      var written = 0
      while written < bytes.count {
        let moved = unsafe bytes.withUnsafeBytes { buffer in
          // SAFETY: the bytes that are left are those of the buffer from `written` on.
          Self.retrying {
            unsafe write(
              descriptor, buffer.baseAddress?.advanced(by: written), bytes.count - written)
          }
        }
        guard moved > 0 else {
          let number = moved < 0 ? errno : EIO
          _ = ftruncate(descriptor, off_t(count))
          throw .system(number, "Writing the record", path: path)
        }
        written += moved
      }
      guard Self.retrying({ Int(fsync(descriptor)) }) >= 0 else {
        let number = errno
        _ = ftruncate(descriptor, off_t(count))
        throw .system(number, "Making the record durable", path: path)
      }
    }

    /// Reads a whole file without taking its lock.
    static func read(_ path: String) throws(NeedletailError) -> [UInt8] {
      guard !path.utf8.contains(0) else {
        throw NeedletailError(
          .invalidConfiguration, "The path holds a zero byte, which no file name may.",
          at: .init(path: path))
      }
      // Without O_NONBLOCK the opening of a pipe would wait for a writer.
      let opened = retrying { unsafe Int(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) }
      guard opened >= 0 else { throw .system(errno, "Opening the log", path: path) }
      let descriptor = Int32(truncatingIfNeeded: opened)
      defer { _ = close(descriptor) }
      return try read(descriptor, path: path)
    }

    private static func read(_ descriptor: Int32, path: String) throws(NeedletailError) -> [UInt8] {
      var status = stat()
      guard unsafe fstat(descriptor, &status) == 0 else {
        throw .system(errno, "Asking for the log's length", path: path)
      }
      guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= off_t(largest) else {
        throw NeedletailError(
          .unsupportedFormat,
          "It is no regular file of at most \(largest) bytes; give a log of a budget.",
          at: .init(path: path))
      }
      var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
      var filled = 0
      while filled < bytes.count {
        let count = bytes.count
        let moved = unsafe bytes.withUnsafeMutableBytes { buffer in
          // SAFETY: the bytes that are left are those of the buffer from `filled` on.
          retrying {
            unsafe pread(
              descriptor, buffer.baseAddress?.advanced(by: filled), count - filled, off_t(filled))
          }
        }
        guard moved >= 0 else { throw .system(errno, "Reading the log", path: path) }
        if moved == 0 { break }
        filled += moved
      }
      bytes.removeLast(bytes.count - filled)
      return bytes
    }

    private static func retrying(_ call: () -> Int) -> Int {
      while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
      }
    }
  }
#endif
