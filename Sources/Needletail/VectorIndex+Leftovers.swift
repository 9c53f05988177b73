public import NeedletailCore
import NeedletailEngine

extension VectorIndex {
  /// The unfinished trees beside a path, `<path>.building-…`: what a killed build leaves.
  ///
  /// One of them may belong to a build that is at work, so removing them is for a person to decide.
  ///
  /// - Parameter path: where an index is, or will be.
  /// - Returns: their paths, ascending.
  /// - Throws: `notFound` or `io` when the parent directory cannot be listed.
  /// - Complexity: one listing of the parent directory.
  public static func leftovers(of path: String) throws(NeedletailError) -> [String] {
    try LocalIndex.leftovers(of: path)
  }
}
