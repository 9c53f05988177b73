import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

@Suite("Caps per group")
struct CappedSearchTests {
  /// How the sellers of a world are drawn.
  enum Sellers: CaseIterable, Sendable {
    /// Many of them, anywhere.
    case mixed
    /// One has nine rows of ten.
    case dominated
    /// Each has a cluster of its own, so that the nearest rows are all of one.
    case clustered
    /// A third of the rows has none, a third a number.
    case partial
  }

  private static let dimensions = 12

  private static func world(
    _ sellers: Sellers, count: Int, metric: Metric = .squaredEuclidean, seed: UInt64 = 4
  ) -> (world: World, sellers: [String?]) {
    var world = World(
      metric,
      RandomVectors.clusters(
        count: count, dimensions: dimensions, clusters: 12, spread: 0.5, seed: seed),
      dimensions: dimensions, m: 10)
    var random = SplitMix64(seed: seed)
    let pivots = (0..<12).map { world.row($0) }
    var names: [String?] = []
    for row in 0..<count {
      var item: Attributes = ["year": .integer(Int64(row))]
      var name: String?
      switch sellers {
      case .mixed: name = "seller \(random.next(below: 40))"
      case .dominated:
        name = random.next(below: 10) > 0 ? "giant" : "seller \(random.next(below: 12))"
      case .clustered:
        let distances = pivots.map { world.distance($0, row) }
        name = "cluster \(distances.firstIndex(of: distances.min() ?? 0) ?? 0)"
      case .partial:
        switch row % 3 {
        case 0: name = "seller \(random.next(below: 4))"
        case 1: item["seller"] = .integer(7)
        default: break
        }
      }
      if let name { item["seller"] = .category(name) }
      names.append(name)
      world.attributes.append(item)
    }
    return (world, names)
  }

  /// The rows that are right, by a sort of all rows.
  private static func exact(
    _ world: World, _ sellers: [String?], _ query: [Float], k: Int, limit: Int,
    _ isAllowed: (Int) -> Bool
  ) -> [Int] {
    let order = (0..<world.count).filter(isAllowed).map { (world.distance(query, $0), $0) }
      .sorted { $0.0 < $1.0 }
    var counts: [String: Int] = [:]
    var rows: [Int] = []
    for (_, row) in order {
      if let seller = sellers[row] {
        guard counts[seller, default: 0] < limit else { continue }
        counts[seller, default: 0] += 1
      }
      rows.append(row)
      if rows.count == k { break }
    }
    return rows
  }

  private static func stack(_ world: World, parts: Int) throws -> SegmentStack {
    let d = world.dimensions
    let segments = try (0..<parts).map { part in
      let rows = (world.count * part / parts)..<(world.count * (part + 1) / parts)
      var piece = world
      piece.components = Array(world.components[(rows.lowerBound * d)..<(rows.upperBound * d)])
      piece.ids = Array(world.ids[rows])
      piece.attributes = Array(world.attributes[rows])
      return try piece.opened()
    }
    return SegmentStack(segments)
  }

  private static func answers(
    _ stack: SegmentStack, _ query: [Float], _ parameters: SearchParameters, _ cap: GroupCap,
    _ filter: Filter? = nil
  ) throws -> (neighbors: [Neighbor], outcome: SearchOutcome) {
    let canary = Neighbor(id: 7, distance: -77)
    var answers = [Neighbor](repeating: canary, count: parameters.k + 1)
    let sets = try filter.map { filter in
      try stack.segments.map { try $0.rows(matching: filter) }
        + stack.live.map { try $0.segment.rows(matching: filter, $0.view) }
    }
    let outcome = unsafe try stack.search(
      query, parameters, cap: cap, among: sets, into: &answers)
    #expect(answers[parameters.k] == canary, "written over the end")
    return (Array(answers.prefix(outcome.count)), outcome)
  }

  @Test(
    "The nearest that the cap leaves, as many as there are", arguments: Sellers.allCases, [1, 3])
  func model(sellers: Sellers, parts: Int) throws {
    let (world, names) = Self.world(sellers, count: 900)
    let stack = try Self.stack(world, parts: parts)
    let place = Dictionary(uniqueKeysWithValues: world.ids.enumerated().map { ($1, $0) })
    let filter = attribute("year") < 600
    for (k, limit) in [(10, 1), (10, 3), (40, 2), (25, 1_000), (1_000, 1), (1, 1)] {
      var (found, wanted) = (0, 0)
      for number in stride(from: 0, to: 900, by: 45) {
        for isFiltered in [false, true] {
          let query = world.row(number)
          let expected = Self.exact(world, names, query, k: k, limit: limit) {
            !isFiltered || $0 < 600
          }
          let (neighbors, outcome) = try Self.answers(
            stack, query, SearchParameters(k: k, efSearch: 100),
            GroupCap("seller", limit: limit), isFiltered ? filter : nil)
          #expect(neighbors.count == expected.count, "\(sellers), k \(k), limit \(limit)")
          #expect(!outcome.isLimited)
          #expect(zip(neighbors, neighbors.dropFirst()).allSatisfy { Neighbor.precedes($0, $1) })
          let rows = try neighbors.map { try #require(place[$0.id]) }
          var counts: [String: Int] = [:]
          for row in rows {
            #expect(!isFiltered || row < 600)
            if let seller = names[row] { counts[seller, default: 0] += 1 }
          }
          #expect(counts.values.allSatisfy { $0 <= limit })
          found += Set(rows).intersection(expected).count
          wanted += expected.count
        }
      }
      #expect(
        Double(found) >= 0.99 * Double(wanted),
        "\(sellers), k \(k), limit \(limit): \(found)/\(wanted)")
    }
  }

  /// Two sealed parts, one with dead rows, and a live one with versions that ended; some rows withdrawn in each.
  private static func parts(
    _ world: World
  ) throws -> (stack: SegmentStack, shown: Set<Int>) {
    let d = world.dimensions
    var shown = Set(0..<world.count)
    var sealed: [SegmentPart] = []
    for rows in [0..<400, 400..<600] {
      var piece = world
      piece.components = Array(world.components[(rows.lowerBound * d)..<(rows.upperBound * d)])
      piece.ids = Array(world.ids[rows])
      piece.attributes = Array(world.attributes[rows])
      let segment = try piece.opened()
      func ordinal(_ row: Int) throws -> UInt32 {
        try #require(segment.ordinal(of: world.ids[row]))
      }
      let dead = try rows.filter { $0 < 400 && $0 % 5 == 0 }.map { try ordinal($0) }
      for row in rows where row % 7 == 1 { _ = try segment.withdrawn.insert(ordinal(row)) }
      sealed.append(
        SegmentPart(segment: segment, dead: try RowSet(rows: segment.count, ordinals: dead)))
    }
    shown = shown.filter { !($0 < 400 && $0 % 5 == 0) && !($0 < 600 && $0 % 7 == 1) }
    let live = try LiveWorld(world)
    let rows = Array(600..<world.count)
    // Each first under the attributes of another row, then under its own.
    let others = rows.map { world.attributes[$0 - 600] }
    let ids = Array(world.ids[600...])
    _ = try live.segment.upsert(live.matrix(rows), ids: ids, attributes: others)
    _ = try live.segment.upsert(
      live.matrix(rows), ids: ids, attributes: Array(world.attributes[600...]))
    let gone = rows.filter { $0 % 4 == 0 }
    _ = try live.segment.remove(gone.map { world.ids[$0] })
    let withdrawn = rows.filter { $0 % 9 == 1 }
    try live.segment.setWithdrawn(Set(withdrawn.map { world.ids[$0] }), true)
    shown.subtract(gone)
    shown.subtract(withdrawn)
    let part = LivePart(segment: live.segment, view: live.segment.view())
    return (SegmentStack(sealed: sealed, live: [part]), shown)
  }

  @Test(
    "Over sealed and live parts, without what is dead, ended or withdrawn",
    arguments: Sellers.allCases)
  func views(sellers: Sellers) throws {
    let (world, names) = Self.world(sellers, count: 900)
    let (stack, shown) = try Self.parts(world)
    let place = Dictionary(uniqueKeysWithValues: world.ids.enumerated().map { ($1, $0) })
    let filter = attribute("year") < 750
    for (k, limit) in [(10, 1), (10, 3), (30, 2), (700, 2), (900, 900)] {
      var (found, wanted) = (0, 0)
      var queries: [[Float]] = []
      for number in stride(from: 3, to: 900, by: 60) {
        for isFiltered in [false, true] {
          let query = world.row(number)
          if !isFiltered { queries.append(query) }
          let expected = Self.exact(world, names, query, k: k, limit: limit) {
            shown.contains($0) && (!isFiltered || $0 < 750)
          }
          let (neighbors, _) = try Self.answers(
            stack, query, SearchParameters(k: k, efSearch: 100),
            GroupCap("seller", limit: limit), isFiltered ? filter : nil)
          #expect(neighbors.count == expected.count, "\(sellers), k \(k), limit \(limit)")
          let rows = try neighbors.map { try #require(place[$0.id]) }
          #expect(rows.allSatisfy { shown.contains($0) && (!isFiltered || $0 < 750) })
          var counts: [String: Int] = [:]
          for row in rows { if let seller = names[row] { counts[seller, default: 0] += 1 } }
          #expect(counts.values.allSatisfy { $0 <= limit })
          found += Set(rows).intersection(expected).count
          wanted += expected.count
        }
      }
      #expect(
        Double(found) >= 0.98 * Double(wanted),
        "\(sellers), k \(k), limit \(limit): \(found)/\(wanted)")
      let parameters = SearchParameters(k: k, efSearch: 100)
      let cap = GroupCap("seller", limit: limit)
      let batch = try stack.search(
        batch: VectorMatrix(queries.flatMap { $0 }, dimensions: Self.dimensions), parameters,
        cap: cap, threads: 2)
      for (number, query) in queries.enumerated() {
        let single = try Self.answers(stack, query, parameters, cap).neighbors
        let start = number * batch.answersPerQuery
        #expect(Array(batch.answers[start..<(start + batch.outcomes[number].count)]) == single)
      }
    }
  }

  @Test("A cap that binds nobody, and a category that is not there, change nothing")
  func unbound() throws {
    let (world, _) = Self.world(.mixed, count: 700)
    let stack = try Self.stack(world, parts: 2)
    for row in stride(from: 0, to: 700, by: 70) {
      var plain = [Neighbor](repeating: Neighbor(id: 0, distance: 0), count: 10)
      let parameters = SearchParameters(k: 10, efSearch: 200)
      _ = unsafe try stack.search(world.row(row), parameters, into: &plain)
      for cap in [
        GroupCap("seller", limit: 700), GroupCap("colour", limit: 1), GroupCap("year", limit: 1),
      ] {
        #expect(try Self.answers(stack, world.row(row), parameters, cap).neighbors == plain)
      }
    }
  }

  @Test("A limit on evaluations is kept, and said")
  func limited() throws {
    let (world, _) = Self.world(.dominated, count: 900)
    let stack = try Self.stack(world, parts: 2)
    var parameters = SearchParameters(k: 10, efSearch: 40)
    parameters.evaluationLimit = 60
    let (neighbors, outcome) = try Self.answers(
      stack, world.row(5), parameters, GroupCap("seller", limit: 1))
    #expect(outcome.isLimited && neighbors.count < 10)
    #expect(outcome.evaluations <= 60 + 6 * 2 * 20)
  }

  @Test("Codes and metrics of every kind", arguments: Metric.allCases)
  func kinds(metric: Metric) throws {
    for codes in [CodeKind.int8, .int4, .none] {
      var (world, names) = Self.world(.clustered, count: 600, metric: metric)
      world.options.codes = codes
      let stack = try Self.stack(world, parts: 1)
      let place = Dictionary(uniqueKeysWithValues: world.ids.enumerated().map { ($1, $0) })
      var (found, wanted) = (0, 0)
      for number in stride(from: 0, to: 600, by: 40) {
        let query = world.row(number)
        let expected = Self.exact(world, names, query, k: 12, limit: 2) { _ in true }
        let (neighbors, _) = try Self.answers(
          stack, query, SearchParameters(k: 12, efSearch: 60), GroupCap("seller", limit: 2))
        #expect(neighbors.count == expected.count)
        found += try Set(neighbors.map { try #require(place[$0.id]) }).intersection(expected).count
        wanted += expected.count
      }
      #expect(Double(found) >= 0.97 * Double(wanted), "\(metric), \(codes): \(found)/\(wanted)")
    }
  }

  @Test("A limit below one is refused")
  func refused() {
    for limit in [0, -1, Int.min] {
      #expect(throws: NeedletailError.self) { try GroupCap("seller", limit: limit).validate() }
    }
    #expect(throws: Never.self) { try GroupCap("seller", limit: .max).validate() }
  }
}
