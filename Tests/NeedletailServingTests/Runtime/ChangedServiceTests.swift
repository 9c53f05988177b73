import Needletail
import NeedletailBudgets
import NeedletailCore
import Testing
import _NeedletailTestSupport

@testable import NeedletailServing

/// A service that takes another budget, and what it says of itself when it cannot.
@Suite("Changed service")
struct ChangedServiceTests {
  private static func options(_ change: (inout ServiceOptions) -> Void = { _ in }) -> ServiceOptions
  {
    var options = ServiceOptions()
    options.workers = 2
    options.recallSampling = 0
    change(&options)
    return options
  }

  private static func code(_ body: () throws -> Void) -> NeedletailError.Code? {
    do { try body() } catch let error as NeedletailError { return error.code } catch {
      if case .failed(let fault)? = error as? ServiceError { return fault.code }
    }
    return nil
  }

  @Test(
    "Another budget holds from the next query on, and is told; one that does not fit changes nothing"
  )
  func adopted() throws {
    let world = try SearchServiceTests.world()
    let budget = try SearchServiceTests.budget(cache: CacheSettings())
    let events = Shared<[ServiceEvent]>([])
    let service = try SearchService(
      world.index, budget: budget,
      options: Self.options { options in
        options.flags = [FeatureFlag("plain", from: .tier("normal"))]
        options.onEvent = { event in events.change { $0.append(event) } }
      })
    let request = ServiceRequest(query: world.queries[0], k: 10)
    func rung() throws -> Rung { try service.search(request).certificate.rung }
    _ = try rung()
    #expect(try rung() == .cachedFresh)

    // Too little memory, too narrow an envelope, a tier that a flag follows.
    let small = try budget.setting("memory.total", to: "64KiB")
    #expect(Self.code { try service.adopt(small) } == .overBudget)
    let narrow = try budget.setting("envelope.efConstruction", to: "10")
    #expect(Self.code { try service.adopt(narrow) } == .capacityExceeded)
    let renamed = try budget.setting("tiers[normal].name", to: "usual")
    #expect(Self.code { try service.adopt(renamed) } == .invalidConfiguration)
    #expect(service.budget == budget)
    #expect(try rung() == .cachedFresh)

    // A smaller k, and no cache.
    let less = try budget.setting("envelope.k", to: "5").setting("cache.enabled", to: "false")
    try service.adopt(less)
    try service.adopt(less)
    #expect(service.budget == less && service.status.cache == nil)
    #expect(Self.code { _ = try rung() } == .capacityExceeded)
    let five = ServiceRequest(query: world.queries[0], k: 5)
    for _ in 0..<2 { #expect(try service.search(five).certificate.rung == .full) }
    // And back: the cache begins with nothing.
    try service.adopt(budget)
    #expect(try rung() == .full)
    #expect(try rung() == .cachedFresh)
    // Another meaning of the smaller window ends what was kept.
    try service.adopt(budget.setting("ladder.window", to: #"{"efSearch": 20}"#))
    #expect(try rung() == .full)
    #expect(service.drain(within: .seconds(60)))
    try eventually {
      events.value.count { if case .budget = $0 { true } else { false } } == 3
    }
    let fields = events.value.compactMap { event -> [String]? in
      if case .budget(let differences) = event { differences.map(\.field) } else { nil }
    }
    #expect(fields.first == ["envelope.k", "cache.enabled"])
  }

  @Test("A cache that there was not is made, and one that is too large lets answers go")
  func cacheRoom() throws {
    let world = try SearchServiceTests.world()
    let budget = try SearchServiceTests.budget()
    let service = try SearchService(world.index, budget: budget, options: Self.options())
    #expect(service.status.cache == nil)
    let cached = try budget.setting("cache.enabled", to: "true")
      .setting("memory.cache", to: "1MiB")
    try service.adopt(cached)
    for query in world.queries { _ = try service.search(ServiceRequest(query: query)) }
    #expect(service.status.cache?.answers == 50 && service.status.cache?.capacity == 1 << 20)
    try service.adopt(cached.setting("memory.cache", to: "32KiB"))
    let cache = try #require(service.status.cache)
    #expect(cache.capacity == 32 << 10 && cache.bytes <= 32 << 10 && cache.answers < 50)
    // What the cache is told of goes on: a write ends what it touches.
    let request = ServiceRequest(query: world.queries[0], k: 5)
    _ = try service.search(request)
    try service.insert(
      VectorMatrix(world.queries[0], dimensions: SearchServiceTests.dimensions), ids: [50_001])
    #expect(try service.search(request).neighbors.first?.id == 50_001)
  }

  @Test("Queries that come while budgets change are all answered or refused")
  func concurrent() async throws {
    let world = try SearchServiceTests.world()
    let budget = try SearchServiceTests.budget(cache: CacheSettings())
    let service = try SearchService(world.index, budget: budget, options: Self.options())
    let other = try budget.setting("cache.enabled", to: "false")
      .setting("ladder.window", to: #"{"efSearch": 20}"#)
      .setting("tenants[+web]", to: #"{"rate": 1000000}"#)
    let ended = await withTaskGroup(of: Int.self) { group in
      for round in 0..<20 {
        for query in world.queries {
          group.addTask {
            _ = try? await service.search(ServiceRequest(query: query, k: 5, tenant: "web"))
            return 1
          }
        }
        #expect(throws: Never.self) { try service.adopt(round % 2 == 0 ? other : budget) }
      }
      return await group.reduce(0, +)
    }
    #expect(ended == 1_000)
    let counts = service.status.counts
    #expect(counts.failed == 0)
    #expect(counts.latency.count + counts.rejected.values.reduce(0, +) == 1_000)
  }

  @Test("Answers count as new for as long as the budget says")
  func fresh() throws {
    let world = try SearchServiceTests.world()
    func rungs(_ cache: CacheSettings) throws -> [Rung] {
      let service = try SearchService(
        world.index, budget: SearchServiceTests.budget(cache: cache), options: Self.options())
      let request = ServiceRequest(query: world.queries[0], k: 5)
      return try (0..<3).map { _ in try service.search(request).certificate.rung }
    }
    #expect(try rungs(CacheSettings()) == [.full, .cachedFresh, .cachedFresh])
    #expect(try rungs(CacheSettings(freshFor: .zero)) == [.full, .full, .full])
  }

  @Test("A service is not begun with flags that nothing can turn on, nor beyond the envelope")
  func refused() throws {
    let world = try SearchServiceTests.world()
    let budget = try SearchServiceTests.budget()
    func begin(
      _ budget: PerformanceBudget, _ change: (inout ServiceOptions) -> Void
    ) -> NeedletailError.Code? {
      Self.code {
        _ = try SearchService(world.index, budget: budget, options: Self.options(change))
      }
    }
    #expect(
      begin(budget) { $0.flags = [FeatureFlag("a", from: .tier("peak"))] }
        == .invalidConfiguration)
    #expect(
      begin(budget) { $0.flags = [FeatureFlag("a", from: .alert("none"))] }
        == .invalidConfiguration)
    let narrow = try budget.setting("envelope.efConstruction", to: "59")
    #expect(begin(narrow) { _ in } == .capacityExceeded)
    let few = try budget.setting("envelope.m", to: "15")
    #expect(begin(few) { _ in } == .capacityExceeded)
    let wide = try budget.setting("envelope.efSearch", to: "100")
    #expect(begin(wide) { $0.full = SearchOptions(efSearch: 101) } == .capacityExceeded)
    #expect(begin(wide) { $0.full = SearchOptions(efSearch: 100) } == nil)
  }

  @Test("A query says itself how it is searched for, within the envelope, and is not kept")
  func ownSearch() throws {
    let world = try SearchServiceTests.world()
    let budget = try SearchServiceTests.budget(cache: CacheSettings())
      .setting("envelope.efSearch", to: "300")
    let service = try SearchService(world.index, budget: budget, options: Self.options())
    let snapshot = try world.index.snapshot()
    for width in [10, 300] {
      let own = SearchOptions(efSearch: width)
      let request = ServiceRequest(query: world.queries[0], k: 5, search: own)
      let expected = try snapshot.search(world.queries[0], k: 5, options: own)
      for _ in 0..<2 {
        let answer = try service.search(request)
        #expect(answer.neighbors == expected.neighbors && answer.certificate.rung == .full)
        #expect(answer.certificate.evaluations == expected.statistics.evaluations)
      }
    }
    let wide = ServiceRequest(query: world.queries[0], search: SearchOptions(efSearch: 301))
    #expect(Self.code { _ = try service.search(wide) } == .capacityExceeded)
    let untuned = ServiceRequest(query: world.queries[0], search: SearchOptions(recall: 0.9))
    #expect(Self.code { _ = try service.search(untuned) } == .notFound)
    // A cap for each group.
    try service.upsert(
      VectorMatrix(world.queries[1] + world.queries[1], dimensions: SearchServiceTests.dimensions),
      ids: [80_000, 80_001], attributes: [["seller": "a"], ["seller": "a"]])
    var capped = SearchOptions()
    capped.cap = GroupCap("seller", limit: 1)
    let all = try service.search(ServiceRequest(query: world.queries[1], k: 2)).neighbors
    #expect(all.map(\.id) == [80_000, 80_001])
    let one = try service.search(ServiceRequest(query: world.queries[1], k: 2, search: capped))
    #expect(one.neighbors.first?.id == 80_000 && one.neighbors.last?.id != 80_001)
    capped.cap = GroupCap("seller", limit: 0)
    let none = ServiceRequest(query: world.queries[1], search: capped)
    #expect(Self.code { _ = try service.search(none) } == .invalidConfiguration)
  }

  @Test(
    "Nor with a file for answers that cannot be written, nor with a lighter index of another kind")
  func refusedParts() throws {
    let world = try SearchServiceTests.world()
    let budget = try SearchServiceTests.budget(cache: CacheSettings(isPersistent: true))
    func begin(_ change: (inout ServiceOptions) -> Void) -> NeedletailError.Code? {
      Self.code {
        _ = try SearchService(world.index, budget: budget, options: Self.options(change))
      }
    }
    #expect(begin { $0.cacheFile = world.directory("none/cache") } == .notFound)
    #expect(begin { $0.cacheFile = world.directory("cache") } == nil)
    func lighter(_ dimensions: Int, _ metric: Metric) throws -> VectorIndex {
      let index = try VectorIndex.create(
        at: world.directory("\(dimensions)-\(metric)"),
        configuration: VectorIndex.Configuration(dimensions: dimensions, metric: metric))
      var writer = try index.makeWriter()
      try writer.add(
        VectorMatrix([Float](repeating: 1, count: dimensions), dimensions: dimensions), ids: [1])
      _ = try writer.commit()
      return index
    }
    let short = try lighter(8, .squaredEuclidean)
    #expect(begin { $0.lighter = LighterIndex(short) } == .dimensionMismatch)
    #expect(begin { $0.lighter = LighterIndex(short) { Array($0.prefix(8)) } } == nil)
    let other = try lighter(SearchServiceTests.dimensions, .innerProduct)
    #expect(begin { $0.lighter = LighterIndex(other) } == .invalidConfiguration)
    let service = try SearchService(world.index, budget: budget, options: Self.options())
    #expect(
      Self.code { try service.swap(to: world.index, lighter: LighterIndex(other)) }
        == .invalidConfiguration)
  }
}
