import Foundation
import Testing
import _NeedletailTestSupport

@Suite struct DatasetsMakeTests {
  private func make(_ options: String...) throws -> Command.Outcome {
    try Command.Running(["datasets", "make", "mixture"] + options, in: nil, environment: [:])
      .finish()
  }

  @Test func aMadeSetCanBeBuiltAndAnswered() throws {
    let directory = try TemporaryDirectory()
    let outcome = try make(
      "--rows", "300", "--queries", "7", "--centres", "20", "--output", directory("set"), "--json")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let document = try outcome.json()
    #expect(document["rows"] as? Int == 300)
    let files = try #require(document["files"] as? [[String: Any]])
    #expect(files.count == 2)
    #expect(files.allSatisfy { ($0["sha256"] as? String)?.count == 64 })
    #expect(files.allSatisfy { $0["isChecked"] as? Bool == false })
    let truth = try Command.Running(
      [
        "groundtruth", "--base", directory("set/base.fbin"), "--queries",
        directory("set/query.fbin"), "--metric", "l2", "--k", "3", "--output",
        directory("truth.ibin"), "--json",
      ], in: nil, environment: [:]
    ).finish()
    #expect(truth.status == 0, "\(truth.errors)")
  }

  @Test func aSetWhoseBytesAreKnownIsCheckedAndTakenAsItIs() throws {
    let directory = try TemporaryDirectory()
    let arguments = ["--rows", "10000", "--output", directory("set")]
    let first = try make(arguments[0], arguments[1], arguments[2], arguments[3])
    #expect(first.status == 0, "\(first.errors)")
    #expect(first.output.contains("as it must be"))
    let again = try make(arguments[0], arguments[1], arguments[2], arguments[3])
    #expect(again.status == 0, "\(again.errors)")
    // One byte of another machine.
    let file = URL(fileURLWithPath: directory("set/base.fbin"))
    var bytes = try Data(contentsOf: file)
    bytes[bytes.count - 1] ^= 1
    try bytes.write(to: file)
    let damaged = try make(arguments[0], arguments[1], arguments[2], arguments[3])
    #expect(damaged.status == 65)
    #expect(damaged.errors.contains("base.fbin"))
  }

  @Test func whatCannotBeMadeIsRefused() throws {
    let directory = try TemporaryDirectory()
    #expect(try make("--rows", "0", "--output", directory("a")).status == 64)
    #expect(try make("--centres", "0", "--output", directory("a")).status == 64)
    #expect(try make("--threads", "0", "--output", directory("a")).status == 64)
    #expect(!FileManager.default.fileExists(atPath: directory("a")))
    // Rows whose bytes are not known are not taken for those asked for.
    let arguments = ["--rows", "5", "--queries", "2", "--output", directory("set")]
    func again() throws -> Command.Outcome {
      try make(arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5])
    }
    #expect(try again().status == 0)
    #expect(try again().status == 73)
  }
}

@Suite struct ReportScaleTests {
  private let figures = """
    {"recall":0.95,"k":10,"buildThreads":2,"sets":[{"name":"set","metric":"l2","dimensions":4,
    "queries":3,"prefixes":[
    {"rows":1000,"buildSeconds":1,"buildProcessorSeconds":2,"fileBytes":100,"residentBytes":90,
    "points":[{"recall":0.95,"queriesPerSecond":1000,"evaluationsPerQuery":100}]},
    {"rows":4000,"buildSeconds":8,"buildProcessorSeconds":8,"fileBytes":400,"residentBytes":360,
    "points":[{"recall":0.95,"queriesPerSecond":500,"evaluationsPerQuery":141.42135623731}]}]}]}
    """

  private func report(_ arguments: String...) throws -> Command.Outcome {
    try Command.Running(["report", "scale"] + arguments, in: nil, environment: [:]).finish()
  }

  @Test func slopesArePrintedAndDrawn() throws {
    let directory = try TemporaryDirectory()
    try Data(figures.utf8).write(to: URL(fileURLWithPath: directory("scale.json")))
    let outcome = try report(directory("scale.json"), "--html", directory("page.html"))
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("0.250"))
    #expect(outcome.output.contains("seconds of a build grow with exponent 1.500"))
    let page = try String(contentsOfFile: directory("page.html"), encoding: .utf8)
    #expect(page.contains("slope 1.50"))
    let document = try report(directory("scale.json"), "--json").json()
    let set = try #require((document["sets"] as? [[String: Any]])?.first)
    let slope = try #require((set["slopes"] as? [String: Double])?["buildSeconds"])
    #expect(abs(slope - 1.5) < 1e-9)
  }

  @Test func whatIsNoFiguresIsRefused() throws {
    let directory = try TemporaryDirectory()
    #expect(try report(directory("nothing.json")).status == 66)
    for text in ["", "[]", "{}", figures.replacingOccurrences(of: "1000,", with: "\"x\",")] {
      try Data(text.utf8).write(to: URL(fileURLWithPath: directory("bad.json")))
      #expect(try report(directory("bad.json")).status == 65)
    }
    let empty = figures.replacingOccurrences(of: "\"rows\":1000", with: "\"rows\":0")
    try Data(empty.utf8).write(to: URL(fileURLWithPath: directory("empty.json")))
    #expect(try report(directory("empty.json")).status == 65)
  }
}
