package import NeedletailBudgets
package import NeedletailCore

/// The arithmetic of memory: what is used, what may be, and what was refused.
///
/// How much may be used is said by the ceilings alone (`MemoryCeilings`). What was refused is let in again only where it leaves the
/// head-room below the limit that refused it; so is, of the same component, whatever is at least as large. Smaller
/// requests go on while they fit, and other components do not notice: one request that is too large stops nobody else.
package struct MemoryLedger: Sendable {
  /// One component, and what was refused to it.
  package struct Account: Sendable, Hashable {
    /// Bytes in use or reserved.
    package internal(set) var used = 0
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

  package let ceilings: MemoryCeilings
  private var accounts = MemoryComponent.allCases.map { _ in Account() }
  /// Bytes of all components in use or reserved.
  package private(set) var total = 0

  /// An empty ledger.
  package init(_ ceilings: MemoryCeilings) { self.ceilings = ceilings }

  /// The account of one component.
  package subscript(component: MemoryComponent) -> Account { accounts[component.order] }

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
      bytes >= 0 && bytes <= self[component].used,
      "\(bytes) of \(self[component].used) bytes of \(component) cannot be given back")
    add(component, -bytes)
  }

  private mutating func add(_ component: MemoryComponent, _ bytes: Int) {
    accounts[component.order].used += bytes
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
