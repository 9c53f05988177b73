import NeedletailBudgets
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
    var allowance: TenantAllowance
    var bucket: TokenBucket
    var asked: RecentRate
    var usage = Usage()
    var open = 0
    /// When the bucket had not enough for what was asked.
    var refused: Nanoseconds?
    var extra = 0
    var extraSince: Nanoseconds
  }

  private var accounts: [TenantID: Account] = [:]
  private var allowances: [TenantID: TenantAllowance] = [:]
  private let usual: TenantAllowance
  private var capacity: Int
  /// When those who rest were forgotten last.
  private var swept = -Nanoseconds.second

  /// A ledger of at most `capacity` tenants; `usual` is the allowance of those who have none of their own.
  ///
  /// - Throws: `invalidConfiguration`.
  package init(usual: TenantAllowance, capacity: Int = 10_000) throws(NeedletailError) {
    try usual.validate()
    self.usual = usual
    self.capacity = max(1, capacity)
  }

  /// A ledger of a budget's tenants; those that it does not list share one account.
  ///
  /// - Throws: `invalidConfiguration`, not for the tenants of a `PerformanceBudget`.
  package init(_ directory: TenantDirectory) throws(NeedletailError) {
    try self.init(usual: .unlimited, capacity: directory.quotas.count + 1)
    for quota in directory.quotas {
      try set(TenantAllowance(quota), for: directory.tenant(named: quota.name))
    }
  }

  /// Takes the tenants of a changed budget: who is still listed keeps what its bucket holds, up to the new burst, and what it has used.
  ///
  /// - Throws: `invalidConfiguration`, not for the tenants of a `PerformanceBudget`; nothing is changed then.
  mutating func adopt(
    _ directory: TenantDirectory, at now: Nanoseconds
  ) throws(NeedletailError) {
    var changed: [TenantID: TenantAllowance] = [:]
    for quota in directory.quotas {
      let allowance = TenantAllowance(quota)
      try allowance.validate()
      changed[directory.tenant(named: quota.name)] = allowance
    }
    capacity = changed.count + 1
    for (tenant, account) in accounts {
      // Whoever is listed no longer keeps an account for as long as work of its own is under way.
      guard changed[tenant] != nil || tenant == directory.unlisted || account.open > 0 else {
        accounts[tenant] = nil
        continue
      }
      let allowance = changed[tenant] ?? usual
      accounts[tenant]?.allowance = allowance
      accounts[tenant]?.bucket.adopt(allowance, at: now)
    }
    allowances = changed
  }

  /// Tenants that have an account.
  package var count: Int { accounts.count }

  /// Gives a tenant an allowance of its own, or changes it; its bucket is full then.
  ///
  /// - Throws: `invalidConfiguration`; `capacityExceeded` when as many have one as there are accounts.
  package mutating func set(_ allowance: TenantAllowance, for tenant: TenantID)
    throws(NeedletailError)
  {
    try allowance.validate()
    guard allowances[tenant] != nil || allowances.count < capacity else {
      throw NeedletailError(
        .capacityExceeded,
        "\(allowances.count) tenants have an allowance of their own already; raise the ledger's capacity."
      )
    }
    allowances[tenant] = allowance
    guard var account = accounts[tenant] else { return }
    account.allowance = allowance
    account.bucket = TokenBucket(allowance, at: account.extraSince)
    accounts[tenant] = account
  }

  /// The tenant's share among others, in thousandths.
  package func weight(of tenant: TenantID) -> Int { (allowances[tenant] ?? usual).weight }

  /// Takes what a query is expected to cost.
  package mutating func reserve(
    _ cost: CostUnits, for tenant: TenantID, at now: Nanoseconds
  ) -> Answer {
    let tenant = holder(of: tenant, at: now)
    return change(tenant, at: now) { account in
      account.asked.add(cost.millionths, at: now)
      if let wait = account.bucket.reserve(cost, at: now) {
        account.usage.refused += 1
        account.refused = now
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
        TenantAllowance.most.millionths * 1_000,
        account.usage.charged.millionths
          + min(max(0, actual.millionths), TenantAllowance.most.millionths))
      account.open = max(0, account.open - 1)
    }
  }

  /// Steps down the ladder for a tenant that asks for more than its quota: one from 1.25 times on, and one more for every doubling.
  ///
  /// No step while the bucket holds what is asked for: what a quota lets be used at once is none too much. Steps come at once, and go one by one, after 5 s each, when less than 85 % of what brought them is asked for.
  package mutating func extraSteps(_ tenant: TenantID, at now: Nanoseconds) -> Int {
    guard accounts[tenant] != nil || accounts[.others] != nil else { return 0 }
    let tenant = accounts[tenant] == nil ? .others : tenant
    return change(tenant, at: now) { account in
      let ratio = account.asked.perSecond(at: now) / Double(account.allowance.perSecond.millionths)
      let isExhausted =
        account.refused.map { now - $0 < .second } ?? false || account.bucket.isInDebt(at: now)
      while isExhausted, account.extra < Rung.reject.order,
        ratio >= Self.threshold(account.extra + 1)
      {
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

  /// The account of a tenant: its own, where there is room, or where it has an allowance of its own.
  private mutating func holder(of tenant: TenantID, at now: Nanoseconds) -> TenantID {
    if accounts[tenant] != nil || allowances[tenant] != nil { return tenant }
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
    let allowance = allowances[tenant] ?? usual
    return body(
      &accounts[
        tenant,
        default: Account(
          allowance: allowance, bucket: TokenBucket(allowance, at: now),
          asked: RecentRate(width: .second, start: now), extraSince: now)
      ])
  }
}
