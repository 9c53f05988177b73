import NeedletailBudgets
import NeedletailCore

extension ServiceRuntime {
  /// Keeps another budget from now on; decisions change between one query and the next.
  ///
  /// - Parameters:
  ///   - new: the budget, which the index was found to be within.
  ///   - present: the backend under it.
  ///   - made: a cache, where the budget has one and there was none.
  /// - Throws: `invalidConfiguration`; nothing is changed then.
  func adopt(
    _ new: PerformanceBudget, _ present: any SearchBackend, _ made: AnswerCache?
  ) throws(NeedletailError) {
    let old = budget
    let now = clock.now
    let changes = try state.withLock { (state) throws(NeedletailError) in
      try state.core.adopt(new, leastWindow: present.leastWindow, at: now)
    }
    inForce.withLock { $0 = BudgetInForce(new) }
    backend.withLock { $0 = present }
    memory.adopt(new.memory)
    if let made { caching.withLock { $0 = made } }
    cache?.adopt(new, endsAnswers: new.ladder.window != old.ladder.window, at: now)
    lookAtMemory()
    tell([.budget(old.differences(to: new))] + changes)
    // Behind what was told of the tier, and of the one that holds now, whoever else tells of it.
    let turned = flags.withLock { flags in
      flags.adopt(new.tiers.map(\.name), present: state.withLock { $0.core.tier.name })
    }
    tell(turned)
  }
}
