public import NeedletailBudgets
public import NeedletailCore

/// Counts memory before it is allocated, and refuses what would be too much.
///
/// For any number of threads. What is counted is given back when its reservation is released or dropped.
public final class MemoryAccountant: Sendable {
  /// What one component, or all of them, use.
  public struct Use: Sendable, Hashable {
    /// Bytes in use or reserved.
    public var used: Int
    /// The most that there may be; `nil`: as much as all components together.
    public var limit: Int?
    /// From how many bytes on a request must leave the head-room free, since as many were refused; `nil`: none were.
    ///
    /// Smaller requests go on, and of one component also those of others.
    public var closedFrom: Int?
  }

  private let ledger: Guarded<MemoryLedger>

  /// An accountant who has counted nothing yet, of a budget's ceilings.
  public init(_ ceilings: MemoryCeilings) { ledger = Guarded(MemoryLedger(ceilings)) }

  /// Counts bytes that are about to be allocated.
  ///
  /// - Throws: `overBudget` with what is needed and the limit, before anything is allocated.
  /// - Precondition: `bytes >= 0`.
  public func reserve(
    _ component: MemoryComponent, bytes: Int
  ) throws(NeedletailError) -> MemoryReservation {
    try ledger.withLock { (ledger) throws(NeedletailError) in
      try ledger.reserve(component, bytes)
    }
    return MemoryReservation(self, component, bytes)
  }

  /// What a component uses.
  public func use(of component: MemoryComponent) -> Use {
    ledger.withLock {
      Use(
        used: $0[component].used, limit: $0.ceilings.limit(component),
        closedFrom: $0[component].closedFrom)
    }
  }

  /// What all of them use.
  public var total: Use {
    ledger.withLock {
      Use(used: $0.total, limit: $0.ceilings.limit(nil), closedFrom: $0.closedFrom)
    }
  }

  /// Takes what was found in use beside what is reserved, instead of what was found before.
  package func find(_ use: MemoryUse) { ledger.withLock { $0.find(use) } }

  /// As `find`, of one component.
  package func find(_ component: MemoryComponent, bytes: Int) {
    ledger.withLock { $0.find(component, bytes) }
  }

  /// Takes other ceilings.
  package func adopt(_ ceilings: MemoryCeilings) { ledger.withLock { $0.adopt(ceilings) } }

  /// What other components would have to give up for bytes to be let in; 0: nothing, `nil`: that would not help.
  package func excess(of component: MemoryComponent, bytes: Int) -> Int? {
    ledger.withLock { $0.excess(component, bytes) }
  }

  /// What one component may take beside all others, with the head-room left free; `nil`: nothing limits all together.
  package func room(for component: MemoryComponent) -> Int? {
    ledger.withLock { ledger in
      ledger.ceilings.limit(nil, isReadmission: true).map {
        max(0, $0 - (ledger.total - ledger[component].used))
      }
    }
  }

  /// Whether something is over its limit, or was refused and has not come below the head-room since; `nil`: all components together.
  package func isAtLimit(_ component: MemoryComponent?) -> Bool {
    ledger.withLock { ledger in
      let used = component.map { ledger[$0].used } ?? ledger.total
      guard let limit = ledger.ceilings.limit(component),
        let below = ledger.ceilings.limit(component, isReadmission: true)
      else { return false }
      let isClosed =
        component.map { ledger[$0].refused != nil } ?? (ledger.closedFrom != nil)
      return used > limit || isClosed && used > below
    }
  }

  func commit(_ component: MemoryComponent, reserved: Int, actual: Int) {
    ledger.withLock { $0.commit(component, reserved: reserved, actual: actual) }
  }

  func release(_ component: MemoryComponent, _ bytes: Int) {
    ledger.withLock { $0.release(component, bytes) }
  }
}

/// Memory that is counted; dropping it gives it back.
public final class MemoryReservation: Sendable {
  /// What the memory is for.
  public let component: MemoryComponent
  private let accountant: MemoryAccountant
  private let counted: Guarded<Int?>

  init(_ accountant: MemoryAccountant, _ component: MemoryComponent, _ bytes: Int) {
    self.accountant = accountant
    self.component = component
    counted = Guarded(bytes)
  }

  deinit { release() }

  /// Bytes that are counted; 0 after the release.
  public var bytes: Int { counted.withLock { $0 ?? 0 } }

  /// Corrects the count to what was really allocated; without effect after the release.
  ///
  /// More than was reserved is counted as well, since it is there: the next reservation finds less room.
  ///
  /// - Precondition: `actual >= 0`.
  public func commit(_ actual: Int) {
    counted.withLock { counted in
      guard let reserved = counted else { return }
      accountant.commit(component, reserved: reserved, actual: actual)
      counted = actual
    }
  }

  /// Gives the memory back; without effect the second time.
  public func release() {
    counted.withLock { counted in
      if let bytes = counted { accountant.release(component, bytes) }
      counted = nil
    }
  }
}
