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
    /// Of one component; smaller requests, and those of other components, go on.
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
    ledger.withLock { Use(used: $0.total, limit: $0.ceilings.limit(nil)) }
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
