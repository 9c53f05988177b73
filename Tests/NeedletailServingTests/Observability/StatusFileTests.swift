import Foundation
import NeedletailBudgets
import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailServing

/// The status as a file.
@Suite("Status file")
struct StatusFileTests {
  private static func object(_ path: String) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
        as? [String: Any])
  }

  @Test("A status reads back as it was written, under the names that readers rely on")
  func roundTrip() throws {
    let directory = try TemporaryDirectory()
    let path = directory("status.json")
    let written = StatusFile(exampleStatus(), writtenAt: 1_800_000_000)
    try written.write(to: path, in: LocalFileSystem())
    let read = try StatusFile(contentsOf: path)
    #expect(try read.bytes() == written.bytes())
    #expect(read.age(at: 1_800_000_002.5) == 2.5 && read.age(at: 1_700_000_000) == 0)
    let status = read.status
    #expect(status.counts.latency == exampleStatus().counts.latency)
    #expect(status.rungs[.sheddable] == .reject && status.cost[.full] == 210_000)
    #expect(
      status.cost[.lighterCodes] == nil && status.counts.rejected == [.deadline: 11, .quota: 30])

    let object = try Self.object(path)
    #expect(object["format"] as? Int == 1)
    let fields = try #require(object["status"] as? [String: Any])
    #expect(
      Set(fields.keys) == [
        "isReady", "isDraining", "tier", "load", "utilisation", "waiting", "busy", "workers",
        "rungs", "cost", "recall", "counts", "errorBudgets", "tenants", "flags", "cache",
      ])
    let counts = try #require(fields["counts"] as? [String: Any])
    #expect((counts["offered"] as? [String: Int])?["critical"] == 900)
    #expect((counts["rejected"] as? [String: Int]) == ["deadline": 11, "quota": 30])
    let latency = try #require(counts["latency"] as? [String: Any])
    #expect(latency["count"] as? Int == 100)
    #expect(latency["p50"] as? Int64 == status.counts.latency.quantile(0.5))
    #expect((fields["rungs"] as? [String: String])?["criticalPlus"] == "full")
  }

  @Test("A status without answers, numbers that are none, and no cache read back too")
  func extremes() throws {
    let directory = try TemporaryDirectory()
    var status = exampleStatus()
    status.counts = ServiceCounts()
    status.cache = nil
    status.load = .infinity
    try StatusFile(status).write(to: directory("s"), in: LocalFileSystem())
    let read = try StatusFile(contentsOf: directory("s")).status
    #expect(StatusFile(status, writtenAt: .nan).age() == .infinity)
    #expect(read.load == .infinity && read.cache == nil && read.counts.latency.count == 0)
  }

  @Test(
    "What is no status is refused with its place, and never traps",
    arguments: [
      ("", "not the status of a service"), ("{}", "format"), ("[1]", "another kind"),
      (#"{"format":2}"#, "form 2"),
      (#"{"format":1,"writtenAt":0}"#, "status"),
    ])
  func refused(_ text: String, _ fragment: String) throws {
    let directory = try TemporaryDirectory()
    try Data(text.utf8).write(to: URL(fileURLWithPath: directory("s")))
    let error = #expect(throws: NeedletailError.self) {
      _ = try StatusFile(contentsOf: directory("s"))
    }
    #expect(error?.code == .corrupted)
    #expect(error?.description.contains(fragment) == true, "\(error?.description ?? "")")
    #expect(error?.location?.path == directory("s"))
  }

  @Test(
    "Counts of latencies that no service has are refused",
    arguments: [
      #""1":5"#, #""320":-1"#, #""320":9223372036854775807"#,
    ])
  func latencies(_ bucket: String) throws {
    let text = #"{"count":0,"buckets":{\#(bucket)}}"#
    #expect(throws: DecodingError.self) {
      _ = try JSONDecoder().decode(LatencyCounts.self, from: Data(text.utf8))
    }
  }

  @Test("A class or a rung that is missing is named")
  func missing() {
    for text in [#"{"critical":1}"#, #"{"full":1}"#] {
      let error = #expect(throws: DecodingError.self) {
        if text.contains("full") {
          _ = try JSONDecoder().decode(PerRung<Int>.self, from: Data(text.utf8))
        } else {
          _ = try JSONDecoder().decode(PerClass<Int>.self, from: Data(text.utf8))
        }
      }
      #expect("\(String(describing: error))".contains("is missing"))
    }
  }

  @Test("No file is notFound; the place beside an index has the index's name")
  func places() throws {
    let error = #expect(throws: NeedletailError.self) {
      _ = try StatusFile(contentsOf: "/nonexistent/status.json")
    }
    #expect(error?.code == .notFound)
    #expect(StatusFile.path(beside: "a/words") == "a/words.status.json")
    #expect(StatusFile.path(beside: "a/words//") == "a/words.status.json")
    #expect(StatusFile.path(beside: "/") == "/.status.json")
  }

  @Test("The hook gets the status each second; a file that cannot be written is told of once")
  func reporter() throws {
    let directory = try TemporaryDirectory()
    let calls = Guarded(0)
    var options = ServiceOptions()
    options.onStatus = { _ in calls.withLock { $0 += 1 } }
    options.statusFile = directory("nowhere/status.json")
    var reporter = StatusReporter(due: 0)
    var events: [ServiceEvent] = []
    for tenth in 0..<25 where reporter.isDue(at: Nanoseconds(tenth) * 100 * .millisecond) {
      events += reporter.report(exampleStatus(), options)
    }
    #expect(calls.withLock { $0 } == 3)
    guard events.count == 1, case .failure(let error) = events[0] else {
      Issue.record("\(events)")
      return
    }
    #expect(error.code == .notFound || error.code == .io)
    // It can be written again, and then no more.
    options.statusFile = directory("status.json")
    #expect(reporter.report(exampleStatus(), options).isEmpty)
    options.statusFile = directory("nowhere/status.json")
    #expect(reporter.report(exampleStatus(), options).count == 1)
    #expect(try LocalFileSystem().list(directory.path) == ["status.json"])
  }

  @Test("Whatever a killed process left is replaced, and nothing else stays")
  func replacing() throws {
    let directory = try TemporaryDirectory()
    let path = directory("status.json")
    for name in ["status.json", "status.json.partial"] {
      try Data("old".utf8).write(to: URL(fileURLWithPath: directory(name)))
    }
    try StatusFile(exampleStatus()).write(to: path, in: LocalFileSystem())
    #expect(try StatusFile(contentsOf: path).status.tier == "peak")
    #expect(try LocalFileSystem().list(directory.path) == ["status.json"])
  }

  @Test("A service writes its status while it runs, and a last one at its end")
  func service() async throws {
    let world = try SearchServiceTests.world()
    let path = world.directory("status.json")
    let asked = world.directory("asked.json")
    var options = ServiceOptions()
    options.workers = 1
    options.statusFile = path
    var service: SearchService? = try SearchService(
      world.index, budget: SearchServiceTests.budget(), options: options)
    for query in world.queries { _ = try await service?.search(ServiceRequest(query: query, k: 3)) }
    try service?.writeStatus(to: asked)
    #expect(try StatusFile(contentsOf: asked).status.counts.latency.count == 50)
    service = nil
    let last = try StatusFile(contentsOf: path)
    #expect(last.status.isDraining && last.status.counts.answered[.full] == 50)
    #expect(last.status.workers == 1 && last.age() < 60)
  }
}
