/// When any tenant but a given one asked last: enough to know whether somebody would share a queue.
///
/// - Complexity: O(1) in time and memory, however many tenants there are.
struct RecentTenants: Sendable {
  /// The tenant that asked last, and when.
  private var last: (tenant: TenantID, instant: Nanoseconds)?
  /// When another than that one asked last.
  private var otherInstant: Nanoseconds?

  /// A tenant asks.
  mutating func note(_ tenant: TenantID, at now: Nanoseconds) {
    if let last, last.tenant != tenant { otherInstant = last.instant }
    last = (tenant, now)
  }

  /// When a tenant other than this one asked last; `nil`: never.
  func lastOther(than tenant: TenantID) -> Nanoseconds? {
    guard let last else { return nil }
    return last.tenant == tenant ? otherInstant : last.instant
  }
}
