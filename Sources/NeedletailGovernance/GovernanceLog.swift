#if Governance
  import Foundation
  public import NeedletailBudgets
  public import NeedletailCore
  import NeedletailStorage

  /// The changes of a budget, in a file that is only appended to, each chained to the one before by SHA-256.
  ///
  /// Replaying it gives the budget that is in force. A byte that was changed is found, with the number of its record;
  /// a last record that a crash cut off is told from that, and cut off by the next append. What a chain cannot tell
  /// is that whole records were removed from its end: keep `head` elsewhere, and hand it to `init(contentsOf:head:)`.
  ///
  /// An append is one write, made durable before the call returns, under a lock that one process has at a time.
  public struct GovernanceLog: Sendable {
    /// The file.
    public let path: String
    /// The records, oldest first.
    public private(set) var records: [GovernanceRecord]
    /// The budget that is in force.
    public private(set) var budget: PerformanceBudget
    /// Bytes at the end that a crash left of a record; nobody was told that it is durable.
    public private(set) var tornBytes: Int

    /// The hash of the last record, which tells this state of the log from every other.
    public var head: String { records[records.count - 1].hash }

    /// Reads a log, checks its chain and replays it.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - head: The hash of a record that has to be in it, or its first 8 digits or more, as it was noted elsewhere;
    ///     `nil`: none was.
    /// - Throws: `notFound` or `io`; `corrupted` with the number of the first record that is not what was written,
    ///   and what broke; `unsupportedFormat` for what is no log.
    public init(contentsOf path: String, head: String? = nil) throws(NeedletailError) {
      try self.init(bytes: try LogFile.read(path), path: path, head: head)
    }

    /// As `init(contentsOf:head:)`, of the bytes of a file.
    package init(bytes: [UInt8], path: String, head: String? = nil) throws(NeedletailError) {
      let chain = try Self.chain(bytes, path: path)
      let wanted = head?.lowercased()
      if let wanted, !(8...64).contains(wanted.utf8.count) || !wanted.allSatisfy(\.isHexDigit) {
        throw NeedletailError(
          .invalidConfiguration,
          "“\(shortened(wanted))” is no hash of a record; give at least its first 8 digits.",
          at: .init(path: path))
      }
      if let head, let wanted, !chain.records.contains(where: { $0.hash.hasPrefix(wanted) }) {
        throw NeedletailError(
          .corrupted,
          "The log has \(chain.records.count) records, and none has the hash that was noted, \(shortened(head))."
            + " Records at its end are gone, or it is another log; restore it from a copy.",
          at: .init(path: path))
      }
      try self.init(chain)
    }

    private init(_ chain: GovernanceChain) throws(NeedletailError) {
      guard let budget = chain.budget else { throw Self.empty(chain.path) }
      path = chain.path
      records = chain.records
      self.budget = budget
      tornBytes = chain.tornBytes
    }

    /// The budget that was in force after a record.
    ///
    /// - Parameter number: The number of the record, from 1.
    /// - Returns: the budget, replayed: a log keeps the last one alone.
    /// - Throws: `invalidConfiguration` where there is no such record.
    /// - Complexity: O(n) changes for n records.
    public func budget(after number: Int) throws(NeedletailError) -> PerformanceBudget {
      do throws(InvalidBudget) {
        guard (1...records.count).contains(number),
          let budget = try BudgetReplay.budget(after: Array(records.prefix(number)))
        else { throw BudgetReplay.fault("There is no record \(number)") }
        return budget
      } catch {
        throw NeedletailError(
          .invalidConfiguration, "The budget is not in the log", at: .init(path: path),
          cause: error)
      }
    }

    /// Begins a log with a budget.
    ///
    /// - Parameters:
    ///   - path: A file that does not exist yet.
    ///   - budget: The budget that is in force from then on.
    ///   - reason: Who answers for it, and why.
    ///   - time: Seconds since 1970; `nil`: now.
    /// - Returns: the log with its first record.
    /// - Throws: `invalidConfiguration` without an owner or a rationale; `alreadyExists`; `io`.
    public static func start(
      at path: String, with budget: PerformanceBudget, _ reason: ChangeReason, time: Int? = nil
    ) throws(NeedletailError) -> GovernanceLog {
      try check(reason)
      var record = GovernanceRecord(
        number: 1, time: time ?? now, kind: .start, reason: reason,
        budget: JSONWriter.compact(budget.written()), budgetHash: GovernanceChain.hash(of: budget))
      let chain = GovernanceChain(path: path)
      let line = chain.line(of: &record)
      try chain.check(record, line)
      let file = try LogFile(path, isNew: true)
      do throws(NeedletailError) {
        try file.append(line, behind: 0)
        let parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
        try LocalFileSystem().synchronizeDirectory(parent)
      } catch {
        try? LocalFileSystem().remove(path)
        throw error
      }
      return try GovernanceLog(contentsOf: path)
    }

    /// Changes one field of the budget that is in force, as the file has it now.
    ///
    /// - Parameters:
    ///   - field: A path: `tiers[peak].p99`.
    ///   - value: JSON, or a text without quotes; `null` takes the value away.
    ///   - reason: Who answers for it, and why.
    ///   - time: Seconds since 1970; `nil`: now.
    /// - Throws: `invalidConfiguration` without an owner or a rationale, for a field or a value that the budget
    ///   refuses (with an `InvalidBudget` as its cause), and for a change of nothing; `locked`; `corrupted`; `io`.
    public mutating func set(
      _ field: String, to value: String, _ reason: ChangeReason, time: Int? = nil
    ) throws(NeedletailError) {
      try append(reason, time) { (chain, record) throws(InvalidBudget) in
        guard let budget = chain.budget else { return }
        let changed = try budget.setting(field, to: value)
        record.field = field
        record.old = try budget.value(of: field)
        record.new = PerformanceBudget.json(of: value)
        record.tier = budget.differences(to: changed).lazy.compactMap(\.tier).first
      }
    }

    /// Puts the budget in force again that was so after an earlier record.
    ///
    /// - Parameters:
    ///   - number: The number of that record.
    ///   - reason: Who answers for it, and why.
    ///   - time: Seconds since 1970; `nil`: now.
    /// - Throws: as `set(_:to:_:time:)`.
    public mutating func rollBack(
      to number: Int, _ reason: ChangeReason, time: Int? = nil
    ) throws(NeedletailError) {
      try append(reason, time) { (_, record) throws(InvalidBudget) in
        record.kind = .rollback
        record.target = number
      }
    }

    /// Reads the log under its lock, makes a record of it and appends that.
    private mutating func append(
      _ reason: ChangeReason, _ time: Int?,
      _ fill: (GovernanceChain, inout GovernanceRecord) throws(InvalidBudget) -> Void
    ) throws(NeedletailError) {
      try Self.check(reason)
      let file = try LogFile(path, isNew: false)
      let chain = try Self.chain(try file.read(), path: path)
      var record = GovernanceRecord(
        number: chain.records.count + 1, time: time ?? Self.now, kind: .change, reason: reason,
        budgetHash: "")
      let budget: PerformanceBudget
      do throws(InvalidBudget) {
        try fill(chain, &record)
        budget = try chain.applying(record)
      } catch {
        throw NeedletailError(
          .invalidConfiguration, "The log is as it was: the budget refuses the change",
          at: .init(path: path), cause: error)
      }
      guard budget != chain.budget else {
        throw NeedletailError(
          .invalidConfiguration, "That is how it is already; the log is as it was.",
          at: .init(path: path))
      }
      record.budgetHash = GovernanceChain.hash(of: budget)
      let line = chain.line(of: &record)
      try chain.check(record, line)
      if chain.tornBytes > 0 { try file.truncate(to: chain.byteCount) }
      try file.append(line, behind: chain.byteCount)
      self = try GovernanceLog(try Self.chain(try file.read(), path: path))
    }

    private static var now: Int { Int(Date().timeIntervalSince1970) }

    private static func chain(
      _ bytes: [UInt8], path: String
    ) throws(NeedletailError) -> GovernanceChain {
      var chain = GovernanceChain(path: path)
      try chain.read(bytes)
      guard chain.budget != nil else { throw empty(path) }
      return chain
    }

    private static func empty(_ path: String) -> NeedletailError {
      NeedletailError(
        .unsupportedFormat,
        "The file holds no record of a budget's changes; start a log of its own.",
        at: .init(path: path))
    }

    private static func check(_ reason: ChangeReason) throws(NeedletailError) {
      let needed = [("an owner", reason.owner), ("a rationale", reason.rationale)]
      let missing = needed.filter { $0.1.allSatisfy(\.isWhitespace) }.map(\.0)
      guard missing.isEmpty else {
        throw NeedletailError(
          .invalidConfiguration,
          "A change needs \(missing.joined(separator: " and ")); nothing was changed. Say who answers for it and"
            + " why it is made.")
      }
      let texts = [reason.owner, reason.rationale, reason.expectedImpact, reason.rollback]
      guard texts.allSatisfy({ ($0?.utf8.count ?? 0) <= 4_096 }) else {
        throw NeedletailError(
          .invalidConfiguration,
          "Owner, rationale, impact and rollback have at most 4096 bytes each.")
      }
    }
  }
#endif
