package import NeedletailCore
package import NeedletailStorage

/// An index that is read while another process may write it: the generation in use and what the log holds behind
/// it, as of the last look; withdrawals as of less than an interval ago (`WithdrawnIDs`).
///
/// It changes nothing on disk and takes no lock.
package final class IndexFollower: Sendable {
  private struct State: @unchecked Sendable {
    // SAFETY: reached under the lock alone.
    var contents: IndexContents
    var lastLSN: UInt64
    var sourceOffsets: [String: UInt64]
    /// Where reading the log ended; `nil` while there is none.
    var place: LogPlace?

    var view: IndexView { contents.view(lsn: lastLSN, sourceOffsets: sourceOffsets) }
  }

  let directory: IndexDirectory
  private let options: UpdateOptions
  /// Held by the one who looks again; searches need it not.
  private let state: Guarded<State>
  private let shown: Guarded<(view: IndexView, safeMode: String?)>

  /// Opens the current generation and reads the log behind it.
  ///
  /// - Parameters:
  ///   - directory: the index.
  ///   - options: how it is kept in memory.
  ///   - verification: what is checked of files that `present` has not open.
  ///   - present: a view that the process has of the index; what is withdrawn is hidden in it too.
  /// - Throws: `notFound`, `corrupted`, `unsupportedFormat`, `io`.
  package init(
    _ directory: IndexDirectory, options: UpdateOptions, verification: Verification,
    present: IndexView? = nil
  ) throws(NeedletailError) {
    let (state, safeMode) = try Self.load(directory, options, verification, present: present)
    self.directory = directory
    self.options = options
    shown = Guarded((state.view, safeMode))
    self.state = Guarded(state)
  }

  /// What was seen at the last look.
  ///
  /// - Complexity: O(1).
  package var view: IndexView { shown.withLock { $0.view } }

  /// Why the log is not read, where that has ended writers several times; `nil` when it is.
  package var safeMode: String? { shown.withLock { $0.safeMode } }

  /// Looks again.
  ///
  /// - Returns: whether anything had changed.
  /// - Throws: as opening; what was seen before stays then.
  @discardableResult
  package func refresh() throws(NeedletailError) -> Bool {
    try state.withLock { (state) throws(NeedletailError) -> Bool in
      let present = view
      try present.withdrawn.look()
      if try directory.currentGeneration() == present.generation.manifest.generation {
        // Where it cannot be read on, the log was sealed meanwhile, or cut: then all is read anew, or fails again.
        if let isNew = try? readOn(&state) { return isNew }
      }
      let (next, safeMode) = try Self.load(directory, options, .structure, present: present)
      state = next
      show(state, safeMode)
      return true
    }
  }

  private func show(_ state: State, _ safeMode: String?) {
    let view = state.view
    shown.withLock { $0 = (view, safeMode) }
  }

  /// Reads what was written since; what has ended a writer several times is left alone.
  private func readOn(_ state: inout State) throws(NeedletailError) -> Bool {
    let mark = try RecoveryMark(directory)
    shown.withLock { $0.safeMode = mark.safeMode }
    guard !mark.isSafeModeDue else { return false }
    let reader = LogReader(
      directory, indexIdentity: state.contents.generation.manifest.indexIdentity,
      after: state.lastLSN, isFollowing: true
    ).goingOn(from: state.place)
    if try reader.isAtEnd { return false }
    let report = try reader.read { (entry) throws(NeedletailError) in
      try state.contents.replay(entry)
    }
    try state.contents.settle()
    state.place = report.end ?? state.place
    guard report.lastLSN > state.lastLSN else { return false }
    state.lastLSN = report.lastLSN
    state.sourceOffsets.merge(report.sourceOffsets) { $1 }
    show(state, nil)
    return true
  }

  private static func load(
    _ directory: IndexDirectory, _ options: UpdateOptions, _ verification: Verification,
    present: IndexView?
  ) throws(NeedletailError) -> (State, safeMode: String?) {
    // A writer may publish, and remove what it sealed, between one look and the next.
    for attempt in 1... {
      let manifest = try directory.manifest()
      do throws(NeedletailError) {
        return try load(manifest, directory, options, verification, present: present)
      } catch {
        guard attempt < 5, try directory.currentGeneration() != manifest.generation else {
          throw error
        }
      }
    }
    throw NeedletailError(.io, "The index changes faster than it can be read.")
  }

  private static func load(
    _ manifest: Manifest, _ directory: IndexDirectory, _ options: UpdateOptions,
    _ verification: Verification, present: IndexView?
  ) throws(NeedletailError) -> (State, safeMode: String?) {
    let present = present.sharing(manifest)
    let generation = try OpenGeneration.open(
      manifest, directory, placements: options.placements, verification: verification,
      present: present?.generation)
    let withdrawn =
      present?.withdrawn ?? WithdrawnIDs(directory, indexIdentity: manifest.indexIdentity)
    try withdrawn.look()
    var contents = try IndexContents(
      generation, build: generation.buildOptions, options: options, withdrawn: withdrawn)
    let mark = try RecoveryMark(directory)
    let reader = LogReader(
      directory, indexIdentity: manifest.indexIdentity, after: manifest.sealedLSN,
      isFollowing: true)
    // What has ended a writer several times is not read by readers either.
    let report =
      mark.isSafeModeDue
      ? LogReport(lastLSN: manifest.sealedLSN)
      : try reader.read { (entry) throws(NeedletailError) in try contents.replay(entry) }
    try contents.settle()
    let state = State(
      contents: contents, lastLSN: report.lastLSN,
      sourceOffsets: manifest.sourceOffsets.merging(report.sourceOffsets) { $1 },
      place: report.end)
    return (state, mark.safeMode)
  }
}
