package import NeedletailCore

/// What every tenant may use, has used, and by how much it asks for more.
///
/// Not made for several threads at once. Memory is bounded: tenants beyond the capacity share one account, and those who rest are
/// forgotten first.
package struct TenantLedger: Sendable {
  /// What was taken from a tenant's bucket before the work.
  package struct Reservation: Sendable, Hashable {
    package let tenant: TenantID
    package let cost: CostUnits
  }

  /// Whether a tenant may go on.
  package enum Answer: Sendable, Hashable {
    /// The work may be done, and is settled with this.
    case granted(Reservation)
    /// The quota is used up; something is left after a time.
    case refused(retryAfter: Nanoseconds)
  }

  /// What a tenant has used since it is known.
  package struct Usage: Sendable, Hashable {
    /// What its work did cost, in all.
    package var charged = CostUnits(millionths: 0)
    /// Queries that were let in, and refused.
    package var granted = 0
    package var refused = 0
  }

  private struct Account {
    var quota: TenantQuota
    var bucket: TokenBucket
    var asked: RecentRate
    var usage = Usage()
    var open = 0
    var extra = 0
    var extraSince: Nanoseconds
  }

  private var accounts: [TenantID: Account] = [:]
  private var quotas: [TenantID: TenantQuota] = [:]
  private let usual: TenantQuota
  private let capacity: Int
  /// When those who rest were forgotten last.
  private var swept = -Nanoseconds.second

  /// A ledger of at most `capacity` tenants; `usual` is the quota of those who have none of their own.
  ///
  /// - Throws: `invalidConfiguration`.
  package init(usual: TenantQuota, capacity: Int = 10_000) throws(NeedletailError) {
    try usual.validate()
    self.usual = usual
    self.capacity = max(1, capacity)
  }

  /// Tenants that have an account.
  package var count: Int { accounts.count }

  /// Gives a tenant a quota of its own, or changes it; its bucket is full then.
  ///
  /// - Throws: `invalidConfiguration`; `capacityExceeded` when as many have one as there are accounts.
  package mutating func set(_ quota: TenantQuota, for tenant: TenantID) throws(NeedletailError) {
    try quota.validate()
    guard quotas[tenant] != nil || quotas.count < capacity else {
      throw NeedletailError(
        .capacityExceeded,
        "\(quotas.count) tenants have a quota of their own already; raise the ledger's capacity.")
    }
    quotas[tenant] = quota
    guard var account = accounts[tenant] else { return }
    account.quota = quota
    account.bucket = TokenBucket(quota, at: account.extraSince)
    accounts[tenant] = account
  }

  /// The tenant's share among others.
  package func weight(of tenant: TenantID) -> Int { (quotas[tenant] ?? usual).weight }

  /// Takes what a query is expected to cost.
  package mutating func reserve(
    _ cost: CostUnits, for tenant: TenantID, at now: Nanoseconds
  ) -> Answer {
    let tenant = holder(of: tenant, at: now)
    return change(tenant, at: now) { account in
      account.asked.add(cost.millionths, at: now)
      if let wait = account.bucket.reserve(cost, at: now) {
        account.usage.refused += 1
        return .refused(retryAfter: wait)
      }
      account.usage.granted += 1
      account.open += 1
      return .granted(Reservation(tenant: tenant, cost: cost))
    }
  }

  /// Charges what the work did cost instead of what was reserved; 0 for work that was not done.
  package mutating func settle(
    _ reservation: Reservation, actual: CostUnits, at now: Nanoseconds
  ) {
    change(reservation.tenant, at: now) { account in
      account.bucket.settle(reserved: reservation.cost, actual: actual, at: now)
      account.usage.charged.millionths = min(
        TenantQuota.most.millionths * 1_000,
        account.usage.charged.millionths
          + min(max(0, actual.millionths), TenantQuota.most.millionths))
      account.open -= 1
    }
  }

  /// Steps down the ladder for a tenant that asks for more than its quota: one from 1.25 times on, and one more for every doubling.
  ///
  /// Steps come at once, and go one by one, after 5 s each, when less than 85 % of what brought them is asked for.
  package mutating func extraSteps(_ tenant: TenantID, at now: Nanoseconds) -> Int {
    guard accounts[tenant] != nil || accounts[.others] != nil else { return 0 }
    let tenant = accounts[tenant] == nil ? .others : tenant
    return change(tenant, at: now) { account in
      let ratio = account.asked.perSecond(at: now) / Double(account.quota.perSecond.millionths)
      while account.extra < Rung.reject.rawValue, ratio >= Self.threshold(account.extra + 1) {
        account.extra += 1
        account.extraSince = now
      }
      if account.extra > 0, ratio < 0.85 * Self.threshold(account.extra),
        now - account.extraSince >= 5 * .second
      {
        account.extra -= 1
        account.extraSince = now
      }
      return account.extra
    }
  }

  /// What a tenant has used.
  package func usage(of tenant: TenantID) -> Usage { accounts[tenant]?.usage ?? Usage() }

  private static func threshold(_ steps: Int) -> Double { 1.25 * Double(1 << (steps - 1)) }

  /// The account of a tenant: its own, where there is room, or where it has a quota of its own.
  private mutating func holder(of tenant: TenantID, at now: Nanoseconds) -> TenantID {
    if accounts[tenant] != nil || quotas[tenant] != nil { return tenant }
    if accounts.count >= capacity, now - swept >= .second {
      // Seldom: it looks at every account.
      swept = now
      accounts = accounts.filter { !$0.value.bucket.isFull(at: now) || $0.value.open > 0 }
    }
    return accounts.count < capacity ? tenant : .others
  }

  private mutating func change<Result>(
    _ tenant: TenantID, at now: Nanoseconds, _ body: (inout Account) -> Result
  ) -> Result {
    let quota = quotas[tenant] ?? usual
    return body(
      &accounts[
        tenant,
        default: Account(
          quota: quota, bucket: TokenBucket(quota, at: now),
          asked: RecentRate(width: .second, start: now), extraSince: now)
      ])
  }
}
