public import Needletail
public import NeedletailBudgets
import NeedletailCore

extension SearchService {
  /// Keeps a changed budget from now on, without a restart.
  ///
  /// Tiers, ladder, stages, bounds, quotas, objectives, envelope, ceilings and the cache are those of the new budget from the next decision
  /// on. What waits and what is searched for stays, with its deadline, also where a queue may be shorter now. What has a name that
  /// persists goes on: the tier that holds, a tenant's tokens, an objective's counts. A smaller cache lets answers go; other meanings of
  /// the smaller window end all of them. The event `budget` tells of it.
  ///
  /// - Parameter new: the budget, such as `GovernanceLog.budget`; the one that is kept already changes nothing.
  /// - Throws: `overBudget` and `capacityExceeded` where the index that is served does not fit it; `invalidConfiguration` for flags of
  ///   `ServiceOptions` that it has no tier or objective for; `notFound` or `io` where it wants answers kept and their file cannot be
  ///   written. Nothing is changed then.
  /// - Complexity: O(tenants + objectives) under the lock that decisions take; answers are let go outside of it.
  public func adopt(_ new: PerformanceBudget) throws(NeedletailError) {
    try swapping.withLock { (_) throws(NeedletailError) in try change(to: new) }
  }

  private func change(to new: PerformanceBudget) throws(NeedletailError) {
    let old = runtime.budget
    let options = runtime.options
    guard new != old else { return }
    try options.check(against: new)
    var backend = runtime.backend.withLock { $0 }
    try backend.check(new.envelope)
    if let snapshot = backend.snapshot() {
      var use = MemoryUse(snapshot.memoryUse, new, options)
      // It gives way to what is in use, and is fitted to what that leaves.
      use[.cache] = 0
      try new.memory.check(predicted: use)
    }
    if new.ladder.window != old.ladder.window {
      backend = try backend.adopting(new.ladder.window)
    }
    var made: AnswerCache?
    if runtime.cache == nil, let settings = ResultCacheSettings(new),
      let index = index.withLock({ $0 })
    {
      made = try AnswerCache(settings, index, new, options)
    }
    try runtime.adopt(new, backend, made)
  }
}
