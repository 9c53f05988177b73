import Foundation
import Testing
import _NeedletailTestSupport

/// What is refused before work is done, and what the user is told.
@Suite struct RefusalTests {
  /// Row numbers without distances, `[queries, width]`.
  private func write(_ rows: [Int32], width: Int, to path: String) throws {
    var data = Data()
    for word in [UInt32(rows.count / width), UInt32(width)] + rows.map({ UInt32(bitPattern: $0) }) {
      for byte in 0..<4 { data.append(UInt8(truncatingIfNeeded: word >> (byte * 8))) }
    }
    try data.write(to: URL(fileURLWithPath: path))
  }

  private func text(_ text: String, _ path: String) throws -> String {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test func groundTruthThatTheRowsContradictIsRefused() throws {
    let world = try World("l2")
    let place = world.directory
    let truth = try world.truth("l2")
    let far = (0..<20).flatMap { query in (0..<10).map { Int32((query * 10 + $0) % 300) } }
    try write(far, width: 10, to: place("far.ibin"))
    try Command.expectFailure(
      65, "far.ibin", "evaluate", world.index, "--queries", world.queries, "--groundtruth",
      place("far.ibin"), "--repeats", "1", "--ef", "50")
    var twice = far
    twice[15] = twice[12]
    try write(twice, width: 10, to: place("twice.ibin"))
    try Command.expectFailure(
      65, "query 1 names row 12 twice", "evaluate", world.index, "--queries", world.queries,
      "--groundtruth", place("twice.ibin"))
    var bytes = try Data(contentsOf: URL(fileURLWithPath: truth))
    bytes.replaceSubrange(bytes.count / 2 + 4..<bytes.count / 2 + 8, with: [0, 0, 0x80, 0x42])
    try bytes.write(to: URL(fileURLWithPath: place("stated.ibin")))
    try Command.expectFailure(
      65, "states 64.0 as distance of query 0 at place 0", "evaluate", world.index, "--queries",
      world.queries, "--groundtruth", place("stated.ibin"), "--repeats", "1", "--ef", "20")
    // An order of the rows' own is not a list of row numbers: the base shows it.
    let ids = try text(
      (0..<300).map { "\(299 - $0)" }.joined(separator: "\n"), place("ids.txt"))
    let permuted = place("permuted")
    #expect(
      try Command.run(
        "build", "--input", world.base, "--metric", "l2", "--output", permuted, "--ids", ids
      ).status == 0)
    try Command.expectFailure(
      65, "--ids", "evaluate", permuted, "--queries", world.queries, "--groundtruth", truth,
      "--base", world.base)
    let assumed = try Command.run(
      "evaluate", world.index, "--queries", world.queries, "--groundtruth", truth, "--base",
      world.base, "--repeats", "1", "--ef", "20")
    #expect(assumed.output.contains("Ids taken as row numbers"))
  }

  @Test func onlyAPageIsReplacedByAPage() throws {
    let world = try World("l2")
    let place = world.directory
    let truth = try world.truth("l2")
    func expect(_ target: String, _ fragment: String? = nil) throws {
      try Command.expectFailure(
        73, fragment ?? target, "evaluate", world.index, "--queries", world.queries,
        "--groundtruth", truth,
        "--html", target)
    }
    try expect(try text("mine", place("notes.txt")))
    #expect(try String(contentsOfFile: place("notes.txt"), encoding: .utf8) == "mine")
    try expect("/dev/null")
    try expect(world.index)
    try expect(place("none") + "/report.html", "There is no directory")
    for _ in 0..<2 {
      #expect(
        try Command.run(
          "evaluate", world.index, "--queries", world.queries, "--groundtruth", truth, "--ef", "20",
          "--repeats", "1", "--html", place("report.html")
        ).status == 0)
    }
  }

  @Test func aWidthIsMeasuredOnceAndMayBeBelowK() throws {
    let world = try World("l2")
    let truth = try world.truth("l2")
    let outcome = try Command.run(
      "evaluate", world.index, "--queries", world.queries, "--groundtruth", truth, "--k", "10",
      "--ef", "3,8,10,20,20", "--repeats", "1", "--json")
    let points = try #require(try outcome.json()["points"] as? [[String: Any]])
    #expect(points.map { $0["efSearch"] as? Int } == [3, 8, 10, 20])
    #expect(outcome.errors.isEmpty)
  }

  @Test func aBadQueryIsRefusedBeforeTheFirstAnswer() throws {
    let world = try World("cosine")
    var values = RandomVectors.gaussian(count: 1500, dimensions: 16, seed: 5)
    for j in 0..<16 { values[1200 * 16 + j] = 0 }
    let queries = world.directory("zero.fbin")
    try VectorFiles.write(values, dimensions: 16, to: queries)
    for options in [[], ["--json"]] {
      let outcome = try Command.Running(
        ["search", world.index, "--queries", queries, "--k", "1"] + options, in: nil,
        environment: [:]
      ).finish()
      #expect(outcome.status == 65)
      #expect(outcome.output.isEmpty)
      #expect(outcome.errors.contains("Query 1200") && outcome.errors.contains("zero.fbin"))
    }
    try Command.expectFailure(
      65, "zero.fbin", "groundtruth", "--base", queries, "--queries", world.queries, "--metric",
      "cosine", "--output", world.directory("t.ibin"))
  }

  @Test func optionsOutOfRangeAreUsage() throws {
    let world = try World(builds: false)
    for (option, value) in [
      ("--m", "1"), ("--m", "129"), ("--ef-construction", "0"), ("--ef-construction", "1048577"),
      ("--seed", "-1"), ("--threads", "-2"),
    ] {
      try Command.expectFailure(
        64, option + " is " + value, "build", "--input", world.base, "--metric", "l2", "--output",
        world.index, option, value)
    }
    try Command.expectFailure(
      64, "--codes none", "build", "--input", world.base, "--metric", "l2", "--output",
      world.index, "--codes", "none", "--rerank", "none")
  }

  @Test func placesThatCannotBeWrittenAre73() throws {
    let world = try World(builds: false)
    let place = world.directory
    try Command.expectFailure(
      73, "none", "build", "--input", world.base, "--metric", "l2", "--output", place("none/index"))
    try Command.expectFailure(
      73, "base.fbin", "build", "--input", world.base, "--metric", "l2", "--output",
      world.base + "/index")
    try Command.expectFailure(
      73, "base.fbin", "build", "--input", world.base, "--metric", "l2", "--output", world.base,
      "--dry-run")
    try Command.expectFailure(73, "none", "convert", world.base, place("none/a.npy"))
    try Command.expectFailure(
      65, "directory", "build", "--input", place.path, "--metric", "l2", "--output", world.index)
    try Command.expectFailure(
      65, "directory", "build", "--input", world.base, "--metric", "l2", "--output", world.index,
      "--ids", place.path, "--dry-run")
    #expect(try listing(place) == ["base.fbin", "query.fbin"])
  }

  @Test func rowsBeyondHalfPrecisionAreAFaultOfTheData() throws {
    let place = try TemporaryDirectory()
    try VectorFiles.write(
      (0..<64).map { 70_000.5 + Float($0) }, dimensions: 8, to: place("big.fbin"))
    try Command.expectFailure(
      65, "big.fbin", "build", "--input", place("big.fbin"), "--metric", "l2", "--output",
      place("index"), "--rerank", "f16")
    try Command.expectFailure(
      65, "big.fbin", "convert", place("big.fbin"), place("a.npy"), "--element", "f16")
  }

  @Test func idsComeFromPipesAndWithAMark() throws {
    let world = try World(builds: false)
    let ids = (0..<300).map { "\($0 + 7)" }.joined(separator: "\n")
    let marked = try text("\u{feff}" + ids, world.directory("marked.txt"))
    #expect(
      try Command.run(
        "build", "--input", world.base, "--metric", "l2", "--output", world.index, "--ids", marked
      ).status == 0)
    let pipe = world.directory("pipe")
    // SAFETY: the call reads the path.
    let made = unsafe mkfifo(pipe, 0o600)
    #expect(made == 0)
    let running = try Command.Running(
      [
        "build", "--input", world.base, "--metric", "l2", "--output", world.directory("piped"),
        "--ids", pipe,
      ], in: nil, environment: [:])
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: pipe))
    try handle.write(contentsOf: Data(ids.utf8))
    try handle.close()
    #expect(try running.finish().status == 0)
    try Data([0xFF, 0xFE, 0x31, 0]).write(to: URL(fileURLWithPath: marked))
    try Command.expectFailure(
      65, "UTF-16", "build", "--input", world.base, "--metric", "l2", "--output",
      world.directory("other"), "--ids", marked)
  }

  @Test func whatIsNoIndexAndWhatIsADamagedOne() throws {
    let world = try World("l2")
    try Command.expectFailure(66, "is a file", "verify", world.base)
    try Command.expectFailure(66, "no index", "info", world.directory.path)
    try FileManager.default.removeItem(atPath: world.index + "/CURRENT")
    for command in ["verify", "info"] {
      try Command.expectFailure(65, "CURRENT", command, world.index)
    }
  }

  @Test func notesGoToStandardError() throws {
    let world = try World(builds: false)
    let left = world.index + ".building-1-1"
    try FileManager.default.createDirectory(atPath: left, withIntermediateDirectories: false)
    let outcome = try Command.run(
      "build", "--input", world.base, "--metric", "l2", "--output", world.index, "--json",
      environment: ["NEEDLETAIL_ISA": "abacus"])
    #expect(outcome.status == 0)
    #expect(try outcome.json()["rows"] as? Int == 300)
    #expect(outcome.errors.contains(left))
    #expect(outcome.errors.contains("abacus") && outcome.errors.contains("scalar"))
    #expect(outcome.errors.split(separator: "\n").count == 2)
  }

  @Test func losslessCodesAreNamed() throws {
    let place = try TemporaryDirectory()
    try VectorFiles.write((0..<800).map { Float($0 % 97) }, dimensions: 8, to: place("w.fbin"))
    let built = try Command.run(
      "build", "--input", place("w.fbin"), "--metric", "l2", "--output", place("i"))
    #expect(built.output.contains("codes lose nothing"))
    #expect(try Command.run("info", place("i")).output.contains("in the codes (lossless)"))
    #expect(
      try Command.run(
        "build", "--input", place("w.fbin"), "--metric", "l2", "--output", place("j"), "--codes",
        "none", "--rerank", "bf16"
      ).status == 0)
    #expect(try Command.run("info", place("j")).output.contains("the walk reads the bf16 rows"))
    let predicted = try Command.run(
      "build", "--input", place("w.fbin"), "--metric", "l2", "--output", place("k"), "--dry-run")
    #expect(predicted.output.contains("whole numbers"))
  }

  #if os(Linux)
    @Test func anAnswerThatCannotBeWrittenIs74() throws {
      let world = try World("l2")
      let process = Process()
      process.executableURL = URL(fileURLWithPath: Command.executable)
      process.arguments = ["search", world.index, "--queries", world.base, "--k", "20", "--json"]
      let errors = Pipe()
      process.standardOutput = try FileHandle(
        forWritingTo: URL(fileURLWithPath: "/dev/full"))
      process.standardError = errors
      process.standardInput = FileHandle.nullDevice
      try process.run()
      let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 74)
      #expect(said.hasPrefix("needletail: ") && said.contains("tandard output"))
    }
  #endif
}
