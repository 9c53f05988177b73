public import NeedletailBudgets

/// The numbers of the tenants that a budget names.
///
/// A tenant keeps its number when the budget changes, and no number is given twice.
public struct TenantDirectory: Sendable {
  /// The quotas, in the order of the budget.
  public let quotas: [TenantQuota]
  private let numbers: [String: TenantID]
  private let names: [TenantID: String]
  /// Whoever names no tenant, or one that is not listed: the budget's default, or one account for all of them without a limit.
  public let unlisted: TenantID
  /// All who are not listed, where the budget has no default.
  private let nobody: TenantID
  /// The number that the next tenant is given.
  private let next: UInt64

  /// Takes the tenants of a budget; without any, all queries are of one.
  ///
  /// - Complexity: O(t) for t tenants.
  public init(_ quotas: [TenantQuota]) {
    self.init(
      quotas, known: [:], next: 0, nobody: TenantID(rawValue: UInt64(quotas.count)))
  }

  /// The directory of a changed budget: who was listed before has the number that it had.
  func changed(to quotas: [TenantQuota]) -> TenantDirectory {
    TenantDirectory(quotas, known: numbers, next: next, nobody: nobody)
  }

  private init(
    _ quotas: [TenantQuota], known: [String: TenantID], next: UInt64, nobody: TenantID
  ) {
    var next = next
    var numbers: [String: TenantID] = [:]
    for quota in quotas where numbers[quota.name] == nil {
      if next == nobody.rawValue { next += 1 }
      numbers[quota.name] = known[quota.name] ?? TenantID(rawValue: next)
      if known[quota.name] == nil { next += 1 }
    }
    self.quotas = quotas
    self.numbers = numbers
    names = Dictionary(numbers.map { ($1, $0) }) { first, _ in first }
    self.nobody = nobody
    self.next = next
    unlisted = quotas.first(where: \.isDefault).flatMap { numbers[$0.name] } ?? nobody
  }

  /// The number of a tenant; `nil` and names that are not listed have one, too.
  ///
  /// - Complexity: O(1).
  public func tenant(named name: String?) -> TenantID { name.flatMap { numbers[$0] } ?? unlisted }

  /// What a tenant is called; `nil` for whoever is not listed.
  public func name(of tenant: TenantID) -> String? { names[tenant] }
}
