import Foundation
import Needletail
import NeedletailBudgets
import NeedletailCore
import Testing
import _NeedletailTestSupport

@testable import NeedletailServing

/// What a service does beside answering: getting ready, idle moments, damage, memory, another index, a restart.
@Suite("Service lifecycle")
struct ServiceLifecycleTests {
  private static func options(_ change: (inout ServiceOptions) -> Void = { _ in }) -> ServiceOptions
  {
    var options = ServiceOptions()
    options.workers = 1
    options.recallSampling = 0
    options.scrubInterval = .zero
    change(&options)
    return options
  }

  @Test("Ready means warm, and then every rung's cost is known")
  func warm() throws {
    let world = try SearchServiceTests.world()
    let service = try SearchService(
      world.index, budget: SearchServiceTests.budget(), options: Self.options())
    #expect(!service.status.isReady)
    let queries = try VectorMatrix(
      world.queries.flatMap(\.self), dimensions: SearchServiceTests.dimensions)
    let report = try service.warmUp(queries: queries, k: 5)
    #expect(report.residency == 1 && report.searches >= 50)
    let status = service.status
    #expect(status.isReady)
    for rung in [Rung.full, .smallerWindow, .withoutRerank] {
      #expect((status.cost[rung] ?? nil) != nil, "\(rung)")
    }
  }

  @Test(
    "Answers are compared with exact ones in idle moments, and the recall of their rung is told")
  func recall() throws {
    let world = try SearchServiceTests.world()
    let service = try SearchService(
      world.index, budget: SearchServiceTests.budget(),
      options: Self.options { $0.recallSampling = 1 })
    var told: Double?
    // Comparisons wait for moments in which nobody asks.
    try eventually {
      for query in world.queries { _ = try service.search(ServiceRequest(query: query)) }
      told = service.status.recall[.full]
      return told != nil
    }
    #expect(try #require(told) > 0.9)
    let answer = try service.search(ServiceRequest(query: world.queries[0]))
    #expect(answer.certificate.estimatedRecall != nil)
  }

  @Test("A damaged segment is found, left out, and every answer says so")
  func damaged() throws {
    let directory = try TemporaryDirectory()
    let path = directory("index")
    let dimensions = SearchServiceTests.dimensions
    let rows = RandomVectors.clusters(count: 2_000, dimensions: dimensions, spread: 0.6, seed: 5)
    var configuration = VectorIndex.Configuration(
      dimensions: dimensions, metric: .squaredEuclidean)
    configuration.graph.efConstruction = 40
    do {
      let index = try VectorIndex.create(at: path, configuration: configuration)
      for part in 0..<2 {
        var writer = try index.makeWriter()
        let range = part * 1_000..<(part + 1) * 1_000
        try writer.add(
          VectorMatrix(
            Array(rows[(range.lowerBound * dimensions)..<(range.upperBound * dimensions)]),
            dimensions: dimensions), ids: range.map(VectorID.init))
        _ = try writer.commit()
      }
    }
    let segments = try FileManager.default.contentsOfDirectory(atPath: path + "/segments").sorted()
    #expect(segments.count == 2)
    let file = path + "/segments/" + segments[0]
    var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    bytes[bytes.count * 2 / 3] ^= 0x40
    try bytes.write(to: URL(fileURLWithPath: file))
    let events = Shared<[String]>([])
    let service = try SearchService(
      VectorIndex.open(at: path), budget: SearchServiceTests.budget(cache: CacheSettings()),
      options: Self.options { options in
        options.scrubInterval = .microseconds(1)
        options.onEvent = { event in
          if case .quarantined(let segment, let error) = event, error.code == .corrupted {
            events.change { $0.append(segment) }
          }
        }
      })
    let query = Array(rows[0..<dimensions])
    // Files are read in moments in which nobody asks.
    try eventually {
      _ = try service.search(ServiceRequest(query: query, k: 5))
      return !events.value.isEmpty
    }
    let answer = try service.search(ServiceRequest(query: query, k: 5))
    #expect(answer.certificate.reasons == [.partialSegments])
    #expect(answer.neighbors.count == 5 && events.value.count == 1)
    #expect(file.contains(events.value[0]))
    #expect(Set(answer.neighbors.map { $0.id / 1_000 }).count == 1)
  }

  @Test(
    "An index that is over the budget is refused before it is opened, and a second one before it is served"
  )
  func memory() throws {
    let world = try SearchServiceTests.world()
    let use = try world.index.snapshot().memoryUse
    func budget(_ total: Int) throws -> PerformanceBudget {
      try PerformanceBudget(
        name: "small", owner: "search@example.com",
        tiers: [LoadTier(name: "normal", p95: .seconds(5), p99: .seconds(10))],
        memory: MemoryCeilings(total: total), cache: CacheSettings(isEnabled: false))
    }
    let path = world.directory("index")
    do {
      _ = try SearchService(openingAt: path, budget: budget(use.total / 2))
      Issue.record("opened beyond the budget")
    } catch let error as NeedletailError {
      #expect(error.code == .overBudget && error.message.contains("total needs"))
    }
    let room = use.total(threads: 2)
    let service = try SearchService(
      openingAt: path, budget: budget(room * 3 / 2), options: Self.options())
    let other = try SearchServiceTests.world()
    #expect(throws: NeedletailError.self) { try service.swap(to: other.index) }
    #expect(
      try service.search(ServiceRequest(query: world.queries[0])).neighbors.count == 10)
  }

  @Test(
    "Another index takes over while queries come: no answer of the old one out of the cache after it"
  )
  func swapped() throws {
    let world = try SearchServiceTests.world()
    let service = try SearchService(
      world.index, budget: SearchServiceTests.budget(cache: CacheSettings()),
      options: Self.options())
    let request = ServiceRequest(query: world.queries[0], k: 5)
    let before = try service.search(request)
    #expect(try service.search(request).certificate.rung == .cachedFresh)
    let other = try SearchServiceTests.world()
    let nearest = try #require(before.neighbors.first?.id)
    try other.index.remove([nearest])
    try service.swap(to: other.index)
    let after = try service.search(request)
    #expect(after.certificate.rung == .full && !after.neighbors.contains { $0.id == nearest })
    // Writes go to the new one.
    try service.insert(
      VectorMatrix(world.queries[0], dimensions: SearchServiceTests.dimensions), ids: [90_000])
    #expect(try service.search(request).neighbors.first?.id == 90_000)
    #expect(try !world.index.snapshot().contains(90_000))
  }

  @Test("Answers survive a restart where the budget wants it, and not a change that came between")
  func restarted() throws {
    let world = try SearchServiceTests.world()
    let budget = try SearchServiceTests.budget(cache: CacheSettings(isPersistent: true))
    let options = Self.options { $0.cacheFile = world.directory("cache") }
    let request = ServiceRequest(query: world.queries[0], k: 5)
    func firstRung() throws -> Rung {
      let service = try SearchService(world.index, budget: budget, options: options)
      return try service.search(request).certificate.rung
    }
    #expect(try firstRung() == .full)
    #expect(try firstRung() == .cachedFresh)
    try world.index.insert(
      VectorMatrix(world.queries[0], dimensions: SearchServiceTests.dimensions), ids: [90_000])
    #expect(try firstRung() == .full)
  }

  @Test("What a session is likely to ask next is searched ahead")
  func prefetched() throws {
    let world = try SearchServiceTests.world()
    let service = try SearchService(
      world.index, budget: SearchServiceTests.budget(cache: CacheSettings(prefetches: true)),
      options: Self.options())
    func ask(_ number: Int, _ session: UInt64) throws -> Rung {
      try service.search(
        ServiceRequest(query: world.queries[number], k: 5, session: session)
      ).certificate.rung
    }
    // Others went from the first question to the second.
    for session in 1...5 as ClosedRange<UInt64> {
      _ = try ask(0, session)
      _ = try ask(1, session)
    }
    // Something is inserted that ends the second answer, and one more session asks the first question.
    try service.insert(
      VectorMatrix(world.queries[1], dimensions: SearchServiceTests.dimensions), ids: [90_000])
    _ = try ask(0, 6)
    try eventually {
      _ = try ask(0, 7)
      return service.runtime.cache?.answers.counts.prefetches != 0
    }
    #expect(try ask(1, 6) == .cachedFresh)
  }
}
