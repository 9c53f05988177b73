package import NeedletailCore

/// How often recovering an index began and did not end: kept on disk, so that a process that is killed by
/// its own recovery, and started again and again, finds out.
///
/// ```swift
/// var mark = try RecoveryMark(directory)
/// if mark.isSafeModeDue { return try openReadOnly(report: mark) }
/// mark.begin("replaying the log")
/// do { try replay() } catch { mark.note(error); throw error }
/// mark.clear()
/// ```
///
/// Used by the holder of the index's lock, and only where there is something to recover: an opening that
/// has nothing to replay need not write. A mark that cannot be written or removed stops nobody, because a
/// full disk must not keep an index from being recovered.
package struct RecoveryMark: Sendable {
  /// So many attempts may fail before the next opening should not try again.
  package static let failureLimit = 3
  /// A longer text is cut.
  static let mostTextBytes = 1_000

  private let directory: IndexDirectory
  /// Attempts that began and did not end, the present one included once it has begun.
  package private(set) var failures: Int
  /// What the last of them was doing, or why it failed.
  package private(set) var text: String

  /// The mark's file; absent when the last recovery ended.
  private var path: String { directory.path + "/RECOVERY" }

  /// Whether the index should be opened for reading only, from its sealed files, and nothing be replayed.
  package var isSafeModeDue: Bool { failures >= Self.failureLimit }

  /// Reads the mark of an index.
  ///
  /// One that is damaged counts as a single failure.
  ///
  /// - Throws: `io`.
  package init(_ directory: IndexDirectory) throws(NeedletailError) {
    self.directory = directory
    (failures, text) = (0, "")
    let bytes: [UInt8]
    do throws(NeedletailError) { bytes = try directory.fileSystem.read(path) } catch {
      if error.code == .notFound { return }
      throw error
    }
    (failures, text) = Self.decode(bytes) ?? (1, "The mark of recovery is damaged.")
  }

  /// Counts an attempt, durably; until `clear` it is one that failed.
  ///
  /// - Parameter what: what will be done, for the report of an opening in safe mode.
  package mutating func begin(_ what: String) {
    // The file may say any number.
    (failures, text) = (failures < .max ? failures + 1 : failures, what)
    write()
  }

  /// Keeps why the present attempt failed, for the report.
  package mutating func note(_ error: NeedletailError) {
    text = "\(text): \(error)"
    write()
  }

  /// Forgets all failures: recovery ended, or somebody decided to try it again.
  package mutating func clear() {
    (failures, text) = (0, "")
    let fileSystem = directory.fileSystem
    guard (try? fileSystem.kind(of: path)) != nil else { return }
    try? fileSystem.remove(path)
    try? fileSystem.synchronizeDirectory(directory.path)
  }

  private func write() {
    let fileSystem = directory.fileSystem
    let partial = path + IndexDirectory.partialSuffix
    do throws(NeedletailError) {
      if try fileSystem.kind(of: partial) != nil { try fileSystem.remove(partial) }
      let file = try fileSystem.create(partial)
      try file.write(Self.encode(failures, text))
      try file.synchronize()
      try file.close()
      try fileSystem.rename(partial, to: path)
      try fileSystem.synchronizeDirectory(directory.path)
    } catch { try? fileSystem.remove(partial) }
  }
}

extension RecoveryMark {
  /// ```text
  /// needletail recovery 2⏎
  /// replaying the log: …⏎
  /// crc32c 1a2b3c4d⏎
  /// ```
  private static func encode(_ failures: Int, _ text: String) -> [UInt8] {
    // Cutting may fall into a character: decoding repairs it, and both lines stay lines.
    let line = String(
      decoding: text.utf8.prefix(mostTextBytes).map { $0 < 0x20 ? 0x20 : $0 }, as: UTF8.self)
    let bytes = Array("needletail recovery \(failures)\n\(line)\n".utf8)
    let checksum = CRC32C.checksum(of: bytes)
    let digits = hexadecimal((0..<4).map { UInt8(truncatingIfNeeded: checksum >> (24 - 8 * $0)) })
    return bytes + Array("crc32c \(digits)\n".utf8)
  }

  /// Takes a mark apart, and accepts nothing but what `encode` writes.
  private static func decode(_ bytes: [UInt8]) -> (failures: Int, text: String)? {
    let lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
    guard bytes.count <= 2 * mostTextBytes + 100, lines.count == 4,
      let number = String(decoding: lines[0], as: UTF8.self).split(separator: " ").last,
      let failures = Int(number), failures > 0
    else { return nil }
    let text = String(decoding: lines[1], as: UTF8.self)
    return encode(failures, text) == bytes ? (failures, text) : nil
  }
}
