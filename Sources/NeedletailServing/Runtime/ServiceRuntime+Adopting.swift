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
    let tier = state.withLock { $0.core.tier.name }
    let turned = flags.withLock { $0.adopt(new.tiers.map(\.name), present: tier) }
    // Flags were turned by the tier already; what is told of it must not turn them again.
    tell([.budget(old.differences(to: new))] + changes)
    tell(turned)
  }
}
