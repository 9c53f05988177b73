package import NeedletailCore
import NeedletailStorage

/// The SHA-256 of a file, for whoever may not import the storage layer.
package enum FileDigest {
  /// The digest of a file's bytes, in 64 lower-case hexadecimal digits.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - monitor: told the bytes that are done; may cancel.
  /// - Returns: the digest.
  /// - Throws: `notFound` and `io` when it can't be read; `cancelled`.
  /// - Complexity: one pass over the file, which is mapped.
  package static func sha256(
    of path: String, monitor: WorkMonitor? = nil
  ) throws(NeedletailError) -> String {
    let region = try LocalFileSystem().map(path)
    var hash = SHA256()
    var offset = 0
    monitor?.begin("checking", total: region.count)
    while offset < region.count {
      let length = min(1 << 20, region.count - offset)
      // SAFETY: the slice lies inside the region, which lives until the end of this function.
      unsafe hash.update(UnsafeRawBufferPointer(rebasing: region.bytes[offset..<offset + length]))
      offset += length
      try monitor?.advance(by: length)
    }
    return hash.hexDigest()
  }
}
