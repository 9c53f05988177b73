import Needletail
import Testing
import _NeedletailTestSupport

/// What a budget takes from an answer is said in the answer.
@Suite("A search with a budget")
struct BudgetedSearchTests {
  /// What an index consists of.
  enum Shape: CaseIterable, Sendable {
    case compact, turbo, uncoded, fourSegments, sealedAndLive, live
  }

  private static let dimensions = 24
  private static let count = 6_000

  /// An index of clustered rows, and queries from the same clusters.
  private static func world(
    _ shape: Shape, in directory: TemporaryDirectory
  ) throws -> (index: VectorIndex, queries: [[Float]]) {
    let all = RandomVectors.clusters(
      count: count + 40, dimensions: dimensions, spread: 0.6, seed: 21)
    var configuration = VectorIndex.Configuration(
      dimensions: dimensions, metric: .squaredEuclidean)
    configuration.graph.efConstruction = 60
    switch shape {
    case .turbo: configuration.mode = .turbo
    case .uncoded: configuration.codes = .none
    case .compact, .fourSegments, .sealedAndLive, .live: break
    }
    let index = try VectorIndex.create(at: directory("index"), configuration: configuration)
    var sealed: [Range<Int>] = []
    switch shape {
    case .compact, .turbo, .uncoded: sealed = [0..<count]
    case .fourSegments:
      sealed = (0..<4).map { $0 * count / 4..<($0 + 1) * count / 4 }
    case .sealedAndLive: sealed = [0..<(count * 3 / 4)]
    case .live: break
    }
    func rows(_ range: Range<Int>) throws -> VectorMatrix {
      try VectorMatrix(
        Array(all[(range.lowerBound * dimensions)..<(range.upperBound * dimensions)]),
        dimensions: dimensions)
    }
    for part in sealed {
      var writer = try index.makeWriter()
      try writer.add(rows(part), ids: part.map(VectorID.init))
      _ = try writer.commit()
    }
    if let first = sealed.last?.upperBound ?? .some(0), first < count {
      try index.insert(try rows(first..<count), ids: (first..<count).map(VectorID.init))
    }
    let queries = (0..<40).map { q in
      Array(all[((count + q) * dimensions)..<((count + q + 1) * dimensions)])
    }
    return (index, queries)
  }

  @Test("An answer without a reason is the one without a budget", arguments: Shape.allCases)
  func honest(shape: Shape) throws {
    let directory = try TemporaryDirectory()
    let (index, queries) = try Self.world(shape, in: directory)
    let snapshot = try index.snapshot()
    var random = SplitMix64(seed: 5)
    var (whole, cut) = (0, 0)
    for query in queries {
      for width in [10, 24, 64] {
        var options = SearchOptions(efSearch: width)
        let free = try snapshot.search(query, k: 10, options: options)
        #expect(free.completion.isComplete)
        for trial in 0..<12 {
          let isTimed = trial % 3 == 0
          let evaluations = 1 + Int(random.next(below: UInt64(2 * free.statistics.evaluations)))
          options.budget =
            isTimed
            ? SearchBudget(latency: .nanoseconds(1 + Int(random.next(below: 60_000))))
            : SearchBudget(evaluations: evaluations)
          let bounded = try snapshot.search(query, k: 10, options: options)
          #expect(!bounded.neighbors.isEmpty)
          if !isTimed {
            // A hop that began in time is finished.
            #expect(bounded.statistics.evaluations <= evaluations + 4 * 32 + 64)
          }
          if bounded.completion.isComplete {
            #expect(bounded.neighbors == free.neighbors)
            #expect(bounded.statistics.evaluations == free.statistics.evaluations)
            whole += 1
          } else {
            cut += 1
          }
        }
      }
    }
    #expect(whole > 0 && cut > 0, "both came to pass")
  }

  @Test("The same among the rows of a filter", arguments: Shape.allCases)
  func filtered(shape: Shape) throws {
    let directory = try TemporaryDirectory()
    let (index, queries) = try Self.world(shape, in: directory)
    // Rows that ended are passed, too.
    try index.remove((0..<Self.count / 50).map { VectorID($0 * 50) })
    let snapshot = try index.snapshot()
    var random = SplitMix64(seed: 6)
    var (whole, cut) = (0, 0)
    for share in [0.003, 0.05, 0.3, 0.75] {
      let ids = (0..<Self.count).filter { _ in random.nextUnit() < share }.map(VectorID.init)
      let filter = try snapshot.compile(.allow(ids))
      for query in queries.prefix(12) {
        var options = SearchOptions(efSearch: 24)
        let free = try snapshot.search(query, k: 10, filter: filter, options: options)
        #expect(free.completion.isComplete)
        for trial in 0..<10 {
          let evaluations = 1 + Int(random.next(below: UInt64(4 * free.statistics.evaluations)))
          options.budget =
            trial % 2 == 0
            ? SearchBudget(latency: .nanoseconds(1 + Int(random.next(below: 300_000))))
            : SearchBudget(evaluations: evaluations)
          let bounded = try snapshot.search(query, k: 10, filter: filter, options: options)
          if bounded.completion.isComplete {
            #expect(bounded.neighbors == free.neighbors, "\(share), \(options.budget as Any)")
            whole += 1
          } else {
            cut += 1
          }
        }
      }
    }
    #expect(whole > 0 && cut > 0, "both came to pass")
  }

  @Test("What is scanned without a budget and walked with one says so", arguments: [1, 10])
  func small(k: Int) throws {
    let (index, queries) = try IndexOnDisk.clusters(.squaredEuclidean, count: 220, dimensions: 8)
    for row in 0..<queries.count {
      var options = SearchOptions(efSearch: 4)
      let free = try index.snapshot.search(queries[row], k: k, options: options)
      for evaluations in [1, 40, 150, 219, 220, 500] {
        options.budget = SearchBudget(evaluations: evaluations)
        let bounded = try index.snapshot.search(queries[row], k: k, options: options)
        #expect(bounded.completion.isComplete == (evaluations >= 220))
        if bounded.completion.isComplete { #expect(bounded.neighbors == free.neighbors) }
      }
    }
  }

  @Test("Time that is over leaves an answer, and time enough all of it", arguments: Shape.allCases)
  func extremes(shape: Shape) throws {
    let directory = try TemporaryDirectory()
    let (index, queries) = try Self.world(shape, in: directory)
    let snapshot = try index.snapshot()
    var options = SearchOptions(efSearch: 40)
    for query in queries.prefix(10) {
      options.budget = nil
      let free = try snapshot.search(query, k: 10, options: options)
      for budget in [
        SearchBudget(deadline: .now - .seconds(1)), SearchBudget(latency: .nanoseconds(1)),
      ] {
        options.budget = budget
        let late = try snapshot.search(query, k: 10, options: options)
        #expect(late.completion.reasons.contains(.deadline) && !late.neighbors.isEmpty)
        #expect(late.statistics.evaluations < free.statistics.evaluations)
      }
      for budget in [
        SearchBudget(latency: .seconds(1 << 40)), SearchBudget(deadline: .now + .seconds(3_600)),
        SearchBudget(evaluations: .max),
      ] {
        options.budget = budget
        let answer = try snapshot.search(query, k: 10, options: options)
        #expect(answer.completion.isComplete && answer.neighbors == free.neighbors)
      }
    }
    options.budget = SearchBudget(latency: .nanoseconds(1))
    let matrix = try VectorMatrix(queries.flatMap(\.self), dimensions: Self.dimensions)
    let late = try snapshot.search(batch: matrix, k: 10, options: options, threads: 2)
    #expect(late.allSatisfy { $0.completion.reasons.contains(.deadline) && !$0.neighbors.isEmpty })
    options.budget = SearchBudget(latency: .seconds(3_600))
    let whole = try snapshot.search(batch: matrix, k: 10, options: options, threads: 2)
    options.budget = nil
    let free = try snapshot.search(batch: matrix, k: 10, options: options, threads: 2)
    #expect(whole.map(\.neighbors) == free.map(\.neighbors))
  }

  @Test("More evaluations find more")
  func anytime() throws {
    let directory = try TemporaryDirectory()
    let (index, queries) = try Self.world(.compact, in: directory)
    let snapshot = try index.snapshot()
    var options = SearchOptions(efSearch: 64)
    let free = try queries.map { try snapshot.search($0, k: 10, options: options) }
    let mean = free.map(\.statistics.evaluations).reduce(0, +) / free.count
    var found: [Double] = []
    for step in 1...8 {
      options.budget = SearchBudget(evaluations: mean * step / 8)
      var hits = 0
      for (query, whole) in zip(queries, free) {
        let answer = try snapshot.search(query, k: 10, options: options)
        let wanted = Set(whole.neighbors.map(\.id))
        hits += answer.neighbors.count { wanted.contains($0.id) }
      }
      found.append(Double(hits) / Double(10 * queries.count))
    }
    for (less, more) in zip(found, found.dropFirst()) { #expect(more >= less - 0.005) }
    #expect(found[7] >= 0.9, "\(found)")
  }

  @Test("A budget that leaves nothing is refused, with the number")
  func refusals() throws {
    let (index, _) = try IndexOnDisk.clusters(.squaredEuclidean, count: 300, dimensions: 3)
    for (budget, text) in [
      (SearchBudget(latency: .zero), "0.0 seconds"), (SearchBudget(evaluations: -3), "-3"),
    ] {
      var options = SearchOptions()
      options.budget = budget
      let error = failure { _ = try index.snapshot.search([1, 2, 3], k: 1, options: options) }
      #expect(error?.code == .invalidConfiguration)
      #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
    }
  }
}
