import Foundation
import Needletail
import NeedletailBudgets
import NeedletailCore
import NeedletailStorage
import Synchronization
import Testing
import _NeedletailTestSupport

@testable import NeedletailServing

/// A clock that goes a millisecond with each look.
private final class StepClock: ServingClock {
  private let steps = Atomic<Int64>(7)
  var now: Nanoseconds { steps.add(1, ordering: .relaxed).newValue * .millisecond }
}

@Suite("The record of requests")
struct RequestRecorderTests {
  private func recorder(
    _ place: TemporaryDirectory, limit: Int = 1_000
  ) throws -> RequestRecorder {
    try RequestRecorder(
      log: place("log.csv"), queries: place("log.fvecs"), dimensions: 2, limit: limit,
      in: LocalFileSystem(), clock: StepClock())
  }

  private static func ask(
    _ service: SearchService, _ request: ServiceRequest
  ) throws(ServiceError) -> ServedAnswer { try service.search(request) }

  private func lines(_ place: TemporaryDirectory) throws -> [String] {
    try String(contentsOfFile: place("log.csv"), encoding: .utf8).split(separator: "\n").map {
      String($0)
    }
  }

  @Test("A line and a row for each request, from the first one's time on")
  func written() throws {
    let place = try TemporaryDirectory()
    let recorder = try recorder(place)
    recorder.record(ServiceRequest(query: [1, 2], k: 5, tenant: "shop"))
    recorder.record(ServiceRequest(query: [3, 4], priority: .sheddable, tenant: "a,b\n\"c\""))
    recorder.record(ServiceRequest(query: [5, 6, 7]))
    recorder.record(ServiceRequest(query: [-1.5, .pi], k: 1))
    try recorder.finish()
    try recorder.finish()
    #expect(
      try lines(place) == [
        "seconds,query,priority,tenant,k", "0.000000000,0,critical,shop,5",
        "0.001000000,1,sheddable,a_b_\"c\",10", "0.002000000,2,critical,,1",
      ])
    let rows = try Data(contentsOf: URL(fileURLWithPath: place("log.fvecs")))
    #expect(rows.count == 3 * 12)
    #expect(Array(rows[0..<8]) == [2, 0, 0, 0, 0, 0, 0x80, 0x3f])
    #expect(recorder.counts == .init(recorded: 3, overrun: 0, late: 0))
  }

  @Test("It is bounded, and counts what it leaves out")
  func bounded() throws {
    let place = try TemporaryDirectory()
    let recorder = try recorder(place, limit: 2)
    for _ in 0..<5 { recorder.record(ServiceRequest(query: [1, 2])) }
    try recorder.finish()
    recorder.record(ServiceRequest(query: [1, 2]))
    #expect(recorder.counts == .init(recorded: 2, overrun: 0, late: 4))
    #expect(try lines(place).count == 3)
    #expect(throws: NeedletailError.self) { try self.recorder(place, limit: 0) }
  }

  @Test("Files that exist stay as they are, and none is left behind")
  func refused() throws {
    let place = try TemporaryDirectory()
    try Data("mine".utf8).write(to: URL(fileURLWithPath: place("log.fvecs")))
    let error = #expect(throws: NeedletailError.self) { try recorder(place) }
    #expect(error?.code == .alreadyExists)
    #expect(try FileManager.default.contentsOfDirectory(atPath: place.path) == ["log.fvecs"])
  }

  @Test("A service writes what it was asked, from any thread, and every line has its query")
  func served() throws {
    let world = try SearchServiceTests.world()
    let place = try TemporaryDirectory()
    let recorder = try RequestRecorder(
      log: place("log.csv"), queries: place("log.fvecs"),
      dimensions: SearchServiceTests.dimensions)
    var options = ServiceOptions()
    options.workers = 2
    options.recorder = recorder
    let service = try SearchService(
      world.index, budget: SearchServiceTests.budget(), options: options)
    let queries = world.queries
    DispatchQueue.concurrentPerform(iterations: 4) { thread in
      for number in 0..<50 {
        let request = ServiceRequest(query: queries[number], k: 3, tenant: "t\(thread)")
        _ = try? Self.ask(service, request)
      }
    }
    // What is refused before anything is done for it is no load.
    #expect(throws: ServiceError.self) {
      try Self.ask(service, ServiceRequest(query: [1, 2], k: 3))
    }
    try recorder.finish()
    #expect(recorder.counts == .init(recorded: 200, overrun: 0, late: 0))
    let text = try lines(place).dropFirst().map { $0.split(separator: ",") }
    #expect(text.map { $0[1] } == (0..<200).map { "\($0)" })
    #expect(Set(text.map { $0[3] }) == ["t0", "t1", "t2", "t3"])
    let bytes = try Data(contentsOf: URL(fileURLWithPath: place("log.fvecs")))
    #expect(bytes.count == 200 * (4 + 4 * SearchServiceTests.dimensions))
  }
}
