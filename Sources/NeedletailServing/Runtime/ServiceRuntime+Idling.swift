import Needletail
import NeedletailBudgets
import NeedletailCore

/// What is done in moments in which nobody waits: small pieces, between which it is looked whether somebody does.
extension ServiceRuntime {
  /// What the attending thread does beside looking at the load.
  struct Idling: Sendable {
    var sampler: RecallSampler
    var scrub: SegmentScrub?
    var nextScrub: Nanoseconds
    /// Damage that was told.
    var told = 0
  }

  /// Whether nobody waits and nobody is served: then there is time.
  private var isIdle: Bool {
    state.withLock { $0.core.waitingCount == 0 && $0.core.busyCount == 0 }
  }

  /// Works until somebody comes, there is nothing left, or it is time to look at the load.
  func idle(until due: Nanoseconds) {
    while clock.now < due, isIdle {
      let didSomething = compare() || prefetch() || scrub()
      if !didSomething { return }
    }
  }

  /// A piece of a comparison with an exact answer.
  private func compare() -> Bool {
    let (told, more) = idling.withLock { idling in
      let told = idling.sampler.advance(at: clock.now)
      return (told, !idling.sampler.isEmpty)
    }
    guard let (sample, found, all) = told else { return more }
    let alarm = state.withLock { $0.core.compared(sample.rung, found: found, of: all) }
    if let alarm { tell([alarm]) }
    return true
  }

  /// A search for what is likely to be asked next.
  private func prefetch() -> Bool {
    guard let cache, let key = cache.likely() else { return false }
    guard let lead = cache.answers.prefetch(key), let request = cache.request(key) else {
      return true
    }
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
    let damage = idling.withLock { idling -> [SegmentScrub.Damage]? in
      if idling.scrub == nil {
        guard now >= idling.nextScrub, let snapshot = backend.snapshot() else { return nil }
        idling.scrub = snapshot.scrub()
        idling.told = 0
      }
      guard let isGoingOn = idling.scrub?.advance(bytes: 1 << 20) else { return nil }
      let damage = idling.scrub.map { Array($0.damage[idling.told...]) } ?? []
      idling.told += damage.count
      if !isGoingOn {
        idling.scrub = nil
        idling.nextScrub = now + min(.longestWork * 24, Nanoseconds(options.scrubInterval))
      }
      return damage
    }
    guard let damage else { return false }
    for one in damage { quarantine(one, backend) }
    return true
  }

  /// Leaves a damaged segment out, and says so.
  private func quarantine(_ damage: SegmentScrub.Damage, _ backend: any SearchBackend) {
    guard let backend = backend as? IndexBackend, backend.leaveOut(segment: damage.segment) else {
      return
    }
    cache?.answers.apply([.everything], at: clock.now)
    tell([.quarantined(segment: damage.segment, damage.error)])
  }
}
