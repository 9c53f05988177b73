package import NeedletailCore
package import NeedletailStorage
import Synchronization

/// An index that is read while another process may write it: the generation in use and what the log holds behind
/// it, as of the last look; withdrawals as of less than an interval ago.
///
/// It changes nothing on disk and takes no lock.
package final class IndexFollower: Sendable {
  private struct State: @unchecked Sendable {
    // SAFETY: reached under the lock alone.
    var contents: IndexContents
    var lastLSN: UInt64
    var sourceOffsets: [String: UInt64]
    var withdrawals: WithdrawalReader
    /// Why the log is not read.
    var safeMode: String?
  }

  let directory: IndexDirectory
  private let options: UpdateOptions
  private let state: Guarded<State>
  private let shown: Guarded<IndexView>
  /// Held by the one who looks for a new generation.
  private let refreshing = Guarded<Bool>(false)
  private let lastLook = Atomic<Int>(nanoseconds())

  /// Opens the current generation and reads the log behind it.
  ///
  /// - Throws: `notFound`, `corrupted`, `unsupportedFormat`, `io`.
  package init(
    _ directory: IndexDirectory, options: UpdateOptions, verification: Verification
  ) throws(NeedletailError) {
    let (state, view) = try Self.load(directory, options, verification, present: nil)
    self.directory = directory
    self.options = options
    self.state = Guarded(state)
    shown = Guarded(view)
  }

  /// What was seen at the last look.
  ///
  /// - Complexity: O(1).
  package var view: IndexView { shown.withLock { $0 } }

  /// Why the log is not read, where that has ended writers several times; `nil` when it is.
  package var safeMode: String? { state.withLock { $0.safeMode } }

  /// Looks again.
  ///
  /// - Returns: whether anything had changed.
  /// - Throws: as opening; what was seen before stays then.
  @discardableResult
  package func refresh() throws(NeedletailError) -> Bool {
    try refreshing.withLock { (_) throws(NeedletailError) -> Bool in
      let present = try state.withLock { (state) throws(NeedletailError) -> OpenGeneration in
        try follow(&state)
        return state.contents.generation
      }
      guard try directory.currentGeneration() != present.manifest.generation else {
        return try state.withLock { (state) throws(NeedletailError) in try readOn(&state) }
      }
      // Meanwhile searches go on, and look for withdrawals.
      let (next, view) = try Self.load(directory, options, .structure, present: present)
      try state.withLock { (state) throws(NeedletailError) in
        // Views of before may hold segments that the new generation has not.
        var contents = state.contents
        try contents.adopt(
          next.contents.generation, dead: next.contents.dead, sealedLive: contents.live.count)
        state = next
        state.contents.keepFormer(of: contents)
        try follow(&state)
      }
      shown.withLock { $0 = view }
      return true
    }
  }

  /// How often searches look for withdrawals.
  package static let interval = 100_000_000

  /// Takes over what was withdrawn, when the last look is an interval ago; one thread looks, the others go on.
  ///
  /// Where it cannot be told, what was withdrawn before stays so, and the next look tries again.
  package func followWithdrawalsIfDue() {
    let now = nanoseconds()
    let last = lastLook.load(ordering: .relaxed)
    guard now - last >= Self.interval,
      lastLook.compareExchange(expected: last, desired: now, ordering: .acquiringAndReleasing)
        .exchanged
    else { return }
    try? followWithdrawals()
  }

  /// Takes over what was withdrawn or reinstated since the last look.
  package func followWithdrawals() throws(NeedletailError) {
    try state.withLock { (state) throws(NeedletailError) in try follow(&state) }
  }

  private func follow(_ state: inout State) throws(NeedletailError) {
    guard let changes = try state.withdrawals.poll() else { return }
    try state.contents.setWithdrawn(changes.withdrawn, true)
    try state.contents.setWithdrawn(changes.reinstated, false)
  }

  private func readOn(_ state: inout State) throws(NeedletailError) -> Bool {
    guard state.safeMode == nil else { return false }
    let reader = LogReader(
      directory, indexIdentity: state.contents.generation.manifest.indexIdentity,
      after: state.lastLSN, isFollowing: true)
    let report = try reader.read { (entry) throws(NeedletailError) in
      try state.contents.replay(entry)
    }
    guard report.lastLSN > state.lastLSN else { return false }
    state.lastLSN = report.lastLSN
    state.sourceOffsets.merge(report.sourceOffsets) { $1 }
    let view = state.contents.view(lsn: state.lastLSN, sourceOffsets: state.sourceOffsets)
    shown.withLock { $0 = view }
    return true
  }

  private static func load(
    _ directory: IndexDirectory, _ options: UpdateOptions, _ verification: Verification,
    present: OpenGeneration?
  ) throws(NeedletailError) -> (State, IndexView) {
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
    _ verification: Verification, present: OpenGeneration?
  ) throws(NeedletailError) -> (State, IndexView) {
    let generation = try OpenGeneration.open(
      manifest, directory, placements: options.placements, verification: verification,
      present: present)
    var withdrawals = WithdrawalReader(directory, indexIdentity: manifest.indexIdentity)
    let changes = try withdrawals.poll()
    var contents = try IndexContents(
      generation, build: generation.buildOptions, options: options,
      withdrawn: changes.map { Set($0.withdrawn) } ?? [])
    let mark = try RecoveryMark(directory)
    let reader = LogReader(
      directory, indexIdentity: manifest.indexIdentity, after: manifest.sealedLSN,
      isFollowing: true)
    // What has ended a writer several times is not read by readers either.
    let report =
      mark.isSafeModeDue
      ? LogReport(lastLSN: manifest.sealedLSN)
      : try reader.read { (entry) throws(NeedletailError) in try contents.replay(entry) }
    let offsets = manifest.sourceOffsets.merging(report.sourceOffsets) { $1 }
    let view = contents.view(lsn: report.lastLSN, sourceOffsets: offsets)
    return (
      State(
        contents: contents, lastLSN: report.lastLSN, sourceOffsets: offsets,
        withdrawals: withdrawals, safeMode: mark.isSafeModeDue ? mark.report : nil), view
    )
  }
}
