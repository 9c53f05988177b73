package import NeedletailCore
import NeedletailStorage

/// What became of a change.
package struct UpdateOutcome: Sendable, Hashable {
  /// The batch's number in the log; `nil` when it was skipped, because its source was read so far already.
  package var lsn: UInt64?
}

/// An index that takes writes: the one writer of its directory, and what readers see of it.
///
/// A write is checked, logged, made durable, applied and shown, in this order: what was acknowledged is found again
/// after a crash, and what fails on the way is not shown. Writers on several threads wait for each other; those
/// that wait are made durable together.
package final class LiveIndex: Sendable {
  /// What the one who writes has in hand.
  struct State: @unchecked Sendable {
    // SAFETY: the logs are handed over with it, and reached under the lock alone.
    var contents: IndexContents
    var log: LogWriter
    var withdrawals: WithdrawalLog
    /// Why nothing can be written any more.
    var failure: NeedletailError?
    /// Whether rows are being added in bulk, so that batches are refused.
    var isAdding = false
    /// The right to write, on a disk that has locks.
    var lock: WriterLock?
    var isClosed = false

    /// Refuses to write after a failure, and in a process that was forked off the writer's.
    func requireUsable() throws(NeedletailError) {
      if let failure { throw failure }
      try lock?.lock.requireOwner()
    }
  }

  let directory: IndexDirectory
  let options: UpdateOptions
  let state: Guarded<State>
  private let shown: Guarded<IndexView>
  private let waiting = Guarded<[PendingUpdate]>([])
  /// Held by the one who seals, rolls back or tunes.
  let publishing = Guarded<Bool>(false)

  init(
    directory: IndexDirectory, options: UpdateOptions, contents: IndexContents, log: LogWriter,
    withdrawals: WithdrawalLog, lock: WriterLock?
  ) {
    self.directory = directory
    self.options = options
    shown = Guarded(contents.view(lsn: log.lastLSN, sourceOffsets: log.sourceOffsets))
    state = Guarded(
      State(contents: contents, log: log, withdrawals: withdrawals, lock: lock))
  }

  deinit { state.withLock { endWriting(&$0) } }

  /// Lets views that are held follow what others withdraw from here on; before the lock is given back.
  private func endWriting(_ state: inout State) {
    if !state.isClosed { view.withdrawn.endWriting() }
    state.isClosed = true
  }

  /// What readers see now.
  ///
  /// - Complexity: O(1).
  package var view: IndexView { shown.withLock { $0 } }

  /// Shows what was written.
  func show(_ state: borrowing State) {
    let next = state.contents.view(
      lsn: state.log.lastLSN, sourceOffsets: state.log.sourceOffsets)
    shown.withLock { $0 = next }
  }

  /// Makes a change; durable, and shown to every view taken from now on, when the call returns.
  ///
  /// - Throws: `alreadyExists` for an insert of an id that is there; `sourceGap`; what `IndexContents.admit` throws;
  ///   `io`. Nothing was changed then, unless the log is poisoned: what it holds is known when the index is
  ///   opened anew.
  @discardableResult
  package func update(_ request: UpdateRequest) throws(NeedletailError) -> UpdateOutcome {
    let own = PendingUpdate(request)
    waiting.withLock { $0.append(own) }
    state.withLock { state in
      // Somebody else may have done it along with their own.
      guard own.result == nil else { return }
      let all = waiting.withLock { waiting in
        defer { waiting = [] }
        return waiting
      }
      run(all, &state)
    }
    guard let result = own.result else {
      throw NeedletailError(.io, "The write was lost on its way.")
    }
    return try result.get()
  }

  /// Runs changes that waited, with one commit where they do not depend on each other.
  private func run(_ updates: [PendingUpdate], _ state: inout State) {
    var group: [PendingUpdate] = []
    var pending = PendingRows()
    func commitGroup() {
      commit(group, &state)
      group = []
      pending = PendingRows()
    }
    for update in updates {
      let request = update.request
      if (request.isInsert && pending.holdsAny(of: request.batch.ids))
        || !state.contents.takes(request.batch, behind: pending)
      {
        commitGroup()
      }
      do throws(NeedletailError) {
        do throws(NeedletailError) { try append(update, behind: pending, &state) } catch {
          // What the log collects for one commit is limited, and this batch may well fit alone.
          guard error.code == .capacityExceeded, !group.isEmpty else { throw error }
          commitGroup()
          try append(update, behind: pending, &state)
        }
        group.append(update)
        pending.add(request.batch)
      } catch {
        update.result = .failure(error)
      }
    }
    commitGroup()
  }

  private func append(
    _ update: PendingUpdate, behind pending: PendingRows, _ state: inout State
  ) throws(NeedletailError) {
    try state.requireUsable()
    guard !state.isAdding else {
      throw NeedletailError(
        .locked, "Rows are being added in bulk; write again when that has ended.",
        at: .init(path: directory.path))
    }
    let request = update.request
    // A batch that was taken before is skipped, whatever became of its ids.
    if let repeated = state.log.repetition(of: request.batch) {
      update.outcome = repeated
      return
    }
    if request.isInsert { try state.contents.requireNew(request.batch.ids) }
    try state.contents.admit(request.batch, behind: pending)
    update.outcome = try state.log.append(request.batch, expecting: request.expected)
  }

  /// Makes logged changes durable, applies and shows them.
  private func commit(_ group: [PendingUpdate], _ state: inout State) {
    guard !group.isEmpty else { return }
    do throws(NeedletailError) {
      var done: [(PendingUpdate, UpdateOutcome)] = []
      let isSynced = group.contains { $0.request.durability == .synced }
      try state.log.commit(isSynced ? .synced : .buffered)
      for update in group {
        switch update.outcome {
        case .appended(let lsn):
          try state.contents.apply(update.request.batch, isDeferred: false)
          done.append((update, UpdateOutcome(lsn: lsn)))
        case .skipped, nil:
          done.append((update, UpdateOutcome(lsn: nil)))
        }
      }
      try state.contents.settle()
      show(state)
      for (update, outcome) in done { update.result = .success(outcome) }
    } catch {
      // None of them is shown: which of them are in the log is found when the index is opened anew.
      for update in group { update.result = .failure(error) }
      if state.log.isPoisoned || state.log.lastLSN > view.lsn { state.failure = error.reopening }
    }
  }

  /// Ends writing: what was written is made durable, and the lock given back.
  ///
  /// Waits for the one who seals, who needs the lock. Views stay as they are. In a process that was forked off the
  /// writer's nothing is written, and the lock stays.
  package func close() throws(NeedletailError) {
    // A forked child has neither the lock nor the thread that seals.
    while state.withLock({ (try? $0.lock?.lock.requireOwner()) != nil }), !tryPublishing() {
      pause(milliseconds: 2)
    }
    defer { endPublishing() }
    try state.withLock { (state) throws(NeedletailError) in
      defer {
        state.failure =
          state.failure
          ?? NeedletailError(
            .io, "The index was closed for writing.", at: .init(path: directory.path))
        endWriting(&state)
        state.lock = nil
      }
      guard state.failure == nil else { return }
      try state.lock?.lock.requireOwner()
      try state.log.commit(.synced)
    }
  }

  /// Makes everything durable that was written.
  package func synchronize() throws(NeedletailError) {
    try state.withLock { (state) throws(NeedletailError) in
      try state.requireUsable()
      do throws(NeedletailError) { try state.log.commit(.synced) } catch {
        if state.log.isPoisoned { state.failure = error.reopening }
        throw error
      }
    }
  }
}

/// The lock of an index, shared by those who need it held.
package final class WriterLock: Sendable {
  let lock: DirectoryLock

  /// Takes the lock of an index on this machine's disk; see `DirectoryLock`.
  package init(_ path: String) throws(NeedletailError) { lock = try DirectoryLock(path) }

  /// A lock that was taken already.
  init(_ lock: consuming DirectoryLock) { self.lock = lock }
}

/// A change on its way; reached under the lock of the index's state once it waits.
private final class PendingUpdate: @unchecked Sendable {
  // SAFETY: its maker puts it into the queue and reads the result under the state's lock, or after having had it.
  let request: UpdateRequest
  var outcome: LogOutcome?
  var result: Result<UpdateOutcome, NeedletailError>?

  init(_ request: UpdateRequest) { self.request = request }
}

extension NeedletailError {
  /// The refusal of every further write after this failure.
  var reopening: NeedletailError {
    NeedletailError(
      .io,
      "The index takes no writes after an earlier failure (\(message)); open it anew, which reads what the log"
        + " holds.", at: location, cause: self)
  }
}
