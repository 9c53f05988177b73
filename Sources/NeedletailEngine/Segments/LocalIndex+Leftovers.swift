package import NeedletailCore
import NeedletailStorage

extension LocalIndex {
  /// The unfinished trees beside a target: of builds at work, or of builds that were killed.
  ///
  /// - Throws: `notFound` or `io` when the parent directory cannot be listed.
  package static func leftovers(of path: String) throws(NeedletailError) -> [String] {
    try IndexDirectoryBuilder.leftovers(of: path, in: LocalFileSystem())
  }
}
