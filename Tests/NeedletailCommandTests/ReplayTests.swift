import Foundation
import Testing
import _NeedletailTestSupport

/// `needletail replay`: what the same log would have been on other indexes.
@Suite struct ReplayTests {
  private struct Yesterday {
    let world: World
    let log: String
    let budget: String

    init(tiers: String = "p95: 5s, p99: 10s", rest: String = "") throws {
      world = try World("l2")
      log = world.directory("yesterday.csv")
      var text = "seconds,query,priority,tenant,k\n"
      for number in 0..<300 {
        let name = number.isMultiple(of: 3) ? "sheddable" : ""
        text += "\(Double(number) / 200),\(number * 7 % 20),\(name),shop,\n"
      }
      try Data(text.utf8).write(to: URL(fileURLWithPath: log))
      budget = world.directory("shop.yaml")
      try Data(
        """
        name: shop
        owner: search@example.com
        tiers:
          - {name: normal, \(tiers)}
        cache: {enabled: false}
        \(rest)

        """.utf8
      ).write(to: URL(fileURLWithPath: budget))
    }

    func replay(_ rest: String..., index: [String]? = nil) throws -> Command.Outcome {
      try Command.Running(
        ["replay", log, "--queries", world.queries, "--budget", budget]
          + (index ?? [world.index]).flatMap { ["--index", $0] } + rest
      ).finish()
    }
  }

  private func candidates(_ document: [String: Any]) throws -> [[String: Any]] {
    try #require(document["candidates"] as? [[String: Any]])
  }

  @Test func reckonedReplaysAreTheSameEveryTime() throws {
    let yesterday = try Yesterday()
    func run() throws -> Command.Outcome {
      try yesterday.replay(
        "--reckon", "--json", "--baseline", yesterday.world.index + ",ef=20",
        index: [yesterday.world.index, yesterday.world.index + ",ef=100"])
    }
    let one = try run()
    #expect(one.status == 0 && one.errors.isEmpty, "\(one.errors)")
    #expect(try run().output == one.output)
    let document = try one.json()
    #expect(document["isReckoned"] as? Bool == true && document["requests"] as? Int == 300)
    let found = try candidates(document)
    #expect(found.map { $0["name"] as? String } == ["baseline", "a", "b"])
    #expect(
      found.map { $0["search"] as? String } == ["efSearch 20", "efSearch 64", "efSearch 100"])
    var evaluations: [Double] = []
    for candidate in found {
      let report = try #require(candidate["report"] as? [String: Any])
      let overall = try #require(report["overall"] as? [String: Any])
      #expect(overall["answered"] as? Int == 300)
      #expect((overall["recall"] as? Double ?? 0) > 0.8)
      #expect((report["validity"] as? [String: Any])?["late"] as? Int == 0)
      evaluations.append(try #require(overall["evaluationsPerAnswer"] as? Double))
    }
    #expect(evaluations[0] <= evaluations[1] && evaluations[1] <= evaluations[2], "\(evaluations)")
    #expect(found[0]["differences"] as? [Any] != nil)
    let differences = try #require(found[2]["differences"] as? [[String: Any]])
    let quantities = differences.compactMap { $0["quantity"] as? String }
    for name in ["p95", "p99 of tier normal", "recall", "evaluations on full", "memory, total"] {
      #expect(quantities.contains(name), "\(name) in \(quantities)")
    }
  }

  @Test func aDryRunHasMemoryRecallAndWorkAndSendsNothing() throws {
    let yesterday = try Yesterday(
      rest: "memory: {codes: 1MiB, total: 1GiB}")
    let document = try yesterday.replay("--dry-run", "--json", "--gate").json()
    #expect(document["isReckoned"] == nil && document["judged"] as? Int == 200)
    #expect(document["recallJudgedOn"] as? String == "exact search")
    let candidate = try #require(try candidates(document).first)
    #expect(candidate["report"] == nil && candidate["rows"] as? Int == 300)
    let rungs = try #require(candidate["rungs"] as? [[String: Any]])
    #expect(rungs.map { $0["name"] as? String }.first == "full")
    #expect((rungs[0]["recall"] as? Double ?? 0) > 0.9)
    #expect((rungs[0]["p95Microseconds"] as? Double ?? 0) > 0)
    let memory = try #require(candidate["memory"] as? [[String: Any]])
    #expect(memory.last?["component"] as? String == "total")
    for component in memory {
      let predicted = try #require(component["predicted"] as? Int)
      let found = try #require(component["found"] as? Int)
      #expect(abs(predicted - found) <= max(found, predicted) / 10 + 4096, "\(component)")
    }
    let verdicts = try #require(candidate["verdicts"] as? [[String: Any]])
    #expect(verdicts.map { $0["name"] as? String } == ["memory, codes", "memory, total"])
  }

  @Test func groundTruthAndExactSearchesAgree() throws {
    let yesterday = try Yesterday()
    let truth = try yesterday.world.truth("l2")
    func recall(_ rest: String...) throws -> Double? {
      let outcome = try Command.Running(
        [
          "replay", yesterday.log, "--queries", yesterday.world.queries, "--budget",
          yesterday.budget, "--index", yesterday.world.index + ",ef=10", "--dry-run", "--json",
        ] + rest
      ).finish()
      let rungs = try candidates(outcome.json()).first?["rungs"] as? [[String: Any]]
      return rungs?.first?["recall"] as? Double
    }
    let own = try #require(try recall())
    let given = try #require(
      try recall("--groundtruth", truth, "--base", yesterday.world.base))
    #expect(abs(own - given) < 1e-9)
  }

  @Test func theGateEndsWith1ForWhatTheBudgetDoesNotAllow() throws {
    let yesterday = try Yesterday(rest: "memory: {graph: 1KiB}")
    let outcome = try yesterday.replay("--reckon", "--gate")
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("memory, graph"), "\(outcome.errors)")
    #expect(outcome.output.contains("a breaks its budget"))
    let silent = try yesterday.replay("--reckon", "--gate", "--json")
    #expect(silent.status == 1 && silent.errors.isEmpty)
    let candidate = try #require(try candidates(silent.json()).first)
    // What a service would refuse is not sent to.
    #expect(candidate["report"] == nil && candidate["refusal"] is String)
    #expect(try yesterday.replay("--reckon").status == 0)
    // The baseline is held to nothing, a candidate to its own budget.
    let other = yesterday.world.directory("other.yaml")
    let text = try String(contentsOfFile: yesterday.budget, encoding: .utf8)
    try Data(text.replacingOccurrences(of: "1KiB", with: "1GiB").utf8)
      .write(to: URL(fileURLWithPath: other))
    let own = try yesterday.replay(
      "--reckon", "--gate", "--baseline", yesterday.world.index,
      index: [yesterday.world.index + ",budget=\(other),ef=32"])
    #expect(own.status == 0, "\(own.errors)")
    #expect(own.output.contains("baseline breaks its budget"))
    #expect(own.output.contains("a keeps its budget"))
  }

  @Test func timesBeyondTheBudgetBreakIt() throws {
    let yesterday = try Yesterday(tiers: "p95: 2us, p99: 1s")
    let outcome = try yesterday.replay("--reckon", "--gate", "--capacity", "1000qps")
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("p95 and p99 within tier normal"), "\(outcome.errors)")
  }

  @Test func aReplayByTheClockAnswersEverything() throws {
    let yesterday = try Yesterday()
    let document = try yesterday.replay(
      "--speed", "2", "--from", "500ms", "--for", "500ms", "--json"
    ).json()
    #expect(document["isReckoned"] as? Bool == false && document["requests"] as? Int == 100)
    let candidate = try #require(try candidates(document).first)
    let report = try #require(candidate["report"] as? [String: Any])
    let overall = try #require(report["overall"] as? [String: Any])
    #expect(overall["offered"] as? Int == 100 && overall["answered"] as? Int == 100)
    #expect((overall["recall"] as? Double ?? 0) > 0.8)
    let tenants = try #require(report["tenants"] as? [[String: Any]])
    #expect(tenants.map { $0["name"] as? String } == ["shop"])
  }

  @Test func aTableIsForPeople() throws {
    let yesterday = try Yesterday()
    let outcome = try yesterday.replay("--reckon", "--baseline", yesterday.world.index)
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    for word in [
      "300 requests", "answered %", "p95 µs", "recall@10", "baseline full", "memory of a", "graph",
      "ceiling", "tier normal", "±0", "a keeps its budget", "reckoned",
    ] {
      #expect(outcome.output.contains(word), "\(word) in \(outcome.output)")
    }
    #expect(!outcome.output.contains("\u{1b}"))
  }

  @Test func whatCannotBeReplayedIsRefused() throws {
    let yesterday = try Yesterday()
    let world = yesterday.world
    func expect(_ status: Int32, _ fragment: String, _ rest: String..., index: [String]? = nil)
      throws
    {
      let outcome = try Command.Running(
        ["replay", yesterday.log, "--queries", world.queries, "--budget", yesterday.budget]
          + (index ?? [world.index]).flatMap { ["--index", $0] } + rest
      ).finish()
      #expect(outcome.status == status, "\(outcome.errors)")
      #expect(outcome.errors.contains(fragment), "\(fragment) in \(outcome.errors)")
      #expect(outcome.output.isEmpty)
    }
    try expect(64, "no candidate", index: [])
    try expect(64, "ef=many", index: [world.index + ",ef=many"])
    try expect(64, "twice", index: [world.index + ",ef=5,ef=6"])
    try expect(64, "ef and recall", index: [world.index + ",ef=5,recall=0.9"])
    try expect(66, "no index at", index: [world.index + ",width=9"])
    try expect(66, "no file", index: [world.index + ",budget=\(world.directory("none.yaml"))"])
    try expect(64, "--reckon", "--capacity", "100qps")
    try expect(64, "8000qps", "--reckon", "--capacity", "many")
    try expect(64, "--dry-run", "--dry-run", "--reckon")
    try expect(64, "--speed", "--speed", "0")
    try expect(64, "90s or 9h", "--from", "noon")
    try expect(64, "Nothing arrived", "--from", "9h")
    try expect(64, "--groundtruth", "--base", world.base)
    try expect(64, "--sample", "--sample", "0")
    func log(_ text: String) throws -> [String] {
      let path = world.directory("bad.csv")
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      return [
        "replay", path, "--queries", world.queries, "--budget", yesterday.budget, "--index",
        world.index, "--dry-run",
      ]
    }
    for (text, status, place) in [
      ("seconds,query\n0,1\n0.5,one\n", Int32(65), "line 3, column 5"),
      ("when\n0\n", 65, "line 1, column 1"), ("seconds,query\n0,1\n1,20\n", 64, "line 3"),
    ] {
      let outcome = try Command.Running(try log(text)).finish()
      #expect(outcome.status == status && outcome.output.isEmpty, "\(outcome.errors)")
      #expect(outcome.errors.contains(place), "\(outcome.errors)")
    }
    try Command.expectFailure(
      66, "record", "replay", world.directory("nowhere.csv"), "--queries", world.queries,
      "--budget", yesterday.budget, "--index", world.index)
    try Command.expectFailure(
      65, "is a directory", "replay", world.index, "--queries", world.queries, "--budget",
      yesterday.budget, "--index", world.index)
  }
}
