package import NeedletailCore

/// What memory is used for.
public enum MemoryComponent: Int, Sendable, Hashable, CaseIterable {
  /// Codes of rows.
  case codes
  /// Links between rows.
  case graph
  /// Rows as they were given.
  case precise
  /// Identities, and what finds rows by them.
  case ids
  /// Attributes, and sets that filters leave.
  case filters
  /// Answers that are kept.
  case cache
  /// What searches need while they run.
  case scratch
  /// The write-ahead log and what waits to be sealed.
  case log
}

/// How much memory may be used.
public struct MemorySettings: Sendable, Hashable {
  /// The most bytes of each component; those that are not named are bounded by the total alone.
  public var ceilings: [MemoryComponent: Int]
  /// The most bytes of all.
  public var total: Int
  /// How far below a limit use must stay, after something was refused, for anything to be let in: in hundredths of the limit.
  public var readmissionPoints = 5

  /// Makes settings; bytes.
  public init(total: Int, ceilings: [MemoryComponent: Int] = [:]) {
    self.total = total
    self.ceilings = ceilings
  }

  /// Checks all of it.
  ///
  /// - Throws: `invalidConfiguration` with the numbers.
  func validate() throws(NeedletailError) {
    guard total > 0, total <= 1 << 50, (0...50).contains(readmissionPoints) else {
      throw NeedletailError(
        .invalidConfiguration,
        "A total of \(total) bytes, let in again \(readmissionPoints) points below it: it must be within"
          + " 1...2^50, and the points within 0...50.")
    }
    for component in MemoryComponent.allCases {
      guard let ceiling = ceilings[component] else { continue }
      guard ceiling >= 0, ceiling <= total else {
        throw NeedletailError(
          .invalidConfiguration,
          "A ceiling of \(ceiling) bytes for \(component) is not within the total of \(total).")
      }
    }
  }
}

/// The arithmetic of memory: what is used, what may be, and what was refused.
package struct MemoryLedger: Sendable {
  /// One limit, and what is used of it.
  package struct Account: Sendable, Hashable {
    package let limit: Int
    package internal(set) var used = 0
    /// Whether something was refused since use was last far enough below the limit.
    package internal(set) var isClosed = false

    /// The most that may be used after `bytes` more: less while closed.
    func allowed(_ points: Int) -> Int { isClosed ? limit - limit / 100 * points : limit }
  }

  package let settings: MemorySettings
  private var accounts: [Account]
  /// The account of all components.
  package private(set) var total: Account

  /// An empty ledger.
  ///
  /// - Throws: `invalidConfiguration`.
  package init(_ settings: MemorySettings) throws(NeedletailError) {
    try settings.validate()
    self.settings = settings
    accounts = MemoryComponent.allCases.map {
      Account(limit: settings.ceilings[$0] ?? settings.total)
    }
    total = Account(limit: settings.total)
  }

  /// The account of one component.
  package subscript(component: MemoryComponent) -> Account { accounts[component.rawValue] }

  /// Counts bytes that are about to be allocated, or refuses them.
  ///
  /// What is refused closes the limit that refused it: from then on, something is let in only where it leaves use 5 points below.
  ///
  /// - Throws: `overBudget` with what is needed and the limit; nothing is counted then.
  package mutating func reserve(
    _ component: MemoryComponent, _ bytes: Int
  ) throws(NeedletailError) {
    precondition(bytes >= 0, "\(bytes) bytes cannot be reserved")
    let points = settings.readmissionPoints
    let ofComponent = Self.admit(&accounts[component.rawValue], bytes, points)
    let ofTotal = Self.admit(&total, bytes, points)
    guard ofComponent else {
      throw Self.refusal("\(component)", bytes, self[component], points)
    }
    guard ofTotal else { throw Self.refusal("all components", bytes, total, points) }
    accounts[component.rawValue].isClosed = false
    total.isClosed = false
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
    accounts[component.rawValue].used += bytes
    total.used += bytes
  }

  /// Whether bytes fit a limit; closes it where they do not.
  private static func admit(_ account: inout Account, _ bytes: Int, _ points: Int) -> Bool {
    let (sum, overflow) = account.used.addingReportingOverflow(bytes)
    if !overflow, sum <= account.allowed(points) { return true }
    account.isClosed = true
    return false
  }

  private static func refusal(
    _ name: String, _ bytes: Int, _ account: Account, _ points: Int
  ) -> NeedletailError {
    NeedletailError(
      .overBudget,
      "\(bytes) bytes are needed for \(name), \(account.used) of the limit of \(account.limit) are in use;"
        + " nothing was allocated. Raise the limit, or ask again when use is \(points) points below it."
    )
  }
}
