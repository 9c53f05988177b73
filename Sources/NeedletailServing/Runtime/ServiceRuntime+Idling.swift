import Needletail
import NeedletailBudgets
import NeedletailCore

/// What is done beside serving, on a thread of its own: telling events, writing the cache behind, and, in moments in which nobody
/// waits, comparisons, searches ahead and a look at the files; in small pieces, between which it is looked whether somebody does.
extension ServiceRuntime {
  /// What that thread is at.
  struct Idling: Sendable {
    var comparison: (sample: RecallInbox.Sample, search: ExactSearch)?
    var scrub: SegmentScrub?
    var nextScrub: Nanoseconds
    /// Damage that was told.
    var told = 0
  }

  private static var pause: Nanoseconds { 20 * .millisecond }

  /// The life of the thread.
  func idle() {
    var due = clock.now
    var reporter = StatusReporter(due: due)
    while !sleep(until: due) {
      if reporter.isDue(at: clock.now) { tell(reporter.report(status, options)) }
      deliver()
      saveCache(isLast: false)
      let now = clock.now
      samples.withLock { $0.prune(at: now) }
      idling.withLock { idling in
        if let taken = idling.comparison?.sample.taken, now - taken > RecallInbox.longest {
          idling.comparison = nil
        }
      }
      due = now + Self.pause
      // No clock is asked while there is work and time.
      while isIdle, compare() || prefetch() || scrub() {}
    }
    cache?.lookForOthers(at: clock.now)
    saveCache(isLast: true)
    tell(reporter.report(status, options))
    deliver()
  }

  /// Forgets what belongs to another index.
  func forgetIdleWork() {
    samples.withLock { $0.removeAll() }
    idling.withLock { idling in
      idling.comparison = nil
      idling.scrub = nil
      idling.nextScrub = clock.now
    }
  }

  /// A search found damage: the files are looked at next.
  func lookAtFiles() { idling.withLock { $0.nextScrub = clock.now } }

  /// Whether nobody waits and nobody is served, and the service goes on: then there is time.
  private var isIdle: Bool {
    state.withLock { state in
      !state.isStopping && state.core.waitingCount == 0 && state.core.busyCount == 0
    }
  }

  /// Calls the service's hook with what has happened.
  private func deliver() {
    let events = events.withLock { events in
      defer { events = [] }
      return events
    }
    guard let hook = options.onEvent else { return }
    for event in events { hook(event) }
  }

  /// Writes the cache's answers behind, where the budget wants them over a restart.
  private func saveCache(isLast: Bool) {
    do throws(NeedletailError) {
      try cache?.save(at: clock.now, isLast: isLast)
    } catch {
      tell([.failure(error)])
    }
  }

  /// A piece of a comparison with an exact answer; `false`: there is nothing to compare.
  private func compare() -> Bool {
    var current = idling.withLock { idling in
      defer { idling.comparison = nil }
      return idling.comparison
    }
    if current == nil {
      guard let sample = samples.withLock({ $0.next(at: clock.now) }) else { return false }
      guard
        let search = try? sample.snapshot.exactSearch(
          sample.query, k: sample.k, filter: sample.filter)
      else { return true }
      current = (sample, search)
    }
    guard var (sample, search) = current else { return false }
    if search.advance(rows: 1_000) {
      idling.withLock { $0.comparison = (sample, search) }
      return true
    }
    let all = search.neighbors.count
    let found = search.found(in: sample.neighbors)
    let alarm = state.withLock { $0.core.compared(sample.rung, found: found, of: all) }
    if let alarm { tell([alarm]) }
    sample.neighbors = []
    return true
  }

  /// A search for what is likely to be asked next.
  private func prefetch() -> Bool {
    guard let cache, let key = cache.likely() else { return false }
    guard let lead = cache.answers.prefetch(key, at: clock.now), var request = cache.request(key)
    else {
      return true
    }
    request.latency = .milliseconds(5)
    let backend = backend.withLock { $0 }
    do throws(NeedletailError) {
      let answer = try backend.search(request)
      guard let result = answer.results.first else { return true }
      lead.finish(result.neighbors, isWhole: result.completion.isComplete)
    } catch {
      lead.fail(error)
    }
    return true
  }

  /// A piece of a look at the bytes of the index's files.
  private func scrub() -> Bool {
    guard options.scrubInterval > .zero else { return false }
    let now = clock.now
    let backend = backend.withLock { $0 }
    var (scrub, told, isDue) = idling.withLock { ($0.scrub, $0.told, now >= $0.nextScrub) }
    if scrub == nil {
      guard isDue, let snapshot = backend.snapshot() else { return false }
      (scrub, told) = (snapshot.scrub(), 0)
    }
    guard var scrub else { return false }
    let isGoingOn = scrub.advance(bytes: 1 << 18)
    let damage = Array(scrub.damage[told...])
    told += damage.count
    idling.withLock { idling in
      idling.scrub = isGoingOn ? scrub : nil
      idling.told = told
      if !isGoingOn {
        idling.nextScrub = now + min(.longestWork * 24, Nanoseconds(options.scrubInterval))
      }
    }
    for one in damage { quarantine(one.segment, one.error, backend) }
    return true
  }

  /// Leaves a damaged segment out, and says so.
  func quarantine(_ segment: String, _ error: NeedletailError, _ backend: any SearchBackend) {
    guard backend.leaveOut(segment: segment) else { return }
    cache?.answers.apply([.everything], at: clock.now)
    tell([.quarantined(segment: segment, error)])
  }
}
