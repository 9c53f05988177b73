import NeedletailCore
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

@Suite("Filters")
struct FilterTests {
  /// Ids spread in ways that a guess at a place meets: consecutive, random, in clumps far apart, at the ends.
  private static let spreads = 4

  private static func ids(_ spread: Int, count: Int, seed: UInt64) -> [VectorID] {
    var random = SplitMix64(seed: seed)
    switch spread {
    case 0: return (0..<UInt64(count)).map { $0 + 17 }
    case 1: return (0..<count).map { _ in random.next() }
    case 2: return (0..<UInt64(count)).map { $0 % 3 == 0 ? $0 : .max - $0 * $0 }
    default: return (0..<UInt64(count)).map { $0 == 0 ? 0 : $0 == 1 ? .max : 1 << 40 + $0 * 7 }
    }
  }

  private static func segment(_ ids: [VectorID]) throws -> SealedSegment {
    var world = World(
      .squaredEuclidean,
      RandomVectors.gaussian(count: ids.count, dimensions: 4, seed: 3), dimensions: 4)
    world.ids = ids
    return try world.opened()
  }

  @Test("Every id is found and no other, however ids are spread", arguments: 0..<spreads)
  func lookup(spread: Int) throws {
    for count in [1, 2, 3, 64, 777] {
      let ids = Self.ids(spread, count: count, seed: 5)
      let segment = try Self.segment(ids)
      let present = Set(ids)
      for id in ids {
        let ordinal = try #require(segment.findOrdinal(of: id))
        #expect(segment.ordinal(of: id) == ordinal)
        for other in [id &+ 1, id &- 1] where !present.contains(other) {
          #expect(segment.findOrdinal(of: other) == nil)
        }
      }
      for id in [0, 1, .max, .max - 1, 1 << 63] as [VectorID] where !present.contains(id) {
        #expect(segment.findOrdinal(of: id) == nil)
      }
    }
  }

  /// A filter and what it means, drawn by seed.
  private static func draw(
    _ random: inout SplitMix64, _ ids: [VectorID], depth: Int
  ) -> (filter: Filter, matches: (VectorID) -> Bool) {
    switch random.next(below: depth == 0 ? 3 : 6) {
    case 0:
      var set = ids.filter { _ in random.next(below: 3) == 0 }
      set += [random.next(), random.next()] + set.prefix(2)
      let members = Set(set)
      return random.next(below: 2) == 0
        ? (.allow(set), { members.contains($0) }) : (.deny(set), { !members.contains($0) })
    case 1:
      let first = ids[Int(random.next(below: UInt64(ids.count)))] &- random.next(below: 100)
      let words = (0..<Int(random.next(below: 20))).map { _ in
        random.next() & (random.next(below: 2) == 0 ? .max : random.next() & random.next())
      }
      return (
        .bitmap(words, first: first),
        { id in
          guard id >= first, id - first < UInt64(words.count) * 64 else { return false }
          let place = Int(id - first)
          return words[place / 64] >> UInt64(place % 64) & 1 != 0
        }
      )
    case 2: return (.all, { _ in true })
    case 3:
      let inner = draw(&random, ids, depth: depth - 1)
      return (!inner.filter, { !inner.matches($0) })
    case let kind:
      let (left, right) = (
        draw(&random, ids, depth: depth - 1), draw(&random, ids, depth: depth - 1)
      )
      return kind == 4
        ? (left.filter & right.filter, { left.matches($0) && right.matches($0) })
        : (left.filter | right.filter, { left.matches($0) || right.matches($0) })
    }
  }

  @Test("A compiled filter has the rows that it means", arguments: 0..<spreads)
  func expressions(spread: Int) throws {
    for count in [1, 63, 64, 65, 500] {
      let ids = Self.ids(spread, count: count, seed: 9)
      let segment = try Self.segment(ids)
      for seed in 0..<60 {
        var random = SplitMix64(seed: UInt64(seed))
        let (filter, matches) = Self.draw(&random, ids, depth: 4)
        let set = try segment.rows(matching: filter)
        var expected = 0
        for id in ids {
          let ordinal = try #require(segment.ordinal(of: id))
          expected += matches(id) ? 1 : 0
          #expect(set.contains(ordinal) == matches(id), "seed \(seed), id \(id)")
        }
        #expect(set.count == expected)
        // Bits beyond the rows would be rows that are not there.
        #expect(!set.contains(UInt32(count)) && !set.contains(.max))
      }
    }
  }

  @Test("A filter of an empty index matches nothing")
  func empty() throws {
    var world = World(.squaredEuclidean, [1, 2, 3, 4], dimensions: 4)
    world.options.codes = .none
    let segment = try world.opened()
    #expect(try segment.rows(matching: .all).count == 1)
    #expect(try segment.rows(matching: !.all).count == 0)
    #expect(try segment.rows(matching: .allow([])).count == 0)
    #expect(try segment.rows(matching: .bitmap([])).count == 0)
    // The last ids there are: a bitmap that goes on behind them.
    #expect(try segment.rows(matching: .bitmap([.max, .max], first: .max - 3)).count == 0)
  }

  /// F46: hostile filters are refused before anything is allocated for them.
  @Test("Hostile sizes are refused")
  func hostile() throws {
    let segment = try Self.segment([1, 2, 3])
    func refusal(_ filter: Filter) -> NeedletailError.Code? {
      do { _ = try segment.rows(matching: filter) } catch { return error.code }
      return nil
    }
    var deep = Filter.allow([1])
    for _ in 0..<100_000 { deep = !deep }
    #expect(refusal(deep) == .capacityExceeded)
    var right = Filter.allow([1])
    for _ in 0..<100_000 { right = .allow([2]) | right }
    #expect(refusal(right) == .capacityExceeded)
    // Doubling makes many parts of few levels.
    var wide = Filter.allow([1])
    for _ in 0..<63 { wide = wide & wide }
    #expect(refusal(wide) == .capacityExceeded)
    #expect(refusal(!wide | .all) == .capacityExceeded)
    let bits = Filter.bitmap([UInt64](repeating: 0, count: 1 << 18))
    #expect(refusal(bits) == nil)
    var many = bits
    for _ in 0..<8 { many = many | many }
    #expect(refusal(many) == .capacityExceeded)
    let ids = Filter.allow(0..<UInt64(1 << 17))
    var listed = ids
    for _ in 0..<8 { listed = listed & listed }
    #expect(refusal(listed) == .capacityExceeded)
    // Within the limits, the deepest there is.
    var deepest = Filter.allow([1])
    for _ in 0..<Limits.filterDepth { deepest = !deepest }
    #expect(refusal(deepest) == nil)
  }
}
