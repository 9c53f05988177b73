import Needletail
import Testing
import _NeedletailTestSupport

@Suite("Filters of a snapshot")
struct FilterTests {
  /// The ids that a filter lets through, nearest first, by distances computed here.
  private static func exact(
    _ index: IndexOnDisk, _ query: [Float], _ matches: (VectorID) -> Bool
  ) -> [(id: VectorID, distance: Double)] {
    index.ids.enumerated().filter { matches($1) }
      .map { row, id in
        let distance = zip(index.row(row), query)
          .reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
        return (id: id, distance: distance)
      }
      .sorted { $0.distance < $1.distance }
  }

  @Test("Allowed and denied ids decide who is answered, in every form of a search")
  func forms() throws {
    let (index, queries) = try IndexOnDisk.clusters(.squaredEuclidean)
    let snapshot = index.snapshot
    let even = index.ids.filter { $0 % 2 == 0 }
    let seen = Set(index.ids.prefix(400))
    let filter = Filter.allow(even) & .deny(seen)
    let compiled = try snapshot.compile(filter)
    let matches: (VectorID) -> Bool = { $0 % 2 == 0 && !seen.contains($0) }
    #expect(compiled.count == index.ids.count(where: matches))
    #expect(compiled.selectivity == Double(compiled.count) / Double(index.count))
    let options = SearchOptions(efSearch: 200)
    let batch = try snapshot.search(
      batch: queries, k: 10, filter: compiled, options: options, threads: 2)
    for number in 0..<queries.count {
      let query = queries[number]
      let expected = Self.exact(index, query, matches).prefix(10).map(\.id)
      let result = try snapshot.search(query, k: 10, filter: compiled, options: options)
      #expect(result.neighbors.map(\.id) == expected)
      #expect(result.completion.isComplete)
      #expect(result.statistics.filterPlan != nil)
      #expect(result.statistics.survivors == compiled.count)
      #expect(batch[number].neighbors == result.neighbors)
      var buffer = [Neighbor](repeating: Neighbor(id: 0, distance: 0), count: 10)
      var span = buffer.mutableSpan
      let outcome = try snapshot.search(
        query.span, k: 10, filter: compiled, options: options, into: &span)
      #expect(outcome.count == 10)
      #expect(buffer == result.neighbors)
    }
    #expect(try snapshot.search(queries[0], k: 10).statistics.filterPlan == nil)
  }

  @Test("Fewer matches than asked for are an honest shorter list")
  func shorter() throws {
    let (index, queries) = try IndexOnDisk.clusters(.cosine)
    for matches in [0, 1, 7] {
      let compiled = try index.snapshot.compile(.allow(index.ids.prefix(matches) + [3, 4]))
      #expect(compiled.count == matches)
      let result = try index.snapshot.search(queries[0], k: 10, filter: compiled)
      #expect(Set(result.neighbors.map(\.id)) == Set(index.ids.prefix(matches)))
      #expect(result.completion.isComplete)
      #expect(result.statistics.filterPlan == .exact)
    }
  }

  @Test("A filter of another snapshot is refused, by every form")
  func foreign() throws {
    let (index, queries) = try IndexOnDisk.clusters(.cosine, count: 300)
    let (other, _) = try IndexOnDisk.clusters(.cosine, count: 300)
    let compiled = try other.snapshot.compile(.all)
    let snapshot = index.snapshot
    #expect(
      failure { _ = try snapshot.search(queries[0], k: 1, filter: compiled) }?.code
        == .invalidConfiguration)
    #expect(
      failure { _ = try snapshot.search(batch: queries, k: 1, filter: compiled) }?.code
        == .invalidConfiguration)
    #expect(
      failure { _ = try snapshot.search(queries[0], within: 1, limit: 5, filter: compiled) }?.code
        == .invalidConfiguration)
    // Copies of a snapshot show the same rows.
    let copy = snapshot
    #expect(try copy.search(queries[0], k: 1, filter: snapshot.compile(.all)).neighbors.count == 1)
  }

  /// F46: the query's own parameters are refused as without a filter.
  @Test("Hostile parameters are refused")
  func hostile() throws {
    let (index, queries) = try IndexOnDisk.clusters(.cosine, count: 300)
    let snapshot = index.snapshot
    let all = try snapshot.compile(.all)
    let wide = SearchOptions(efSearch: 1 << 31)
    #expect(
      failure { _ = try snapshot.search(queries[0], k: 1, filter: all, options: wide) }?.code
        == .capacityExceeded)
    for k in [0, -1] {
      #expect(
        failure { _ = try snapshot.search(queries[0], k: k, filter: all) }?.code
          == .invalidConfiguration)
      #expect(
        failure { _ = try snapshot.search(queries[0], within: 1, limit: k) }?.code
          == .invalidConfiguration)
    }
    #expect(
      failure { _ = try snapshot.search(queries[0], k: 1 << 31, filter: all) }?.code
        == .capacityExceeded)
    #expect(
      failure { _ = try snapshot.search([1, 2], k: 1, filter: all) }?.code == .dimensionMismatch)
    let query = queries[0]
    #expect(
      failure { _ = try snapshot.search(query, within: .nan, limit: 5) }?.code
        == .invalidConfiguration)
    var deep = Filter.all
    for _ in 0..<1_000 { deep = !deep }
    #expect(failure { _ = try snapshot.compile(deep) }?.code == .capacityExceeded)
  }

  @Test("A range search finds all within the radius, up to the limit")
  func range() throws {
    let (index, queries) = try IndexOnDisk.clusters(.squaredEuclidean)
    let seen = Set(index.ids.filter { $0 % 3 == 0 })
    let compiled = try index.snapshot.compile(.deny(seen))
    for number in 0..<8 {
      let query = queries[number]
      for filter in [nil, compiled] {
        let all = Self.exact(index, query) { filter == nil || !seen.contains($0) }
        for within in [0, 1, 5, 16, 17, 100, all.count] {
          // Between two neighbours, so that rounding decides nothing.
          let radius =
            within == all.count
            ? Float.infinity
            : Float(((within > 0 ? all[within - 1].distance : 0) + all[within].distance) / 2)
          let found = try index.snapshot.search(
            query, within: radius, limit: 2_000, filter: filter,
            options: SearchOptions(efSearch: 200))
          #expect(Set(found.neighbors.map(\.id)) == Set(all.prefix(within).map(\.id)))
          let few = try index.snapshot.search(
            query, within: radius, limit: 12, filter: filter, options: SearchOptions(efSearch: 200))
          #expect(few.neighbors.map(\.id) == all.prefix(min(within, 12)).map(\.id))
        }
      }
      #expect(try index.snapshot.search(query, within: -1, limit: 5).neighbors.isEmpty)
    }
  }
}
