package import NeedletailCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The files of this machine, through POSIX calls.
package struct LocalFileSystem: FileSystem {
  package init() {}

  package func map(_ path: String) throws(NeedletailError) -> MappedRegion {
    try Self.check(path)
    // Without O_NONBLOCK the opening of a pipe would wait for a writer.
    let descriptor = try Self.open(path, O_RDONLY | O_NONBLOCK, "Opening the file")
    defer { _ = close(descriptor) }
    let count = try Self.byteCount(of: descriptor, path: path)
    guard count > 0 else { return MappedRegion(try MemoryBlock(byteCount: 0), path: path) }
    guard
      let start = unsafe mmap(nil, count, PROT_READ, MAP_SHARED, descriptor, 0),
      unsafe start != MAP_FAILED
    else { throw .system(errno, "Mapping \(count) bytes", path: path) }
    return unsafe MappedRegion(mapping: UnsafeRawPointer(start), count: count, path: path)
  }

  package func read(_ path: String) throws(NeedletailError) -> [UInt8] {
    try Self.check(path)
    let descriptor = try Self.open(path, O_RDONLY | O_NONBLOCK, "Opening the file")
    defer { _ = close(descriptor) }
    let count = try Self.byteCount(of: descriptor, path: path)
    var bytes = [UInt8](repeating: 0, count: count)
    let taken: Result<Int, NeedletailError> = unsafe bytes.withUnsafeMutableBytes { bytes in
      Result { () throws(NeedletailError) in
        unsafe try Self.read(0..<count, of: descriptor, into: bytes, path: path)
      }
    }
    bytes.removeSubrange(try taken.get()...)
    return bytes
  }

  package func copy(
    _ path: String, leavingOut gap: Range<Int>
  ) throws(NeedletailError) -> MappedRegion {
    try Self.check(path)
    let descriptor = try Self.open(path, O_RDONLY | O_NONBLOCK, "Opening the file")
    defer { _ = close(descriptor) }
    let count = try Self.byteCount(of: descriptor, path: path)
    let gap = gap.clamped(to: 0..<count)
    // Zeros of the system take no memory until they are written.
    let block = try MemoryBlock(byteCount: count)
    for range in [0..<gap.lowerBound, gap.upperBound..<count] {
      _ = unsafe try Self.read(range, of: descriptor, into: block.mutableBytes, path: path)
    }
    return MappedRegion(block, path: path)
  }

  /// Reads a part of a file to the same place of a buffer.
  ///
  /// - Returns: where reading ended: before the end of the part when somebody cut the file since its length was asked
  ///   for.
  private static func read(
    _ range: Range<Int>, of descriptor: Int32, into bytes: UnsafeMutableRawBufferPointer,
    path: String
  ) throws(NeedletailError) -> Int {
    var taken = range.lowerBound
    while taken < range.upperBound {
      let rest = range.upperBound - taken
      let start = unsafe bytes.baseAddress.map { unsafe $0 + taken }
      let (moved, failure) = retrying { unsafe pread(descriptor, start, rest, off_t(taken)) }
      if let failure { throw .system(failure, "Reading \(rest) bytes at \(taken)", path: path) }
      if moved == 0 { break }
      taken += moved
    }
    return taken
  }

  package func byteCount(of path: String) throws(NeedletailError) -> UInt64? {
    try Self.check(path)
    var status = stat()
    guard unsafe stat(path, &status) == 0 else {
      if errno == ENOENT { return nil }
      throw .system(errno, "Asking for the file's length", path: path)
    }
    guard Self.kind(status) == .file else {
      throw NeedletailError(.io, "It is no regular file.", at: .init(path: path))
    }
    return UInt64(status.st_size)
  }

  package func kind(of path: String) throws(NeedletailError) -> FileKind? {
    try Self.check(path)
    var status = stat()
    if unsafe stat(path, &status) == 0 { return Self.kind(status) }
    if errno == ENOENT { return nil }
    throw .system(errno, "Looking at the path", path: path)
  }

  package func create(_ path: String) throws(NeedletailError) -> any WritableFile {
    try Self.check(path)
    let flags = O_RDWR | O_CREAT | O_EXCL
    return LocalFile(try Self.open(path, flags, "Creating the file"), path: path)
  }

  package func reopen(_ path: String) throws(NeedletailError) -> any WritableFile {
    try Self.check(path)
    let descriptor = try Self.open(path, O_RDWR | O_NONBLOCK, "Opening the file for writing")
    do throws(NeedletailError) {
      let count = try Self.byteCount(of: descriptor, path: path)
      return LocalFile(descriptor, path: path, position: UInt64(count))
    } catch {
      _ = close(descriptor)
      throw error
    }
  }

  package func makeDirectory(_ path: String) throws(NeedletailError) {
    try Self.check(path)
    guard unsafe mkdir(path, 0o777) == 0 else {
      throw .system(errno, "Making the directory", path: path)
    }
  }

  package func list(_ path: String) throws(NeedletailError) -> [String] {
    try Self.check(path)
    guard let directory = unsafe opendir(path) else {
      throw .system(errno, "Listing the directory", path: path)
    }
    defer { _ = unsafe closedir(directory) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(directory) else {
        if errno != 0 { throw .system(errno, "Listing the directory", path: path) }
        break
      }
      // SAFETY: the system ends the name with a zero byte, and it stays valid until the next call.
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  package func rename(_ from: String, to: String) throws(NeedletailError) {
    try Self.check(from)
    try Self.check(to)
    #if canImport(Glibc)
      let status = unsafe Glibc.rename(from, to)
    #elseif canImport(Musl)
      let status = unsafe Musl.rename(from, to)
    #else
      let status = unsafe Darwin.rename(from, to)
    #endif
    guard status == 0 else { throw .system(errno, "Renaming it to \(to)", path: from) }
  }

  package func moveDirectory(_ from: String, toNew to: String) throws(NeedletailError) {
    try Self.check(from)
    try Self.check(to)
    // Renaming a directory replaces an empty one only, so the gap between looking and renaming can
    // lose nothing: whoever fills the name meanwhile makes the renaming fail.
    var found = stat()
    if unsafe lstat(to, &found) == 0 { throw .system(EEXIST, "Moving \(from) to it", path: to) }
    do throws(NeedletailError) { try rename(from, to: to) } catch {
      if unsafe lstat(to, &found) == 0 { throw .system(EEXIST, "Moving \(from) to it", path: to) }
      throw error
    }
  }

  package func remove(_ path: String) throws(NeedletailError) {
    try Self.check(path)
    if unsafe unlink(path) == 0 { return }
    // Unlinking a directory gives EISDIR on Linux and EPERM elsewhere.
    let failure = errno
    if failure == EISDIR || failure == EPERM {
      if unsafe rmdir(path) == 0 { return }
      if errno != ENOTDIR { throw .system(errno, "Removing the directory", path: path) }
    }
    throw .system(failure, "Removing it", path: path)
  }

  package func removeTree(_ path: String) throws(NeedletailError) {
    try Self.check(path)
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else {
      throw .system(errno, "Removing it", path: path)
    }
    if Self.kind(status) == .directory {
      for name in try list(path) { try removeTree(path + "/" + name) }
    }
    try remove(path)
  }

  package func synchronizeDirectory(_ path: String) throws(NeedletailError) {
    try Self.check(path)
    let descriptor = try Self.open(path, O_RDONLY | O_DIRECTORY, "Opening the directory")
    defer { _ = close(descriptor) }
    if let failure = retrying({ Int(fsync(descriptor)) }).failure {
      throw .system(failure, "Making the directory durable", path: path)
    }
  }

  private static func open(
    _ path: String, _ flags: Int32, _ action: String
  ) throws(NeedletailError) -> Int32 {
    let (result, failure) = retrying {
      #if canImport(Glibc)
        unsafe Int(Glibc.open(path, flags | O_CLOEXEC, 0o666))
      #elseif canImport(Musl)
        unsafe Int(Musl.open(path, flags | O_CLOEXEC, 0o666))
      #else
        unsafe Int(Darwin.open(path, flags | O_CLOEXEC, 0o666))
      #endif
    }
    if let failure { throw .system(failure, action, path: path) }
    return Int32(truncatingIfNeeded: result)
  }

  /// The length of an open file, which must be a regular one.
  private static func byteCount(
    of descriptor: Int32, path: String
  ) throws(NeedletailError) -> Int {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw .system(errno, "Asking for the file's length", path: path)
    }
    guard kind(status) == .file else {
      let what = kind(status) == .directory ? "a directory" : "a pipe, socket or device"
      throw NeedletailError(
        .io, "It is \(what), not a regular file; give a file.", at: .init(path: path))
    }
    return Int(status.st_size)
  }

  private static func kind(_ status: stat) -> FileKind {
    switch status.st_mode & S_IFMT {
    case S_IFREG: .file
    case S_IFDIR: .directory
    default: .other
    }
  }

  /// A zero byte would end the path early, and another file would be touched.
  private static func check(_ path: String) throws(NeedletailError) {
    if path.utf8.contains(0) {
      throw NeedletailError(
        .invalidConfiguration, "The path holds a zero byte, which no file name may.",
        at: .init(path: path))
    }
  }
}
