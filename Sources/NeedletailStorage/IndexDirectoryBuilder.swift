package import NeedletailCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Builds a whole new index beside its place, and moves it there in one step.
///
/// Everything is written into `<target>.building-<process>`; `finish` renames that to the target.
/// Until then the target does not exist, and when anything fails, or the builder is dropped, the
/// whole tree is removed. A process that is killed leaves it; see `leftovers(of:in:)`.
package final class IndexDirectoryBuilder {
  /// Where the index will be.
  package let target: String
  /// Where it is being built: seal files and publish the first manifest here.
  package let directory: IndexDirectory
  private let fileSystem: any FileSystem
  private var isOpen = true

  /// Refuses a target that exists, and makes the empty directories of an index beside it.
  ///
  /// - Throws: `alreadyExists`; `notFound` when the parent directory is missing; `io`.
  package init(target: String, in fileSystem: any FileSystem) throws(NeedletailError) {
    let named = IndexDirectory(target, in: fileSystem)
    guard !named.path.isEmpty else {
      throw NeedletailError(.invalidConfiguration, "The path of the new index is empty.")
    }
    self.target = named.path
    self.fileSystem = fileSystem
    if try fileSystem.kind(of: named.path) != nil { throw Self.taken(named.path) }
    let parent = IndexDirectory.parent(of: named.path)
    guard try fileSystem.kind(of: parent) == .directory else {
      throw NeedletailError(
        .notFound, "The directory that should hold the new index does not exist; make it first.",
        at: .init(path: parent))
    }
    directory = IndexDirectory(
      try Self.makeTemporary(beside: named.path, in: fileSystem), in: fileSystem)
    do throws(NeedletailError) {
      for name in IndexDirectory.subdirectories {
        try fileSystem.makeDirectory(directory.path + "/" + name)
      }
    } catch {
      abandon()
      throw error
    }
  }

  deinit { abandon() }

  /// Makes the index durable and gives it its name.
  ///
  /// - Throws: `alreadyExists` when somebody took the name meanwhile, `io`. The tree is removed
  ///   then; only when the very last step fails, which makes the new name durable, the index stays,
  ///   complete.
  /// - Precondition: a manifest was published in `directory`; neither `finish` nor `abandon` was
  ///   called.
  package func finish() throws(NeedletailError) {
    precondition(isOpen, "the builder is done already")
    do throws(NeedletailError) {
      _ = try directory.currentGeneration()
      for name in IndexDirectory.subdirectories {
        try fileSystem.synchronizeDirectory(directory.path + "/" + name)
      }
      try fileSystem.synchronizeDirectory(directory.path)
      try fileSystem.moveDirectory(directory.path, toNew: target)
      isOpen = false
    } catch {
      abandon()
      if error.code == .alreadyExists { throw Self.taken(target) }
      throw error
    }
    try fileSystem.synchronizeDirectory(IndexDirectory.parent(of: target))
  }

  /// Removes everything that was built; a second call does nothing.
  package func abandon() {
    guard isOpen else { return }
    isOpen = false
    // What cannot be removed has a name by which it is found later.
    try? fileSystem.removeTree(directory.path)
  }

  /// The trees beside a target that killed builders left: `<target>.building-…`, in ascending
  /// order.
  ///
  /// One of them may belong to a builder that is at work, so removing them is for a person to
  /// decide.
  package static func leftovers(
    of target: String, in fileSystem: any FileSystem
  ) throws(NeedletailError) -> [String] {
    let target = IndexDirectory(target, in: fileSystem).path
    let parent = IndexDirectory.parent(of: target)
    let prefix = (target.split(separator: "/").last.map(String.init) ?? "") + ".building-"
    let base = target.contains("/") ? (parent == "/" ? "/" : parent + "/") : ""
    return try fileSystem.list(parent).filter { $0.hasPrefix(prefix) }.map { base + $0 }
  }

  private static func makeTemporary(
    beside target: String, in fileSystem: any FileSystem
  ) throws(NeedletailError) -> String {
    // Two builders of one process, or one that was killed under the same number, may have the name.
    for attempt in 1... {
      let path = "\(target).building-\(getpid())-\(attempt)"
      do throws(NeedletailError) {
        try fileSystem.makeDirectory(path)
        return path
      } catch {
        guard error.code == .alreadyExists, attempt < 1_000 else { throw error }
      }
    }
    throw taken(target)
  }

  private static func taken(_ path: String) -> NeedletailError {
    NeedletailError(
      .alreadyExists, "The target exists; choose another path, or remove it first.",
      at: .init(path: path))
  }
}
