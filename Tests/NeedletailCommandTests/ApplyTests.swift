import Foundation
import Testing
import _NeedletailTestSupport

@Suite("Changes from the command line")
struct ApplyTests {
  private let home: TemporaryDirectory
  private static let dimensions = 8

  init() throws { home = try TemporaryDirectory() }

  private func upsert(_ id: Int, attributes: String = "") -> String {
    let row = RandomVectors.clusters(count: 1, dimensions: Self.dimensions, seed: UInt64(id) + 1)
    let vector = row.map { "\($0)" }.joined(separator: ",")
    return "{\"op\":\"upsert\",\"id\":\(id),\"vector\":[\(vector)]\(attributes)}"
  }

  private func file(_ lines: [String]) throws -> String {
    let path = home("changes.jsonl")
    try (lines.joined(separator: "\n") + "\n").write(
      toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  private func change(_ op: String, _ id: Int) -> String { "{\"op\":\"\(op)\",\"id\":\(id)}" }

  /// Waits for another process's changes.
  private func waitForCount(_ count: Int, of index: String) throws {
    var found: Int?
    for _ in 0..<500 where found != count {
      Thread.sleep(forTimeInterval: 0.02)
      found = (try? Command.run("info", index, "--json").json())?["count"] as? Int
    }
    try #require(found == count)
  }

  @Test func changesAreMadeInOrderAndOnce() throws {
    let index = home("index")
    var lines = (0..<300).map { upsert($0) }
    lines += (0..<20).map { change("remove", $0) }
    lines += [change("withdraw", 50), change("withdraw", 51), change("reinstate", 51)]
    lines += [upsert(5, attributes: ",\"attributes\":{\"price\":2.5,\"tags\":[\"a\",\"b\"]}")]
    let path = try file(lines)
    let done = try Command.run(
      "apply", index, path, "--metric", "l2", "--source", "s", "--batch", "64", "--json")
    #expect(done.status == 0, "\(done.errors)")
    let outcome = try done.json()
    #expect(outcome["upserted"] as? Int == 301 && outcome["removed"] as? Int == 20)
    #expect(outcome["withdrawn"] as? Int == 2 && outcome["reinstated"] as? Int == 1)
    #expect(outcome["count"] as? Int == 280)
    let information = try Command.run("info", index, "--json").json()
    #expect(information["count"] as? Int == 280 && information["generation"] as? Int == 1)
    #expect(information["sourceOffsets"] as? [String: Int] == ["s": lines.count])

    // Again: everything was done before.
    let again = try Command.run("apply", index, path, "--source", "s", "--json").json()
    #expect(again["upserted"] as? Int == 0 && again["skippedLines"] as? Int == lines.count)
    // More lines: only those are done.
    let more = try file(lines + [upsert(900)])
    let third = try Command.run("apply", index, more, "--source", "s", "--json").json()
    #expect(third["upserted"] as? Int == 1 && third["count"] as? Int == 281)

    let log = try Command.run("log", index, "--json")
    #expect(log.status == 0)
    let records = log.output.split(separator: "\n")
    // Five batches, a removal, two offsets of withdrawals, and two more upserts.
    #expect(records.count == 5 + 1 + 2 + 1 + 1)
    #expect(records.last?.contains("\"offset\":\(lines.count + 1)") == true)
    let compacted = try Command.run("compact", index, "--json").json()
    #expect(compacted["isDone"] as? Bool == true && compacted["generation"] as? Int == 2)
    #expect(try Command.run("log", index, "--json").output.isEmpty)
    #expect(try Command.run("verify", index).status == 0)
    let back = try Command.run("rollback", index, "--to", "1", "--json").json()
    #expect(back["generation"] as? Int == 3 && back["count"] as? Int == 0)
    let repaired = try Command.run("repair", index, "--json").json()
    #expect(repaired["generation"] as? Int == 3)
  }

  @Test func aLineThatIsNoChangeEndsTheRunAndNamesItself() throws {
    for (bad, word) in [
      ("{\"op\":\"upsert\",\"id\":3}", "vector"), ("{\"op\":\"jump\",\"id\":3}", "jump"),
      ("{\"op\":\"remove\"}", "id"), ("nonsense", "line 3"),
      ("{\"op\":\"remove\",\"id\":-1}", "id"),
      ("{\"op\":\"upsert\",\"id\":3,\"vector\":[1,2]}", "2 components"),
      ("{\"op\":\"upsert\",\"id\":3,\"vector\":[0,0,0,0,0,0,0,0]}", "zeros"),
    ] {
      let index = home("index-\(abs(bad.hashValue))")
      let path = try file([upsert(1), upsert(2), bad, upsert(4)])
      let outcome = try Command.run("apply", index, path, "--metric", "cosine", "--source", "s")
      #expect(outcome.status == 65, "\(bad): \(outcome.errors)")
      #expect(outcome.errors.contains(word), "\(bad): \(outcome.errors)")
      let information = try Command.run("info", index, "--json").json()
      #expect(information["count"] as? Int == 2)
      // Mended, it goes on behind the second line.
      let mended = try file([upsert(1), upsert(2), upsert(3), upsert(4)])
      let next = try Command.run("apply", index, mended, "--source", "s", "--json").json()
      #expect(next["skippedLines"] as? Int == 2 && next["count"] as? Int == 4)
    }
  }

  @Test func whatContradictsTheIndexIsSaid() throws {
    let index = home("index")
    let path = try file((0..<5).map { upsert($0) })
    let options = ["apply", index, path, "--source", "s", "--metric"]
    #expect(try Command.Running(options + ["l2"]).finish().status == 0)
    #expect(try Command.Running(options + ["l2"]).finish().errors.isEmpty)
    try Command.expectFailure(64, "compares by l2", "apply", index, path, "--metric", "cosine")
    // A file that was read further before is another one.
    let shorter = try file([upsert(8), upsert(9)])
    let outcome = try Command.run("apply", index, shorter, "--source", "s", "--json")
    #expect(outcome.status == 0)
    #expect(outcome.errors.contains("has 2 lines") && outcome.errors.contains("up to line 5"))
    let document = try outcome.json()
    #expect(document["count"] as? Int == 5 && document["upserted"] as? Int == 0)
  }

  @Test(arguments: [
    (#"{"op":"upsert","id":-4,"vector":[1,2]}"#, "'id': an id is a whole number"),
    (#"{"op":"upsert","id":4.5,"vector":[1,2]}"#, "'id': an id is a whole number"),
    (#"{"op":"upsert","vector":[1,2]}"#, "'id' is missing"),
    (#"{"op":"upsert","id":1,"vector":[1,1e400]}"#, "'vector': a component is a number"),
    (#"{"op":"upsert","id":1,"vector":[1,"x"]}"#, "'vector"),
    (#"{"op":"grow","id":1}"#, "grow"),
    (#"{"op":"upsert","id":1,"vector":[1,2]"#, "not valid JSON"),
  ])
  func whatIsWrongWithALineIsSaid(line: String, message: String) throws {
    try Command.expectFailure(
      65, message, "apply", home("index"), try file([line]), "--metric", "l2")
  }

  @Test func linesOfAStreamThatStaysOpenAreAppliedAsTheyCome() throws {
    let index = home("index")
    let stream = Pipe()
    let running = try Command.Running(
      ["apply", index, "-", "--metric", "l2"], input: stream)
    defer { try? stream.fileHandleForWriting.close() }
    for id in 0..<3 {
      let line = upsert(id) + "\n"
      // In two pieces: a line may come bit by bit.
      for piece in [line.prefix(20), line.dropFirst(20)] {
        try stream.fileHandleForWriting.write(contentsOf: Data(piece.utf8))
      }
      // Nobody has ended the stream, and the change is there.
      try waitForCount(id + 1, of: index)
    }
    // Who waits for more can be stopped.
    running.process.interrupt()
    let outcome = try running.finish()
    #expect(outcome.status == 130, "\(outcome.errors)")
    #expect(outcome.errors.contains("line 3"), "\(outcome.errors)")
  }

  @Test func generationsStayThatAreToBeKept() throws {
    let index = home("index")
    for id in 0..<5 {
      let path = try file([upsert(id)])
      let options = id == 0 ? ["--metric", "l2"] : []
      #expect(try Command.Running(["apply", index, path] + options).finish().status == 0)
      #expect(try Command.run("compact", index, "--full", "--keep", "10").status == 0)
    }
    func kept(_ arguments: String...) throws -> [Int]? {
      try Command.Running(["rollback", index, "--json"] + arguments).finish().json()["generations"]
        as? [Int]
    }
    #expect(try kept() == Array(1...6))
    #expect(try Command.run("repair", index).status == 0)
    #expect(try kept() == Array(1...6))
    #expect(try kept("--to", "2", "--keep", "7") == Array(1...7))
    _ = try Command.run("apply", index, try file([upsert(9)]), "--keep", "7")
    #expect(try Command.run("compact", index).status == 0)
    #expect(try kept() == Array(6...8))
    try Command.expectFailure(64, "--keep is 0", "compact", index, "--keep", "0")
  }

  @Test func aDryRunChangesNothingBesideAWriter() throws {
    let index = home("index")
    #expect(
      try Command.run("apply", index, try file((0..<40).map { upsert($0) }), "--metric", "l2")
        .status == 0)
    // What a crash left of a write.
    let log = index + "/log/1.wal"
    let torn = try Data(contentsOf: URL(fileURLWithPath: log)) + Data(repeating: 7, count: 99)
    try torn.write(to: URL(fileURLWithPath: log))
    func files() throws -> [String] {
      try FileManager.default.subpathsOfDirectory(atPath: index).sorted()
    }
    let before = try files()
    let plan = try #require(
      try Command.run("compact", index, "--full", "--dry-run", "--json").json()["plan"]
        as? [String: Any])
    #expect(plan["count"] as? Int == 40 && plan["mergedSegments"] as? Int == 1)
    #expect(try files() == before)
    #expect(try Data(contentsOf: URL(fileURLWithPath: log)) == torn)
    let stream = Pipe()
    let writer = try Command.Running(["apply", index, "-", "--batch", "1"], input: stream)
    try stream.fileHandleForWriting.write(contentsOf: Data((upsert(77) + "\n").utf8))
    try waitForCount(41, of: index)
    #expect(try Command.run("compact", index).status == 75)
    let dry = try Command.run("compact", index, "--dry-run")
    #expect(dry.status == 0, "\(dry.errors)")
    try stream.fileHandleForWriting.close()
    #expect(try writer.finish().status == 0)
  }

  @Test func damageToAcknowledgedWritesIsRefusedAndListed() throws {
    let index = home("index")
    let path = try file((0..<200).map { upsert($0) })
    #expect(
      try Command.run(
        "apply", index, path, "--metric", "l2", "--source", "s", "--batch", "50", "--no-seal"
      ).status == 0)
    let log = index + "/log/1.wal"
    var bytes = try Data(contentsOf: URL(fileURLWithPath: log))
    // In the third of four batches.
    bytes[bytes.count * 5 / 8] ^= 1
    try bytes.write(to: URL(fileURLWithPath: log))
    try Command.expectFailure(65, "LSN", "info", index)
    try Command.expectFailure(65, "LSN", "repair", index)
    let report = try Command.run("repair", index, "--accept-loss", "--json").json()
    let loss = try #require((report["log"] as? [String: Any])?["loss"] as? [String: Any])
    let first = try #require(loss["firstSequence"] as? Int)
    #expect(loss["lastSequence"] as? Int == 4 && first == 3)
    let kept = (first - 1) * 50
    #expect(report["count"] as? Int == kept)
    // Every lost batch but the one that is damaged is there with its ids and its place.
    let lost = try #require(loss["batches"] as? [[String: Any]])
    #expect(lost.compactMap { $0["sequence"] as? Int } == [4])
    for batch in lost {
      let last = try #require(batch["sequence"] as? Int) * 50
      #expect(batch["source"] as? String == "s" && batch["offset"] as? Int == last)
      #expect(batch["ids"] as? [Int] == Array((last - 50)..<last))
    }
    #expect(report["sourceOffsets"] as? [String: Int] == ["s": kept])
    // The source goes on where what is kept ends.
    let next = try Command.run("apply", index, path, "--source", "s", "--json").json()
    #expect(next["skippedLines"] as? Int == kept && next["count"] as? Int == 200)
  }
}
