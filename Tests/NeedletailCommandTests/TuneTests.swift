import Foundation
import Testing
import _NeedletailTestSupport

@Suite struct TuneTests {
  /// The settings of a document that has a tuning.
  private func settings(_ document: [String: Any]) throws -> [[String: Any]] {
    let tuning = try #require(document["tuning"] as? [String: Any])
    return try #require(tuning["settings"] as? [[String: Any]])
  }

  @Test func aBuildIsTunedAndSaysSo() throws {
    let world = try World("l2", builds: false)
    let built = try Command.run(
      "build", "--input", world.base, "--metric", "l2", "--output", world.index)
    #expect(built.status == 0, "\(built.errors)")
    #expect(built.output.contains("efSearch") && built.output.contains("rows as queries"))
    for line in built.output.split(separator: "\n") where !line.contains(world.index) {
      #expect(line.count <= 80, "\(line)")
    }
    let information = try Command.run("info", world.index, "--json").json()
    #expect(information["generation"] as? Int == 1)
    #expect(try settings(information).count > 1)
    let spoken = try Command.run("info", world.index).output
    #expect(spoken.contains("Tuned on") && spoken.contains("--queries"))
    let found = try Command.run(
      "search", world.index, "--queries", world.queries, "--k", "10", "--recall", "0.95", "--json"
    ).json()
    let queries = try #require(found["queries"] as? [[String: Any]])
    let widths = Set(queries.compactMap { $0["efSearch"] as? Int })
    let known = try settings(information)
    let setting = try #require(
      known.first { $0["target"] as? Double ?? 0 >= 0.95 } ?? known.last)
    #expect(widths == [try #require(setting["efSearch"] as? Int)])
  }

  @Test func withoutTuningARecallIsRefusedUntilTuneHasRun() throws {
    let world = try World("cosine", options: ["--no-tune"])
    #expect(try Command.run("info", world.index).output.contains("Not tuned"))
    try Command.expectFailure(
      66, "needletail tune", "search", world.index, "--queries", world.queries, "--k", "5",
      "--recall", "0.9")
    let truth = try world.truth("cosine")
    try Command.expectFailure(
      66, "needletail tune", "evaluate", world.index, "--queries", world.queries,
      "--groundtruth", truth, "--recall", "0.9")
    let tuned = try Command.run("tune", world.index, "--threads", "2")
    #expect(tuned.status == 0 && tuned.errors.isEmpty, "\(tuned.errors)")
    for word in ["recall", "efSearch", "measured", "evaluations", "rows as queries"] {
      #expect(tuned.output.contains(word), "\(word)")
    }
    let found = try Command.run(
      "search", world.index, "--queries", world.queries, "--k", "5", "--recall", "0.9")
    #expect(found.status == 0)
    let report = try Command.run(
      "evaluate", world.index, "--queries", world.queries, "--groundtruth", truth, "--recall",
      "0.5,0.9,1", "--repeats", "1", "--json"
    ).json()
    let points = try #require(report["points"] as? [[String: Any]])
    #expect((1...3).contains(points.count))
    #expect((points.last?["recall"] as? Double ?? 0) > 0.85)
    #expect(try Command.run("verify", world.index).status == 0)
  }

  @Test(arguments: ["cosine", "ip"])
  func otherLayoutsAreTriedOnASample(metric: String) throws {
    let world = try World("l2", builds: false)
    let base = world.directory("many.fbin")
    try VectorFiles.gaussian(base, count: 2_500, dimensions: 24)
    let built = try Command.run(
      "build", "--input", base, "--metric", metric, "--output", world.index, "--no-tune")
    #expect(built.status == 0, "\(built.errors)")
    let document = try Command.run("tune", world.index, "--json").json()
    let trial = try #require(document["layouts"] as? [String: Any])
    // One row in twenty is a query.
    #expect(trial["rows"] as? Int == 2_375 && trial["queries"] as? Int == 125)
    let layouts = try #require(trial["layouts"] as? [[String: Any]])
    #expect(layouts.count { $0["isOwn"] as? Bool == true } == 1)
    #expect(layouts.allSatisfy { ($0["queriesPerSecond"] as? Double ?? 0) > 0 })
    // Bits estimate distances, which an inner product is not.
    #expect(layouts.contains { $0["mode"] as? String == "turbo" } == (metric == "cosine"))
    let told = try Command.run("tune", world.index).output
    #expect(told.contains("A sample of 2,375 rows") && told.contains("(this index)"))
    #expect(told.contains("would answer"))
    for line in told.split(separator: "\n") where !line.contains(world.index) {
      #expect(line.count <= 80, "\(line)")
    }
    let quiet = try Command.run("tune", world.index, "--no-layouts").output
    #expect(!quiet.contains("A sample of") && quiet.contains("measured"))
  }

  @Test func rowsThatAreNotKeptAreNotTried() throws {
    let world = try World("l2", builds: false)
    let base = world.directory("many.fbin")
    try VectorFiles.gaussian(base, count: 2_500, dimensions: 24)
    let built = try Command.run(
      "build", "--input", base, "--metric", "l2", "--output", world.index, "--rerank", "none")
    #expect(built.status == 0, "\(built.errors)")
    let tuned = try Command.run("tune", world.index)
    #expect(tuned.status == 0 && !tuned.output.contains("A sample of"), "\(tuned.errors)")
  }

  @Test func queriesAndTheirGroundTruthAreTaken() throws {
    let world = try World("ip", options: ["--no-tune"])
    let truth = try world.truth("ip")
    let own = try Command.run("tune", world.index, "--queries", world.queries, "--json").json()
    let given = try Command.run(
      "tune", world.index, "--queries", world.queries, "--ground-truth", truth, "--json"
    ).json()
    #expect(own["generation"] as? Int == 2 && given["generation"] as? Int == 3)
    #expect(
      try settings(own).map { $0["efSearch"] as? Int }
        == settings(given).map { $0["efSearch"] as? Int })
    let tuning = try #require(given["tuning"] as? [String: Any])
    #expect(tuning["source"] as? String == "queries" && tuning["queryCount"] as? Int == 20)
    #expect((given["seconds"] as? Double ?? 0) > 0)
  }

  @Test func groundTruthOfAnIndexWithIdsNeedsTheIds() throws {
    let world = try World("l2", builds: false)
    let ids = world.directory("ids.txt")
    try (0..<300).map { "\(9_000 - $0)" }.joined(separator: "\n")
      .write(toFile: ids, atomically: false, encoding: .utf8)
    let built = try Command.run(
      "build", "--input", world.base, "--metric", "l2", "--output", world.index, "--ids", ids)
    #expect(built.status == 0, "\(built.errors)")
    let truth = try world.truth("l2")
    try Command.expectFailure(
      64, "--ids", "tune", world.index, "--queries", world.queries, "--groundtruth", truth)
    let tuned = try Command.run(
      "tune", world.index, "--queries", world.queries, "--groundtruth", truth, "--ids", ids)
    #expect(tuned.status == 0, "\(tuned.errors)")
  }

  @Test func whatDoesNotFitIsRefusedAndChangesNothing() throws {
    let world = try World("l2")
    let truth = try world.truth("l2", k: 5)
    try VectorFiles.gaussian(world.directory("narrow.fbin"), count: 3, dimensions: 5)
    try VectorFiles.gaussian(world.directory("few.fbin"), count: 3)
    let current = try String(contentsOfFile: world.index + "/CURRENT", encoding: .utf8)
    for (status, fragment, arguments) in [
      (64, "--k is 0", ["--k", "0"]), (64, "--tune-seconds", ["--tune-seconds", "0"]),
      (64, "--queries", ["--groundtruth", truth]), (64, "--ids", ["--ids", truth]),
      (65, "5", ["--queries", world.directory("narrow.fbin")]),
      (66, "none.fbin", ["--queries", world.directory("none.fbin")]),
      (65, "3", ["--queries", world.directory("few.fbin"), "--groundtruth", truth, "--k", "5"]),
      (64, "--k is 10", ["--queries", world.queries, "--groundtruth", truth]),
    ] as [(Int32, String, [String])] {
      let outcome = try Command.Running(
        ["tune", world.index] + arguments, in: nil, environment: [:]
      ).finish()
      #expect(outcome.status == status, "\(arguments): \(outcome.errors)")
      #expect(outcome.errors.contains(fragment), "\(arguments): \(outcome.errors)")
      #expect(outcome.output.isEmpty)
    }
    try Command.expectFailure(66, "nowhere", "tune", world.directory("nowhere"))
    for arguments in [
      ["--recall", "1.5"], ["--recall", "0"], ["--recall", "0.9", "--ef", "20"],
    ] {
      let outcome = try Command.Running(
        ["search", world.index, "--queries", world.queries, "--k", "5"] + arguments, in: nil,
        environment: [:]
      ).finish()
      #expect(outcome.status == 64 && outcome.output.isEmpty, "\(outcome.errors)")
    }
    #expect(try String(contentsOfFile: world.index + "/CURRENT", encoding: .utf8) == current)
  }

  @Test func fewRowsAreExactAnyway() throws {
    let place = try TemporaryDirectory()
    try VectorFiles.gaussian(place("few.fbin"), count: 100)
    let built = try Command.run(
      "build", "--input", place("few.fbin"), "--metric", "l2", "--output", place("index"))
    #expect(built.status == 0 && !built.output.contains("efSearch"))
    #expect(try Command.run("tune", place("index")).output.contains("exact"))
    let found = try Command.run(
      "search", place("index"), "--queries", place("few.fbin"), "--k", "3", "--recall", "0.99")
    #expect(found.status == 0, "\(found.errors)")
  }
}
