package import NeedletailBudgets
package import NeedletailCore

/// The arithmetic of memory: what is used, what may be, and what was refused.
///
/// What is in use is what was reserved and what was found there besides. How much may be used is said by the ceilings alone (`MemoryCeilings`). What was refused is let in again only where it leaves the
/// head-room below the limit that refused it; so is, of the same component, whatever is at least as large. Smaller
/// requests go on while they fit, and other components do not notice: one request that is too large stops nobody else.
package struct MemoryLedger: Sendable {
  /// One component, and what was refused to it.
  package struct Account: Sendable, Hashable {
    /// Bytes that were reserved.
    var reserved = 0
    /// Bytes that were found in use, beside those.
    var found = 0
    /// Bytes in use or reserved.
    package var used: Int { reserved + found }
    /// The least that its own limit has refused since something as large was let in.
    var refused: Int?
    /// The least that the limit of all components has refused to it.
    var refusedByTotal: Int?

    /// From how many bytes on a request must leave the head-room; `nil`: none was refused.
    package var closedFrom: Int? {
      guard let refused, let refusedByTotal else { return refused ?? refusedByTotal }
      return min(refused, refusedByTotal)
    }
  }

  package private(set) var ceilings: MemoryCeilings
  private var accounts = MemoryComponent.allCases.map { _ in Account() }
  /// Bytes of all components in use or reserved.
  package private(set) var total = 0

  /// An empty ledger.
  package init(_ ceilings: MemoryCeilings) { self.ceilings = ceilings }

  /// The account of one component.
  package subscript(component: MemoryComponent) -> Account { accounts[component.order] }

  /// The least that the limit of all components has refused to any of them; `nil`: none.
  package var closedFrom: Int? { accounts.compactMap(\.refusedByTotal).min() }

  /// Takes other ceilings; what they would have refused was not asked yet.
  package mutating func adopt(_ ceilings: MemoryCeilings) {
    self.ceilings = ceilings
    for place in accounts.indices {
      (accounts[place].refused, accounts[place].refusedByTotal) = (nil, nil)
    }
  }

  /// Takes what was found in use, beside what is reserved, instead of what was found before.
  package mutating func find(_ use: MemoryUse) {
    for component in MemoryComponent.allCases { find(component, use[component]) }
  }

  /// As `find`, of one component.
  package mutating func find(_ component: MemoryComponent, _ bytes: Int) {
    total += bytes - self[component].found
    accounts[component.order].found = bytes
  }

  /// What other components would have to give up for bytes to be let in, with the head-room; 0 where they fit as it is, `nil` where the
  /// component's own limit refuses them.
  package func excess(_ component: MemoryComponent, _ bytes: Int) -> Int? {
    let account = self[component]
    guard fits(bytes, component, account.used, account.refused) else { return nil }
    guard !fits(bytes, nil, total, account.refusedByTotal),
      let limit = ceilings.limit(nil, isReadmission: true)
    else { return 0 }
    return total.addingReportingOverflow(bytes).overflow ? nil : total + bytes - limit
  }

  /// Counts bytes that are about to be allocated, or refuses them.
  ///
  /// - Throws: `overBudget` with what is needed and the limit; nothing is counted then.
  /// - Precondition: `bytes >= 0`.
  package mutating func reserve(
    _ component: MemoryComponent, _ bytes: Int
  ) throws(NeedletailError) {
    precondition(bytes >= 0, "\(bytes) bytes cannot be reserved")
    let account = self[component]
    let ofOwn = fits(bytes, component, account.used, account.refused)
    let ofTotal = fits(bytes, nil, total, account.refusedByTotal)
    if !ofOwn { accounts[component.order].refused = min(account.refused ?? .max, bytes) }
    if !ofTotal {
      accounts[component.order].refusedByTotal = min(account.refusedByTotal ?? .max, bytes)
    }
    guard ofOwn else { throw refusal(component, bytes, account.used) }
    guard ofTotal else { throw refusal(nil, bytes, total) }
    if let refused = account.refused, bytes >= refused { accounts[component.order].refused = nil }
    if let refused = account.refusedByTotal, bytes >= refused {
      accounts[component.order].refusedByTotal = nil
    }
    add(component, bytes)
  }

  /// Corrects what was reserved to what is there; more is counted too, as it is there already.
  package mutating func commit(_ component: MemoryComponent, reserved: Int, actual: Int) {
    precondition(actual >= 0, "\(actual) bytes cannot be in use")
    add(component, actual - reserved)
  }

  /// Gives back what was counted.
  package mutating func release(_ component: MemoryComponent, _ bytes: Int) {
    precondition(
      bytes >= 0 && bytes <= self[component].reserved,
      "\(bytes) of \(self[component].reserved) bytes of \(component) cannot be given back")
    add(component, -bytes)
  }

  private mutating func add(_ component: MemoryComponent, _ bytes: Int) {
    accounts[component.order].reserved += bytes
    total += bytes
  }

  /// Whether bytes fit a limit, or its head-room where as many were refused before.
  private func fits(
    _ bytes: Int, _ component: MemoryComponent?, _ used: Int, _ refused: Int?
  ) -> Bool {
    let (sum, overflow) = used.addingReportingOverflow(bytes)
    if overflow { return false }
    let isReadmission = refused.map { bytes >= $0 } ?? false
    return ceilings.limit(component, isReadmission: isReadmission).map { sum <= $0 } ?? true
  }

  private func refusal(
    _ component: MemoryComponent?, _ bytes: Int, _ used: Int
  ) -> NeedletailError {
    let limit = ceilings.limit(component).map { "\($0)" } ?? "what 63 bits hold"
    let again =
      ceilings.limit(component, isReadmission: true).map { " when it leaves at most \($0) in use" }
      ?? ""
    return NeedletailError(
      .overBudget,
      "\(bytes) bytes are needed for \(component?.rawValue ?? "all components"), \(used) of the limit of"
        + " \(limit) are in use; nothing was allocated. Raise the limit, or ask again\(again).")
  }
}
