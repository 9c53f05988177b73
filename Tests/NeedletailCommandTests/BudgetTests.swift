import Foundation
import Testing
import _NeedletailTestSupport

/// `needletail budget`, from the file to its log.
@Suite struct BudgetTests {
  private static var example: String {
    Command.root.appending(path: "Tests/Fixtures/budgets/shop.yaml").path
  }

  private func write(_ text: String, _ path: String) throws -> String {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  private let small = """
    name: shop
    owner: search@example.com
    tiers:
      - {name: normal, p95: 150ms, p99: 250ms}
      - {name: peak, enter: 90%, p95: 300ms, p99: 500ms}

    """

  @Test func aGoodBudgetIsInOrder() throws {
    let outcome = try Command.run("budget", "check", Self.example)
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    #expect(outcome.output.contains("in order: shop, version 3"))
    let json = try Command.run("budget", "check", Self.example, "--json").json()
    #expect(json["isValid"] as? Bool == true)
  }

  @Test func allFaultsComeAtOnceWithTheirPlaces() throws {
    let place = try TemporaryDirectory()
    let bad = try write(
      small.replacingOccurrences(of: "p99: 500ms", with: "p99: 200ms") + "memroy: {}\n",
      place("bad.yaml"))
    try Command.expectFailure(
      65, "bad.yaml:5:47: tiers[1].p99: 200ms is below p95", "budget", "check", bad)
    try Command.expectFailure(65, "Did you mean “memory”?", "budget", "check", bad)
    try Command.expectFailure(65, "has 2 faults", "budget", "explain", bad)
    let outcome = try Command.run("budget", "check", bad, "--json")
    #expect(outcome.status == 65 && outcome.errors.isEmpty)
    let faults = try #require(try outcome.json()["faults"] as? [[String: Any]])
    #expect(faults.map { $0["line"] as? Int } == [5, 6])
    #expect(faults.map { $0["field"] as? String } == ["tiers[1].p99", "memroy"])
    try Command.expectFailure(66, "no file", "budget", "check", place("none.yaml"))
    try Command.expectFailure(65, "is a directory", "budget", "check", place.path)
    try Command.expectFailure(
      65, "1:1", "budget", "check", try write("no: [", place("x.json")))
    try Command.expectFailure(64, "Missing expected argument", "budget", "check")
  }

  @Test func anExplanationIsPlainAndFitsATerminal() throws {
    let outcome = try Command.run("budget", "explain", Self.example)
    #expect(outcome.status == 0)
    for part in [
      "elevated begins above 70% load for 1s, and ends below 60% for 3s.", "traversal",
      "a window of efSearch 32", "shed first; at most 16 wait", "500ms", "7GiB",
      "page at 6× over 6h and 30m",
      "normal-latency: 99% of queries within p99 of tier normal, over 28d",
      "page at 14.4× over 1h and 5m", "also for all who are not listed",
    ] { #expect(outcome.output.contains(part), "\(part) in \(outcome.output)") }
    for line in outcome.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    let json = try Command.run("budget", "explain", Self.example, "--json").json()
    let stages = try #require(json["stages"] as? [String: [String: [String: Double]]])
    #expect(stages["peak"]?["traversal"]?["share"] == 250)
    #expect((json["budget"] as? [String: Any])?["name"] as? String == "shop")
  }

  @Test func aDifferenceSaysWhichWayItMoves() throws {
    let place = try TemporaryDirectory()
    let old = try write(small, place("old.yaml"))
    let new = try write(
      small.replacingOccurrences(of: "250ms", with: "200ms")
        .replacingOccurrences(of: "90%", with: "80%"), place("new.yaml"))
    let outcome = try Command.run("budget", "diff", old, new)
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("tighter  tiers[normal].p99"))
    #expect(outcome.output.contains("changed  tiers[peak].enter.load"))
    #expect(try Command.run("budget", "diff", old, old).output == "The budgets are equal.\n")
    let json = try Command.run("budget", "diff", old, new, "--json").json()
    #expect((json["differences"] as? [[String: Any]])?.count == 3)
  }

  @Test func aLogIsStartedChangedRolledBackAndRead() throws {
    let place = try TemporaryDirectory()
    let file = try write(small, place("shop.yaml"))
    let log = place("shop.log")
    let who = ["--owner", "ada", "--rationale", "the sale"]
    func run(_ arguments: String...) throws -> Command.Outcome {
      try Command.Running(["budget"] + arguments + who, in: nil, environment: [:]).finish()
    }
    #expect(try run("start", log, file).status == 0)
    let again = try run("start", log, file)
    #expect(again.status == 73 && again.errors.contains("already"))
    let set = try run("set", log, "tiers[peak].p99", "400ms", "--undo", "rollback to 1")
    #expect(set.status == 0 && set.output.contains("500ms → 400ms"), "\(set.errors)")
    #expect(set.output.contains("to undo: rollback to 1"))
    let worse = try run("set", log, "tiers[peak].p99", "1ms")
    #expect(worse.status == 64 && worse.errors.contains("below p95"))
    #expect(try run("rollback", log, "1").status == 0)
    #expect(try run("rollback", log, "9").status == 64)

    let history = try Command.run("budget", "history", log)
    #expect(history.status == 0 && history.output.contains("3  goes back to record 1"))
    let json = try Command.run("budget", "history", log, "--json").json()
    let records = try #require(json["records"] as? [[String: Any]])
    #expect(records.map { $0["kind"] as? String } == ["start", "change", "rollback"])
    #expect(records[1]["tier"] as? String == "peak")
    // The log stands for the budget in force.
    #expect(try Command.run("budget", "diff", log, file).output == "The budgets are equal.\n")
    let head = try #require(json["head"] as? String)
    #expect(try Command.run("budget", "history", log, "--head", head).status == 0)
    #expect(try Command.run("budget", "history", log, "--head", "\(head.prefix(8))").status == 0)
    try Command.expectFailure(65, "gone", "budget", "history", log, "--head", "01234567")
    try Command.expectFailure(64, "8 digits", "budget", "history", log, "--head", "0123")
  }

  @Test func aLogRefusesWhatHasNoOwnerOrWasChanged() throws {
    let place = try TemporaryDirectory()
    let file = try write(small, place("shop.yaml"))
    let log = place("shop.log")
    try Command.expectFailure(
      64, "--owner", "budget", "start", log, file, "--rationale", "x")
    try Command.expectFailure(
      64, "needs an owner", "budget", "start", log, file, "--owner", " ", "--rationale", "x")
    try Command.expectFailure(
      66, "needletail budget start", "budget", "set", log, "version", "2", "--owner", "a",
      "--rationale", "b")
    #expect(try listing(place) == ["shop.yaml"])
    #expect(
      try Command.run("budget", "start", log, file, "--owner", "a", "--rationale", "b").status == 0)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: log))
    bytes[100] ^= 1
    try bytes.write(to: URL(fileURLWithPath: log))
    try Command.expectFailure(65, "Record 1 of the log", "budget", "history", log)
    try Command.expectFailure(65, "Record 1", "budget", "explain", log)
  }

  @Test func objectivesGoOutAsOpenSLOAndComeBack() throws {
    let place = try TemporaryDirectory()
    let exported = try Command.run("budget", "export", Self.example)
    #expect(exported.status == 0 && exported.errors.isEmpty, "\(exported.errors)")
    for part in ["apiVersion: openslo/v1", "kind: SLO", "kind: AlertPolicy", "normal-latency"] {
      #expect(exported.output.contains(part), "\(part)")
    }
    let list = try Command.run("budget", "export", Self.example, "--json").output
    let documents = try #require(
      try JSONSerialization.jsonObject(with: Data(list.utf8)) as? [[String: Any]])
    #expect(documents.allSatisfy { $0["apiVersion"] as? String == "openslo/v1" })

    for (name, text) in [("slo.yaml", exported.output), ("slo.json", list), ("slo", list)] {
      let file = try write(text, place(name))
      let back = try Command.run("budget", "import", file, "--into", Self.example, "--only")
      #expect(back.status == 0 && back.errors.isEmpty, "\(back.errors)")
      let new = try write(back.output, place("new.yaml"))
      #expect(
        try Command.run("budget", "diff", Self.example, new).output == "The budgets are equal.\n")
    }
  }

  @Test func theBudgetInForceIsExported() throws {
    let place = try TemporaryDirectory()
    let file = try write(small, place("shop.yaml"))
    let log = place("shop.log")
    let who = ["--owner", "ada", "--rationale", "the sale"]
    _ = try Command.Running(["budget", "start", log, file] + who).finish()
    _ = try Command.Running(["budget", "set", log, "tiers[peak].p99", "400ms"] + who).finish()
    let exported = try Command.run("budget", "export", log, "--format", "budget")
    #expect(exported.status == 0, "\(exported.errors)")
    let now = try write(exported.output, place("now.yaml"))
    #expect(try Command.run("budget", "diff", log, now).output == "The budgets are equal.\n")
    #expect(
      try Command.run("budget", "export", log, "--format", "budget", "--json").json()["name"]
        as? String == "shop")
    try Command.expectFailure(65, "no objectives", "budget", "export", file)
    try Command.expectFailure(64, "format", "budget", "export", file, "--format", "prose")
    try Command.expectFailure(66, "no file", "budget", "export", place("none.yaml"))
  }

  @Test func foreignObjectivesComeInBesideOwnOnes() throws {
    let place = try TemporaryDirectory()
    let own = try write(
      small + "objectives:\n  - {name: mine, indicator: fullQuality, target: 90%}\n",
      place("shop.yaml"))
    let slo = """
      apiVersion: openslo/v1
      kind: SLO
      metadata:
        name: theirs
        annotations: {needletail/indicator: latency, needletail/within: p95, needletail/tier: peak}
      spec:
        service: shop
        indicator:
          metadata: {name: fast}
          spec:
            ratioMetric:
              counter: true
              good: {metricSource: {type: Prometheus, spec: {query: good}}}
              total: {metricSource: {type: Prometheus, spec: {query: total}}}
        timeWindow: [{duration: 28d, isRolling: true}]
        budgetingMethod: Occurrences
        objectives: [{target: 0.99}]

      """
    let documents = try write(slo, place("slo.yaml"))
    let outcome = try Command.run("budget", "import", documents, "--into", own, "--json")
    #expect(outcome.status == 0)
    #expect(outcome.errors.contains("slo.yaml:") && outcome.errors.contains("is left out"))
    func names(_ outcome: Command.Outcome) throws -> [String] {
      let objectives = try #require(try outcome.json()["objectives"] as? [[String: Any]])
      return objectives.compactMap { $0["name"] as? String }
    }
    #expect(try names(outcome) == ["mine", "theirs"])
    #expect(
      try names(Command.run("budget", "import", documents, "--into", own, "--only", "--json"))
        == ["theirs"])

    // A tier that the budget does not have, a document that is none, and one with a fault.
    let stranger = try write(
      slo.replacingOccurrences(of: "tier: peak", with: "tier: night"), place("night.yaml"))
    try Command.expectFailure(65, "night", "budget", "import", stranger, "--into", own)
    try Command.expectFailure(65, "shop.yaml:1:1", "budget", "import", own, "--into", own)
    let late = try write(
      slo.replacingOccurrences(of: "28d", with: "soon"), place("late.yaml"))
    try Command.expectFailure(
      65, "late.yaml:15:", "budget", "import", late, "--into", own)
    try Command.expectFailure(64, "--into", "budget", "import", documents)
    try Command.expectFailure(
      66, "no file", "budget", "import", place("none.yaml"), "--into", own)
    #expect(try Command.run("budget", "diff", own, own).output == "The budgets are equal.\n")
  }
}
