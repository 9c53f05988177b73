#if Governance
  import Crypto
  import NeedletailBudgets
  import NeedletailCore

  /// The bytes of a log, and what they say.
  ///
  /// A line for each record: 64 hexadecimal digits, a space, the record as JSON. The digits are the SHA-256 of the
  /// digits of the line before and of this line's JSON; before the first line stands the name of the format.
  struct GovernanceChain {
    /// What the first record continues from.
    static let origin = "needletail budget log 1"
    private static let digits = 64

    private(set) var records: [GovernanceRecord] = []
    /// The budget after each record.
    private(set) var budgets: [PerformanceBudget] = []
    /// Bytes of whole records.
    private(set) var byteCount = 0
    /// Bytes behind them that a write left which was cut off.
    private(set) var tornBytes = 0
    let path: String

    init(path: String) { self.path = path }

    /// The digits that the next record continues from.
    var head: String { records.last?.hash ?? Self.origin }

    static func hash(_ parts: String...) -> String {
      var hash = SHA256()
      for part in parts { hash.update(data: Array(part.utf8)) }
      return hash.finalize().map { byte in
        let text = String(byte, radix: 16)
        return text.utf8.count < 2 ? "0" + text : text
      }.joined()
    }

    static func hash(of budget: PerformanceBudget) -> String { hash(budget.json) }

    /// The line of a record that follows on these.
    func line(of record: inout GovernanceRecord) -> [UInt8] {
      let body = record.body
      record.hash = Self.hash(head, body)
      return Array("\(record.hash) \(body)\n".utf8)
    }

    /// Reads a log.
    ///
    /// - Throws: `corrupted` with the number of the first record that is not what was written, and what broke.
    mutating func read(_ bytes: [UInt8]) throws(NeedletailError) {
      var start = 0
      while start < bytes.count {
        guard let end = bytes[start...].firstIndex(of: 0x0a) else {
          try readTorn(Array(bytes[start...]), at: start)
          return
        }
        let line = Array(bytes[start..<end])
        let record = try self.record(line, at: start, following: bytes[(end + 1)...])
        try take(record, at: start)
        start = end + 1
        byteCount = start
      }
    }

    /// A line that has no end: what a crash left, unless it is whole.
    private mutating func readTorn(_ rest: [UInt8], at start: Int) throws(NeedletailError) {
      if rest.count > 1, isWhole(Array(rest.dropLast())) {
        throw damage(start, "the end of its line is another byte")
      }
      // A write goes from the front to the back, so what it left begins as a record does.
      let isBegin =
        rest.prefix(Self.digits).allSatisfy(Self.isDigit)
        && (rest.count <= Self.digits || rest[Self.digits] == 0x20)
        && (rest.count <= Self.digits + 1 || rest[Self.digits + 1] == UInt8(ascii: "{"))
      guard isBegin else { throw damage(start, "what is there is no record, and no part of one") }
      tornBytes = rest.count
    }

    private func isWhole(_ line: [UInt8]) -> Bool {
      guard let (stored, body) = Self.parts(line) else { return false }
      return Self.hash(head, body) == stored
    }

    private func record(
      _ line: [UInt8], at start: Int, following rest: ArraySlice<UInt8>
    ) throws(NeedletailError) -> GovernanceRecord {
      guard let (stored, body) = Self.parts(line) else {
        throw damage(start, "its line is not 64 hexadecimal digits, a space and a record")
      }
      let computed = Self.hash(head, body)
      guard computed == stored else {
        // The next record was made when this one was whole: it tells which of the two was changed.
        let next = rest.firstIndex(of: 0x0a).flatMap { Self.parts(Array(rest[..<$0])) }
        switch next {
        case .some(let next) where Self.hash(computed, next.body) == next.stored:
          throw damage(start, "its hash was changed: the record after it still fits its content")
        case .some(let next) where Self.hash(stored, next.body) == next.stored:
          throw damage(start, "its content was changed: the record after it still fits its hash")
        default:
          throw damage(
            start,
            "its hash does not fit its content and the record before it: one of them was changed, or"
              + " a record between them is gone")
        }
      }
      guard var record = GovernanceRecord(body: Array(body.utf8)) else {
        throw damage(start, "its content is no record of this format")
      }
      record.hash = stored
      return record
    }

    /// Appends a record, after it was applied to the budget.
    private mutating func take(_ record: GovernanceRecord, at start: Int) throws(NeedletailError) {
      guard record.number == records.count + 1 else {
        throw damage(start, "it says that it is record \(record.number)")
      }
      let budget: PerformanceBudget
      do throws(InvalidBudget) {
        budget = try applying(record)
      } catch {
        throw damage(start, "it cannot be applied: \(error)")
      }
      guard Self.hash(of: budget) == record.budgetHash else {
        throw damage(
          start,
          "the budget that it leads to is not the one that was in force then; read it with the"
            + " version that wrote it")
      }
      records.append(record)
      budgets.append(budget)
    }

    /// The budget that a record leads to.
    func applying(_ record: GovernanceRecord) throws(InvalidBudget) -> PerformanceBudget {
      func fault(_ problem: String) -> InvalidBudget {
        InvalidBudget([
          BudgetFault(path: "", problem: problem, advice: "`needletail budget history` lists them.")
        ])
      }
      switch record.kind {
      case .start:
        guard records.isEmpty, let text = record.budget else {
          throw fault("A log starts with one whole budget")
        }
        return try PerformanceBudget(json: text)
      case .change:
        guard let budget = budgets.last, let field = record.field else {
          throw fault("A change needs a field, and a budget before it")
        }
        return try budget.setting(field, to: record.new ?? "null")
      case .rollback:
        guard let target = record.target, budgets.indices.contains(target - 1) else {
          throw fault("There is no record \(record.target ?? 0) to go back to")
        }
        return budgets[target - 1]
      }
    }

    private func damage(_ start: Int, _ reason: String) -> NeedletailError {
      NeedletailError(
        .corrupted,
        "Record \(records.count + 1) of the log is not what was written: \(reason). Nothing behind record"
          + " \(records.count) is believed; restore the log from a copy.",
        at: .init(path: path, section: "record \(records.count + 1)", byteOffset: UInt64(start)))
    }

    /// The hash and the JSON of a line.
    private static func parts(_ line: [UInt8]) -> (stored: String, body: String)? {
      guard line.count > digits + 1, line.prefix(digits).allSatisfy(isDigit),
        line[digits] == 0x20,
        let body = String(validating: line[(digits + 1)...], as: UTF8.self)
      else { return nil }
      return (String(decoding: line[..<digits], as: UTF8.self), body)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
      (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }
  }
#endif
