package import NeedletailCore
package import NeedletailStorage

/// What a call of `CacheSaver` came to.
package enum CacheSave: Sendable, Hashable {
  /// It is not time yet, or another thread is at it.
  case early
  /// Nothing has changed since the last time.
  case unchanged
  /// The answers are saved, in so many bytes.
  case answers(byteCount: Int)
  /// Changes never ended: the questions are saved, without answers.
  case questions(byteCount: Int)
}

/// What is found of a saved cache at start.
package struct CacheStart: Sendable {
  /// What was taken in, and what is worth asking in idle time.
  package var found: WarmStart
  /// Why the file could not be used; the cache is empty then.
  package var fault: NeedletailError?
}

/// Keeps a cache's answers in a file, for a warm start: written behind, now and then, by a thread that has time.
///
/// The file is replaced in one atomic step, so that there is the old one or the new one. Its content is believed only under the
/// identity under which it was saved. Starts no thread and reads no clock.
///
/// ```swift
/// let saver = CacheSaver(cache, path: path)
/// let start = saver.restore(identity: index.identity)      // before the first change and the first question
/// …
/// try saver.saveIfDue(at: clock.now) { index.settledIdentity }   // every second or so
/// ```
package final class CacheSaver<Judge: AnswerJudge>: Sendable {
  private struct State {
    var isBusy = false
    var due: Nanoseconds?
    var revision: UInt64?
    var identity: [UInt8]?
  }

  /// How often the answers are collected again when something changes meanwhile.
  private static var attempts: Int { 3 }

  private let cache: ResultCache<Judge>
  private let path: String
  private let fileSystem: any FileSystem
  private let interval: Nanoseconds
  private let state = Guarded(State())

  /// Makes a saver; nothing is read or written yet.
  ///
  /// - Parameters:
  ///   - cache: what is saved.
  ///   - path: the file, which nobody else writes, in a directory that exists.
  ///   - fileSystem: where that is.
  ///   - interval: the least time between two attempts to save, up to a day.
  package init(
    _ cache: ResultCache<Judge>, path: String, in fileSystem: any FileSystem = LocalFileSystem(),
    interval: Nanoseconds = 60 * .second
  ) {
    self.cache = cache
    self.path = path
    self.fileSystem = fileSystem
    self.interval = min(max(0, interval), 86_400 * .second)
  }

  /// Saves, if it is time and anything has changed.
  ///
  /// - Parameters:
  ///   - now: the present instant.
  ///   - identity: of which content answers are, as for `ResultCache.saved`, or nil while a change may be visible to searches that
  ///     `apply` has not returned from, or that is not durable yet. Called several times: what is collected between two of the same
  ///     is of that content.
  /// - Returns: what was done.
  /// - Throws: `io`; then the old file is in place, or the new one is and only its durability is in doubt. The next attempt is an
  ///   interval later.
  package func saveIfDue(
    at now: Nanoseconds, identity: () -> [UInt8]?
  ) throws(NeedletailError) -> CacheSave {
    let isDue = state.withLock { state in
      if state.isBusy { return false }
      if let due = state.due, now < due { return false }
      state.due = now + interval
      state.isBusy = true
      return true
    }
    return isDue ? try saveNow(identity) : .early
  }

  /// Saves whatever has changed, whether it is time or not: for the end.
  ///
  /// - Parameter identity: as for `saveIfDue`.
  /// - Returns: what was done; `early` while another thread is at it.
  /// - Throws: as `saveIfDue`.
  package func save(identity: () -> [UInt8]?) throws(NeedletailError) -> CacheSave {
    let isMine = state.withLock { state in
      defer { state.isBusy = true }
      return !state.isBusy
    }
    return isMine ? try saveNow(identity) : .early
  }

  private func saveNow(_ identity: () -> [UInt8]?) throws(NeedletailError) -> CacheSave {
    defer { state.withLock { $0.isBusy = false } }
    // Read first: what changes from here on is saved the next time.
    let revision = cache.revision
    let last = state.withLock { ($0.revision, $0.identity) }
    let isKnown = last.0 == revision
    for _ in 0..<Self.attempts {
      guard let before = identity() else { continue }
      if isKnown, last.1 == before { return .unchanged }
      guard let bytes = cache.saved(identity: before), identity() == before else { continue }
      try fileSystem.replace(path, with: bytes, isDurable: true)
      note(revision, before)
      return .answers(byteCount: bytes.count)
    }
    // The questions are there already, maybe with answers that are true again after a crash.
    if isKnown { return .unchanged }
    let bytes = cache.savedQuestions()
    try fileSystem.replace(path, with: bytes, isDurable: true)
    note(revision, nil)
    return .questions(byteCount: bytes.count)
  }

  private func note(_ revision: UInt64, _ identity: [UInt8]?) {
    state.withLock { ($0.revision, $0.identity) = (revision, identity) }
  }

  /// Takes in what was saved, before the first change and the first question.
  ///
  /// A file of another content is removed: its identity might come true again, such as when a change was lost in a crash and another
  /// one takes its number.
  ///
  /// - Parameters:
  ///   - identity: of which content the index is now.
  ///   - now: the present instant.
  /// - Returns: what was found; without a file, nothing and no fault.
  package func restore(identity: [UInt8], at now: Nanoseconds = 0) -> CacheStart {
    let nothing = WarmStart(answers: 0, questions: [])
    do throws(NeedletailError) {
      guard let saved = try read() else { return CacheStart(found: nothing) }
      let isOther = saved.isWhole && saved.identity != identity
      let found = cache.take(saved, identity: identity, at: now)
      if saved.isWhole, !isOther { note(cache.revision, identity) }
      let fault = isOther ? remove() : nil
      return CacheStart(found: found, fault: fault)
    } catch {
      var fault = error
      fault.location = .init(path: path, byteOffset: error.location?.byteOffset)
      return CacheStart(found: nothing, fault: fault)
    }
  }

  private func read() throws(NeedletailError) -> CacheBytes.Saved? {
    guard let count = try fileSystem.byteCount(of: path) else { return nil }
    // Answers take more room in the cache than in the file; the cache may have been larger.
    let most = UInt64(max(64 << 20, 4 * cache.capacity))
    guard count <= most else {
      throw NeedletailError(
        .corrupted,
        "A saved cache of \(count) bytes, where at most \(most) are expected; remove it.")
    }
    return try CacheBytes.decode(fileSystem.read(path))
  }

  private func remove() -> NeedletailError? {
    do throws(NeedletailError) {
      try fileSystem.remove(path)
      try fileSystem.synchronizeDirectory(fileSystem.parentDirectory(path))
      return nil
    } catch { return error }
  }
}
