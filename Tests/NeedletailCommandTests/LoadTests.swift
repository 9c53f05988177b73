import Foundation
import Testing
import _NeedletailTestSupport

@Suite struct LoadTests {
  private func budget(_ world: World, p95: String, p99: String) throws -> String {
    let path = world.directory("shop.yaml")
    let text = """
      name: shop
      owner: search@example.com
      tiers:
        - name: normal
          p95: \(p95)
          p99: \(p99)
      objectives:
        - name: fast
          indicator: latency
          target: 90%
      """
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test func everyRequestIsAccountedFor() throws {
    let world = try World("l2")
    let truth = try world.truth("l2")
    let page = world.directory("load.html")
    let report = try Command.run(
      "load", world.index, "--queries", world.queries, "--schedule",
      "constant:200qps,1s then poisson:100qps,500ms", "--groundtruth", truth, "--base", world.base,
      "--priorities", "critical=1,sheddable=1", "--tenants", "shop=3,mobile=1", "--popularity",
      "zipf:0.9", "--html", page, "--json"
    ).json()
    let overall = try #require(report["overall"] as? [String: Any])
    let offered = try #require(overall["offered"] as? Int)
    #expect((220...290).contains(offered))
    #expect(overall["answered"] as? Int == offered)
    #expect((overall["recall"] as? Double ?? 0) > 0.9)
    #expect(report["recallJudgedOn"] as? String == "base")
    let slices = try #require(report["slices"] as? [[String: Any]])
    #expect(slices.map { $0["offered"] as? Int ?? 0 } == [200, offered - 200])
    #expect(slices.allSatisfy { ($0["memoryBytes"] as? Int ?? 1) > 0 })
    #expect((report["tenants"] as? [Any])?.count == 2)
    #expect((report["priorities"] as? [Any])?.count == 2)
    #expect(try String(contentsOfFile: page, encoding: .utf8).hasSuffix("</html>\n"))
  }

  @Test func aTableIsForPeople() throws {
    let world = try World("cosine")
    let outcome = try Command.run(
      "load", world.index, "--queries", world.queries, "--schedule", "constant:50qps,300ms")
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    for word in ["requests", "p99 µs", "full", "answers of use", "schedule"] {
      #expect(outcome.output.contains(word), "\(word)")
    }
    #expect(!outcome.output.contains("\u{1b}"))
  }

  @Test func aRecordedLogIsSentAgain() throws {
    let world = try World("l2")
    let log = world.directory("arrivals.csv")
    try Data("seconds,query,k,tenant\n0.01,3,5,a\n0.02,4,,b\n0.03,19,2,a\n".utf8)
      .write(to: URL(fileURLWithPath: log))
    let report = try Command.run(
      "load", world.index, "--queries", world.queries, "--schedule", "log:\(log),speed=2", "--json"
    ).json()
    let tenants = try #require(report["tenants"] as? [[String: Any]])
    #expect(tenants.map { $0["answered"] as? Int } == [2, 1])
  }

  @Test func theGateEndsWith1() throws {
    let world = try World("l2")
    let impossible = try budget(world, p95: "1us", p99: "2us")
    let arguments = [
      "load", world.index, "--queries", world.queries, "--schedule", "constant:50qps,300ms",
      "--budget", impossible, "--deadline", "1s",
    ]
    let outcome = try Command.Running(arguments + ["--gate"]).finish()
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("within tier normal"), "\(outcome.errors)")
    #expect(outcome.output.contains("broken"))
    let silent = try Command.Running(arguments + ["--gate", "--json"]).finish()
    #expect(silent.status == 1 && silent.errors.isEmpty, "\(silent.errors)")
    let verdicts = try #require(try silent.json()["verdicts"] as? [[String: Any]])
    #expect(verdicts.contains { $0["isMet"] as? Bool == false })
    #expect(try Command.Running(arguments).finish().status == 0)
  }

  @Test func capacityIsGivenOrMeasured() throws {
    let world = try World("l2")
    let given = try Command.run(
      "load", world.index, "--queries", world.queries, "--schedule", "constant:0.5x,1s",
      "--capacity", "100qps", "--json"
    ).json()
    #expect((given["overall"] as? [String: Any])?["offered"] as? Int == 50)
    let measured = try Command.run(
      "load", world.index, "--queries", world.queries, "--schedule", "constant:0.01x,200ms",
      "--json"
    ).json()
    #expect((measured["capacity"] as? Double ?? 0) > 100)
  }

  @Test func whatCannotBeRunIsRefused() throws {
    let world = try World("l2")
    func expect(_ status: Int32, _ fragment: String, _ rest: String...) throws {
      let outcome = try Command.Running(
        ["load", world.index, "--queries", world.queries] + rest
      ).finish()
      #expect(outcome.status == status, "\(outcome.errors)")
      #expect(outcome.errors.contains(fragment), "\(outcome.errors)")
      #expect(outcome.output.isEmpty)
    }
    let schedule = ["--schedule", "constant:10qps,100ms"]
    try expect(64, "constant:2000qps,20s", "--schedule", "fast")
    try expect(66, "arrivals", "--schedule", "log:\(world.directory("nowhere.csv"))")
    try expect(64, "--budget", schedule[0], schedule[1], "--gate")
    try expect(64, "--groundtruth", schedule[0], schedule[1], "--base", world.base)
    try expect(64, "2000qps", schedule[0], schedule[1], "--capacity", "many")
    try expect(64, "5ms", schedule[0], schedule[1], "--deadline", "soon")
    try expect(64, "known are", schedule[0], schedule[1], "--priorities", "high=1")
    try expect(64, "zipf:0.9", schedule[0], schedule[1], "--popularity", "some")
    try expect(64, "--k", schedule[0], schedule[1], "--k", "0")
    try expect(66, "no file", schedule[0], schedule[1], "--budget", world.directory("none.yaml"))
    try Command.expectFailure(
      66, "no index", "load", world.directory("none"), "--queries", world.queries, "--schedule",
      "constant:10qps,100ms")
  }
}
