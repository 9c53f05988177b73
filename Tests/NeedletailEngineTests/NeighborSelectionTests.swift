import NeedletailCore
import NeedletailKernels
import NeedletailStorage
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

@Suite("Choosing links")
struct NeighborSelectionTests {
  /// A builder over whole rows, whose distances are exact integers; ordinals are row numbers.
  private func builder(_ rows: [[Int]], m: Int, keepsPruned: Bool = false) throws -> GraphBuilder {
    let d = rows[0].count
    var options = GraphOptions()
    options.m = m
    options.keepsPruned = keepsPruned
    let codes = try MemoryBlock(count: rows.count, stride: 64)
    let norms = try MemoryBlock(count: rows.count, stride: 4)
    for (i, row) in rows.enumerated() {
      for j in 0..<64 { unsafe codes.mutableBytes[i * 64 + j] = UInt8(j < d ? row[j] + 128 : 128) }
      unsafe norms.mutableBytes.storeBytes(
        of: Int32(row.reduce(0) { $0 + $1 * $1 }), toByteOffset: i * 4, as: Int32.self)
    }
    let space = LinkingSpace(
      count: rows.count, blocks: 1, finish: .norm, codes: codes, terms: norms)
    return try GraphBuilder(
      space: space, plan: LevelPlan(count: rows.count, m: m, seed: 1), options: options, m: m,
      threads: 1)
  }

  private func distance(_ a: [Int], _ b: [Int]) -> Int {
    zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
  }

  /// Algorithm 4 of Malkov & Yashunin, as it is written, with the limit on copies, and
  /// with some looseness when asked.
  private func naive(
    _ rows: [[Int]], of row: Int, limit: Int, keepsPruned: Bool, looseness: Looseness
  ) -> [Int] {
    let others = rows.indices.filter { $0 != row }.sorted {
      let (a, b) = (distance(rows[row], rows[$0]), distance(rows[row], rows[$1]))
      return a != b ? a < b : $0 < $1
    }
    var taken: [Int] = []
    var turnedDown: [Int] = []
    var copies = 0
    for candidate in others where taken.count < limit {
      let own = distance(rows[row], rows[candidate])
      let isNear =
        own == 0
        ? copies < max(1, limit / 4)
        : taken.allSatisfy {
          distance(rows[candidate], rows[$0]) >= (looseness == .some ? own * 7 / 8 : own)
        }
      if isNear {
        taken.append(candidate)
        copies += own == 0 ? 1 : 0
      } else {
        turnedDown.append(candidate)
      }
    }
    if keepsPruned { taken += turnedDown.prefix(limit - taken.count) }
    return taken
  }

  private func chosen(
    _ builder: GraphBuilder, of row: Int, limit: Int, looseness: Looseness
  ) -> [Int] {
    let scratch = builder.scratches[0]
    let count = builder.space.count
    var place = 0
    for other in 0..<count where other != row {
      unsafe scratch.ordinals[place] = UInt32(other)
      place += 1
    }
    let query = unsafe builder.space.query(UInt32(row), code: scratch.code, builder.kernel)
    unsafe builder.rank(scratch, query, count: count - 1)
    let taken = unsafe builder.select(
      scratch, count: count - 1, limit: limit, zero: builder.zeroOrder(UInt32(row)),
      looseness: looseness)
    return (0..<taken).map { unsafe Int(scratch.selected[$0]) }
  }

  @Test("As Algorithm 4 says, in small worlds", arguments: [false, true], [Looseness.none, .some])
  func naive(keepsPruned: Bool, looseness: Looseness) throws {
    var random = SplitMix64(seed: 4)
    for world in 0..<60 {
      let span = [2, 4, 20, 200][world % 4]
      let d = 1 + world % 5
      let rows = (0..<(2 + world % 30)).map { _ in
        (0..<d).map { _ in Int(random.next(below: UInt64(span))) - span / 2 }
      }
      let builder = try builder(rows, m: 8, keepsPruned: keepsPruned)
      for row in rows.indices {
        for limit in [1, 2, 3, 8, 16] {
          #expect(
            chosen(builder, of: row, limit: limit, looseness: looseness)
              == naive(
                rows, of: row, limit: limit, keepsPruned: keepsPruned, looseness: looseness),
            "world \(world), row \(row), limit \(limit)")
        }
      }
    }
  }

  @Test("A repair reaches every row and loses none")
  func repair() throws {
    var random = SplitMix64(seed: 5)
    for world in 0..<60 {
      let count = 2 + world * 3
      // Few distinct rows: the nearest ones of a lost row are soon full.
      let rows = (0..<count).map { _ in [Int(random.next(below: 3)), 0] }
      let builder = try builder(rows, m: 2)
      let table = builder.tables[0]
      // Some links at random, none at all, or only links among the first rows.
      for ordinal in 0..<count where world % 3 != 0 {
        let range = world % 3 == 1 ? count : min(count, 6)
        var links = Set((0..<4).map { _ in UInt32(random.next(below: UInt64(range))) })
        links.remove(UInt32(ordinal))
        for (j, link) in links.sorted().enumerated() {
          unsafe table.row(UInt32(ordinal))[j] = link
        }
      }
      let lost = Reachability(table).unreachedCount
      let repair = try builder.repair()
      #expect(repair.unreachable == 0 && Reachability(table).unreachedCount == 0)
      #expect(repair.repaired <= lost, "no row is lost on the way")
      for ordinal in 0..<UInt32(count) {
        let links = table.links(of: ordinal)
        #expect(Set(links).count == links.count && !links.contains(ordinal))
      }
    }
  }

  @Test("Joined graphs hold the links of both, each once")
  func join() throws {
    let rows = (0..<200).map { [$0 % 17, $0 % 23] }
    let (first, second) = (try builder(rows, m: 4), try builder(rows, m: 4))
    try first.build(nil)
    for ordinal in 0..<UInt32(200) {
      for j in 0..<3 { unsafe second.tables[0].row(ordinal)[j] = (ordinal + UInt32(j) + 1) % 200 }
    }
    let joined = try builder(rows, m: 8)
    // Levels are drawn with m; only graphs over the same plan may be joined.
    #expect(joined.tables[0].degree == 16)
    let same = try GraphBuilder(
      space: joined.space, plan: first.plan, options: joined.options, m: 8, threads: 1)
    same.join([first, second])
    for ordinal in 0..<UInt32(200) {
      let expected = Set(first.tables[0].links(of: ordinal) + second.tables[0].links(of: ordinal))
      let links = same.tables[0].links(of: ordinal)
      #expect(Set(links) == expected && links.count == expected.count)
    }
  }
}
