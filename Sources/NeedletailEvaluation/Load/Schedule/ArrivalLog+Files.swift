#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#endif
public import NeedletailCore

extension ArrivalLog {
  /// Reads the file of a record.
  ///
  /// - Parameter path: The file.
  /// - Throws: `notFound` and `io`; `capacityExceeded` above 512 MiB; as `init(parsing:path:)`.
  public init(contentsOf path: String) throws(NeedletailError) {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let number = errno
      throw NeedletailError(
        number == ENOENT ? .notFound : .io,
        number == ENOENT
          ? "There is no record of arrivals." : "The record cannot be opened (errno \(number)).",
        at: .init(path: path))
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      // SAFETY: `read` writes at most the length of the buffer that it is given.
      let got = unsafe block.withUnsafeMutableBytes { buffer in
        unsafe read(descriptor, buffer.baseAddress, buffer.count)
      }
      if got == 0 { break }
      guard got > 0 else {
        let number = errno
        if number == EINTR { continue }
        throw NeedletailError(
          .io, "The record cannot be read (errno \(number)).", at: .init(path: path))
      }
      guard bytes.count + got <= Self.mostBytes else {
        throw NeedletailError(
          .capacityExceeded, "The record is larger than \(Numerals.bytes(Self.mostBytes)); cut it.",
          at: .init(path: path))
      }
      bytes.append(contentsOf: block[..<got])
    }
    try self.init(parsing: bytes, path: path)
  }
}
