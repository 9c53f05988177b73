import Foundation
import Testing
import _NeedletailTestSupport

@Suite struct UsageTests {
  @Test(arguments: [
    [], ["build"], ["search"], ["evaluate"], ["groundtruth"], ["convert"], ["info"], ["verify"],
    ["datasets"], ["datasets", "fetch"], ["datasets", "make"], ["report"], ["report", "scale"],
    ["load"], ["replay"], ["stats"],
    ["demo"], ["tune"], ["apply"], ["compact"], ["rollback"], ["log"], ["repair"],
    ["budget"], ["budget", "check"], ["budget", "explain"], ["budget", "diff"],
    ["budget", "start"], ["budget", "set"], ["budget", "rollback"], ["budget", "history"],
    ["budget", "export"], ["budget", "import"],
  ])
  func helpHasExamplesAndFitsATerminal(_ command: [String]) throws {
    let outcome = try Command.Running(command + ["--help"], in: nil, environment: ["COLUMNS": "80"])
      .finish()
    #expect(outcome.status == 0)
    #expect(outcome.errors.isEmpty)
    #expect(outcome.output.contains("EXAMPLES"))
    #expect(outcome.output.contains("USAGE"))
    for line in outcome.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
  }

  @Test func everyCommandIsListed() throws {
    let help = try Command.run("--help").output
    for name in [
      "build", "search", "evaluate", "groundtruth", "convert", "info", "verify", "datasets",
      "report", "load", "replay", "demo", "tune", "apply", "compact", "rollback", "log", "repair",
      "budget", "stats",
    ] {
      #expect(help.contains("\n  \(name) "))
    }
  }

  @Test func theVersionIsOneLine() throws {
    let outcome = try Command.run("--version")
    #expect(outcome.status == 0)
    #expect(outcome.output.split(separator: "\n").count == 1)
  }

  @Test func wrongCallsEndWith64() throws {
    try Command.expectFailure(64, "nonsense", "nonsense")
    try Command.expectFailure(64, "--input", "build", "--metric", "l2", "--output", "x")
    try Command.expectFailure(
      64, "metric", "build", "--input", "a", "--metric", "hamming", "--output", "x")
    try Command.expectFailure(
      64, "--threads", "build", "--input", "a", "--metric", "l2", "--output", "x", "--threads", "0")
    try Command.expectFailure(64, "--k", "search", "x", "--queries", "q", "--k", "0")
    try Command.expectFailure(64, "--k", "search", "x", "--queries", "q", "--k", "-3")
    try Command.expectFailure(64, "--ef", "search", "x", "--queries", "q", "--k", "1", "--ef", "0")
    try Command.expectFailure(
      64, "ef", "evaluate", "x", "--queries", "q", "--groundtruth", "g", "--ef", "10,,20")
    try Command.expectFailure(
      64, "ef", "evaluate", "x", "--queries", "q", "--groundtruth", "g", "--ef", "10;20")
  }
}
