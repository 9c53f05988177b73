import NeedletailCore
import NeedletailStorage

extension FileSystem {
  /// Puts bytes in the place of a file, in one atomic step: there is the old one or the new one.
  ///
  /// - Parameters:
  ///   - path: the file, which nobody else writes, in a directory that exists.
  ///   - bytes: its new content.
  ///   - isDurable: whether it is on the disk on return; without it, a crash of the machine may leave an empty file.
  /// - Throws: `io`; the old file is in place then, or the new one is and only its durability is in doubt.
  func replace(
    _ path: String, with bytes: [UInt8], isDurable: Bool
  ) throws(NeedletailError) {
    let partial = path + ".partial"
    // What a process left that was killed here would be in the way.
    if try kind(of: partial) != nil { try remove(partial) }
    do throws(NeedletailError) {
      let file = try create(partial)
      try file.write(bytes)
      if isDurable { try file.synchronize() }
      try file.close()
      try rename(partial, to: path)
      if isDurable { try synchronizeDirectory(parentDirectory(path)) }
    } catch {
      // The first failure is the one to tell; a file that stays is removed the next time.
      try? remove(partial)
      throw error
    }
  }

  /// The directory that a path lies in.
  func parentDirectory(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
