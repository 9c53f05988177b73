import Foundation
import NeedletailBudgets
import NeedletailBudgetsYAML
import NeedletailCore
import Testing
import _NeedletailTestSupport

@Suite("Objectives as OpenSLO v1")
struct OpenSLOTests {
  @Test("By seed: written and read, the objectives are the same")
  func random() throws {
    for seed in 0..<UInt64(Effort.count(200, long: 5_000)) {
      let documents = OpenSLO(try RandomBudget.make(seed: seed))
      let read = try OpenSLO(json: documents.json)
      #expect(read.objectives == documents.objectives, "seed \(seed)")
      #expect(read.json == documents.json)
      #if YAML
        #expect(try OpenSLO(yaml: documents.yaml) == read)
      #endif
    }
  }

  #if YAML
    private static let example = """
      apiVersion: openslo/v1
      kind: SLO
      metadata:
        name: normal-latency
        displayName: Fast queries of quiet hours
      spec:
        description: Queries of quiet hours are fast.
        service: shop
        indicator:
          metadata:
            name: fast-queries
          spec:
            ratioMetric:
              counter: true
              good:
                metricSource:
                  type: Needletail
                  spec: {indicator: latency, within: p95, tier: normal}
              total:
                metricSource:
                  type: Needletail
                  spec: {indicator: latency, events: total}
        timeWindow:
          - duration: 4w
            isRolling: true
        budgetingMethod: Occurrences
        objectives:
          - displayName: Fast enough
            targetPercent: 99.5
        alertPolicies:
          - alertPolicyRef: wakes-somebody
      ---
      apiVersion: openslo/v1
      kind: AlertPolicy
      metadata:
        name: wakes-somebody
      spec:
        description: The error budget burns.
        alertWhenBreaching: true
        alertWhenResolved: false
        conditions:
          - kind: AlertCondition
            metadata:
              name: burns
            spec:
              severity: page
              condition:
                kind: burnrate
                threshold: 2
                lookbackWindow: 1h
                alertAfter: 5m
      """

    @Test("An example written by hand, with an inline indicator and an inline condition")
    func byHand() throws {
      let read = try OpenSLO(yaml: Self.example)
      let objective = Objective(
        name: "normal-latency", indicator: .latency(.p95, tier: "normal"), target: 0.995,
        window: .seconds(28 * 86_400),
        alerts: [BurnRateAlert(burnRate: 2, long: .seconds(3_600), short: .seconds(300))])
      #expect(read == OpenSLO(service: "shop", objectives: [objective]))
      #expect(try OpenSLO(yaml: read.yaml) == read && OpenSLO(json: read.json) == read)
      #expect(read.yaml.contains("alertAfter: 5m") && read.yaml.contains("duration: 28d"))
    }

    @Test(
      "What an objective cannot say is named, not left out",
      arguments: [
        ("type: Needletail", "type: Prometheus", "cannot measure this indicator"),
        ("isRolling: true", "isRolling: false", "no calendars"),
        ("Occurrences", "Timeslices", "“Timeslices” stands here"),
        ("alertWhenResolved: false", "alertWhenResolved: true", "breaches alone"),
        ("alertWhenBreaching: true", "alertWhenNoData: true", "breaches alone"),
        ("kind: burnrate", "kind: budget", "“budget” stands here"),
        ("severity: page", "severity: sev1", "“sev1” stands here"),
        (
          "alertPolicyRef: wakes-somebody", "alertPolicyRef: nobody",
          "no AlertPolicy called “nobody”"
        ),
        ("targetPercent: 99.5", "target: 0.9\n      timeSliceTarget: 0.5", "cannot say this"),
        ("targetPercent: 99.5", "value: 3", "cannot say this"),
        (
          "apiVersion: openslo/v1\nkind: SLO", "apiVersion: openslo/v2\nkind: SLO", "not openslo/v1"
        ),
        ("kind: AlertPolicy", "kind: DataSource", "no kind that a budget can say"),
        (
          "  name: normal-latency", "  name: normal-latency\n  labels: {team: x}", "cannot say this"
        ),
        ("alertAfter: 5m", "alertAfter: 1M", "alertAfter are wanted"),
        ("threshold: 2", "threshold: 2\n          op: lt", "“lt” stands here"),
        ("within: p95", "within: p50", "“p50” stands here"),
      ])
    func inexpressible(_ part: String, _ other: String, _ fragment: String) throws {
      let range = try #require(Self.example.range(of: part))
      do throws(InvalidBudget) {
        _ = try OpenSLO(yaml: Self.example.replacingCharacters(in: range, with: other))
        Issue.record("it was read: \(other)")
      } catch { #expect(error.description.contains(fragment), "\(error)") }
    }
  #endif

  /// An objective that another tool measures.
  private static func foreign(_ annotations: String, onIndicator: Bool = false) -> String {
    let note = #", "annotations": {\#(annotations)}"#
    return #"""
      [{"apiVersion": "openslo/v1", "kind": "SLI", "metadata": {"name": "sli"\#(onIndicator ? note : "")},
        "spec": {"thresholdMetric": {"metricSource": {"type": "Prometheus", "metricSourceRef": "p",
          "spec": {"query": "histogram_quantile(0.99, x)"}}}}},
       {"apiVersion": "openslo/v1", "kind": "SLO", "metadata": {"name": "slo"\#(onIndicator ? "" : note)},
        "spec": {"service": "shop", "indicatorRef": "sli", "budgetingMethod": "Occurrences",
          "timeWindow": [{"duration": "28d", "isRolling": true}], "objectives": [{"target": 0.99}]}}]
      """#
  }

  @Test(
    "What others measure is taken in where an annotation says what it is, and what goes is named")
  func annotated() throws {
    let latency =
      #""needletail/indicator": "latency", "needletail/within": "p95", "needletail/tier": "peak""#
    for isOnIndicator in [false, true] {
      let read = try OpenSLO(json: Self.foreign(latency, onIndicator: isOnIndicator))
      #expect(
        read.objectives == [
          Objective(
            name: "slo", indicator: .latency(.p95, tier: "peak"), target: 0.99, alerts: [])
        ])
      #expect(read.leftOut.map(\.path) == ["[0].spec"])
      #expect(read.leftOut.first?.problem == "The metric source, “Prometheus”, is left out")
      #expect(read.leftOut.first?.position != nil)
      // What is written is ours, and nothing goes when that is read.
      #expect(try OpenSLO(json: read.json).leftOut.isEmpty)
      #expect(try OpenSLO(json: read.json).objectives == read.objectives)
    }
    let recall = try OpenSLO(
      json: Self.foreign(#""needletail/indicator": "recall", "team/pager": "7""#))
    #expect(recall.objectives.map(\.indicator) == [.recall])
    #expect(recall.leftOut.map(\.path) == ["[0].spec", "[1].metadata.annotations.team/pager"])
    let usual = try OpenSLO(json: Self.foreign(#""needletail/indicator": "latency""#))
    #expect(usual.objectives.map(\.indicator) == [.latency(.p99)])
  }

  @Test(
    "What others measure, and nobody says what it is, is a fault that says how to",
    arguments: [
      ("", "annotations: {needletail/indicator: latency}"),
      (#""team/indicator": "latency""#, "annotations: {needletail/indicator: latency}"),
      (#""needletail/indicator": "uptime""#, "“uptime” stands here"),
      (#""needletail/indicator": "latency", "needletail/within": "p50""#, "“p50” stands here"),
      (#""needletail/indicator": "latency", "needletail/tier": 3"#, "A tier's name"),
      (#""needletail/indikator": "latency""#, "Did you mean “needletail/indicator”?"),
    ])
  func notAnnotated(_ annotations: String, _ fragment: String) {
    do throws(InvalidBudget) {
      _ = try OpenSLO(json: Self.foreign(annotations))
      Issue.record("it was read")
    } catch { #expect(error.description.contains(fragment), "\(error)") }
  }

  @Test("Names that OpenSLO cannot tell apart, and no alerts")
  func names() throws {
    let names = ["a.b", "A-B", "a_b", "Zz."]
    let objectives = names.map {
      Objective(name: $0, indicator: .recall, target: 0.9, alerts: [])
    }
    let written = OpenSLO(service: "shop", objectives: objectives)
    #expect(try OpenSLO(json: written.json) == written)
    #if YAML
      #expect(try OpenSLO(yaml: written.yaml) == written)
    #endif
  }

  @Test("Texts that are no OpenSLO are refused with their places")
  func refused() {
    for text in [
      "[]x", "[1]", "{}", #"[{"kind":"SLO"}]"#,
      #"[{"apiVersion":"openslo/v1","kind":"SLI","metadata":{"name":"a"}}]"#,
    ] {
      #expect(throws: InvalidBudget.self) { try OpenSLO(json: text) }
    }
    #expect((try? OpenSLO(json: "[]"))?.objectives.isEmpty ?? false)
  }
}
