import NeedletailCore
import Testing
import _NeedletailTestSupport

@testable import NeedletailEngine

@Suite("Parts of a view")
struct ViewPartsTests {
  @Test("A set of rows named one by one grows by copies")
  func sets() throws {
    for rows in [1, 63, 64, 65, 200] {
      let first = try RowSet(rows: rows, ordinals: [UInt32(rows - 1), 0, 0])
      #expect(Array(first.ordinals) == Set([0, UInt32(rows - 1)]).sorted())
      let second = try first.adding((0..<UInt32(rows)).filter { $0 % 3 == 0 })
      #expect(second.rows == rows)
      for row in 0..<UInt32(rows) {
        #expect(second.contains(row) == (row % 3 == 0 || first.contains(row)))
      }
      #expect(Array(second.ordinals) == (0..<UInt32(rows)).filter(second.contains))
      #expect(second.count == Array(second.ordinals).count)
      #expect(Array(first.ordinals).count == first.count, "the copy changed what it was made of")
      #expect(throws: NeedletailError.self) { try RowSet(rows: rows, ordinals: [UInt32(rows)]) }
      #expect(throws: NeedletailError.self) { try first.adding([.max]) }
    }
    #expect(Array(try RowSet(rows: 0, ordinals: []).ordinals).isEmpty)
  }

  @Test("Rows are withdrawn and given back")
  func withdrawn() throws {
    let rows = WithdrawnRows(rows: 130)
    #expect(rows.isEmpty && !rows.contains(0) && !rows.remove(5))
    #expect(try rows.insert(129))
    #expect(try !rows.insert(129))
    #expect(try rows.insert(64))
    #expect(rows.count == 2 && rows.contains(129) && rows.contains(64) && !rows.contains(65))
    #expect(throws: NeedletailError.self) { try rows.insert(130) }
    #expect(!rows.contains(130) && !rows.remove(130))
    #expect(rows.remove(129) && !rows.remove(129))
    #expect(rows.count == 1 && !rows.contains(129))
  }

  @Test("Withdrawals of several threads are counted once each")
  func concurrent() async throws {
    let rows = WithdrawnRows(rows: 10_000)
    await withTaskGroup(of: Int.self) { group in
      for task in 0..<4 {
        group.addTask {
          var new = 0
          for row in stride(from: task, to: 10_000, by: 2) {
            new += (try? rows.insert(UInt32(row))) == true ? 1 : 0
          }
          return new
        }
      }
      var new = 0
      for await part in group { new += part }
      #expect(new == 10_000)
    }
    #expect(rows.count == 10_000)
  }

  @Test("A view counts and knows what is alive in it")
  func alive() throws {
    let world = World(
      .squaredEuclidean, RandomVectors.clusters(count: 400, dimensions: 8, seed: 41), dimensions: 8)
    let segment = try world.opened()
    let dead = try RowSet(rows: 400, ordinals: [3, 77])
    let part = SegmentPart(segment: segment, dead: dead)
    var live = try LiveWorld(world)
    try live.insert([0, 1, 2, 3, 4], ids: [10, 11, 12, 13, 14])
    let before = live.segment.view()
    try live.remove([12])
    let stack = SegmentStack(
      sealed: [part], live: [LivePart(segment: live.segment, view: live.segment.view())])
    #expect(part.count == 398 && stack.count == 402)
    for ordinal in 0..<UInt32(400) {
      let id = unsafe segment.id(ordinal)
      let isAlive = !dead.contains(ordinal)
      #expect(part.ordinal(of: id) == (isAlive ? ordinal : nil))
      #expect(stack.contains(id) == isAlive)
    }
    #expect(stack.contains(11) && !stack.contains(12) && !stack.contains(99))
    let earlier = SegmentStack(
      sealed: [part], live: [LivePart(segment: live.segment, view: before)])
    #expect(earlier.contains(12) && earlier.count == 403)
    #expect(SegmentPart(segment: segment, dead: try RowSet(rows: 400, ordinals: [])).dead == nil)
  }
}
