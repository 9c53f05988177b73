package import NeedletailCore

/// The files of one index, by their names; see `Design/FileFormat.md`.
///
/// A value that holds no file open. Readers need no lock: everything that is there under its own
/// name is complete and never changes, except `CURRENT`, which is replaced as a whole. One writer
/// at a time.
package struct IndexDirectory: Sendable {
  /// The directory.
  package let path: String
  /// Where it lies.
  package let fileSystem: any FileSystem

  /// Names written before they are complete end like this.
  package static let partialSuffix = ".partial"
  static let subdirectories = ["generations", "quantizers", "segments"]

  /// Names a directory; nothing is touched.
  package init(_ path: String, in fileSystem: any FileSystem) {
    self.path = Self.normalized(path)
    self.fileSystem = fileSystem
  }

  /// `CURRENT`, which names the generation in use.
  package var currentPath: String { path + "/CURRENT" }

  /// The manifest of a generation.
  package func manifestPath(_ generation: UInt64) -> String {
    path + "/generations/\(generation).manifest"
  }

  /// A sealed file, by its kind and its contents.
  package func path(of format: FileFormat, _ hash: ContentHash) -> String {
    path + "/\(format.name)s/\(hash).\(format.fileExtension)"
  }

  /// The number of the generation in use.
  ///
  /// - Throws: `notFound` when there is no index, `corrupted` when `CURRENT` is damaged.
  package func currentGeneration() throws(NeedletailError) -> UInt64 {
    guard try fileSystem.kind(of: path) == .directory else {
      throw NeedletailError(
        .notFound, "There is no index directory.", at: .init(path: path))
    }
    do throws(NeedletailError) {
      return try CurrentGeneration.decode(fileSystem.map(currentPath))
    } catch  where error.code == .notFound {
      throw NeedletailError(
        .notFound, "The directory holds no index: it has no file CURRENT.", at: .init(path: path),
        cause: error)
    }
  }

  /// The manifest of a generation, the one in use by default; every byte of it is checked.
  ///
  /// - Throws: `notFound`, `unsupportedFormat`, `corrupted`, `io`.
  package func manifest(_ generation: UInt64? = nil) throws(NeedletailError) -> Manifest {
    let wanted: UInt64
    if let generation { wanted = generation } else { wanted = try currentGeneration() }
    let manifest = try Manifest(fileSystem.map(manifestPath(wanted)))
    guard manifest.generation == wanted else {
      throw NeedletailError(
        .corrupted, "The manifest is that of generation \(manifest.generation), not \(wanted).",
        at: .init(path: manifestPath(wanted)))
    }
    return manifest
  }

  /// Opens a sealed file that a manifest names.
  ///
  /// - Throws: `corrupted` when its length or its identity is not the one that the manifest says;
  ///   `notFound`, `unsupportedFormat`, `io`.
  package func open(
    _ format: FileFormat, _ reference: FileReference, verification: Verification
  ) throws(NeedletailError) -> SectionedFile {
    let path = path(of: format, reference.hash)
    let region = try fileSystem.map(path)
    guard UInt64(region.count) == reference.byteCount else {
      throw NeedletailError(
        .corrupted,
        "The file has \(region.count) bytes, the manifest says \(reference.byteCount): it is cut"
          + " short or another file.", at: .init(path: path))
    }
    let file = try SectionedFile(region, format, verification: verification)
    guard file.contentHash == reference.hash else {
      throw NeedletailError(
        .corrupted,
        "The file's contents are \(file.contentHash), the manifest names \(reference.hash).",
        at: .init(path: path))
    }
    return file
  }

  private static func normalized(_ path: String) -> String {
    var path = path[...]
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return String(path)
  }

  /// The directory that holds a path.
  static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : normalized(String(path[..<slash]))
  }
}
