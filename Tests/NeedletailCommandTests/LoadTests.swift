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

  /// The verdict of a name, in a report; whatever it says, the command must have ended accordingly.
  private func verdict(_ name: String, _ outcome: Command.Outcome) throws -> Bool {
    let verdicts = try #require(try outcome.json()["verdicts"] as? [[String: Any]])
    #expect(verdicts.first?["name"] as? String == "the run kept to its schedule")
    let allHold = verdicts.allSatisfy { $0["isMet"] as? Bool == true }
    #expect(outcome.status == (allHold ? 0 : 1), "\(outcome.errors)")
    let found = try #require(
      verdicts.first { ($0["name"] as? String)?.contains(name) == true }, "\(verdicts)")
    return try #require(found["isMet"] as? Bool)
  }

  @Test func criteriaDecideHowItEnds() throws {
    let world = try World("l2")
    let arguments = [
      "load", world.index, "--queries", world.queries, "--schedule", "constant:50qps,300ms",
      "--criterion", "guard",
    ]
    #expect(
      try verdict("200 µs", Command.Running(arguments + ["--deadline", "1h", "--json"]).finish()))
    let broken = try Command.Running(
      ["load", world.index, "--queries", world.queries, "--schedule", "constant:50qps,300ms"]
        + ["--criterion", "backpressure", "--criterion", "guard", "--deadline", "1h"]
    ).finish()
    #expect(broken.status == 1)
    // A run of less than a second shows no memory; the guard held.
    #expect(broken.errors.contains("This does not hold: "), "\(broken.errors)")
    #expect(broken.errors.contains("backpressure"), "\(broken.errors)")
    #expect(!broken.errors.contains("200 µs"), "\(broken.errors)")
    #expect(broken.output.contains("answers within 200 µs of their deadline"))
    #expect(broken.output.contains("run longer"))
  }

  @Test func overloadFindsItsOwnPeak() throws {
    let world = try World("l2")
    let calm = try budget(world, p95: "1s", p99: "2s")
    let outcome = try Command.run(
      "load", world.index, "--queries", world.queries, "--budget", calm, "--criterion", "overload",
      "--schedule", "constant:50qps,3s then constant:100qps,2s", "--capacity", "50qps", "--json")
    #expect(try verdict("goodput under overload", outcome))
    #expect(try verdict("p99 of what is admitted", outcome))
  }

  @Test func tenantsAreComparedWithAFormerRun() throws {
    let world = try World("l2")
    let shop = world.directory("shop.yaml")
    try Data(
      """
      name: shop
      owner: search@example.com
      tiers:
        - name: normal
          p95: 1s
          p99: 2s
      tenants:
        - name: quiet
          rate: 1000000
        - name: noisy
          rate: 1000000
      """.utf8
    ).write(to: URL(fileURLWithPath: shop))
    let arguments = [
      "load", world.index, "--queries", world.queries, "--budget", shop, "--json", "--tenants",
    ]
    let calm = world.directory("calm.json")
    let former = try Command.Running(
      arguments + ["quiet=1,noisy=1", "--schedule", "constant:100qps,1s"]
    ).finish()
    try Data(former.output.utf8).write(to: URL(fileURLWithPath: calm))
    let charges = try #require(try former.json()["charges"] as? [[String: Any]])
    #expect(charges.map { $0["name"] as? String } == ["quiet", "noisy"])
    #expect(charges.allSatisfy { ($0["charged"] as? Double ?? 0) > 0 })
    let outcome = try Command.Running(
      arguments + ["quiet=1,noisy=9", "--schedule", "constant:500qps,1s"]
        + ["--criterion", "tenants", "--beside", calm]
    ).finish()
    _ = try verdict("quiet beside a noisy neighbour", outcome)
    #expect(try verdict("quiet is charged what it used", outcome))
  }

  private func count(_ index: String) throws -> Int {
    try #require(try Command.run("info", index, "--json").json()["count"] as? Int)
  }

  @Test func writesGoToACopy() throws {
    let world = try World("cosine")
    let truth = try world.truth("cosine")
    let before = try contents(world.index)
    let temporary = world.directory("temporary")
    try FileManager.default.createDirectory(
      atPath: temporary, withIntermediateDirectories: false)
    for budgeted in [[], ["--budget", try budget(world, p95: "1s", p99: "2s")]] {
      let report = try Command.Running(
        [
          "load", world.index, "--queries", world.queries, "--schedule", "constant:50qps,500ms",
          "--writes", "100/s", "--groundtruth", truth, "--ef", "300", "--json",
        ] + budgeted, environment: ["TMPDIR": temporary]
      ).finish().json()
      let writes = try #require(report["writes"] as? [String: Any])
      #expect((writes["written"] as? Int ?? 0) > 0 && writes["failed"] as? Int == 0, "\(writes)")
      // They are the vectors that were there, so that the exact answers are what they were.
      let overall = try #require(report["overall"] as? [String: Any])
      #expect((overall["recall"] as? Double ?? 0) > 0.99)
      #expect(try contents(world.index) == before)
      #expect(try FileManager.default.contentsOfDirectory(atPath: temporary).isEmpty)
    }
  }

  @Test func writesAreKeptWhereThatIsAsked() throws {
    let world = try World("l2")
    let outcome = try Command.run(
      "load", world.index, "--queries", world.queries, "--schedule", "constant:50qps,500ms",
      "--writes", "200/s", "--write-vectors", world.queries, "--keep-writes")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("Beside it"))
    // New ids follow the highest one, and each row has one of its own.
    #expect((301...320).contains(try count(world.index)))
  }

  private func contents(_ index: String) throws -> [String: Data] {
    var contents: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: index) {
      contents[name] = FileManager.default.contents(atPath: index + "/" + name)
    }
    return contents
  }

  @Test func whatJudgesNothingIsRefused() throws {
    let world = try World("l2")
    let shop = try budget(world, p95: "1s", p99: "2s")
    let wide = world.directory("wide.fbin")
    try VectorFiles.gaussian(wide, count: 5, dimensions: 8)
    func expect(_ status: Int32, _ fragment: String, _ rest: String...) throws {
      let outcome = try Command.Running(
        ["load", world.index, "--queries", world.queries, "--schedule", "constant:10qps,1s"] + rest
      ).finish()
      #expect(outcome.status == status, "\(outcome.errors)")
      #expect(outcome.errors.contains(fragment), "\(outcome.errors)")
      #expect(outcome.output.isEmpty)
    }
    try expect(64, "backpressure", "--criterion", "speed")
    try expect(64, "--budget", "--criterion", "tiers")
    try expect(64, "--groundtruth", "--criterion", "ladder", "--budget", shop)
    try expect(64, "--deadline", "--criterion", "guard")
    try expect(64, "poisson:1.3x,10s then", "--criterion", "overload", "--budget", shop)
    try expect(64, "--beside", "--criterion", "tenants")
    try expect(64, "--criterion tenants", "--beside", shop)
    try expect(64, "--criterion overload", "--peak", "10qps")
    try expect(64, "1900qps", "--criterion", "overload", "--budget", shop, "--peak", "many")
    try expect(65, "no report", "--criterion", "tenants", "--beside", shop)
    try expect(66, "no file", "--criterion", "tenants", "--beside", world.directory("none.json"))
    try expect(64, "500/s", "--writes", "500qps")
    try expect(64, "--writes 500/s", "--keep-writes")
    try expect(
      64, "--groundtruth", "--writes", "5/s", "--write-vectors", world.base, "--groundtruth",
      world.directory("truth.ibin"))
    try expect(65, "8 components", "--writes", "5/s", "--write-vectors", wide)
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
