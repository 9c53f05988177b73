#if Tools
  import ArgumentParser
  import NeedletailBudgets
  import NeedletailEvaluation

  /// `needletail budget`: what a service promises, and the log of its changes.
  struct BudgetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "budget",
      abstract: "Check, explain and change a performance budget.",
      discussion: """
        EXAMPLES
          needletail budget check shop.yaml
          needletail budget explain shop.yaml
          needletail budget diff shop.yaml new.yaml
          needletail budget start shop.log shop.yaml \\
              --owner ada --rationale "first budget"
          needletail budget set shop.log 'tiers[peak].p99' 400ms \\
              --owner ada --rationale "the spring sale"
          needletail budget history shop.log
          needletail budget export shop.yaml > slo.yaml

        A budget is a file of JSON or YAML; the log of one stands for the budget in force.
        """,
      subcommands: [
        BudgetCheckCommand.self, BudgetExplainCommand.self, BudgetDiffCommand.self,
        BudgetStartCommand.self, BudgetSetCommand.self, BudgetRollbackCommand.self,
        BudgetHistoryCommand.self, BudgetExportCommand.self, BudgetImportCommand.self,
      ])
  }

  /// `needletail budget check`: all that is wrong with a budget.
  struct BudgetCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "check",
      abstract: "Say all that is wrong with a budget, and where.",
      discussion: """
        EXAMPLES
          needletail budget check shop.yaml
          needletail budget check shop.json --json

        Every fault has its line, column and field, and what to write instead. A file with \
        faults ends with 65.
        """)

    @Argument(help: "The budget.")
    var file: String
    @OptionGroup var outputOptions: OutputOptions

    func run() throws {
      switch try BudgetInputs.judged(file) {
      case .success(let budget):
        if outputOptions.json {
          try JSONOutput.write(Document(path: file, isValid: true, faultCount: 0, faults: []))
          return
        }
        let parts = [
          Numerals.counted(budget.tiers.count, "tier", "tiers"),
          Numerals.counted(budget.objectives.count, "objective", "objectives"),
          Numerals.counted(budget.tenants.count, "tenant", "tenants"),
        ]
        print("\(file) is in order: \(budget.name), version \(budget.version), of \(budget.owner)")
        print("  " + parts.joined(separator: ", "))
      case .failure(let faults):
        guard outputOptions.json else {
          throw CommandFailure(.data, BudgetInputs.message(faults, file))
        }
        let document = Document(
          path: file, isValid: false, faultCount: faults.count,
          faults: faults.faults.map(Fault.init))
        try JSONOutput.write(document)
        throw ExitCode(ExitStatus.data.rawValue)
      }
    }

    private struct Document: Encodable {
      var path: String
      var isValid: Bool
      var faultCount: Int
      var faults: [Fault]
    }

    private struct Fault: Encodable {
      var line: Int?
      var column: Int?
      var field: String
      var problem: String
      var advice: String

      init(_ fault: BudgetFault) {
        line = fault.position?.line
        column = fault.position?.column
        field = fault.path
        problem = fault.problem
        advice = fault.advice
      }
    }
  }

  /// `needletail budget diff`: two budgets, field by field.
  struct BudgetDiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "diff",
      abstract: "Compare two budgets, field by field.",
      discussion: """
        EXAMPLES
          needletail budget diff shop.yaml new.yaml
          needletail budget diff shop.log new.yaml --json

        Each field says which way it moves: tighter promises more, or allows less; looser \
        the other way round. Items are compared by their names.
        """)

    @Argument(help: "The budget as it is.")
    var old: String
    @Argument(help: "The budget as it would be.")
    var new: String
    @OptionGroup var outputOptions: OutputOptions

    func run() throws {
      let differences = try BudgetInputs.budget(old).differences(to: try BudgetInputs.budget(new))
      if outputOptions.json {
        try JSONOutput.write(
          Document(
            old: old, new: new,
            differences: differences.map {
              Difference(
                field: $0.field, old: $0.old, new: $0.new, movement: $0.movement.rawValue)
            }))
        return
      }
      guard !differences.isEmpty else {
        print("The budgets are equal.")
        return
      }
      var table = Table(leading: [0, 1, 2, 3])
      for difference in differences {
        table.add([
          difference.movement.rawValue, difference.field,
          BudgetWording.value(difference.old), "→ " + BudgetWording.value(difference.new),
        ])
      }
      for line in table.lines() { print(line) }
    }

    private struct Document: Encodable {
      var old: String
      var new: String
      var differences: [Difference]
    }

    private struct Difference: Encodable {
      var field: String
      var old: String?
      var new: String?
      var movement: String
    }
  }

  /// Values of a budget as tables have them.
  enum BudgetWording {
    /// A value of JSON: texts without quotes, long ones cut.
    static func value(_ json: String?) -> String {
      guard let json else { return "none" }
      let isText = json.count > 1 && json.hasPrefix("\"") && json.hasSuffix("\"")
      let plain = isText && !json.contains("\\") ? String(json.dropFirst().dropLast()) : json
      return plain.count > 60 ? plain.prefix(59) + "…" : plain
    }

    /// Whole numbers without a fraction.
    static func number(_ value: Double) -> String {
      Int(exactly: value).map { Numerals.grouped($0) } ?? Numerals.measured(value)
    }

    static func share(_ share: Double) -> String { Units.text(share: share) }
    static func time(_ time: Duration) -> String { Units.text(time) }
    static func bytes(_ bytes: Int) -> String { Units.text(bytes: bytes) }
  }
#endif
