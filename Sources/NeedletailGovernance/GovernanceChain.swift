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
    fileprivate static let digits = 64

    private(set) var records: [GovernanceRecord] = []
    /// The budget after all of them.
    private(set) var budget: PerformanceBudget?
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

    /// Refuses a record that could not be read again, or would lead elsewhere then: before it is written.
    ///
    /// - Throws: `capacityExceeded` for one that is too long; `invalidConfiguration`.
    func check(_ record: GovernanceRecord, _ line: [UInt8]) throws(NeedletailError) {
      guard byteCount + line.count <= LogFile.largest,
        let again = GovernanceRecord(body: Array(record.body.utf8))
      else {
        throw NeedletailError(
          .capacityExceeded,
          "The record would have \(line.count) bytes, more than can be read again; the log is as it was."
            + " Make the change in smaller steps.",
          at: .init(path: path))
      }
      let budget: PerformanceBudget
      do throws(InvalidBudget) { budget = try applying(again) } catch {
        throw NeedletailError(
          .invalidConfiguration, "The log is as it was: the budget could not be read again",
          at: .init(path: path), cause: error)
      }
      guard Self.hash(of: budget) == record.budgetHash else {
        throw NeedletailError(
          .invalidConfiguration,
          "The log is as it was: written down, this would be another budget. Say all of it in its file.",
          at: .init(path: path))
      }
    }

    /// Reads a log: first the chain of all lines, then what they say.
    ///
    /// - Throws: `corrupted` with the number of the first record that is not what was written, and what broke.
    mutating func read(_ bytes: [UInt8]) throws(NeedletailError) {
      var lines: [Line] = []
      var start = 0
      while start < bytes.count {
        let head = lines.last?.hash ?? Self.origin
        guard let end = bytes[start...].firstIndex(of: 0x0a) else {
          try readTorn(Array(bytes[start...]), behind: head, lines.count + 1, start)
          break
        }
        let line = Line(bytes[start..<end], number: lines.count + 1, start: start)
        guard let line else {
          throw damage(
            lines.count + 1, start,
            "its line is not 64 hexadecimal digits, a space and a record")
        }
        try check(line, behind: head, following: bytes[(end + 1)...])
        lines.append(line)
        start = end + 1
        byteCount = start
      }
      try take(lines)
    }

    /// A line that is in order as far as it goes.
    private struct Line {
      let number: Int
      let start: Int
      let hash: String
      let body: String

      init?(_ bytes: ArraySlice<UInt8>, number: Int, start: Int) {
        let digits = bytes.prefix(GovernanceChain.digits)
        let rest = bytes.dropFirst(GovernanceChain.digits)
        guard digits.count == GovernanceChain.digits, digits.allSatisfy(GovernanceChain.isDigit),
          rest.first == 0x20, rest.count > 1,
          let body = String(validating: rest.dropFirst(), as: UTF8.self)
        else { return nil }
        self.number = number
        self.start = start
        hash = String(decoding: digits, as: UTF8.self)
        self.body = body
      }
    }

    /// A line that has no end: what a crash left, unless it is whole.
    private mutating func readTorn(
      _ rest: [UInt8], behind head: String, _ number: Int, _ start: Int
    ) throws(NeedletailError) {
      if let line = Line(rest.dropLast(), number: number, start: start),
        Self.hash(head, line.body) == line.hash
      {
        throw damage(number, start, "the end of its line is another byte")
      }
      // A write goes from the front to the back, so what it left begins as a record does.
      let isBegin =
        rest.prefix(Self.digits).allSatisfy(Self.isDigit)
        && (rest.count <= Self.digits || rest[Self.digits] == 0x20)
        && (rest.count <= Self.digits + 1 || rest[Self.digits + 1] == UInt8(ascii: "{"))
      guard isBegin else {
        throw damage(number, start, "what is there is no record, and no part of one")
      }
      tornBytes = rest.count
    }

    /// Refuses a line that does not follow on the one before.
    private func check(
      _ line: Line, behind head: String, following rest: ArraySlice<UInt8>
    ) throws(NeedletailError) {
      let computed = Self.hash(head, line.body)
      guard computed != line.hash else { return }
      // The next record was made when this one was whole: it tells which of the two was changed.
      let next = rest.firstIndex(of: 0x0a).flatMap { Line(rest[..<$0], number: 0, start: 0) }
      let reason =
        switch next {
        case .some(let next) where Self.hash(computed, next.body) == next.hash:
          "its hash was changed: the record after it still fits its content"
        case .some(let next) where Self.hash(line.hash, next.body) == next.hash:
          "its content was changed: the record after it still fits its hash"
        default:
          "its hash does not fit its content and the record before it: one of them was changed, or"
            + " a record between them is gone"
        }
      throw damage(line.number, line.start, reason)
    }

    /// Takes over what the lines say, in their order up to the first that says what no record does.
    private mutating func take(_ lines: [Line]) throws(NeedletailError) {
      var read: [GovernanceRecord] = []
      var fault: NeedletailError?
      for line in lines {
        do throws(NeedletailError) { read.append(try record(of: line)) } catch {
          fault = error
          break
        }
      }
      var replay = BudgetReplay(read)
      for (line, record) in zip(lines, read) {
        do throws(InvalidBudget) { try replay.apply(record) } catch {
          throw damage(line.number, line.start, "it cannot be applied: \(error)")
        }
        guard replay.budget.map(Self.hash(of:)) == record.budgetHash else {
          throw damage(
            line.number, line.start,
            "the budget that it leads to is not the one that was in force then; read it with the"
              + " version that wrote it")
        }
      }
      if let fault { throw fault }
      records = read
      budget = replay.budget
    }

    private func record(of line: Line) throws(NeedletailError) -> GovernanceRecord {
      guard var record = GovernanceRecord(body: Array(line.body.utf8)) else {
        throw damage(line.number, line.start, "its content is no record of this format")
      }
      record.hash = line.hash
      guard record.number == line.number else {
        throw damage(line.number, line.start, "it says that it is record \(record.number)")
      }
      return record
    }

    /// The budget that one more record leads to.
    func applying(_ record: GovernanceRecord) throws(InvalidBudget) -> PerformanceBudget {
      // A way back may lead anywhere: then all is replayed, with that place kept.
      if record.kind == .change, let budget {
        var replay = BudgetReplay(continuing: budget, after: records.count)
        try replay.apply(record)
        return replay.budget ?? budget
      }
      guard let after = try BudgetReplay.budget(after: records + [record]) else {
        throw BudgetReplay.fault("The log is empty")
      }
      return after
    }

    private func damage(_ number: Int, _ start: Int, _ reason: String) -> NeedletailError {
      NeedletailError(
        .corrupted,
        "Record \(number) of the log is not what was written: \(reason). Nothing behind record"
          + " \(number - 1) is believed; restore the log from a copy.",
        at: .init(path: path, section: "record \(number)", byteOffset: UInt64(start)))
    }

    fileprivate static func isDigit(_ byte: UInt8) -> Bool {
      (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }
  }
#endif
