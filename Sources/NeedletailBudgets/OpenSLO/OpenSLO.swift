/// Objectives as documents of OpenSLO v1, for the tools of others.
///
/// Each objective is an `SLO` with its `SLI` and, for each alert, an `AlertPolicy` with its `AlertCondition`; the kind
/// `Service` may stand beside them. An alert's long window is the condition's `lookbackWindow`, its short one
/// `alertAfter`: how long the condition has to hold. A metric source of the type `Needletail` says which indicator
/// is meant. What an objective cannot say is a fault when it is read, never left out in silence; only descriptions go.
///
/// Documents that are measured by others' sources are taken in where an annotation of the `SLO` or its `SLI` says which
/// indicator they mean: `needletail/indicator`, and for latencies `needletail/within` and `needletail/tier`, with the words of a
/// budget. The source is left out then, which `leftOut` says.
///
/// - Source: the OpenSLO specification, `openslo/v1`.
public struct OpenSLO: Sendable, Hashable {
  /// The service that the objectives belong to; written in small letters, digits and dashes.
  public var service: String
  /// The objectives.
  public var objectives: [Objective]
  /// What the documents said and the objectives do not, with its place and why; empty for what was not read.
  public private(set) var leftOut: [BudgetFault] = []

  /// Takes objectives of a service.
  public init(service: String, objectives: [Objective]) {
    self.service = service
    self.objectives = objectives
  }

  /// Takes what was read.
  init(service: String, objectives: [Objective], leftOut: [BudgetFault]) {
    self.init(service: service, objectives: objectives)
    self.leftOut = leftOut
  }

  /// Takes the objectives of a budget.
  public init(_ budget: PerformanceBudget) {
    self.init(service: budget.name, objectives: budget.objectives)
  }

  /// Reads one document, or a list of them, from JSON.
  ///
  /// - Throws: everything that is wrong, or that an objective cannot say.
  public init(json text: String) throws(InvalidBudget) {
    let root = try JSONReader.read(Array(text.utf8))
    try self.init(documents: root.items ?? [root])
  }

  /// The documents as a list of JSON, in an order that does not change.
  public var json: String { JSONWriter.pretty(.list(documents)) }

  /// The metric source that this reads and writes.
  static let source = "Needletail"
  /// What annotations that are meant for this begin with.
  static let annotation = "needletail/"
  static let apiVersion = "openslo/v1"
}

extension OpenSLO {
  /// The documents: the service, then each objective with what belongs to it.
  package var documents: [DocumentNode] {
    [Self.document("Service", Self.plainName(service), .object([]))]
      + zip(names, objectives).flatMap { documents(of: $1, name: $0) }
  }

  /// A name for each objective that no other has, also where they differ in capitals or dots alone.
  private var names: [String] {
    var taken: Set<String> = []
    return objectives.enumerated().map { index, objective in
      let plain = Self.plainName(objective.name)
      let name = taken.contains(plain) ? "\(plain)-\(index + 1)" : plain
      taken.insert(name)
      return name
    }
  }

  private func documents(of objective: Objective, name: String) -> [DocumentNode] {
    let policies = objective.alerts.indices.map { "\(name)-alert-\($0 + 1)" }
    let slo = DocumentNode.object([
      ("service", .text(Self.plainName(service))),
      ("indicatorRef", .text("\(name)-sli")),
      (
        "timeWindow",
        .list([
          .object([
            ("duration", .text(Self.shorthand(objective.window))),
            ("isRolling", DocumentNode(.flag(true))),
          ])
        ])
      ),
      ("budgetingMethod", .text("Occurrences")),
      ("objectives", .list([.object([("target", DocumentNode(.number("\(objective.target)")))])])),
      (
        "alertPolicies",
        policies.isEmpty ? nil : .list(policies.map { .object([("alertPolicyRef", .text($0))]) })
      ),
    ])
    let alerts = zip(policies, objective.alerts).flatMap { Self.documents(of: $1, policy: $0) }
    return [
      Self.document("SLO", name, displayName: objective.name, slo),
      Self.document("SLI", "\(name)-sli", Self.indicator(objective.indicator)),
    ] + alerts
  }

  private static func indicator(_ indicator: Indicator) -> DocumentNode {
    func metric(_ events: String) -> DocumentNode {
      var spec: [(String, DocumentNode?)] = []
      switch indicator {
      case .latency(let within, let tier):
        spec = [
          ("indicator", .text("latency")), ("within", .text(within.rawValue)),
          ("tier", tier.map { .text($0) }),
        ]
      case .fullQuality: spec = [("indicator", .text("fullQuality"))]
      case .recall: spec = [("indicator", .text("recall"))]
      }
      return .object([
        (
          "metricSource",
          .object([
            ("type", .text(source)), ("spec", .object(spec + [("events", .text(events))])),
          ])
        )
      ])
    }
    return .object([
      (
        "ratioMetric",
        .object([
          ("counter", DocumentNode(.flag(true))), ("good", metric("good")),
          ("total", metric("total")),
        ])
      )
    ])
  }

  private static func documents(of alert: BurnRateAlert, policy: String) -> [DocumentNode] {
    let condition = "\(policy)-condition"
    return [
      document(
        "AlertPolicy", policy,
        .object([
          ("alertWhenBreaching", DocumentNode(.flag(true))),
          ("conditions", .list([.object([("conditionRef", .text(condition))])])),
          ("notificationTargets", .list([])),
        ])),
      document(
        "AlertCondition", condition,
        .object([
          ("severity", .text(alert.severity.rawValue)),
          (
            "condition",
            .object([
              ("kind", .text("burnrate")), ("op", .text("gte")),
              ("threshold", Form<Double>.number(0...1, example: "1").write(alert.burnRate)),
              ("lookbackWindow", .text(shorthand(alert.long))),
              ("alertAfter", .text(shorthand(alert.short))),
            ])
          ),
        ])),
    ]
  }

  private static func document(
    _ kind: String, _ name: String, displayName: String? = nil, _ spec: DocumentNode
  ) -> DocumentNode {
    .object([
      ("apiVersion", .text(apiVersion)), ("kind", .text(kind)),
      (
        "metadata",
        .object([
          ("name", .text(name)),
          ("displayName", displayName.flatMap { $0 == name ? nil : .text($0) }),
        ])
      ),
      ("spec", spec),
    ])
  }

  /// A name as OpenSLO has them: small letters, digits and dashes; the one that was given is the display name.
  private static func plainName(_ name: String) -> String {
    let plain = name.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
    return String(plain.prefix(40).reversed().drop { $0 == "-" }.reversed())
  }

  /// OpenSLO has minutes, hours and days; what is finer is written with our units.
  private static func shorthand(_ duration: Duration) -> String { Units.text(duration) }
}
