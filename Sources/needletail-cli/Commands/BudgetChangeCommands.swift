#if Tools
  import ArgumentParser
  import NeedletailBudgets
  import NeedletailGovernance

  /// Who answers for a change, and why; without the first two nothing is changed.
  struct ReasonOptions: ParsableArguments {
    @Option(help: "Who answers for it.")
    var owner: String
    @Option(help: "Why it is made.")
    var rationale: String
    @Option(help: "What it is expected to do.")
    var impact: String?
    @Option(name: .customLong("undo"), help: "How it is taken back, should it not.")
    var rollback: String?

    var reason: ChangeReason {
      ChangeReason(owner: owner, rationale: rationale, expectedImpact: impact, rollback: rollback)
    }
  }

  /// `needletail budget start`: a log that begins with a budget.
  struct BudgetStartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "start",
      abstract: "Begin the log of a budget's changes.",
      usage: """
        needletail budget start <log> <file> --owner <owner> --rationale <text>
            [--impact <text>] [--undo <text>] [--json]
        """,
      discussion: """
        EXAMPLES
          needletail budget start shop.log shop.yaml \\
              --owner ada --rationale "first budget"

        From then on the budget is changed with `set` and `rollback`, and what is in force is \
        what the log says.
        """)

    @Argument(help: "The log, a file that does not exist yet.")
    var log: String
    @Argument(help: "The budget to begin with.")
    var file: String
    @OptionGroup var reasonOptions: ReasonOptions
    @OptionGroup var outputOptions: OutputOptions

    func run() throws {
      let budget = try BudgetInputs.budget(file)
      try Outputs.checkNew(log)
      let started = try GovernanceLog.start(at: log, with: budget, reasonOptions.reason)
      try BudgetRecords.report(started, isJSON: outputOptions.json)
    }
  }

  /// `needletail budget set`: one field gets another value.
  struct BudgetSetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "set",
      abstract: "Change one field of the budget in force.",
      usage: """
        needletail budget set <log> <field> <value> --owner <owner>
            --rationale <text> [--impact <text>] [--undo <text>] [--json]
        """,
      discussion: """
        EXAMPLES
          needletail budget set shop.log 'tiers[peak].p99' 400ms \\
              --owner ada --rationale "the spring sale" \\
              --impact "p99 + 100 ms at peak" --undo "rollback to 3"
          needletail budget set shop.log memory.total 8GiB \\
              --owner ada --rationale "larger machines"
          needletail budget set shop.log 'tenants[+mail]' '{"rate": 2000}' \\
              --owner ada --rationale "mail gets a quota"

        Items are named by name or number; a plus adds one. The value is JSON, or a text without \
        quotes; null takes it away. A change that the budget refuses leaves the log as it was.
        """)

    @Argument(help: "The log.")
    var log: String
    @Argument(help: "The field, like tiers[peak].p99.")
    var field: String
    @Argument(help: "Its value.")
    var value: String
    @OptionGroup var reasonOptions: ReasonOptions
    @OptionGroup var outputOptions: OutputOptions

    func run() throws {
      var opened = try BudgetRecords.open(log)
      try opened.set(field, to: value, reasonOptions.reason)
      try BudgetRecords.report(opened, isJSON: outputOptions.json)
    }
  }

  /// `needletail budget rollback`: an earlier budget is in force again.
  struct BudgetRollbackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "rollback",
      abstract: "Put the budget of an earlier record in force again.",
      usage: """
        needletail budget rollback <log> <number> --owner <owner>
            --rationale <text> [--impact <text>] [--undo <text>] [--json]
        """,
      discussion: """
        EXAMPLES
          needletail budget rollback shop.log 3 \\
              --owner ada --rationale "the sale is over"

        Nothing is removed: the way back is a record as well. `history` shows the numbers.
        """)

    @Argument(help: "The log.")
    var log: String
    @Argument(help: "The number of the record whose budget is wanted.")
    var number: Int
    @OptionGroup var reasonOptions: ReasonOptions
    @OptionGroup var outputOptions: OutputOptions

    func run() throws {
      var opened = try BudgetRecords.open(log)
      try opened.rollBack(to: number, reasonOptions.reason)
      try BudgetRecords.report(opened, isJSON: outputOptions.json)
    }
  }
#endif
