#if Tools
  import ArgumentParser
  import Foundation
  import NeedletailBudgets
  import NeedletailBudgetsYAML
  import NeedletailCore

  /// What a budget is handed on as.
  enum BudgetFormat: String, ExpressibleByArgument, CaseIterable {
    /// Its objectives, for the tools of others.
    case openslo
    /// All of it.
    case budget
  }

  /// `needletail budget export`: a budget for others to read.
  struct BudgetExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "export",
      abstract: "Write the objectives of a budget as OpenSLO documents.",
      discussion: """
        EXAMPLES
          needletail budget export shop.yaml > slo.yaml
          needletail budget export shop.log --json > slo.json
          needletail budget export shop.log --format budget > shop.yaml

        Each objective becomes an SLO with its SLI, and each of its alerts an AlertPolicy with \
        its AlertCondition, as OpenSLO v1 has them. They go to standard output as YAML, with \
        --json as one list. --format budget writes the whole budget: of a log, the one in force.
        """)

    @Argument(help: "The budget.")
    var file: String
    @Option(help: "What to write: openslo, or budget.")
    var format = BudgetFormat.openslo
    @OptionGroup var outputOptions: OutputOptions

    func run() throws {
      let budget = try BudgetInputs.budget(file)
      let text: String
      switch format {
      case .openslo:
        guard !budget.objectives.isEmpty else {
          throw CommandFailure(
            .data, "\(file) has no objectives, so there is nothing to export. Write some first.")
        }
        let documents = OpenSLO(budget)
        text = outputOptions.json ? documents.json : documents.yaml
      case .budget: text = outputOptions.json ? budget.json : budget.yaml
      }
      print(text, terminator: text.hasSuffix("\n") ? "" : "\n")
    }
  }

  /// `needletail budget import`: objectives that others wrote.
  struct BudgetImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "import",
      abstract: "Put the objectives of OpenSLO documents into a budget.",
      discussion: """
        EXAMPLES
          needletail budget import slo.yaml --into shop.yaml > new.yaml
          needletail budget diff shop.yaml new.yaml
          needletail budget import slo.json --into shop.log --json

        Objectives of the same name take the place of those that are there, others come after \
        them; with --only, none of the old ones stays. The budget goes to standard output, and \
        nothing is changed. Documents with a metric source of another tool are taken where an \
        annotation says what they mean, like needletail/indicator: latency; what is left out is \
        said on standard error. What a budget cannot say ends with 65, line and column.
        """)

    @Argument(help: "The documents, OpenSLO v1: YAML or JSON.")
    var documents: String
    @Option(help: "The budget that they belong to: a file, or the log of one.")
    var into: String
    @Flag(help: "Leave the budget's own objectives out.")
    var only = false
    @OptionGroup var outputOptions: OutputOptions

    func run() throws {
      let read = try BudgetInputs.objectives(documents)
      let budget = try BudgetInputs.budget(into)
      var objectives = only ? [] : budget.objectives
      for objective in read.objectives {
        if let place = objectives.firstIndex(where: { $0.name == objective.name }) {
          objectives[place] = objective
        } else {
          objectives.append(objective)
        }
      }
      let changed: PerformanceBudget
      do throws(InvalidBudget) {
        changed = try PerformanceBudget(
          name: budget.name, owner: budget.owner, version: budget.version, tiers: budget.tiers,
          stages: budget.stages, memory: budget.memory, envelope: budget.envelope,
          objectives: objectives, priorities: budget.priorities, tenants: budget.tenants,
          ladder: budget.ladder, cache: budget.cache)
      } catch {
        throw CommandFailure(
          .data, "The objectives of \(documents) do not fit \(into):\n\(error)")
      }
      for fault in read.leftOut {
        Terminal.writeError("needletail: \(documents):\(PlainText.of(fault.description))\n")
      }
      let text = outputOptions.json ? changed.json : changed.yaml
      print(text, terminator: text.hasSuffix("\n") ? "" : "\n")
    }
  }

  extension BudgetInputs {
    /// The objectives of OpenSLO documents.
    ///
    /// - Throws: 66 when there is no file, 74 when it cannot be read, 65 with a line for each fault.
    static func objectives(_ path: String) throws -> OpenSLO {
      let bytes = try bytes(path, wanted: "OpenSLO documents, a file of YAML or JSON")
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw CommandFailure(.data, "\(path) is not UTF-8; save it as UTF-8.")
      }
      let isJSON: Bool
      switch URL(fileURLWithPath: path).pathExtension.lowercased() {
      case "json": isJSON = true
      case "yaml", "yml": isJSON = false
      default: isJSON = bytes.first { $0 > 0x20 }.map { [0x7b, 0x5b].contains($0) } ?? false
      }
      do throws(InvalidBudget) {
        let read = isJSON ? try OpenSLO(json: text) : try OpenSLO(yaml: text)
        guard !read.objectives.isEmpty else {
          throw InvalidBudget([
            BudgetFault(
              path: "", problem: "There is no SLO in it",
              advice: "Write documents of the kind SLO, with apiVersion: openslo/v1.")
          ])
        }
        return read
      } catch {
        throw CommandFailure(.data, faults(error, path, "cannot be taken into a budget"))
      }
    }
  }
#endif
