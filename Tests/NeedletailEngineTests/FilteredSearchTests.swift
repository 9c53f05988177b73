import NeedletailCore
import NeedletailKernels
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

@Suite("Filtered search")
struct FilteredSearchTests {
  /// The kinds of index that search among a set in ways of their own.
  enum Kind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case int8, int4, none, turbo
    case withoutRows
    var testDescription: String { rawValue }
  }

  /// How the rows of a filter lie about the query.
  enum Relation: CaseIterable, Sendable {
    case uncorrelated, correlated, anticorrelated
  }

  private static func world(
    _ metric: Metric, _ kind: Kind, count: Int = 3_000, dimensions: Int = 32
  ) -> (world: World, queries: [[Float]]) {
    let all = RandomVectors.clusters(
      count: count + 12, dimensions: dimensions, clusters: 24, spread: 0.6, seed: 14)
    var world = World(
      metric, Array(all.prefix(count * dimensions)), dimensions: dimensions,
      m: kind == .turbo ? 16 : 12)
    switch kind {
    case .int8: break
    case .int4: world.options.codes = .int4
    case .none: world.options.codes = .none
    case .turbo: world.options.layout = .turbo
    case .withoutRows: world.options.precise = .none
    }
    let queries = (0..<12).map { q in
      Array(all[((count + q) * dimensions)..<((count + q + 1) * dimensions)])
    }
    return (world, queries)
  }

  /// Indices of the rows that a filter of `matches` rows lets through.
  private static func draw(
    _ world: World, _ query: [Float], matches: Int, _ relation: Relation, seed: UInt64
  ) -> [Int] {
    var random = SplitMix64(seed: seed)
    switch relation {
    case .uncorrelated:
      let order = (0..<world.count).map { (random.next(), $0) }.sorted { $0.0 < $1.0 }
      return order.prefix(matches).map(\.1)
    case .correlated, .anticorrelated:
      let order = (0..<world.count).map { (world.distance(query, $0), $0) }
        .sorted { $0.0 < $1.0 }.map(\.1)
      return Array(relation == .correlated ? order.prefix(matches) : order.suffix(matches))
    }
  }

  /// The ids and distances that are right, nearest first.
  private static func exact(
    _ world: World, _ query: [Float], _ rows: [Int], k: Int
  ) -> [(row: Int, distance: Double)] {
    Array(
      rows.map { (row: $0, distance: world.distance(query, $0)) }
        .sorted { $0.distance < $1.distance }.prefix(k))
  }

  private static func answers(
    _ segment: SealedSegment, _ query: [Float], _ parameters: SearchParameters, _ set: RowSet,
    _ plan: FilterPlan? = nil
  ) throws(NeedletailError) -> (neighbors: [Neighbor], outcome: SearchOutcome) {
    let room = min(parameters.k, max(1, set.count))
    let canary = Neighbor(id: 0xdead_beef, distance: -77)
    var answers = [Neighbor](repeating: canary, count: room + 2)
    let outcome = unsafe try segment.search(
      query, parameters, among: set, plan: plan, into: &answers)
    #expect(answers.suffix(2).allSatisfy { $0 == canary }, "written over the end")
    #expect(outcome.survivors == set.count)
    return (Array(answers.prefix(outcome.count)), outcome)
  }

  /// The share of the right answers among those given, and that nothing else is given.
  private static func recall(
    _ world: World, _ segment: SealedSegment, _ relation: Relation, matches: Int,
    _ parameters: SearchParameters, _ queries: [[Float]], _ plan: FilterPlan? = nil
  ) throws -> (recall: Double, plans: Set<FilterPlan>) {
    let place = Dictionary(uniqueKeysWithValues: world.ids.enumerated().map { ($1, $0) })
    var (found, wanted, plans) = (0, 0, Set<FilterPlan>())
    for (number, query) in queries.enumerated() {
      let rows = draw(world, query, matches: matches, relation, seed: UInt64(number))
      let set = try segment.rows(matching: .allow(rows.map { world.ids[$0] }))
      #expect(set.count == matches)
      let expected = exact(world, query, rows, k: parameters.k)
      let (neighbors, outcome) = try answers(segment, query, parameters, set, plan)
      #expect(neighbors.count == min(parameters.k, matches))
      #expect(Set(neighbors.map(\.id)).count == neighbors.count)
      #expect(zip(neighbors, neighbors.dropFirst()).allSatisfy { Neighbor.precedes($0, $1) })
      let members = Set(rows)
      let farthest = expected.last?.distance ?? 0
      for neighbor in neighbors {
        let row = try #require(place[neighbor.id])
        #expect(members.contains(row), "an answer that the filter does not let through")
        found += world.distance(query, row) <= farthest + 1e-6 * max(abs(farthest), 1e-30) ? 1 : 0
      }
      wanted += expected.count
      if let plan = outcome.plan { plans.insert(plan) }
    }
    return (wanted == 0 ? 1 : Double(found) / Double(wanted), plans)
  }

  @Test(
    "Finds the nearest that the filter lets through, at every selectivity",
    arguments: Metric.allCases, Kind.allCases)
  func selectivities(metric: Metric, kind: Kind) throws {
    if kind == .turbo && metric == .innerProduct { return }
    let (world, queries) = Self.world(metric, kind)
    let segment = try world.opened()
    for relation in Relation.allCases {
      for matches in [2_997, 1_500, 300, 30, 10, 3, 1] {
        let (recall, _) = try Self.recall(
          world, segment, relation, matches: matches, .init(k: 10, efSearch: 64), queries)
        // Rows that are all as far as one another look alike in codes, and nothing else is there.
        // Bits of so few dimensions tell little: without a filter, too, some of the nearest are not found.
        let least = kind == .withoutRows ? 0.5 : kind == .turbo ? 0.9 : 0.95
        #expect(recall >= least, "\(relation), \(matches): \(recall)")
      }
    }
  }

  @Test(
    "Every plan finds them, where it is told to go that way", arguments: Metric.allCases,
    Kind.allCases)
  func plans(metric: Metric, kind: Kind) throws {
    if kind == .turbo && metric == .innerProduct { return }
    let (world, queries) = Self.world(metric, kind)
    let segment = try world.opened()
    let least = kind == .withoutRows ? 0.8 : 0.95
    for plan in [FilterPlan.exact, .inFilter, .twoHop] {
      for matches in [1_500, 600] {
        let (recall, plans) = try Self.recall(
          world, segment, .uncorrelated, matches: matches, .init(k: 10, efSearch: 64), queries, plan
        )
        #expect(
          recall >= (plan == .twoHop ? least - 0.05 : least), "\(plan), \(matches): \(recall)")
        let hasTwoHop = kind != .turbo && kind != .none
        #expect(
          plans.isSubset(
            of: plan == .twoHop && !hasTwoHop
              ? [.inFilter, .exactAfterWalk]
              : [plan, .exactAfterWalk]))
      }
    }
  }

  @Test("The plan follows the share of rows, and says so", arguments: Metric.allCases)
  func choice(metric: Metric) throws {
    let (world, queries) = Self.world(metric, .int8)
    let segment = try world.opened()
    let narrow = SearchParameters(k: 5, efSearch: 10)
    let most = try Self.recall(
      world, segment, .uncorrelated, matches: 2_900, narrow, queries)
    #expect(most.plans == [.inFilter])
    let few = try Self.recall(world, segment, .uncorrelated, matches: 100, narrow, queries)
    #expect(few.plans == [.exact])
    // Far from the query a walk does not find them: it is given up in time.
    let far = try Self.recall(world, segment, .anticorrelated, matches: 2_400, narrow, queries)
    #expect(far.plans.contains(.exactAfterWalk), "\(far.plans)")
    #expect(far.recall >= 0.95)
  }

  @Test("A walk that is given up costs little beside the scan")
  func givenUp() throws {
    let (world, queries) = Self.world(.squaredEuclidean, .int8)
    let segment = try world.opened()
    for query in queries {
      let rows = Self.draw(world, query, matches: 2_400, .anticorrelated, seed: 1)
      let set = try segment.rows(matching: .allow(rows.map { world.ids[$0] }))
      let (_, outcome) = try Self.answers(segment, query, .init(k: 10, efSearch: 10), set)
      guard outcome.plan == .exactAfterWalk else { continue }
      // A walked row is taken for two scanned ones: half as many again, and the least that is tried at a time.
      #expect(outcome.evaluations <= 2_400 + 2_400 / 2 + 64 + 256 + 256)
    }
  }

  @Test(
    "What is denied is not answered, and as many as are asked for are", arguments: Kind.allCases)
  func exclusion(kind: Kind) throws {
    let (world, queries) = Self.world(.squaredEuclidean, kind)
    let segment = try world.opened()
    var right = 0
    for query in queries {
      let near = Self.draw(world, query, matches: 200, .correlated, seed: 1)
      let seen = Set(near + Self.draw(world, query, matches: 1_200, .uncorrelated, seed: 2))
      let set = try segment.rows(matching: .deny(seen.map { world.ids[$0] }))
      let (neighbors, _) = try Self.answers(segment, query, .init(k: 10, efSearch: 64), set)
      #expect(neighbors.count == 10)
      let denied = Set(seen.map { world.ids[$0] })
      #expect(neighbors.allSatisfy { !denied.contains($0.id) })
      // The nearest that are left stand far behind all that are denied.
      let left = (0..<world.count).filter { !seen.contains($0) }
      let best = Set(Self.exact(world, query, left, k: 10).map { world.ids[$0.row] })
      right += neighbors.filter { best.contains($0.id) }.count
    }
    let recall = Double(right) / Double(10 * queries.count)
    #expect(recall >= (kind == .withoutRows ? 0.5 : 0.9), "\(recall)")
  }

  @Test("Nothing, one row and more than all are answered honestly", arguments: Kind.allCases)
  func edges(kind: Kind) throws {
    let (world, queries) = Self.world(.cosine, kind, count: 400)
    let segment = try world.opened()
    let none = try segment.rows(matching: .allow([]))
    let all = try segment.rows(matching: .all)
    for query in queries {
      let (nothing, outcome) = try Self.answers(segment, query, .init(k: 10, efSearch: 64), none)
      #expect(nothing.isEmpty && outcome.plan == .exact && outcome.evaluations == 0)
      let (every, _) = try Self.answers(segment, query, .init(k: 1_000, efSearch: 64), all)
      #expect(every.count == 400)
      #expect(Set(every.map(\.id)) == Set(world.ids))
    }
    // The query is judged even where nobody could be an answer.
    #expect(throws: NeedletailError.self) {
      _ = try Self.answers(
        segment, [Float](repeating: .nan, count: 32), .init(k: 1, efSearch: 1), none)
    }
  }

  @Test("A limit on evaluations is kept, and said", arguments: Kind.allCases)
  func limits(kind: Kind) throws {
    let (world, queries) = Self.world(.squaredEuclidean, kind)
    let segment = try world.opened()
    for query in queries {
      let rows = Self.draw(world, query, matches: 1_000, .uncorrelated, seed: 4)
      let set = try segment.rows(matching: .allow(rows.map { world.ids[$0] }))
      let members = Set(rows.map { world.ids[$0] })
      for limit in [1, 70, 200, 999] {
        let (neighbors, outcome) = try Self.answers(
          segment, query, .init(k: 10, efSearch: 64, evaluationLimit: limit), set)
        // Checked before a hop, which scores up to as many as a row has links.
        #expect(outcome.evaluations < limit + 2 * 16 * 2)
        #expect(neighbors.allSatisfy { members.contains($0.id) })
        if limit < 100 { #expect(outcome.isLimited) }
      }
      // A limit that the whole set fits into is none.
      let (neighbors, outcome) = try Self.answers(
        segment, query, .init(k: 10, efSearch: 64, evaluationLimit: 1_000_000), set)
      #expect(neighbors.count == 10 && !outcome.isLimited)
    }
  }

  @Test("A set of all rows finds what a search without one does", arguments: Metric.allCases)
  func everything(metric: Metric) throws {
    let (world, queries) = Self.world(metric, .int8)
    let segment = try world.opened()
    let (all, _) = try Self.recall(
      world, segment, .uncorrelated, matches: world.count, .init(k: 10, efSearch: 40), queries)
    let without = try world.recall(segment, queries, .init(k: 10, efSearch: 40))
    #expect(all >= without - 0.02, "\(all), \(without)")
  }
}
