public import NeedletailCore
import NeedletailEngine

/// An index: a directory of immutable, checksummed files, opened for searching.
///
/// An index is made by a `Writer` and searched through a `Snapshot`; both come from here. Values of this
/// class may be shared between threads.
public final class VectorIndex: Sendable {
  /// The directory.
  public let path: String
  /// What shapes the index.
  public let configuration: Configuration

  private struct State {
    var generation: OpenGeneration?
    var hasWriter = false
  }

  private let state: Guarded<State>
  private let options: OpenOptions

  private init(
    path: String, configuration: Configuration, options: OpenOptions, generation: OpenGeneration?
  ) {
    self.path = path
    self.configuration = configuration
    self.options = options
    state = Guarded(State(generation: generation))
  }

  /// Prepares a new index.
  ///
  /// Nothing is written before the first commit.
  ///
  /// - Parameters:
  ///   - path: where the directory will be; its parent exists, it does not.
  ///   - configuration: what shapes the index.
  /// - Returns: an index that holds nothing yet.
  /// - Throws: `invalidConfiguration` or `capacityExceeded` for a configuration that makes no index,
  ///   `alreadyExists` when the path is taken.
  public static func create(
    at path: String, configuration: Configuration
  ) throws(NeedletailError) -> VectorIndex {
    try configuration.buildOptions.validate()
    try LocalIndex.requireFree(path)
    return VectorIndex(
      path: path, configuration: configuration, options: OpenOptions(), generation: nil)
  }

  /// Opens an index for searching.
  ///
  /// - Parameters:
  ///   - path: the index's directory.
  ///   - options: where its parts lie, and how much is checked.
  /// - Returns: the index, with its current generation open.
  /// - Throws: `notFound`, `unsupportedFormat`, `corrupted`, `io`.
  /// - Complexity: reads what is placed resident; the rest is mapped.
  public static func open(
    at path: String, options: OpenOptions = OpenOptions()
  ) throws(NeedletailError) -> VectorIndex {
    let generation = try LocalIndex.open(
      path, placements: options.placements, isVerified: options.verification == .full)
    return VectorIndex(
      path: path, configuration: Configuration(generation.segment.parameters.options),
      options: options, generation: generation)
  }

  /// The rows published last, as one immutable view.
  ///
  /// - Throws: `notFound` when nothing was committed yet.
  public func snapshot() throws(NeedletailError) -> Snapshot {
    guard let generation = state.withLock({ $0.generation }) else {
      throw NeedletailError(
        .notFound, "The index holds nothing yet: add rows through a writer and commit.",
        at: .init(path: path))
    }
    return Snapshot(generation: generation, path: path)
  }

  /// The one writer of the index.
  ///
  /// On an index that is published it adds to what is there: its commit makes a new segment and a new generation.
  ///
  /// - Throws: `locked` while another writer of this index is in use.
  public func makeWriter() throws(NeedletailError) -> Writer {
    try takeWriter()
    return Writer(index: self, base: state.withLock { $0.generation })
  }

  /// Makes the caller the one writer.
  func takeWriter() throws(NeedletailError) {
    let isTaken = state.withLock { state in
      defer { state.hasWriter = true }
      return state.hasWriter
    }
    guard !isTaken else {
      throw NeedletailError(
        .locked, "The index has a writer already; commit or drop it first.", at: .init(path: path))
    }
  }

  func releaseWriter() { state.withLock { $0.hasWriter = false } }

  /// Opens what a writer published.
  func adopt() throws(NeedletailError) -> Snapshot {
    let generation = try LocalIndex.open(
      path, placements: options.placements, isVerified: options.verification == .full)
    return adopt(generation)
  }

  /// Makes a generation the one that snapshots show.
  func adopt(_ generation: OpenGeneration) -> Snapshot {
    state.withLock { $0.generation = generation }
    return Snapshot(generation: generation, path: path)
  }
}
