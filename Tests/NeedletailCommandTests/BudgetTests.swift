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
}
