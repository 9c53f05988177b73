package import NeedletailCore
import NeedletailKernels
import NeedletailStorage

extension LocalIndex {
  /// The unfinished trees beside a target: of builds at work, or of builds that were killed.
  ///
  /// - Throws: `notFound` or `io` when the parent directory cannot be listed.
  package static func leftovers(of path: String) throws(NeedletailError) -> [String] {
    try IndexDirectoryBuilder.leftovers(of: path, in: LocalFileSystem())
  }

  /// The names of the instruction sets that kernels are written for, and of the one in force.
  package static var kernelLevelNames: (known: [String], current: String) {
    (KernelLevel.allCases.map(\.rawValue), KernelLevel.current.rawValue)
  }
}
