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

  /// How the process has the index.
  enum Access {
    /// Nothing was committed yet.
    case none
    case reading(IndexFollower)
    case writing(LiveIndex)

    var view: IndexView? {
      switch self {
      case .none: nil
      case .reading(let follower): follower.view
      case .writing(let live): live.view
      }
    }
  }

  struct State {
    var access: Access
    /// Whether a `Writer` is in use.
    var hasWriter = false
  }

  let state: Guarded<State>
  /// Held while the index becomes one that is written, or ceases to be.
  let turning = Guarded<Bool>(false)
  let options: OpenOptions

  private init(
    path: String, configuration: Configuration, options: OpenOptions, access: Access
  ) {
    self.path = path
    self.configuration = configuration
    self.options = options
    state = Guarded(State(access: access))
  }

  /// Prepares a new index.
  ///
  /// Nothing is written before the first commit.
  ///
  /// - Parameters:
  ///   - path: where the directory will be; its parent exists, it does not.
  ///   - configuration: what shapes the index.
  ///   - options: where its parts lie once there are some, and how it takes writes.
  /// - Returns: an index that holds nothing yet.
  /// - Throws: `invalidConfiguration` or `capacityExceeded` for a configuration that makes no index,
  ///   `invalidConfiguration` for options out of range, `alreadyExists` when the path is taken.
  public static func create(
    at path: String, configuration: Configuration, options: OpenOptions = OpenOptions()
  ) throws(NeedletailError) -> VectorIndex {
    try configuration.buildOptions.validate()
    try options.writing.validate()
    try LocalIndex.requireFree(path)
    return VectorIndex(
      path: path, configuration: configuration, options: options, access: .none)
  }

  /// Opens an index for searching.
  ///
  /// - Parameters:
  ///   - path: the index's directory.
  ///   - options: where its parts lie, and how much is checked.
  /// - Returns: the index, with its current generation open, and what the log holds behind that.
  /// - Throws: `notFound`, `unsupportedFormat`, `corrupted`, `io`.
  /// - Complexity: reads what is placed resident and the log; the rest is mapped. Rows of the log are coded, not
  ///   linked: searches score them one by one.
  public static func open(
    at path: String, options: OpenOptions = OpenOptions()
  ) throws(NeedletailError) -> VectorIndex {
    let follower = try LocalIndex.follow(
      path, options.updates(), isVerified: options.verification == .full)
    return VectorIndex(
      path: path,
      configuration: Configuration(follower.view.generation.segment.parameters.options),
      options: options, access: .reading(follower))
  }

  /// What is there now, as one immutable view.
  ///
  /// - Throws: `notFound` when nothing was committed yet.
  /// - Complexity: O(1).
  public func snapshot() throws(NeedletailError) -> Snapshot {
    guard let view = state.withLock({ $0.access }).view else {
      throw NeedletailError(
        .notFound, "The index holds nothing yet: add rows through a writer and commit.",
        at: .init(path: path))
    }
    return Snapshot(view: view, path: path)
  }

  /// The one writer of the index for many rows at once.
  ///
  /// On an index that is published it adds to what is there: its commit makes a new segment and a new generation.
  /// For changes one by one, see `upsert`.
  ///
  /// - Throws: `locked` while another writer of this index is in use.
  public func makeWriter() throws(NeedletailError) -> Writer {
    try takeWriter()
    return Writer(index: self, base: state.withLock { $0.access.view })
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
}
