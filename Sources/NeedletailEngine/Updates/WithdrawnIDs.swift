package import NeedletailCore
import NeedletailKernels
import NeedletailStorage
import Synchronization

/// The ids of an index that nobody may be shown: one object for all views that a process has of it.
///
/// The segments of every view are added here, and what is withdrawn in them is set and cleared by this alone. So a
/// withdrawal reaches each view, and only what is withdrawn is hidden, whatever the process was in between: a reader,
/// which follows what others withdraw, or the writer, who is told.
package final class WithdrawnIDs: Sendable {
  private struct State: @unchecked Sendable {
    // SAFETY: reached under the lock alone.
    var ids: Set<VectorID> = []
    var segments = HeldSegments()
    /// Reads what others withdraw; `nil` while this process is the writer.
    var reader: WithdrawalReader?
    /// Whether the reader knows more than the segments.
    var isBehind = true

    /// Lets these ids be the withdrawn ones.
    ///
    /// When it throws, doing it again does what is left.
    mutating func replace(with new: Set<VectorID>) throws(NeedletailError) {
      try segments.set(new.subtracting(ids), true)
      try segments.set(ids.subtracting(new), false)
      ids = new
    }
  }

  private let directory: IndexDirectory
  private let indexIdentity: [UInt8]
  private let state: Guarded<State>
  private let following = Atomic<Bool>(true)
  private let lastLook = Atomic<Int>(0)
  private let revisions = Atomic<Int>(0)

  /// Follows an index; nothing is read yet.
  init(_ directory: IndexDirectory, indexIdentity: [UInt8]) {
    self.directory = directory
    self.indexIdentity = indexIdentity
    var first = State()
    first.reader = WithdrawalReader(directory, indexIdentity: indexIdentity)
    state = Guarded(first)
  }

  /// The ids that are withdrawn, as far as that is known.
  var ids: Set<VectorID> { state.withLock { $0.ids } }

  /// The first of some neighbours whose id is withdrawn, as far as that is known.
  ///
  /// - Complexity: O(neighbours).
  package func first(among neighbors: [Neighbor]) -> VectorID? {
    state.withLock { state in
      state.ids.isEmpty ? nil : neighbors.first { state.ids.contains($0.id) }?.id
    }
  }

  /// A number that is the same for the same withdrawn ids, whatever their order.
  ///
  /// - Complexity: O(withdrawn ids).
  package var digest: UInt64 {
    state.withLock { state in
      state.ids.reduce(0) { sum, id in
        var mixed = SplitMix64(seed: id)
        return sum ^ mixed.next()
      }
    }
  }

  /// Rises whenever something is withdrawn or reinstated.
  package var revision: Int { revisions.load(ordering: .acquiring) }

  // MARK: - Segments

  /// Hides from a segment what is withdrawn, from now on; one that was added before is passed over.
  ///
  /// - Throws: `io` when there is no memory for it.
  func add(_ segment: SealedSegment) throws(NeedletailError) {
    try state.withLock { (state) throws(NeedletailError) in
      guard state.segments.add(segment) else { return }
      try segment.set(state.ids, true)
    }
  }

  /// As `add`, for a segment that has no rows yet.
  func add(_ segment: LiveSegment) { state.withLock { $0.segments.add(segment) } }

  /// Hides what is withdrawn among ids that were written into a segment.
  func hide(_ ids: [VectorID], in segment: LiveSegment) throws(NeedletailError) {
    try state.withLock { (state) throws(NeedletailError) in
      guard !state.ids.isEmpty else { return }
      try segment.setWithdrawn(state.ids.intersection(ids), true)
    }
  }

  /// Hides what is withdrawn from a segment whose rows come from others.
  func hide(in segment: LiveSegment) throws(NeedletailError) {
    try state.withLock { (state) throws(NeedletailError) in
      try segment.setWithdrawn(state.ids, true)
    }
  }

  // MARK: - Writing

  /// Makes this process the writer, who says what is withdrawn.
  ///
  /// - Parameter ids: what is withdrawn, as the log says.
  /// - Throws: `io` when there is no memory for it; the process goes on following then.
  func beginWriting(_ ids: Set<VectorID>) throws(NeedletailError) {
    try state.withLock { (state) throws(NeedletailError) in
      try state.replace(with: ids)
      state.reader = nil
    }
    following.store(false, ordering: .releasing)
  }

  /// Withdraws ids from every view, or takes that back.
  func set(_ ids: [VectorID], _ isWithdrawn: Bool) throws(NeedletailError) {
    let ids = Set(ids)
    try state.withLock { (state) throws(NeedletailError) in
      if isWithdrawn { state.ids.formUnion(ids) } else { state.ids.subtract(ids) }
      defer { revisions.add(1, ordering: .releasing) }
      try state.segments.set(ids, isWithdrawn)
    }
  }

  /// Makes this process a reader again; the next search looks what was withdrawn since.
  func endWriting() {
    state.withLock { state in
      guard state.reader == nil else { return }
      state.reader = WithdrawalReader(directory, indexIdentity: indexIdentity)
      state.isBehind = true
    }
    lastLook.store(0, ordering: .relaxed)
    following.store(true, ordering: .releasing)
  }

  // MARK: - Following

  /// How often searches look, in nanoseconds.
  package static let interval = 100_000_000

  /// Whether others may withdraw ids, which searches see up to an interval later.
  package var isFollowing: Bool { following.load(ordering: .acquiring) }

  /// Takes over what others withdrew, when the last look is an interval ago; one thread looks, the others go on.
  ///
  /// Where it cannot be told, what was withdrawn before stays so, and a later look tries again.
  package func lookIfDue() {
    guard isFollowing else { return }
    let now = nanoseconds()
    let last = lastLook.load(ordering: .relaxed)
    guard now - last >= Self.interval,
      lastLook.compareExchange(expected: last, desired: now, ordering: .acquiringAndReleasing)
        .exchanged
    else { return }
    try? look()
  }

  /// Takes over what others withdrew or reinstated since the last look; nothing while this process is the writer.
  ///
  /// - Throws: `corrupted`, `unsupportedFormat`, `io`; what was withdrawn before stays so.
  func look() throws(NeedletailError) {
    try state.withLock { (state) throws(NeedletailError) in
      if try state.reader?.poll() != nil { state.isBehind = true }
      guard state.isBehind, let ids = state.reader?.ids else { return }
      try state.replace(with: ids)
      state.isBehind = false
      revisions.add(1, ordering: .releasing)
    }
  }
}
