import NeedletailCore
import NeedletailKernels
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

@Suite("Hidden rows")
struct HiddenRowsTests {
  /// The kinds of segment that pass hidden rows in ways of their own.
  enum Kind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case int8, int4, none, turbo, withoutRows
    var testDescription: String { rawValue }
  }

  private static func world(
    _ metric: Metric, _ kind: Kind, count: Int = 3_000
  ) -> (world: World, queries: [[Float]]) {
    let d = 24
    let all = RandomVectors.clusters(
      count: count + 20, dimensions: d, clusters: 24, spread: 0.6, seed: 51)
    var world = World(
      metric, Array(all.prefix(count * d)), dimensions: d, m: kind == .turbo ? 16 : 12)
    switch kind {
    case .int8: break
    case .int4: world.options.codes = .int4
    case .none: world.options.codes = .none
    case .turbo: world.options.layout = .turbo
    case .withoutRows: world.options.precise = .none
    }
    return (world, (0..<20).map { q in Array(all[((count + q) * d)..<((count + q + 1) * d)]) })
  }

  /// Rows of the world that are to be dead: any, or those around a few places.
  private static func draw(_ world: World, share: Double, isNear: Bool) -> Set<Int> {
    var random = SplitMix64(seed: 5)
    let wanted = Int(share * Double(world.count))
    var gone = Set<Int>()
    while gone.count < wanted {
      let row = Int(random.next(below: UInt64(world.count)))
      guard isNear else {
        gone.insert(row)
        continue
      }
      let around = world.exact(world.row(row), k: 100).map(\.id)
      let place = Dictionary(uniqueKeysWithValues: world.ids.enumerated().map { ($1, $0) })
      for id in around where gone.count < wanted { gone.insert(place[id] ?? 0) }
    }
    return gone
  }

  private static func part(
    _ world: World, _ segment: SealedSegment, _ gone: Set<Int>
  ) throws -> SegmentPart {
    let ordinals = try gone.map { try #require(segment.ordinal(of: world.ids[$0])) }
    return SegmentPart(segment: segment, dead: try RowSet(rows: segment.count, ordinals: ordinals))
  }

  /// The world without some rows.
  private static func rest(_ world: World, _ gone: Set<Int>) -> World {
    var rest = world
    let left = (0..<world.count).filter { !gone.contains($0) }
    rest.components = left.flatMap { world.row($0) }
    rest.ids = left.map { world.ids[$0] }
    return rest
  }

  private static func answers(
    _ part: SegmentPart, _ query: [Float], _ parameters: SearchParameters
  ) throws -> (neighbors: [Neighbor], outcome: SearchOutcome) {
    let canary = Neighbor(id: 0xdead_beef, distance: -77)
    var answers = [Neighbor](repeating: canary, count: parameters.k + 1)
    let outcome = unsafe try part.search(query, parameters, into: &answers)
    #expect(answers[parameters.k] == canary, "written over the end")
    return (Array(answers.prefix(outcome.count)), outcome)
  }

  @Test("Finds what an index of the living rows finds", arguments: Metric.allCases, Kind.allCases)
  func recall(metric: Metric, kind: Kind) throws {
    if kind == .turbo && metric == .innerProduct { return }
    let (world, queries) = Self.world(metric, kind)
    let segment = try world.opened()
    for (share, isNear) in [(0.1, false), (0.3, false), (0.5, false), (0.3, true), (0.95, false)] {
      let gone = Self.draw(world, share: share, isNear: isNear)
      let part = try Self.part(world, segment, gone)
      let rest = Self.rest(world, gone)
      let parameters = SearchParameters(k: 10, efSearch: 40)
      var (found, evaluations) = (0, 0)
      for query in queries {
        let exact = rest.exact(query, k: 10)
        let known = Set(rest.ids)
        let (neighbors, outcome) = try Self.answers(part, query, parameters)
        #expect(neighbors.count == 10)
        #expect(Set(neighbors.map(\.id)).count == 10)
        #expect(neighbors.allSatisfy { known.contains($0.id) }, "a dead row")
        #expect(zip(neighbors, neighbors.dropFirst()).allSatisfy { Neighbor.precedes($0, $1) })
        let wanted = Set(exact.map(\.id))
        found += neighbors.count { wanted.contains($0.id) }
        evaluations += outcome.evaluations
      }
      let fresh = try rest.recall(rest.opened(), queries, parameters)
      let recall = Double(found) / 200
      // Bits order the rows of so few dimensions roughly: what is passed costs more of what is found.
      let bar = fresh - (kind == .turbo ? 0.08 : kind == .withoutRows ? 0.03 : 0.015)
      #expect(recall >= bar, "\(metric) \(kind) \(share): \(recall), fresh \(fresh)")
    }
  }

  @Test("A walk that meets no dead row is the same to the last evaluation")
  func unchanged() throws {
    let (world, queries) = Self.world(.squaredEuclidean, .int8)
    let segment = try world.opened()
    // The farthest row of all queries together.
    let far = (0..<world.count).max { a, b in
      queries.map { world.distance($0, a) }.min() ?? 0 < queries.map { world.distance($0, b) }.min()
        ?? 0
    }
    let part = try Self.part(world, segment, [far ?? 0])
    for query in queries {
      for ef in [5, 10, 11, 40, 100] {
        let parameters = SearchParameters(k: 10, efSearch: ef)
        let (with, outcome) = try Self.answers(part, query, parameters)
        let (without, plain) = try Self.answers(SegmentPart(segment: segment), query, parameters)
        // Candidates are kept that others drop: those may be nearer.
        #expect(zip(with, without).allSatisfy { $0.distance <= $1.distance })
        #expect(outcome.hops == plain.hops && outcome.evaluations == plain.evaluations)
      }
    }
  }

  @Test("As many answers as are alive", arguments: Kind.allCases)
  func few(kind: Kind) throws {
    let (world, queries) = Self.world(.cosine, kind, count: 700)
    let segment = try world.opened()
    for alive in [0, 1, 7, 30, 300, 690] {
      let part = try Self.part(world, segment, Set(alive..<world.count))
      for k in [1, 10, 200] {
        for query in queries.prefix(4) {
          let (neighbors, _) = try Self.answers(part, query, .init(k: k, efSearch: 20))
          #expect(neighbors.count == min(k, alive), "\(kind): \(alive) alive, \(k) asked for")
        }
      }
    }
  }

  @Test("A view without rows answers nothing, and judges the query")
  func empty() throws {
    let (world, queries) = Self.world(.cosine, .int8, count: 300)
    let part = try Self.part(world, world.opened(), Set(0..<300))
    let stack = SegmentStack(sealed: [part, part], live: [])
    var answers = [Neighbor](repeating: Neighbor(id: 0, distance: 0), count: 5)
    let outcome = unsafe try stack.search(queries[0], .init(k: 5, efSearch: 10), into: &answers)
    #expect(outcome.count == 0 && stack.count == 0)
    let zeros = [Float](repeating: 0, count: world.dimensions)
    #expect(throws: NeedletailError.self) {
      _ = unsafe try stack.search(zeros, .init(k: 5, efSearch: 10), into: &answers)
    }
  }

  @Test("A batch finds what single searches find", arguments: Kind.allCases)
  func batch(kind: Kind) throws {
    let (world, queries) = Self.world(.squaredEuclidean, kind)
    let segment = try world.opened()
    let matrix = try VectorMatrix(queries.flatMap { $0 }, dimensions: world.dimensions)
    for (share, isNear) in [(0.0, false), (0.2, false), (0.6, true), (0.99, false)] {
      let part = try Self.part(world, segment, Self.draw(world, share: share, isNear: isNear))
      for parameters in [
        SearchParameters(k: 10, efSearch: 30), SearchParameters(k: 200, efSearch: 20),
      ] {
        let batch = try part.search(batch: matrix, parameters, threads: 2)
        for (number, query) in queries.enumerated() {
          let (single, outcome) = try Self.answers(part, query, parameters)
          let start = number * batch.answersPerQuery
          #expect(batch.outcomes[number] == outcome)
          #expect(Array(batch.answers[start..<(start + single.count)]) == single)
        }
      }
    }
  }

  @Test("Withdrawn rows are shown in no view, and again once they are given back")
  func withdrawn() throws {
    let (world, queries) = Self.world(.squaredEuclidean, .int8)
    let segment = try world.opened()
    let part = SegmentPart(segment: segment)
    let parameters = SearchParameters(k: 10, efSearch: 40)
    for query in queries {
      let before = try Self.answers(part, query, parameters).neighbors
      for neighbor in before.prefix(3) {
        try segment.withdrawn.insert(try #require(segment.ordinal(of: neighbor.id)))
      }
      let during = try Self.answers(part, query, parameters).neighbors
      #expect(during.count == 10)
      #expect(Set(during.map(\.id)).isDisjoint(with: before.prefix(3).map(\.id)))
      #expect(Array(during.prefix(7)) == Array(before.dropFirst(3)))
      let all = try part.rows(matching: .all)
      var room = during
      let outcome = unsafe try part.search(query, parameters, among: all, into: &room)
      #expect(outcome.count == 10)
      #expect(Set(room.map(\.id)).isDisjoint(with: before.prefix(3).map(\.id)))
      for neighbor in before.prefix(3) {
        segment.withdrawn.remove(try #require(segment.ordinal(of: neighbor.id)))
      }
      #expect(try Self.answers(part, query, parameters).neighbors == before)
    }
  }

  @Test("A filter holds in every part of a view")
  func filtered() throws {
    let (world, queries) = Self.world(.squaredEuclidean, .int8)
    let segment = try world.opened()
    let gone = Self.draw(world, share: 0.3, isNear: false)
    var live = try LiveWorld(world)
    // Some of the dead are alive again as other rows.
    let again = Array(gone.sorted().prefix(300))
    try live.insert(again, ids: again.map { world.ids[$0] })
    let stack = SegmentStack(
      sealed: [try Self.part(world, segment, gone)],
      live: [LivePart(segment: live.segment, view: live.segment.view())])
    let rest = Self.rest(world, gone.subtracting(again))
    for denied in [0, 100, 1_500, 2_300] {
      let filter = Filter.deny(world.ids.prefix(denied))
      let rows = try stack.rows(matching: filter)
      let left = Self.rest(world, gone.subtracting(again).union(0..<denied))
      #expect(rows.count == left.count)
      let matrix = try VectorMatrix(queries.flatMap { $0 }, dimensions: world.dimensions)
      let batch = try stack.search(
        batch: matrix, .init(k: 10, efSearch: 60), among: rows, threads: 2)
      var hits = 0
      for (number, query) in queries.enumerated() {
        var answers = [Neighbor](repeating: Neighbor(id: 0, distance: 0), count: 10)
        let outcome = unsafe try stack.search(
          query, .init(k: 10, efSearch: 60), among: rows, into: &answers)
        #expect(outcome.count == min(10, left.count) && outcome.survivors == left.count)
        answers.removeLast(10 - outcome.count)
        let wanted = Set(left.exact(query, k: 10).map(\.id))
        hits += answers.count { wanted.contains($0.id) }
        #expect(batch.outcomes[number] == outcome)
        #expect(
          Array(batch.answers[(number * batch.answersPerQuery)...].prefix(outcome.count)) == answers
        )
      }
      #expect(hits >= 195, "\(denied) denied: \(hits) of 200")
    }
    #expect(rest.count == stack.count)
  }
}
