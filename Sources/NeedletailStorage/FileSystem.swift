package import NeedletailCore

/// What a path names.
package enum FileKind: Sendable, Hashable {
  /// A regular file.
  case file
  /// A directory.
  case directory
  /// A pipe, socket or device.
  case other
}

/// The seam between the engine and the disk: everything that storage asks of a file system.
///
/// Errors carry the path, the number of the system's error and what to do: `notFound` and
/// `alreadyExists` where that is what happened, `io` otherwise. No call leaves a descriptor open.
/// `LocalFileSystem` is the real one; the tests have one in memory and one that fails on command.
package protocol FileSystem: Sendable {
  /// Maps a whole regular file for reading; an empty file gives an empty region.
  ///
  /// - Throws: `notFound`; `io` for a directory, a pipe, or a file that may not be read.
  func map(_ path: String) throws(NeedletailError) -> MappedRegion

  /// A copy of a regular file's bytes: also where somebody may cut it short meanwhile, which would
  /// make a mapping raise SIGBUS.
  ///
  /// - Throws: as `map`.
  func read(_ path: String) throws(NeedletailError) -> [UInt8]

  /// As `read`, but for a part that is not looked at: zeros stand in its place.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - gap: the bytes that are left out; what of it is behind the end of the file counts for nothing.
  /// - Returns: as many bytes as the file has.
  /// - Throws: as `map`.
  /// - Complexity: O(n) in the bytes that are not left out.
  func copy(_ path: String, leavingOut gap: Range<Int>) throws(NeedletailError) -> MappedRegion

  /// The length of a file; `nil` when nothing is there.
  ///
  /// - Throws: `io`, also for what is no regular file.
  func byteCount(of path: String) throws(NeedletailError) -> UInt64?

  /// What the path names, symbolic links followed; `nil` when nothing is there.
  func kind(of path: String) throws(NeedletailError) -> FileKind?

  /// Makes a new file for writing.
  ///
  /// - Throws: `alreadyExists` when anything has that name.
  func create(_ path: String) throws(NeedletailError) -> any WritableFile

  /// Opens a regular file that exists for writing, at its end.
  ///
  /// - Throws: `notFound`; `io` for a directory, a pipe, or a file that may not be written.
  func reopen(_ path: String) throws(NeedletailError) -> any WritableFile

  /// Makes one directory, whose parent exists.
  ///
  /// - Throws: `alreadyExists` when anything has that name.
  func makeDirectory(_ path: String) throws(NeedletailError)

  /// The names in a directory, without `.` and `..`, in ascending order of their UTF-8 bytes.
  ///
  /// Names that are not UTF-8 are repaired, so they name nothing; the engine never makes such.
  func list(_ path: String) throws(NeedletailError) -> [String]

  /// Renames a file, replacing a file of the new name in one atomic step.
  func rename(_ from: String, to: String) throws(NeedletailError)

  /// Moves a directory, in one atomic step, to a name that nothing has.
  ///
  /// - Throws: `alreadyExists` when anything has the new name.
  func moveDirectory(_ from: String, toNew to: String) throws(NeedletailError)

  /// Removes a file or an empty directory.
  func remove(_ path: String) throws(NeedletailError)

  /// Removes a file, or a directory with all it holds; symbolic links are removed, not followed.
  func removeTree(_ path: String) throws(NeedletailError)

  /// Makes the names in a directory durable.
  func synchronizeDirectory(_ path: String) throws(NeedletailError)
}

/// A file open for writing, used by one thread at a time.
///
/// After a failed write every further call fails until `truncate` cuts off what it may have left.
/// After a failed `synchronize` every further call fails for good: what reached the disk is not
/// known, and asking again would not tell.
package protocol WritableFile: AnyObject {
  /// Where the next bytes are appended.
  var position: UInt64 { get }

  /// Appends bytes: all of them, or it throws.
  func write(_ bytes: UnsafeRawBufferPointer) throws(NeedletailError)

  /// Writes bytes over a place of the file; `position` stays.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(NeedletailError)

  /// Makes everything written so far durable.
  func synchronize() throws(NeedletailError)

  /// Makes everything written so far durable, as `synchronize` does; times and the like may be left
  /// behind where that is faster.
  func synchronizeData() throws(NeedletailError)

  /// Cuts the file, which is then appended to at its new end.
  ///
  /// - Precondition: the file is not shorter than `byteCount`.
  func truncate(to byteCount: UInt64) throws(NeedletailError)

  /// Closes the file; a second call does nothing. A file dropped without it is closed silently.
  func close() throws(NeedletailError)
}

extension FileSystem {
  package func read(_ path: String) throws(NeedletailError) -> [UInt8] { try map(path).array() }

  package func copy(
    _ path: String, leavingOut gap: Range<Int>
  ) throws(NeedletailError) -> MappedRegion {
    var bytes = try read(path)
    for i in gap.clamped(to: bytes.indices) { bytes[i] = 0 }
    return try MappedRegion(copying: bytes, path: path)
  }

  package func byteCount(of path: String) throws(NeedletailError) -> UInt64? {
    do throws(NeedletailError) { return UInt64(try map(path).count) } catch {
      if error.code == .notFound { return nil }
      throw error
    }
  }
}

extension WritableFile {
  package func synchronizeData() throws(NeedletailError) { try synchronize() }
}
