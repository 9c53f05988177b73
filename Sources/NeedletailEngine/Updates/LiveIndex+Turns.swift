import NeedletailCore
import NeedletailStorage

extension LiveIndex {
  /// Takes the turn to publish, if nobody has it.
  func tryPublishing() -> Bool {
    publishing.withLock { isTaken in
      defer { isTaken = true }
      return !isTaken
    }
  }

  /// Waits for the turn to publish, behind whoever seals, rolls back or tunes.
  ///
  /// - Throws: why the index is not written any more; `cancelled`.
  func beginPublishing(_ monitor: WorkMonitor? = nil) throws(NeedletailError) {
    while true {
      // In a forked child nobody is left who would give the turn back.
      try state.withLock { (state) throws(NeedletailError) in try state.requireUsable() }
      if tryPublishing() { return }
      try monitor?.advance(by: 0)
      pause(milliseconds: 2)
    }
  }

  /// Gives the turn to publish back.
  func endPublishing() { publishing.withLock { $0 = false } }

  /// Ends the log's file and lets further writes go into a new live segment.
  ///
  /// - Precondition: the caller has the turn to publish; when it fails to seal what was there, it calls
  ///   `takeBack`.
  /// - Returns: what was there up to then.
  func setAside() throws(NeedletailError) -> (IndexView, BuildOptions) {
    try state.withLock { (state) throws(NeedletailError) in
      try state.endLogFile()
      state.contents.freeze()
      show(state)
      return (view, state.contents.build)
    }
  }

  /// Lets writes go on in the live segment that was set aside, unless they have a new one already: otherwise every
  /// attempt that fails would leave one more segment to search.
  func takeBack() { state.withLock { $0.contents.unfreeze() } }
}

extension LiveIndex.State {
  /// Makes the log durable and lets what comes next begin a new file of it.
  mutating func endLogFile() throws(NeedletailError) {
    try requireUsable()
    do throws(NeedletailError) {
      try log.commit(.synced)
      try log.roll()
    } catch {
      if log.isPoisoned { failure = error.reopening }
      throw error
    }
  }
}
