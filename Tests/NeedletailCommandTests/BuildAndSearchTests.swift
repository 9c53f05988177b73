import Foundation
import Testing
import _NeedletailTestSupport

/// A built index over 300 rows of 16 components.
struct World {
  let directory: TemporaryDirectory
  let base: String
  let queries: String
  let index: String

  init(_ metric: String = "cosine", options: [String] = [], builds: Bool = true) throws {
    directory = try TemporaryDirectory()
    base = directory("base.fbin")
    queries = directory("query.fbin")
    index = directory("index")
    try VectorFiles.gaussian(base, count: 300, seed: 1)
    try VectorFiles.gaussian(queries, count: 20, seed: 2)
    if builds {
      let outcome = try Command.Running(
        ["build", "--input", base, "--metric", metric, "--output", index, "--threads", "1"]
          + options, in: nil, environment: [:]
      ).finish()
      try #require(outcome.status == 0, "\(outcome.errors)")
    }
  }

  func truth(_ metric: String, k: Int = 20) throws -> String {
    let path = directory("truth.ibin")
    let outcome = try Command.run(
      "groundtruth", "--base", base, "--queries", queries, "--metric", metric, "--k", "\(k)",
      "--output", path)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return path
  }
}

@Suite struct BuildAndSearchTests {
  @Test func buildSaysWhatItMade() throws {
    let world = try World(builds: false)
    let outcome = try Command.run(
      "build", "--input", world.base, "--metric", "cosine", "--output", world.index)
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty)
    #expect(outcome.output.contains("300 rows × 16 components"))
    #expect(!outcome.output.contains("\u{1b}"))
    #expect(try listing(world.directory) == ["base.fbin", "index", "query.fbin"])
  }

  @Test func buildInJSON() throws {
    let world = try World(builds: false)
    let document = try Command.run(
      "build", "--input", world.base, "--metric", "ip", "--output", world.index, "--json"
    ).json()
    #expect(document["rows"] as? Int == 300)
    #expect(document["dimensions"] as? Int == 16)
    #expect((document["bytes"] as? Int ?? 0) > 0)
    #expect((document["seconds"] as? Double ?? 0) > 0)
  }

  @Test func aDryRunPredictsAndWritesNothing() throws {
    let world = try World(builds: false)
    let document = try Command.run(
      "build", "--input", world.base, "--metric", "l2", "--output", world.index, "--dry-run",
      "--json"
    ).json()
    #expect((document["totalBytes"] as? Int ?? 0) > 300 * 16)
    #expect(document["memory"] is [String: Any])
    let spoken = try Command.run(
      "build", "--input", world.base, "--metric", "l2", "--output", world.index, "--dry-run")
    #expect(spoken.output.contains("Nothing was written"))
    #expect(try listing(world.directory) == ["base.fbin", "query.fbin"])
  }

  @Test func searchFindsEachRowItself() throws {
    let world = try World("l2")
    let document = try Command.run(
      "search", world.index, "--queries", world.base, "--k", "3", "--json"
    ).json()
    let queries = try #require(document["queries"] as? [[String: Any]])
    #expect(queries.count == 300)
    var found = 0
    for (row, query) in queries.enumerated() {
      let neighbors = try #require(query["neighbors"] as? [[String: Any]])
      #expect(neighbors.count == 3)
      let distances = neighbors.compactMap { $0["distance"] as? Double }
      #expect(distances == distances.sorted())
      if neighbors[0]["id"] as? Int == row { found += 1 }
    }
    #expect(found >= 297)
  }

  @Test func searchForPeople() throws {
    let world = try World()
    let outcome = try Command.run("search", world.index, "--queries", world.queries, "--k", "2")
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("query 19\n"))
    #expect(outcome.output.split(separator: "\n").count == 60)
  }

  @Test func aWidthBelowKStillFindsK() throws {
    let world = try World()
    let outcome = try Command.run(
      "search", world.index, "--queries", world.queries, "--k", "20", "--ef", "5", "--json")
    #expect(outcome.status == 0)
    let queries = try #require(try outcome.json()["queries"] as? [[String: Any]])
    #expect((queries[0]["neighbors"] as? [Any])?.count == 20)
  }

  @Test func moreThanThereAreIsAShorterAnswer() throws {
    let world = try World()
    let outcome = try Command.run(
      "search", world.index, "--queries", world.queries, "--k", "1000", "--json")
    let queries = try #require(try outcome.json()["queries"] as? [[String: Any]])
    #expect(queries.allSatisfy { (($0["neighbors"] as? [Any])?.count ?? 0) <= 300 })
    #expect(queries.allSatisfy { (($0["neighbors"] as? [Any])?.count ?? 0) >= 290 })
  }

  @Test func idsOfAFileComeBack() throws {
    let world = try World(builds: false)
    let ids = (0..<300).map { 18_446_744_073_709_551_615 - UInt64($0) }
    try (ids.map(String.init).joined(separator: "\n") + "\n").write(
      toFile: world.directory("ids.txt"), atomically: false, encoding: .utf8)
    let built = try Command.run(
      "build", "--input", world.base, "--metric", "l2", "--output", world.index, "--ids",
      world.directory("ids.txt"))
    #expect(built.status == 0, "\(built.errors)")
    let output = try Command.run(
      "search", world.index, "--queries", world.base, "--k", "1", "--json"
    ).output
    #expect(output.contains("{\"id\":18446744073709551615,"))
    let truth = try world.truth("l2")
    let report = try Command.run(
      "evaluate", world.index, "--queries", world.queries, "--groundtruth", truth, "--base",
      world.base, "--ids", world.directory("ids.txt"), "--ef", "200", "--repeats", "1", "--json"
    ).json()
    let points = try #require(report["points"] as? [[String: Any]])
    #expect((points[0]["recall"] as? Double ?? 0) > 0.98)
    let alone = try Command.run(
      "evaluate", world.index, "--queries", world.queries, "--groundtruth", truth, "--ids",
      world.directory("ids.txt"), "--ef", "200", "--repeats", "1", "--json"
    ).json()
    let others = try #require(alone["points"] as? [[String: Any]])
    #expect(others[0]["recall"] as? Double == points[0]["recall"] as? Double)
    try Command.expectFailure(
      64, "--ids", "evaluate", world.index, "--queries", world.queries, "--groundtruth", truth)
  }

  @Test func infoAndVerifyOfASoundIndex() throws {
    let world = try World()
    let information = try Command.run("info", world.index, "--json").json()
    #expect(information["count"] as? Int == 300)
    #expect(information["dimensions"] as? Int == 16)
    #expect(information["memory"] is [String: Any])
    let spoken = try Command.run("info", world.index)
    for word in ["codes", "graph", "precise rows", "ids", "300 × 16", "cosine"] {
      #expect(spoken.output.contains(word))
    }
    for line in spoken.output.split(separator: "\n") where !line.hasPrefix("/") {
      #expect(line.count <= 80, "\(line)")
    }
    let verified = try Command.run("verify", world.index)
    #expect(verified.status == 0, "\(verified.output)\(verified.errors)")
    #expect(verified.output.contains("✓"))
    #expect(!verified.output.contains("✗"))
    #expect(try Command.run("verify", world.index, "--json").json()["isSound"] as? Bool == true)
  }

  @Test func aDamagedIndexEndsVerifyWith65() throws {
    let world = try World()
    let segments = world.index + "/segments"
    let name = try #require(
      try FileManager.default.contentsOfDirectory(atPath: segments).first {
        $0.hasSuffix(".segment")
      })
    let url = URL(fileURLWithPath: segments + "/" + name)
    var data = try Data(contentsOf: url)
    data[data.count / 2] ^= 0x10
    try FileManager.default.removeItem(at: url)
    try data.write(to: url)
    let outcome = try Command.run("verify", world.index)
    #expect(outcome.status == 65)
    #expect(outcome.errors.hasPrefix("needletail: "))
    #expect(try Command.run("verify", world.index, "--json").status == 65)
  }

  @Test func sameSeedSameSegmentForAnyThreads() throws {
    var segments: Set<String> = []
    for threads in [1, 2] {
      let world = try World(options: ["--threads", "\(threads)", "--seed", "9"])
      let names = try FileManager.default.contentsOfDirectory(atPath: world.index + "/segments")
      segments.formUnion(names)
    }
    #expect(segments.count == 1)
  }
}

@Suite struct BadInputTests {
  @Test func anExistingTargetIsLeftAlone() throws {
    let world = try World(builds: false)
    try FileManager.default.createDirectory(
      atPath: world.index, withIntermediateDirectories: false)
    try "mine".write(toFile: world.index + "/note", atomically: false, encoding: .utf8)
    try Command.expectFailure(
      73, "index", "build", "--input", world.base, "--metric", "l2", "--output", world.index)
    #expect(try String(contentsOfFile: world.index + "/note", encoding: .utf8) == "mine")
    #expect(try listing(world.directory) == ["base.fbin", "index", "query.fbin"])
  }

  @Test func wrongFilesEndWithTheirStatusAndWriteNothing() throws {
    let world = try World(builds: false)
    let place = world.directory
    var values = RandomVectors.gaussian(count: 10, dimensions: 4, seed: 3)
    values[4 * 7 + 2] = .nan
    try VectorFiles.write(values, dimensions: 4, to: place("nan.fbin"))
    values[4 * 7 + 2] = 1
    for j in 0..<4 { values[4 * 3 + j] = 0 }
    try VectorFiles.write(values, dimensions: 4, to: place("zero.fbin"))
    for j in 0..<4 { values[4 * 3 + j] = 3e38 }
    try VectorFiles.write(values, dimensions: 4, to: place("huge.fbin"))
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: place("short.fbin")))
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: place("base.xyz")))
    let before = try listing(place)
    for (status, fragment, file, metric) in [
      (66, "missing.fbin", "missing.fbin", "l2"), (65, "7", "nan.fbin", "l2"),
      (65, "7", "nan.fbin", "cosine"), (65, "3", "zero.fbin", "cosine"),
      (65, "3", "huge.fbin", "ip"), (65, "short.fbin", "short.fbin", "l2"),
      (65, ".npy", "base.xyz", "l2"),
    ] as [(Int32, String, String, String)] {
      try Command.expectFailure(
        status, fragment, "build", "--input", place(file), "--metric", metric, "--output",
        world.index)
    }
    #expect(try listing(place) == before)
    #expect(
      try Command.run(
        "build", "--input", place("huge.fbin"), "--metric", "cosine", "--output", world.index
      ).status == 0)
  }

  @Test func wrongIdsNameTheirLine() throws {
    let world = try World(builds: false)
    func expect(_ text: String, _ fragment: String) throws {
      let path = world.directory("ids.txt")
      try text.write(toFile: path, atomically: false, encoding: .utf8)
      try Command.expectFailure(
        65, fragment, "build", "--input", world.base, "--metric", "l2", "--output", world.index,
        "--ids", path)
    }
    try expect("1\n2\n", "2 ids for 300 rows")
    try expect("1\nx\n", "Line 2")
    try expect("1\n\n3\n", "Line 2")
    try expect("1\n-3\n", "Line 2")
    try expect("1\n 3\n", "Line 2")
    try expect("18446744073709551616\n", "Line 1")
    try expect("5\n6\n5\n", "Line 3")
    try Command.expectFailure(
      66, "none.txt", "build", "--input", world.base, "--metric", "l2", "--output", world.index,
      "--ids", world.directory("none.txt"))
    #expect(!FileManager.default.fileExists(atPath: world.index))
  }

  @Test func impossibleOptionsEndWith64() throws {
    let world = try World(builds: false)
    for options in [["--m", "0"], ["--m", "100000"], ["--ef-construction", "0"]] {
      let outcome = try Command.Running(
        ["build", "--input", world.base, "--metric", "l2", "--output", world.index] + options,
        in: nil, environment: [:]
      ).finish()
      #expect(outcome.status == 64 || outcome.status == 65, "\(outcome.errors)")
      #expect(outcome.errors.hasPrefix("needletail: "))
    }
    #expect(!FileManager.default.fileExists(atPath: world.index))
  }

  @Test func searchRefusesWhatDoesNotFit() throws {
    let world = try World()
    try VectorFiles.gaussian(world.directory("narrow.fbin"), count: 3, dimensions: 5)
    try Command.expectFailure(
      65, "5", "search", world.index, "--queries", world.directory("narrow.fbin"), "--k", "1")
    try Command.expectFailure(
      66, "nowhere", "search", world.directory("nowhere"), "--queries", world.queries, "--k", "1")
    try Command.expectFailure(
      66, "none.fbin", "search", world.index, "--queries", world.directory("none.fbin"), "--k",
      "1")
    try Command.expectFailure(66, "nowhere", "info", world.directory("nowhere"))
    try Command.expectFailure(66, "nowhere", "verify", world.directory("nowhere"))
  }

  @Test func interruptingABuildLeavesNothing() throws {
    let world = try World(builds: false)
    try VectorFiles.gaussian(world.directory("big.fbin"), count: 40_000, dimensions: 48)
    let before = try listing(world.directory)
    let running = try Command.Running(
      [
        "build", "--input", world.directory("big.fbin"), "--metric", "l2", "--output", world.index,
        "--threads", "1", "--ef-construction", "400",
      ], in: nil, environment: [:])
    Thread.sleep(forTimeInterval: 0.7)
    running.process.interrupt()
    let outcome = try running.finish()
    #expect(outcome.status == 130, "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
    #expect(try listing(world.directory) == before)
  }
}

@Suite struct EvaluateTests {
  @Test func recallIsJudgedOnTheBestThereIs() throws {
    for (metric, options, basis) in [
      ("cosine", [], "index rows"), ("l2", ["--rerank", "bf16"], "ids"),
      ("ip", ["--rerank", "none"], "ids"), ("l2", ["--codes", "none"], "index rows"),
    ] as [(String, [String], String)] {
      let world = try World(metric, options: options)
      let truth = try world.truth(metric)
      let document = try Command.run(
        "evaluate", world.index, "--queries", world.queries, "--groundtruth", truth, "--k", "10",
        "--ef", "20,200", "--repeats", "2", "--json"
      ).json()
      #expect(document["recallJudgedOn"] as? String == basis)
      let points = try #require(document["points"] as? [[String: Any]])
      #expect(points.map { $0["efSearch"] as? Int } == [20, 200])
      let recall = try #require(points[1]["recall"] as? Double)
      #expect(recall > (options == ["--rerank", "none"] ? 0.8 : 0.97), "\(metric) \(options)")
      for key in ["queriesPerSecond", "p50Microseconds", "evaluationsPerQuery", "hopsPerQuery"] {
        #expect((points[0][key] as? Double ?? 0) > 0, "\(key)")
      }
      let based = try Command.run(
        "evaluate", world.index, "--queries", world.queries, "--groundtruth", truth, "--base",
        world.base, "--ef", "20", "--repeats", "1", "--json"
      ).json()
      #expect(based["recallJudgedOn"] as? String == "base")
    }
  }

  @Test func theTableAndThePage() throws {
    let world = try World()
    let truth = try world.truth("cosine")
    let page = world.directory("report.html")
    let outcome = try Command.run(
      "evaluate", world.index, "--queries", world.queries, "--groundtruth", truth, "--ef",
      "10,20", "--repeats", "1", "--html", page)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("recall@10"))
    #expect(outcome.output.contains("index's rows"))
    for line in outcome.output.split(separator: "\n") where !line.contains(page) {
      #expect(line.count <= 80, "\(line)")
    }
    let html = try String(contentsOfFile: page, encoding: .utf8)
    #expect(html.contains("300 vectors × 16 components"))
    #expect(!html.contains("http"))
  }

  @Test func groundTruthThatDoesNotFitIsRefused() throws {
    let world = try World()
    let truth = try world.truth("cosine", k: 5)
    try Command.expectFailure(
      64, "groundtruth --k 10", "evaluate", world.index, "--queries", world.queries,
      "--groundtruth", truth)
    try VectorFiles.gaussian(world.directory("other.fbin"), count: 7)
    try Command.expectFailure(
      65, "7", "evaluate", world.index, "--queries", world.directory("other.fbin"),
      "--groundtruth", truth, "--k", "5")
    try Command.expectFailure(
      65, "base", "evaluate", world.index, "--queries", world.queries, "--groundtruth", truth,
      "--base", world.directory("other.fbin"), "--k", "5")
    try Command.expectFailure(
      66, "none.ibin", "evaluate", world.index, "--queries", world.queries, "--groundtruth",
      world.directory("none.ibin"))
  }

  @Test func groundTruthOfItsOwn() throws {
    let world = try World(builds: false)
    let truth = try world.truth("l2", k: 3)
    try Command.expectFailure(
      73, "truth.ibin", "groundtruth", "--base", world.base, "--queries", world.queries,
      "--metric", "l2", "--output", truth)
    try Command.expectFailure(
      64, ".ibin", "groundtruth", "--base", world.base, "--queries", world.queries, "--metric",
      "l2", "--output", world.directory("truth.txt"))
    let document = try Command.run(
      "groundtruth", "--base", world.base, "--queries", world.queries, "--metric", "l2", "--k",
      "4", "--output", world.directory("wide.ivecs"), "--threads", "2", "--json"
    ).json()
    #expect(document["queries"] as? Int == 20)
    #expect(document["neighbors"] as? Int == 4)
  }
}
