#if Tools
  import ArgumentParser
  import Foundation
  import NeedletailBudgets
  import NeedletailGovernance

  /// `needletail budget history`: who changed what, and why.
  struct BudgetHistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "history",
      abstract: "Show who changed what, and why; and check the chain.",
      discussion: """
        EXAMPLES
          needletail budget history shop.log
          needletail budget history shop.log --head 5f1c0e…
          needletail budget history shop.log --json | jq '.records[-1]'

        A log in which a byte was changed ends with 65 and the number of the record. That \
        records are gone from its end shows when the head was noted elsewhere: --head takes \
        the hash of a record that has to be in the log.
        """)

    @Argument(help: "The log.")
    var log: String
    @Option(help: "The hash of a record that has to be in it.")
    var head: String?
    @OptionGroup var outputOptions: OutputOptions

    func run() throws {
      let opened = try BudgetRecords.open(log, head: head)
      if outputOptions.json {
        try JSONOutput.write(
          Document(
            path: log, head: opened.head, tornBytes: opened.tornBytes,
            records: opened.records.map(BudgetRecords.Record.init)))
        return
      }
      for record in opened.records {
        for line in BudgetRecords.lines(record) { print(line) }
      }
      if opened.tornBytes > 0 {
        print(
          "\(opened.tornBytes) bytes of a change that a crash cut off; nobody was told that it is in force."
        )
      }
      print(Terminal.dim("The chain holds. Its head is \(opened.head)"))
    }

    private struct Document: Encodable {
      var path: String
      var head: String
      var tornBytes: Int
      var records: [BudgetRecords.Record]
    }
  }

  /// Records as people and machines read them.
  enum BudgetRecords {
    static func open(_ path: String, head: String? = nil) throws -> GovernanceLog {
      try Inputs.refuseDirectory(path, wanted: "the log of a budget")
      guard Inputs.isDirectory(path) != nil else {
        throw CommandFailure(
          .noInput,
          "There is no log \(path). Begin one with `needletail budget start \(path) FILE --owner … "
            + "--rationale …`.")
      }
      return try GovernanceLog(contentsOf: path, head: head)
    }

    /// What was appended last.
    static func report(_ log: GovernanceLog, isJSON: Bool) throws {
      guard let record = log.records.last else { return }
      if isJSON {
        try JSONOutput.write(Record(record))
      } else {
        for line in lines(record) { print(line) }
      }
    }

    static func lines(_ record: GovernanceRecord) -> [String] {
      let what =
        switch record.kind {
        case .start: "starts the log"
        case .rollback: "goes back to record \(record.target ?? 0)"
        case .change:
          "\(PlainText.of(record.field ?? ""))  \(BudgetWording.value(record.old)) → "
            + BudgetWording.value(record.new)
        }
      var lines = [
        Terminal.bold("\(record.number)  \(what)"),
        "   \(date(record.time)), \(shortened(record.reason.owner)): \(PlainText.of(record.reason.rationale))",
      ]
      if let impact = record.reason.expectedImpact {
        lines.append("   expected: \(PlainText.of(impact))")
      }
      if let rollback = record.reason.rollback {
        lines.append("   to undo: \(PlainText.of(rollback))")
      }
      return lines
    }

    static func date(_ seconds: Int) -> String {
      Date(timeIntervalSince1970: Double(seconds)).ISO8601Format()
    }

    struct Record: Encodable {
      var number: Int
      var time: String
      var kind: String
      var owner: String
      var rationale: String
      var expectedImpact: String?
      var rollback: String?
      var tier: String?
      var field: String?
      var old: String?
      var new: String?
      var target: Int?
      var hash: String

      init(_ record: GovernanceRecord) {
        number = record.number
        time = BudgetRecords.date(record.time)
        kind = record.kind.rawValue
        owner = record.reason.owner
        rationale = record.reason.rationale
        expectedImpact = record.reason.expectedImpact
        rollback = record.reason.rollback
        tier = record.tier
        field = record.field
        old = record.old
        new = record.new
        target = record.target
        hash = record.hash
      }
    }
  }
#endif
