import Foundation
package import NeedletailCore
import NeedletailStorage

/// A directory of its own for one test, under `TMPDIR`; removed with the value.
package final class TemporaryDirectory: Sendable {
  /// Its path, without a slash at the end.
  package let path: String

  /// Makes the directory.
  package init() throws(NeedletailError) {
    let root = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
    path = root + "/needletail-test-" + UUID().uuidString
    try LocalFileSystem().makeDirectory(path)
  }

  deinit { try? LocalFileSystem().removeTree(path) }

  /// The path of something in the directory.
  package func callAsFunction(_ name: String) -> String { path + "/" + name }
}
