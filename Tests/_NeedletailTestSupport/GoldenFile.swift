import Foundation

/// A file of the tree whose bytes a test must give again, bit for bit: `Tests/Fixtures/v1/<name>`.
///
/// With `NEEDLETAIL_RECORD_GOLDEN=1` in the environment, missing files are written. One that exists
/// is never changed: bytes that were once released stay readable.
package enum GoldenFile {
  /// The path of a golden file, found from the place of this source file.
  package static func path(_ name: String, version: Int = 1) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures/v\(version)/\(name)").path
  }

  /// The kept bytes, which are `bytes` themselves when the file is to be recorded now.
  ///
  /// - Throws: when the file is missing and not to be recorded.
  package static func contents(
    _ name: String, version: Int = 1, recording bytes: [UInt8]
  ) throws -> [UInt8] {
    let url = URL(fileURLWithPath: path(name, version: version))
    if !FileManager.default.fileExists(atPath: url.path),
      ProcessInfo.processInfo.environment["NEEDLETAIL_RECORD_GOLDEN"] == "1"
    {
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(bytes).write(to: url)
    }
    return [UInt8](try Data(contentsOf: url))
  }
}
