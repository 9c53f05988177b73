import Foundation
import Testing

/// What guides tell people to type.
@Suite struct GuideTests {
  /// Every command of the operations page exists: its help does.
  @Test func everyCommandOfTheOperationsPageExists() throws {
    let page = try String(
      contentsOfFile: Command.root.path
        + "/Sources/Needletail/Documentation.docc/Guides/Operations.md", encoding: .utf8)
    var calls = Set<[String]>()
    for part in page.split(separator: "needletail ").dropFirst() {
      let words = part.prefix { $0 != "`" && $0 != "\n" }.split(separator: " ").map(String.init)
      guard let first = words.first, first.allSatisfy({ $0.isLetter && $0.isLowercase }) else {
        continue
      }
      calls.insert(first == "budget" ? Array(words.prefix(2)) : [first])
    }
    #expect(calls.count >= 10)
    let known = try Command.run("--help").output
    let budget = try Command.run("budget", "--help").output
    for call in calls {
      let (help, name) = call.count == 2 ? (budget, call[1]) : (known, call[0])
      #expect(help.contains("\n  \(name) "), "needletail \(call.joined(separator: " "))")
    }
  }

  /// Every option that is given to them is in that help.
  @Test func everyOptionOfTheOperationsPageExists() throws {
    let page = try String(
      contentsOfFile: Command.root.path
        + "/Sources/Needletail/Documentation.docc/Guides/Operations.md", encoding: .utf8)
    for line in page.split(whereSeparator: { $0 == "`" || $0 == "\n" })
    where line.hasPrefix("needletail ") {
      let words = line.prefix { $0 != "#" }.split(separator: " ").map(String.init)
      let command = Array(words.dropFirst().prefix(words[1] == "budget" ? 2 : 1))
      let help = try Command.Running(command + ["--help"]).finish().output
      for word in words where word.hasPrefix("--") {
        #expect(help.contains(word), "\(line)")
      }
    }
  }
}
