import Needletail
import NeedletailBudgets
import NeedletailCore
import Testing
import _NeedletailTestSupport

@testable import NeedletailServing

/// Memory while a service is written to.
@Suite("Service memory")
struct ServiceMemoryTests {
  private static let dimensions = SearchServiceTests.dimensions

  private static func options(_ events: Shared<[ServiceEvent]>? = nil) -> ServiceOptions {
    var options = ServiceOptions()
    options.workers = 1
    options.recallSampling = 0
    options.scrubInterval = .zero
    if let events { options.onEvent = { event in events.change { $0.append(event) } } }
    return options
  }

  /// A budget that leaves so many bytes beside what an index takes before it is written to.
  private static func budget(
    _ index: VectorIndex, beside bytes: Int, cache: Int? = nil
  ) throws -> PerformanceBudget {
    let open = try SearchServiceTests.budget(
      cache: CacheSettings(isEnabled: cache != nil))
    let use = MemoryUse(try index.snapshot().memoryUse, open, options())
    let indexBytes = use.total - use[.cache]
    return try PerformanceBudget(
      name: "shop", owner: "search@example.com", tiers: open.tiers,
      memory: MemoryCeilings(cache: cache, total: indexBytes + bytes),
      envelope: open.envelope, cache: open.cache)
  }

  private static func rows(_ count: Int, seed: UInt64) throws -> VectorMatrix {
    try VectorMatrix(
      RandomVectors.clusters(count: count, dimensions: dimensions, spread: 0.6, seed: seed),
      dimensions: dimensions)
  }

  @Test("Writes that would pass the ceiling are refused before they are made, and go on below it")
  func refused() throws {
    let world = try SearchServiceTests.world()
    let events = Shared<[ServiceEvent]>([])
    let budget = try Self.budget(world.index, beside: 4 << 20)
    let service = try SearchService(world.index, budget: budget, options: Self.options(events))
    let limit = try #require(budget.memory.total)
    var written = 0
    var refusal: NeedletailError?
    for batch in 0..<200 where refusal == nil {
      let ids = (0..<500).map { VectorID(100_000 + 500 * batch + $0) }
      do {
        try service.insert(Self.rows(500, seed: UInt64(batch)), ids: ids)
        written += 500
      } catch let error as NeedletailError {
        refusal = error
      }
      let used = try #require(service.status.memory?["total"]?.used)
      #expect(used <= limit)
    }
    #expect(refusal?.code == .overBudget && refusal?.message.contains("\(limit)") == true)
    #expect(written > 0)
    #expect(try world.index.snapshot().count == SearchServiceTests.count + written)
    #expect(service.status.memory?["total"]?.isAtLimit == true)
    // What hides and removes goes on.
    try service.withdraw([100_000])
    try service.remove([100_001])
    try eventually {
      events.value.contains {
        if case .memory(nil, _, let told, true) = $0 { told == limit } else { false }
      }
    }
    // With a higher ceiling so does the rest.
    try service.adopt(budget.setting("memory.total", to: "\(limit + (16 << 20))B"))
    try service.insert(Self.rows(500, seed: 1_000), ids: (0..<500).map { VectorID(900_000 + $0) })
    try eventually {
      events.value.contains {
        if case .memory(nil, _, _, false) = $0 { true } else { false }
      }
    }
    #expect(service.status.memory?["total"]?.isAtLimit == false)
  }

  @Test("The cache gives way to writes, and gets its room back where there is room again")
  func cacheFirst() throws {
    let world = try SearchServiceTests.world()
    let whole = 8 << 20
    let budget = try Self.budget(world.index, beside: whole + (1 << 19), cache: whole)
    let service = try SearchService(world.index, budget: budget, options: Self.options())
    for query in world.queries { _ = try service.search(ServiceRequest(query: query)) }
    #expect(service.status.cache?.capacity == whole)
    try service.insert(Self.rows(500, seed: 1), ids: (0..<500).map { VectorID(100_000 + $0) })
    let left = try #require(service.status.cache?.capacity)
    #expect(left < whole && left > 0)
    let total = try #require(service.status.memory?["total"])
    #expect(total.used <= (total.limit ?? 0))
    // The cache goes on in its smaller room.
    let request = ServiceRequest(query: world.queries[0], k: 3)
    _ = try service.search(request)
    #expect(try service.search(request).certificate.rung == .cachedFresh)
    try service.adopt(budget.setting("memory.total", to: "1GiB"))
    #expect(service.status.cache?.capacity == whole)
  }

  @Test(
    "What was found counts with what is reserved; what would have to go leaves the head-room"
  )
  func found() throws {
    let accountant = MemoryAccountant(MemoryCeilings(log: 300, total: 1_000))
    accountant.find(MemoryUse([.codes: 500, .cache: 300]))
    #expect(accountant.total.used == 800 && accountant.use(of: .codes).used == 500)
    #expect(accountant.excess(of: .log, bytes: 200) == 0)
    #expect(accountant.excess(of: .log, bytes: 250) == 100)
    #expect(accountant.excess(of: .log, bytes: 301) == nil)
    #expect(accountant.room(for: .cache) == 450)
    let reservation = try accountant.reserve(.log, bytes: 200)
    #expect(throws: NeedletailError.self) { try accountant.reserve(.graph, bytes: 1) }
    #expect(accountant.isAtLimit(nil) && !accountant.isAtLimit(.log))
    // What the write took is found where it was reserved.
    accountant.find(.log, bytes: 180)
    reservation.release()
    #expect(accountant.use(of: .log).used == 180 && accountant.total.used == 980)
    // Above the head-room what was refused stays so; below, it is let in.
    #expect(throws: NeedletailError.self) { try accountant.reserve(.graph, bytes: 1) }
    #expect(accountant.isAtLimit(nil))
    accountant.find(.cache, bytes: 269)
    #expect(!accountant.isAtLimit(nil))
    let again = try accountant.reserve(.graph, bytes: 1)
    #expect(accountant.total.used == 950 && again.bytes == 1)
    accountant.adopt(MemoryCeilings(total: 900))
    #expect(accountant.isAtLimit(nil) && accountant.total.limit == 900)
    accountant.find(MemoryUse())
    #expect(accountant.total.used == 1)
  }
}
