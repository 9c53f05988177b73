import Needletail
import NeedletailBudgets
import NeedletailCore

extension ServiceRuntime {
  /// The life of the thread that looks at the index ten times a second, for what others have written and for what it takes of memory.
  ///
  /// What it reads of files may take its time: so it is not the thread that looks at the load.
  func follow() {
    var due = clock.now
    var isBroken = false
    while !sleep(until: due) {
      isBroken = !refresh(isTold: isBroken)
      let now = clock.now
      cache?.lookForOthers(at: now)
      lookAtMemory()
      due = now + Core.interval
    }
  }

  /// Shows what other processes have written.
  ///
  /// - Parameter isTold: whether it was told that this fails: once, not ten times a second.
  /// - Returns: whether it could be read.
  private func refresh(isTold: Bool) -> Bool {
    do throws(NeedletailError) {
      try backend.withLock { $0 }.refresh()
      return true
    } catch {
      if !isTold { tell([.failure(error)]) }
      return false
    }
  }
}
