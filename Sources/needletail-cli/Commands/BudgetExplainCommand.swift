#if Tools
  import ArgumentParser
  import Foundation
  import NeedletailBudgets
  import NeedletailEvaluation

  /// `needletail budget explain`: a budget in plain words.
  struct BudgetExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "explain",
      abstract: "Say in plain words what a budget means.",
      discussion: """
        EXAMPLES
          needletail budget explain shop.yaml
          needletail budget explain shop.log
          needletail budget explain shop.yaml --json | jq .budget.tiers

        What holds in which tier, the time of each stage, what is given up in which order, \
        and who is shed first. With --json the whole budget, defaults included.
        """)

    @Argument(help: "The budget.")
    var file: String
    @OptionGroup var outputOptions: OutputOptions

    func run() throws {
      let budget = try BudgetInputs.budget(file)
      let explanation = BudgetExplanation(budget: budget)
      if outputOptions.json {
        // The budget's own JSON, with what follows from it beside.
        print(
          """
          {
            "path": \(try JSONOutput.text(file)),
            "stages": \(try JSONOutput.text(explanation.stageTimes)),
            "budget": \(budget.json)}
          """)
        return
      }
      for line in explanation.lines { print(line) }
    }
  }

  /// A budget as text.
  struct BudgetExplanation {
    let budget: PerformanceBudget

    /// Milliseconds of each stage, by tier: its own share, and when it has to end.
    var stageTimes: [String: [String: [String: Double]]] {
      var times: [String: [String: [String: Double]]] = [:]
      for tier in budget.tiers {
        for stage in Stage.allCases {
          times[tier.name, default: [:]][stage.rawValue] = [
            "share": milliseconds(budget.stages.time(of: stage, in: tier.p99)),
            "end": milliseconds(budget.stages.end(of: stage, in: tier.p99)),
          ]
        }
      }
      return times
    }

    var lines: [String] {
      var lines = [
        Terminal.bold("\(budget.name), version \(budget.version)") + ", of \(budget.owner)"
      ]
      lines += section("What is promised", tiers)
      lines += section("Time of each stage, of a tier's p99; what is left over flows on", stages)
      lines += section("What is given up under stress, in this order", ladder)
      lines += section("Who waits, and who is shed", queues)
      if !tenants.isEmpty { lines += section("What tenants may use", tenants) }
      lines += section("Memory", memory)
      lines += section("Envelope", envelope)
      if !objectives.isEmpty { lines += section("What is measured", objectives) }
      return lines
    }

    private func section(_ title: String, _ lines: [String]) -> [String] {
      ["", Terminal.bold(title)] + lines
    }

    private var tiers: [String] {
      var table = Table(leading: [0, 4])
      table.add(["tier", "p95", "p99", "recall", "simplest answer"])
      for tier in budget.tiers {
        let usable = tier.rungs.filter { budget.ladder.rungs.contains($0) }
        table.add([
          tier.name, BudgetWording.time(tier.p95), BudgetWording.time(tier.p99),
          tier.recallFloor > 0 ? "≥ " + BudgetWording.share(tier.recallFloor) : "any",
          usable.last?.rawValue ?? "none",
        ])
      }
      return table.lines()
        + budget.tiers.map { tier in
          guard let enter = tier.enter, let exit = tier.exit else {
            return "  \(tier.name) holds when no other tier does."
          }
          return "  \(tier.name) begins above \(BudgetWording.share(enter.load)) load for "
            + "\(BudgetWording.time(enter.hold)), and ends below \(BudgetWording.share(exit.load)) for "
            + "\(BudgetWording.time(exit.hold))."
        }
    }

    private var stages: [String] {
      var table = Table()
      // A page is 80 columns wide.
      let shown = budget.tiers.prefix(5)
      table.add(["stage", "share"] + shown.map { String($0.name.prefix(10)) })
      for stage in Stage.allCases {
        table.add(
          [stage.rawValue, BudgetWording.share((budget.stages[stage] * 1e4).rounded() / 1e4)]
            + shown.map { Numerals.duration(budget.stages.time(of: stage, in: $0.p99)) })
      }
      return table.lines()
    }

    private var ladder: [String] {
      let ladder = budget.ladder
      var table = Table(leading: [1, 2])
      for (number, rung) in ladder.rungs.enumerated() {
        let meaning =
          switch rung {
          case .full: "the search as it was asked for"
          case .smallerWindow:
            switch ladder.window {
            case .efSearch(let width): "a window of efSearch \(width)"
            case .recall(let recall): "the window for recall \(BudgetWording.share(recall))"
            }
          case .withoutRerank: "the order of the codes"
          case .lighterCodes: "fewer bits a component"
          case .cachedFresh: "a cached answer, as good as a new one"
          case .cachedStale:
            "a cached answer, stale for up to \(BudgetWording.time(budget.cache.staleFor)) and labelled"
          case .reject: "no answer; ask again after \(BudgetWording.time(ladder.retryAfter))"
          }
        table.add(["\(number + 1)", rung.rawValue, meaning])
      }
      return table.lines() + [
        "  At most one step in \(BudgetWording.time(ladder.hold)), and none for ± "
          + "\(BudgetWording.share(ladder.noise)) of noise."
      ]
    }

    private var queues: [String] {
      var table = Table(leading: [0, 1])
      for (number, priority) in PriorityClass.allCases.reversed().enumerated() {
        let bound = budget.priorities[priority]
        let order = ["shed first", "shed second", "shed third", "shed last"][number]
        let wait = bound.wait.map { ", for \(BudgetWording.time($0)) at most" } ?? ""
        table.add([
          priority.rawValue, "\(order); at most \(Numerals.grouped(bound.length)) wait\(wait)",
        ])
      }
      return table.lines()
    }

    private var tenants: [String] {
      var table = Table(leading: [0, 3])
      table.add(["tenant", "weight", "units a second", ""])
      for tenant in budget.tenants.prefix(20) {
        let rate = tenant.rate.map(BudgetWording.number) ?? "no limit"
        let burst = tenant.burst.map { "bursts of \(BudgetWording.number($0))" } ?? ""
        table.add([
          tenant.name, BudgetWording.number(tenant.weight), rate,
          tenant.isDefault ? "also for all who are not listed" : burst,
        ])
      }
      let more = budget.tenants.count - 20
      return table.lines() + (more > 0 ? ["  … and \(more) more"] : [])
    }

    private var memory: [String] {
      let memory = budget.memory
      var table = Table()
      for component in MemoryComponent.allCases {
        if let limit = memory[component] {
          table.add([component.rawValue, BudgetWording.bytes(limit)])
        }
      }
      if let total = memory.total { table.add(["total", BudgetWording.bytes(total)]) }
      let lines = table.lines()
      guard !lines.isEmpty else { return ["  no ceilings"] }
      return lines + [
        "  What was refused comes back \(BudgetWording.share(memory.headroom)) below a ceiling."
      ]
    }

    private var envelope: [String] {
      let envelope = budget.envelope
      var table = Table()
      for (name, limit) in [
        ("dimensions", envelope.dimensions), ("m", envelope.m),
        ("efConstruction", envelope.efConstruction), ("efSearch", envelope.efSearch),
        ("k", envelope.k), ("filterSize", envelope.filterSize),
      ] { table.add([name, Numerals.grouped(limit)]) }
      if let bytes = envelope.bytesPerVector {
        table.add(["bytes a vector", BudgetWording.bytes(bytes)])
      }
      if let time = envelope.buildTime { table.add(["build time", BudgetWording.time(time)]) }
      return table.lines()
    }

    private var objectives: [String] {
      budget.objectives.flatMap { objective in
        let what =
          switch objective.indicator {
          case .latency(let within, let tier):
            "of queries within \(within.rawValue) of " + (tier.map { "tier \($0)" } ?? "their tier")
          case .fullQuality: "of answers in full quality"
          case .recall: "of true neighbours found"
          }
        let alerts = objective.alerts.map {
          "\($0.severity.rawValue) at \(BudgetWording.number($0.burnRate))× over "
            + "\(BudgetWording.time($0.long)) and \(BudgetWording.time($0.short))"
        }
        return [
          "  \(objective.name): \(BudgetWording.share(objective.target)) \(what), over "
            + BudgetWording.time(objective.window)
        ] + alerts.map { "    " + $0 }
      }
    }

    private func milliseconds(_ time: Duration) -> Double {
      (time / .milliseconds(1) * 1e6).rounded() / 1e6
    }
  }
#endif
