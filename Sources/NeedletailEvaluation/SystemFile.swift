#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#endif

/// Reads the short files in which a kernel describes itself.
package enum SystemFile {
  /// The text of a file whose length is not known beforehand, at most a mebibyte; nil when unreadable.
  package static func contents(of path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 8192)
    while bytes.count < 1 << 20 {
      // SAFETY: `read` writes at most the length of the buffer that it is given.
      let got = unsafe block.withUnsafeMutableBytes { buffer in
        unsafe read(descriptor, buffer.baseAddress, buffer.count)
      }
      guard got > 0 else { break }
      bytes.append(contentsOf: block[..<got])
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
