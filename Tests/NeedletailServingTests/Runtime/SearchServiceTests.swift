import Needletail
import NeedletailBudgets
import NeedletailCore
import Testing
import _NeedletailTestSupport

@testable import NeedletailServing

/// A service with its threads, over a small index.
@Suite("Search service")
struct SearchServiceTests {
  static let dimensions = 16
  static let count = 3_000

  struct World {
    let directory: TemporaryDirectory
    let index: VectorIndex
    let queries: [[Float]]
  }

  static func world(_ precise: PreciseRows = .float32) throws -> World {
    let directory = try TemporaryDirectory()
    let all = RandomVectors.clusters(
      count: count + 50, dimensions: dimensions, spread: 0.6, seed: 5)
    var configuration = VectorIndex.Configuration(
      dimensions: dimensions, metric: .squaredEuclidean)
    configuration.graph.efConstruction = 60
    configuration.preciseRows = precise
    let index = try VectorIndex.create(at: directory("index"), configuration: configuration)
    var writer = try index.makeWriter()
    try writer.add(
      VectorMatrix(Array(all[0..<(count * dimensions)]), dimensions: dimensions),
      ids: (0..<count).map(VectorID.init))
    _ = try writer.commit()
    let queries = (0..<50).map { q in
      Array(all[((count + q) * dimensions)..<((count + q + 1) * dimensions)])
    }
    return World(directory: directory, index: index, queries: queries)
  }

  static func budget(
    cache: CacheSettings = CacheSettings(isEnabled: false), retry: Duration = .milliseconds(5)
  ) throws -> PerformanceBudget {
    try PerformanceBudget(
      name: "shop", owner: "search@example.com",
      tiers: [LoadTier(name: "normal", p95: .seconds(5), p99: .seconds(10))],
      envelope: ComplexityEnvelope(k: 100), ladder: Ladder(retryAfter: retry), cache: cache)
  }

  private static func options(workers: Int = 2) -> ServiceOptions {
    var options = ServiceOptions()
    options.workers = workers
    return options
  }

  @Test(
    "An answer without a reason is that of a search without a budget, and its stages are its time")
  func honest() async throws {
    let world = try Self.world()
    let snapshot = try world.index.snapshot()
    let service = try SearchService(world.index, budget: Self.budget(), options: Self.options())
    for (number, query) in world.queries.enumerated() {
      let filter: Filter? = number % 3 == 0 ? .deny([VectorID(number), 7]) : nil
      let request = ServiceRequest(query: query, k: 5, filter: filter)
      let clock = ContinuousClock.now
      let answer =
        number % 2 == 0 ? try blocking(service, request) : try await service.search(request)
      let elapsed = Nanoseconds(clock.duration(to: .now))
      let expected =
        try filter.map { try snapshot.search(query, k: 5, filter: snapshot.compile($0)) }
        ?? snapshot.search(query, k: 5)
      #expect(answer.neighbors == expected.neighbors)
      let certificate = answer.certificate
      #expect(certificate.reasons.isEmpty && certificate.rung == .full)
      #expect(certificate.evaluations > 0 && certificate.tier == "normal")
      #expect(certificate.generation == snapshot.generation)
      for stage in Stage.allCases { #expect(certificate.stages[stage] >= 0) }
      #expect(certificate.stages.traversal > 0)
      #expect((filter == nil) == (certificate.stages.filter == 0))
      #expect(certificate.stages.total <= elapsed)
    }
    let status = service.status
    #expect(status.counts.answered[.full] == 50 && status.waiting == 0 && status.busy == 0)
    #expect(status.counts.latency.count == 50)
  }

  /// The form that sleeps, for a function that need not.
  private func blocking(
    _ service: SearchService, _ request: ServiceRequest
  ) throws(ServiceError) -> ServedAnswer { try service.search(request) }

  @Test("Many callers at once get each its own answer, also when several are searched for together")
  func together() async throws {
    let world = try Self.world()
    let snapshot = try world.index.snapshot()
    let expected = try world.queries.map { try snapshot.search($0, k: 5).neighbors }
    let service = try SearchService(
      world.index, budget: Self.budget(), options: Self.options(workers: 1))
    let batches = await withTaskGroup(of: Int.self) { group in
      for round in 0..<40 {
        for (number, query) in world.queries.enumerated() {
          group.addTask {
            let request = ServiceRequest(
              query: query, k: 5, priority: PriorityClass.allCases[(round + number) % 4])
            guard let answer = try? await service.search(request) else { return 0 }
            #expect(answer.neighbors == expected[number])
            return answer.certificate.batch
          }
        }
      }
      var batches: [Int] = []
      for await batch in group { batches.append(batch) }
      return batches
    }
    #expect(batches.count == 2_000)
    // Some may have been refused by the bound of their class; none was lost.
    let counts = service.status.counts
    #expect(counts.latency.count == batches.count { $0 > 0 })
    #expect(counts.latency.count + counts.rejected.values.reduce(0, +) == 2_000)
  }

  @Test("What is wrong with a request is told before anything is done for it")
  func refused() throws {
    let world = try Self.world()
    let service = try SearchService(world.index, budget: Self.budget(), options: Self.options())
    let good = world.queries[0]
    var infinite = good
    infinite[3] = .infinity
    let cases: [(ServiceRequest, NeedletailError.Code)] = [
      (ServiceRequest(query: [1, 2]), .dimensionMismatch),
      (ServiceRequest(query: good, k: 101), .capacityExceeded),
      (ServiceRequest(query: good, k: 0), .invalidConfiguration),
      (ServiceRequest(query: infinite), .nonFiniteComponent),
      (ServiceRequest(query: good, deadline: .zero), .invalidConfiguration),
    ]
    for (request, code) in cases {
      do {
        _ = try service.search(request)
        Issue.record("\(request.k) was answered")
      } catch {
        guard case .failed(let fault) = error else {
          Issue.record("\(error)")
          continue
        }
        #expect(fault.code == code)
      }
    }
    #expect(try service.search(ServiceRequest(query: good)).neighbors.count == 10)
  }

  @Test("A drained service refuses, and a dropped one has answered or refused everybody")
  func ends() async throws {
    let world = try Self.world()
    let ended = Shared(0)
    do {
      let service = try SearchService(
        world.index, budget: Self.budget(), options: Self.options(workers: 1))
      for round in 0..<20 {
        for query in world.queries {
          service.submit(ServiceRequest(query: query, k: 3 + round % 2)) { _ in
            ended.change { $0 += 1 }
          }
        }
      }
      #expect(service.drain(within: .seconds(60)))
      #expect(ended.value == 1_000)
      let request = ServiceRequest(query: world.queries[0])
      #expect(throws: ServiceError.self) { try blocking(service, request) }
      #expect(service.status.counts.rejected[.draining] == 1 && service.status.isDraining)
    }
    let many = Shared(0)
    do {
      let service = try SearchService(
        world.index, budget: Self.budget(), options: Self.options(workers: 1))
      for _ in 0..<10 {
        for query in world.queries {
          service.submit(ServiceRequest(query: query)) { _ in many.change { $0 += 1 } }
        }
      }
    }
    #expect(many.value == 500)
  }

  @Test("A time that cannot be kept is refused at once, with a time to ask again")
  func hopeless() throws {
    let world = try Self.world()
    let service = try SearchService(world.index, budget: Self.budget(), options: Self.options())
    _ = try service.search(ServiceRequest(query: world.queries[0]))
    do {
      _ = try service.search(
        ServiceRequest(query: world.queries[0], deadline: .nanoseconds(10)))
      Issue.record("answered within 10 ns")
    } catch {
      guard case .rejected(let rejection) = error else { throw error }
      #expect(rejection.reason == .deadline && rejection.retryAfter >= .milliseconds(5))
    }
  }

  @Test(
    "Cached answers are those of a search, end with the changes that touch them, and never show what is withdrawn"
  )
  func cached() throws {
    let world = try Self.world()
    let service = try SearchService(
      world.index, budget: Self.budget(cache: CacheSettings()), options: Self.options())
    let query = world.queries[0]
    let request = ServiceRequest(query: query, k: 5)
    let first = try service.search(request)
    let second = try service.search(request)
    #expect(first.certificate.rung == .full && second.certificate.rung == .cachedFresh)
    #expect(second.neighbors == first.neighbors && second.certificate.reasons.isEmpty)
    #expect(second.certificate.evaluations == 0 && second.certificate.stages.cache > 0)
    // A far row ends nothing.
    let far = try VectorMatrix(query.map { $0 + 1_000 }, dimensions: Self.dimensions)
    try service.insert(far, ids: [50_000])
    #expect(try service.search(request).certificate.rung == .cachedFresh)
    // The query itself is its own nearest neighbour.
    try service.insert(
      VectorMatrix(query, dimensions: Self.dimensions), ids: [50_001])
    let third = try service.search(request)
    #expect(third.certificate.rung == .full && third.neighbors.first?.id == 50_001)
    try service.withdraw([50_001])
    #expect(try service.search(request).neighbors == first.neighbors)
    try service.reinstate([50_001])
    #expect(try service.search(request).neighbors.first?.id == 50_001)
    try service.remove([50_001])
    #expect(try service.search(request).neighbors == first.neighbors)
    // Withdrawn past the service: looked for in each answer.
    #expect(try service.search(request).certificate.rung == .cachedFresh)
    let gone = try #require(first.neighbors.first?.id)
    try world.index.withdraw([gone])
    #expect(!(try service.search(request).neighbors.contains { $0.id == gone }))
    let without = ServiceRequest(query: query, k: 5, usesCache: false)
    #expect(try service.search(without).certificate.rung == .full)
  }

  @Test("Filters have answers of their own, which end where a row that they let through comes")
  func cachedFilters() throws {
    let world = try Self.world()
    let service = try SearchService(
      world.index, budget: Self.budget(cache: CacheSettings()), options: Self.options())
    let query = world.queries[1]
    let odd = ServiceRequest(query: query, k: 5, filter: attribute("odd") == 1)
    let all = ServiceRequest(query: query, k: 5)
    #expect(try service.search(odd).neighbors.isEmpty)
    _ = try service.search(all)
    let row = try VectorMatrix(query, dimensions: Self.dimensions)
    try service.insert(row, ids: [60_000], attributes: [["odd": 0]])
    #expect(try service.search(odd).certificate.rung == .cachedFresh)
    #expect(try service.search(all).certificate.rung == .full)
    try service.upsert(row, ids: [60_000], attributes: [["odd": 1]])
    let found = try service.search(odd)
    #expect(found.certificate.rung == .full && found.neighbors.map(\.id) == [60_000])
  }

  @Test("Writes of others end all answers within a moment")
  func foreign() throws {
    let world = try Self.world()
    let service = try SearchService(
      world.index, budget: Self.budget(cache: CacheSettings()), options: Self.options())
    let request = ServiceRequest(query: world.queries[2], k: 5)
    _ = try service.search(request)
    try world.index.insert(
      VectorMatrix(world.queries[2], dimensions: Self.dimensions), ids: [70_000])
    try eventually { try service.search(request).neighbors.first?.id == 70_000 }
    // The service's own writes are no foreign ones: the answer stays.
    try service.remove([2_999])
    service.runtime.cache?.lookForOthers(at: MonotonicClock().now)
    let kept = try service.search(request).certificate.rung
    #expect(kept == .cachedFresh || first(of: request, in: world, holds: 2_999))
  }

  @Test("What another process writes is shown within a moment, with and without a cache")
  func otherProcess() throws {
    for isCached in [true, false] {
      let world = try Self.world()
      let service = try SearchService(
        VectorIndex.open(at: world.directory("index")),
        budget: Self.budget(cache: CacheSettings(isEnabled: isCached)), options: Self.options())
      let request = ServiceRequest(query: world.queries[2], k: 5)
      let before = try service.search(request).neighbors
      // It has an index of its own, as another process has.
      let other = try VectorIndex.open(at: world.directory("index"))
      try other.insert(
        VectorMatrix(world.queries[2], dimensions: Self.dimensions), ids: [70_000])
      try eventually { try service.search(request).neighbors.first?.id == 70_000 }
      try other.remove([70_000])
      try eventually { try service.search(request).neighbors == before }
      // A generation, too.
      var writer = try other.makeWriter()
      try writer.add(VectorMatrix(world.queries[2], dimensions: Self.dimensions), ids: [70_001])
      _ = try writer.commit()
      try eventually { try service.search(request).neighbors.first?.id == 70_001 }
    }
  }

  private func first(of request: ServiceRequest, in world: World, holds id: VectorID) -> Bool {
    let found = try? world.index.snapshot().search(request.query, k: request.k)
    return found?.neighbors.contains { $0.id == id } ?? true
  }

  @Test("A judge's distance is never above a search's, for every metric and form of rows")
  func judged() throws {
    for metric in [Metric.squaredEuclidean, .innerProduct, .cosine] {
      for precise in [PreciseRows.float32, .float16, .bfloat16] {
        let directory = try TemporaryDirectory()
        let rows = RandomVectors.clusters(
          count: 220, dimensions: Self.dimensions, spread: 0.6, seed: 9)
        var configuration = VectorIndex.Configuration(
          dimensions: Self.dimensions, metric: metric)
        configuration.preciseRows = precise
        let index = try VectorIndex.create(
          at: directory("index"), configuration: configuration)
        var writer = try index.makeWriter()
        let matrix = try VectorMatrix(
          Array(rows[0..<(200 * Self.dimensions)]), dimensions: Self.dimensions)
        try writer.add(matrix, ids: (0..<200).map(VectorID.init))
        let snapshot = try writer.commit()
        let judge = IndexJudge(snapshot)
        for q in 200..<220 {
          let query = Array(rows[(q * Self.dimensions)..<((q + 1) * Self.dimensions)])
          let key = CacheKey(
            query: IndexJudge.bytes(query), filter: [], k: 200, rung: .full, seed: 1)
          let found = try snapshot.search(query, k: 200, options: SearchOptions(efSearch: 200))
          for neighbor in found.neighbors {
            let item = IndexJudge.Item(
              row: matrix[Int(neighbor.id)], attributes: [:], id: neighbor.id)
            let judged = try #require(judge.distances(from: item, to: [key]).first)
            #expect(judged <= neighbor.distance, "\(metric) \(precise)")
            let scale = max(1, abs(neighbor.distance))
            let most: Float = precise == .float32 ? 0.001 : precise == .float16 ? 0.03 : 0.2
            #expect(neighbor.distance - judged < most * scale, "\(metric) \(precise)")
          }
        }
      }
    }
  }
}
