import Foundation
import Testing
import _NeedletailTestSupport

/// A directory of manifests with one set, and a server that has its file.
private struct Catalog {
  let directory: TemporaryDirectory
  let server: LoopbackServer
  let body: [UInt8]

  init(bytes: Int? = nil, sha256: String? = nil) throws {
    directory = try TemporaryDirectory()
    body = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }
    server = try LoopbackServer(body)
    let manifest: [String: Any?] = [
      "name": "little-4", "metric": "l2", "rows": 10, "dimensions": 4, "bytes": bytes,
      "sha256": sha256, "url": server.url("/file"), "files": ["archive": "little.bin"],
    ]
    let data = try JSONSerialization.data(
      withJSONObject: manifest.mapValues { $0 ?? NSNull() as Any })
    try data.write(to: URL(fileURLWithPath: directory("little-4.json")))
  }

  var file: String { directory("cache/little.bin") }
  var part: String { file + ".part" }

  func fetch(_ path: String, _ options: [String] = []) throws -> Command.Outcome {
    try Command.Running(
      [
        "datasets", "fetch", "little-4", "--directory", directory.path, "--url",
        path.hasPrefix("/") ? server.url(path) : path,
      ] + options, in: nil, environment: ["no_proxy": "127.0.0.1"]
    ).finish()
  }

  func fetched() throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: file))) }

  func leave(part bytes: Int) throws {
    try FileManager.default.createDirectory(
      atPath: directory("cache"), withIntermediateDirectories: true)
    try Data(body.prefix(bytes)).write(to: URL(fileURLWithPath: part))
  }
}

@Suite struct DatasetsTests {
  @Test func fetchBringsTheFileAndItsDigest() throws {
    let catalog = try Catalog()
    defer { catalog.server.stop() }
    let outcome = try catalog.fetch("/file", ["--json"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try catalog.fetched() == catalog.body)
    let document = try outcome.json()
    #expect(document["bytes"] as? Int == 200_000)
    #expect((document["sha256"] as? String)?.count == 64)
    #expect(!FileManager.default.fileExists(atPath: catalog.part))
    let again = try catalog.fetch("/404")
    #expect(again.status == 0)
    #expect(again.output.contains("here already"))
  }

  @Test func aCutConnectionIsResumed() throws {
    let catalog = try Catalog(bytes: 200_000)
    defer { catalog.server.stop() }
    let cut = try catalog.fetch("/cut")
    #expect(cut.status == 75, "\(cut.errors)")
    #expect(cut.errors.contains("run this again"))
    #expect(!FileManager.default.fileExists(atPath: catalog.file))
    let rest = try catalog.fetch("/file", ["--json"])
    #expect(rest.status == 0, "\(rest.errors)")
    #expect(try catalog.fetched() == catalog.body)
    let resumed = try #require(try rest.json()["resumedFromByte"] as? Int)
    #expect(resumed > 0 && resumed <= 100_000)
    #expect(catalog.server.requestedRanges == ["-", "bytes=\(resumed)-"])
  }

  @Test func aServerWithoutRangesStartsAnew() throws {
    let catalog = try Catalog(bytes: 200_000)
    defer { catalog.server.stop() }
    try catalog.leave(part: 150_000)
    #expect(try catalog.fetch("/whole").status == 0)
    #expect(try catalog.fetched() == catalog.body)
  }

  @Test func aCompletePartNeedsNoServer() throws {
    let catalog = try Catalog(bytes: 200_000)
    defer { catalog.server.stop() }
    try catalog.leave(part: 200_000)
    #expect(try catalog.fetch("/404").status == 0)
    #expect(try catalog.fetched() == catalog.body)
  }

  @Test func otherBytesThanAskedForAreNotKept() throws {
    let catalog = try Catalog(bytes: 200_000)
    defer { catalog.server.stop() }
    try catalog.leave(part: 1000)
    #expect(try catalog.fetch("/shifted").status == 75)
    #expect(!FileManager.default.fileExists(atPath: catalog.file))
    #expect(!FileManager.default.fileExists(atPath: catalog.part))
  }

  @Test func aPartBeyondTheEndIsRemoved() throws {
    let catalog = try Catalog()
    defer { catalog.server.stop() }
    try catalog.leave(part: 200_000)
    #expect(try catalog.fetch("/file").status == 75)
    #expect(try catalog.fetch("/file").status == 0)
    #expect(try catalog.fetched() == catalog.body)
  }

  @Test func anotherSizeThanTheManifestSaysIsRefused() throws {
    let catalog = try Catalog(bytes: 199_999)
    defer { catalog.server.stop() }
    let outcome = try catalog.fetch("/file")
    #expect(outcome.status == 65)
    #expect(outcome.errors.contains("199999"))
    #expect(!FileManager.default.fileExists(atPath: catalog.file))
  }

  @Test func anotherDigestThanTheManifestSaysIsTold() throws {
    let catalog = try Catalog(sha256: String(repeating: "0", count: 64))
    defer { catalog.server.stop() }
    let outcome = try catalog.fetch("/file", ["--json"])
    #expect(outcome.status == 65)
    #expect(try outcome.json()["matchesManifest"] as? Bool == false)
  }

  @Test func statusesOfTheServer() throws {
    let catalog = try Catalog()
    defer { catalog.server.stop() }
    for (path, status) in [("/404", 66), ("/410", 66), ("/503", 75), ("/429", 75), ("/403", 74)] {
      let outcome = try catalog.fetch(path)
      #expect(outcome.status == Int32(status), "\(path): \(outcome.errors)")
      #expect(outcome.errors.hasPrefix("needletail: "))
      #expect(!FileManager.default.fileExists(atPath: catalog.file))
    }
  }

  @Test func withoutANetworkItSaysWhatToDo() throws {
    let catalog = try Catalog()
    catalog.server.stop()
    let outcome = try catalog.fetch("/file")
    #expect(outcome.status == 75)
    #expect(outcome.errors.contains("There is no way to 127.0.0.1"))
    #expect(outcome.errors.contains(catalog.file))
    #expect(try catalog.fetch("ftp://x/y").status == 64)
    #expect(try catalog.fetch("nonsense").status == 64)
  }

  @Test func interruptingKeepsThePart() throws {
    let catalog = try Catalog(bytes: 200_000)
    defer { catalog.server.stop() }
    let running = try Command.Running(
      [
        "datasets", "fetch", "little-4", "--directory", catalog.directory.path, "--url",
        catalog.server.url("/slow"),
      ], in: nil, environment: ["no_proxy": "127.0.0.1"])
    for _ in 0..<100 {
      Thread.sleep(forTimeInterval: 0.02)
      let size = try? FileManager.default.attributesOfItem(atPath: catalog.part)[.size] as? Int
      if (size ?? 0) > 30_000 { break }
    }
    running.process.interrupt()
    let outcome = try running.finish()
    #expect(outcome.status == 130, "\(outcome.errors)")
    #expect(FileManager.default.fileExists(atPath: catalog.part))
    #expect(try catalog.fetch("/file").status == 0)
    #expect(try catalog.fetched() == catalog.body)
  }

  @Test func listAndUnknownNames() throws {
    let catalog = try Catalog()
    catalog.server.stop()
    let list = try Command.run("datasets", "list", "--directory", catalog.directory.path, "--json")
    let sets = try #require(try list.json()["datasets"] as? [[String: Any]])
    #expect(sets.count == 1)
    try Command.expectFailure(
      66, "little-4", "datasets", "fetch", "other", "--directory", catalog.directory.path)
    try Command.expectFailure(
      66, "/none", "datasets", "list", "--directory", catalog.directory("none"))
    try Data("{".utf8).write(to: URL(fileURLWithPath: catalog.directory("bad.json")))
    try Data("[1]".utf8).write(to: URL(fileURLWithPath: catalog.directory("foreign.json")))
    let mixed = try Command.run(
      "datasets", "list", "--directory", catalog.directory.path, "--json")
    #expect(mixed.status == 0)
    let listed = try #require(try mixed.json()["datasets"] as? [[String: Any]])
    #expect(listed.count == 1)
    let manifest = try #require(listed[0]["manifest"] as? [String: Any])
    #expect(manifest["sha256"] is NSNull)
    #expect(mixed.errors.contains("bad.json"))
    #expect(mixed.errors.contains("foreign.json"))
    #expect(!mixed.errors.contains("DecodingError"))
  }

  @Test func theManifestsOfTheTreeAreSound() throws {
    let outcome = try Command.run("datasets", "list", in: Command.root.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    for name in [
      "debian-packages", "sift-128", "gist-960", "glove-100", "deep-96", "fashion-mnist-784",
      "nytimes-256",
    ] {
      #expect(outcome.output.contains(name))
    }
    let inTree = try Command.run(
      "datasets", "fetch", "debian-packages", in: Command.root.path)
    #expect(inTree.status == 0)
    #expect(inTree.output.contains("in the tree"))
  }
}

@Suite struct DemoTests {
  @Test func theDemoIsPlainWithoutATerminal() throws {
    let outcome = try Command.run("demo", "gimp", in: Command.root.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.isEmpty)
    #expect(!outcome.output.contains("\u{1b}"))
    #expect(outcome.output.contains("recall@10"))
    #expect(outcome.output.contains("Like gimp"))
    for line in outcome.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
  }

  @Test func theDemoInJSON() throws {
    let document = try Command.run("demo", "vim", "--json", in: Command.root.path).json()
    let report = try #require(document["report"] as? [String: Any])
    let points = try #require(report["points"] as? [[String: Any]])
    #expect((points.last?["recall"] as? Double ?? 0) > 0.97)
    let packages = try #require(document["packages"] as? [[String: Any]])
    #expect((packages[0]["similar"] as? [Any])?.count == 5)
  }

  @Test func unknownPackagesAndPlaces() throws {
    try Command.expectFailure(66, "firefox-esr", "demo", "firefox", in: Command.root.path)
    let empty = try TemporaryDirectory()
    try Command.expectFailure(66, "dataset.json", "demo", "--directory", empty.path)
  }
}
