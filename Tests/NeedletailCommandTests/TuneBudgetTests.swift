import Foundation
import Testing
import _NeedletailTestSupport

/// `needletail tune --budget`: what to build, and how to search what is there.
@Suite struct TuneBudgetTests {
  private let place: TemporaryDirectory
  private let base: String

  init() throws {
    place = try TemporaryDirectory()
    base = place("base.fbin")
    try VectorFiles.gaussian(base, count: 2_000, dimensions: 24)
  }

  /// A budget of a recall, beside what else is given.
  private func budget(_ recall: String = "90%", _ rest: String = "") throws -> String {
    let text = """
      name: shop
      owner: search@example.com
      tiers:
        - {name: normal, p95: 10s, p99: 20s, recallFloor: \(recall)}
      ladder: {window: {efSearch: 10}}
      \(rest)
      """
    let path = place("shop.yaml")
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  /// A decision about the base, over few values unless said otherwise.
  private func decide(
    _ budget: String, _ options: [String] = [], metric: String = "cosine",
    axes: [String] = ["--m", "8,16,32", "--ef-construction", "50,100"]
  ) throws -> Command.Outcome {
    try Command.Running(
      ["tune", "--budget", budget, "--base", base, "--metric", metric] + axes + options,
      environment: ["COLUMNS": "80"]
    ).finish()
  }

  @Test func aDecisionIsATableAndACall() throws {
    let path = try budget("90%", "memory: {total: 1GiB}\nenvelope: {efSearch: 200, buildTime: 30m}")
    let outcome = try decide(path)
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    for part in [
      "A sample of 1,800 of 2,000 rows", "200 rows that were left out as queries", "measurements",
      "fastest",
      "stop here", "tiers[normal].p95", "tiers[normal].recallFloor", "memory.total",
      "envelope.buildTime", "Stop at efSearch", "needletail build --input \(base)",
      "needletail tune DIR --budget \(path)", "    efSearch: ", "    bytesPerVector: ",
    ] { #expect(outcome.output.contains(part), "\(part) in \(outcome.output)") }
    for line in outcome.output.split(separator: "\n") where !line.contains(place.path) {
      #expect(line.count <= 80, "\(line)")
    }
  }

  @Test func theSameSeedDecidesTheSame() throws {
    let path = try budget()
    func figures(_ seed: String) throws -> [String] {
      let document = try decide(path, ["--seed", seed, "--json"]).json()
      let front = try #require(document["front"] as? [[String: Any]])
      #expect(front.count > 1)
      return try front.map { point in
        let judged = try #require(point["judged"] as? [String: Any])
        let found = try #require(judged["measurement"] as? [String: Any])
        let candidate = try #require(judged["candidate"] as? [String: Any])
        return
          "\(candidate["efSearch"] ?? "") \(candidate["rerank"] ?? "") \(found["recall"] ?? "")"
          + " \(found["cost"] ?? "") \(found["costP95"] ?? "") \(found["rerankedRows"] ?? "")"
      }
    }
    let first = try figures("3")
    #expect(try figures("3") == first)
    #expect(try figures("4") != first)
  }

  @Test func theCallThatIsGivenBuildsWhatWasDecided() throws {
    let document = try decide(try budget(), ["--json"]).json()
    let chosen = try #require(document["chosen"] as? [String: Any])
    let call = try #require(chosen["build"] as? String)
    let index = place("index")
    let arguments = call.replacingOccurrences(of: "DIR", with: index).split(separator: " ")
      .dropFirst().map(String.init)
    let built = try Command.Running(arguments).finish()
    #expect(built.status == 0, "\(built.errors)")
    let information = try Command.run("info", index, "--json").json()
    let candidate = try #require(chosen["candidate"] as? [String: Any])
    let design = try #require(candidate["design"] as? [String: Any])
    for key in ["m", "efConstruction"] { #expect(information[key] as? Int == design[key] as? Int) }
    let layout = try #require(design["layout"] as? [String: Any])
    for key in ["mode", "codes"] { #expect(information[key] as? String == layout[key] as? String) }
    // The envelope allows what was built.
    let envelope = try #require(chosen["envelope"] as? [String: Any])
    let memory = try #require(information["memory"] as? [String: Any])
    let bytes = ["codes", "graph", "preciseRows"].reduce(0) { $0 + (memory[$1] as? Int ?? 0) }
    let limit = Double(try #require(envelope["bytesPerVector"] as? Int) * 2_000)
    #expect(Double(bytes) <= limit * 1.05 && Double(bytes) >= limit * 0.5)
  }

  @Test func aQuarterOfTheWorkComesWithin5PercentOnRealRows() throws {
    let data = Command.root.appending(path: "datasets/debian-packages").path
    let path = try budget("92%", "envelope: {efSearch: 50}")
    func decide(_ options: String...) throws -> [String: Any] {
      try Command.Running(
        [
          "tune", "--budget", path, "--base", data + "/base.npy", "--metric", "cosine",
          "--queries", data + "/queries.npy", "--rows", "1000", "--m", "8,16,32",
          "--ef-construction", "50,100", "--json",
        ] + options
      ).finish().json()
    }
    func cost(_ document: [String: Any]) throws -> Double {
      let front = try #require(document["front"] as? [[String: Any]])
      let judged = try #require(front.first?["judged"] as? [String: Any])
      let found = try #require(judged["measurement"] as? [String: Any])
      #expect((found["recall"] as? Double ?? 0) >= 0.92)
      return try #require(found["cost"] as? Double)
    }
    let quick = try decide()
    let full = try decide("--every")
    #expect(try cost(quick) <= 1.05 * cost(full))
    let work = try #require(quick["work"] as? [String: Any])
    let all = try #require(full["work"] as? [String: Any])
    // Three layouts, of which turbo wants links in sixteens: 6 + 6 + 4 builds.
    #expect(all["builds"] as? Int == 16 && work["gridBuilds"] as? Int == 16)
    #expect(try #require(work["builds"] as? Int) <= 4)
    #expect(
      try #require(work["evaluations"] as? Int) * 4 <= #require(all["evaluations"] as? Int))
  }

  @Test func anIndexThatIsThereIsJudgedAndLeftAlone() throws {
    let index = place("index")
    let built = try Command.run(
      "build", "--input", base, "--metric", "l2", "--output", index, "--codes", "int8", "--no-tune")
    #expect(built.status == 0)
    let queries = place("query.fbin")
    try VectorFiles.gaussian(queries, count: 200, dimensions: 24, seed: 2)
    let current = try String(contentsOfFile: index + "/CURRENT", encoding: .utf8)
    let path = try budget()
    let outcome = try Command.run("tune", index, "--budget", path, "--queries", queries)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("Search with efSearch") && outcome.output.contains("stop here"))
    #expect(!outcome.output.contains("needletail build") && !outcome.output.contains("builds"))
    for line in outcome.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    // With the ground truth that `groundtruth` makes, the same is found.
    let truth = place("truth.ibin")
    let made = try Command.run(
      "groundtruth", "--base", base, "--queries", queries, "--metric", "l2", "--k", "10",
      "--output", truth)
    #expect(made.status == 0)
    let own = try Command.run("tune", index, "--budget", path, "--queries", queries, "--json")
      .json()
    let given = try Command.run(
      "tune", index, "--budget", path, "--queries", queries, "--groundtruth", truth, "--json"
    ).json()
    func widths(_ document: [String: Any]) throws -> [Int] {
      let judged = try #require(document["judged"] as? [[String: Any]])
      return judged.compactMap { ($0["candidate"] as? [String: Any])?["efSearch"] as? Int }.sorted()
    }
    #expect(try widths(own) == widths(given))
    #expect(try String(contentsOfFile: index + "/CURRENT", encoding: .utf8) == current)
    try Command.expectFailure(
      65, "envelope", "tune", index, "--budget", try budget("90%", "envelope: {m: 8}"), "--queries",
      queries)
  }

  @Test(arguments: [
    ("90%", "memory: {total: 1kB}", "memory.total"),
    ("90%", "memory: {graph: 1kB}", "memory.graph"),
    ("90%", "envelope: {bytesPerVector: 20B}", "envelope.bytesPerVector"),
    ("90%", "envelope: {buildTime: 1ms}", "envelope.buildTime"),
    ("100%", "envelope: {efSearch: 10}", "tiers[normal].recallFloor"),
  ])
  func whatCannotBeIsSaidWithTheLimit(recall: String, rest: String, field: String) throws {
    let path = try budget(recall, rest)
    let told = try decide(path)
    #expect(told.status == 65 && told.output.isEmpty)
    #expect(told.errors.hasPrefix("needletail: Nothing that was tried keeps \(path)"))
    #expect(told.errors.contains("breaks \(field)"), "\(told.errors)")
    let outcome = try decide(path, ["--json"])
    #expect(outcome.status == 65 && outcome.errors.isEmpty)
    let document = try outcome.json()
    #expect(document["isFeasible"] as? Bool == false && document["chosen"] == nil)
    let nearest = try #require(document["nearest"] as? [String: Any])
    #expect(nearest["candidate"] != nil)
  }

  @Test func aBudgetWithoutARecallGetsOneAndSaysSo() throws {
    let outcome = try decide(try budget("0%"))
    #expect(outcome.status == 0 && outcome.output.contains("promises no recall; 0.9 is taken"))
    #expect(!outcome.output.contains("tiers[normal].recallFloor"))
  }

  @Test func innerProductsHaveNoRowsWithTheirNeighboursBits() throws {
    let document = try decide(
      try budget("80%", "envelope: {efSearch: 20}"), ["--every", "--json"], metric: "ip",
      axes: ["--m", "16", "--ef-construction", "50"]
    ).json()
    let work = try #require(document["work"] as? [String: Any])
    #expect(work["builds"] as? Int == 2)
  }

  @Test func whatDoesNotGoTogetherIsRefused() throws {
    let path = try budget()
    let decision = ["--budget", path]
    for (status, fragment, arguments) in [
      (64, "--budget and --base", []), (64, "--base belongs", ["--base", base]),
      (64, "--rows belongs", ["x", "--rows", "500"]), (64, "--every belongs", ["x", "--every"]),
      (64, "--base and --metric", decision), (64, "--metric", decision + ["--base", base]),
      (64, "--base is for", ["x"] + decision + ["--base", base]),
      (64, "--seed is for", ["x"] + decision + ["--seed", "2"]),
      (64, "as --queries", ["x"] + decision),
      (64, "--tune-seconds", ["x"] + decision + ["--queries", base, "--tune-seconds", "3"]),
      (
        64, "leave --groundtruth out",
        decision + ["--base", base, "--metric", "l2", "--queries", base, "--groundtruth", base]
      ),
      (64, "--rows is 5", decision + ["--base", base, "--metric", "l2", "--rows", "5"]),
      (64, "--m is 1", decision + ["--base", base, "--metric", "l2", "--m", "1"]),
      (66, "none.yaml", ["--budget", place("none.yaml"), "--base", base, "--metric", "l2"]),
      (66, "none.fbin", decision + ["--base", place("none.fbin"), "--metric", "l2"]),
    ] as [(Int32, String, [String])] {
      let outcome = try Command.Running(["tune"] + arguments).finish()
      #expect(
        outcome.status == status && outcome.errors.contains(fragment),
        "\(arguments): \(outcome.errors)")
      #expect(outcome.output.isEmpty)
    }
    let narrow = try decide(try budget("90%", "envelope: {m: 4}"))
    #expect(narrow.status == 64 && narrow.errors.contains("--m with values up to that"))
    let few = try decide(try budget("90%", "envelope: {k: 5}"))
    #expect(few.status == 65 && few.errors.contains("k is 10"))
  }

  @Test func aRowThatCannotBeBuiltIsNamedByItsNumber() throws {
    var values = RandomVectors.gaussian(count: 500, dimensions: 8, seed: 3)
    values.replaceSubrange(77 * 8..<78 * 8, with: [Float](repeating: 0, count: 8))
    values[123 * 8 + 5] = .nan
    let broken = place("broken.fbin")
    let path = try budget()
    try VectorFiles.write(values, dimensions: 8, to: broken)
    try Command.expectFailure(
      65, "Row 77 is all zeros", "tune", "--budget", path, "--base", broken, "--metric", "cosine")
    try Command.expectFailure(
      65, "Row 123, component 5 is nan", "tune", "--budget", path, "--base", broken, "--metric",
      "l2")
  }

  @Test func nothingIsLeftBehind() throws {
    let temporary = place("tmp")
    try FileManager.default.createDirectory(
      atPath: temporary, withIntermediateDirectories: true)
    let outcome = try Command.Running(
      [
        "tune", "--budget", try budget(), "--base", base, "--metric", "cosine", "--m", "16",
        "--ef-construction", "50",
      ], environment: ["TMPDIR": temporary]
    ).finish()
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: temporary).isEmpty)
  }
}
