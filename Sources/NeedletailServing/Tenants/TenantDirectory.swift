public import NeedletailBudgets

/// The numbers of the tenants that a budget names.
public struct TenantDirectory: Sendable {
  /// The quotas, in the order of the budget; a tenant's place is its number.
  public let quotas: [TenantQuota]
  private let numbers: [String: TenantID]
  /// Whoever names no tenant, or one that is not listed: the budget's default, or one account for all of them without a limit.
  public let unlisted: TenantID

  /// Takes the tenants of a budget; without any, all queries are of one.
  ///
  /// - Complexity: O(t) for t tenants.
  public init(_ quotas: [TenantQuota]) {
    self.quotas = quotas
    let places = quotas.enumerated().map { ($1.name, TenantID(rawValue: UInt64($0))) }
    numbers = Dictionary(places) { first, _ in first }
    unlisted = TenantID(
      rawValue: UInt64(quotas.firstIndex(where: \.isDefault) ?? quotas.count))
  }

  /// The number of a tenant; `nil` and names that are not listed have one, too.
  ///
  /// - Complexity: O(1).
  public func tenant(named name: String?) -> TenantID { name.flatMap { numbers[$0] } ?? unlisted }

  /// What a tenant is called; `nil` for whoever is not listed.
  public func name(of tenant: TenantID) -> String? {
    tenant.rawValue < UInt64(quotas.count) ? quotas[Int(tenant.rawValue)].name : nil
  }
}
